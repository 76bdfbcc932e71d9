# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths of time are read as people write them, and nothing is guessed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.rekey.aws.plugins.module_utils import _duration
from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("45s", timedelta(seconds=45)),
        ("2w", timedelta(weeks=2)),
        ("0", timedelta(0)),
        (" 1 d ", timedelta(days=1)),
    ],
)
def test_a_number_with_its_unit_is_a_length_of_time(text: str, meaning: timedelta) -> None:
    assert _duration.parse("grace", text) == meaning


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "1y", "1d2h", "90 days", "1d\n2", "9999999d", "٣d"])
def test_anything_else_is_refused_by_the_options_name(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^grace: "):
        _duration.parse("grace", text)
