# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's word, read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.rekey.aws.plugins.module_utils import _policy
from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput

STARTED = datetime(2026, 11, 24, 5, tzinfo=timezone.utc)
DEFAULTS = {name: option["default"] for name, option in _policy.OPTIONS.items()}


def test_what_is_not_said_is_what_the_documentation_says() -> None:
    policy = _policy.parse(DEFAULTS, STARTED)
    assert policy == _policy.Policy()


@pytest.mark.parametrize(
    ("force", "before"),
    [
        ("false", None),
        ("False", None),
        ("true", STARTED),
        ("True", STARTED),
        ("2026-11-20T00:00:00Z", datetime(2026, 11, 20, tzinfo=timezone.utc)),
    ],
)
def test_a_force_counts_for_keys_made_before_it_was_asked_for(force: str, before: datetime | None) -> None:
    assert _policy.parse({**DEFAULTS, "force": force}, STARTED).force_before == before


@pytest.mark.parametrize(
    ("option", "value"), [("force", "now"), ("max_age", "soon"), ("grace", "1"), ("delete_after", "-1d")]
)
def test_what_cannot_be_read_is_refused_by_name(option: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=option) as refused:
        _policy.parse({**DEFAULTS, option: value}, STARTED)
    assert value in refused.value.message


def test_promise_1_where_hosts_differ_a_user_is_rotated_soon_and_retired_late() -> None:
    one = _policy.parse({**DEFAULTS, "max_age": "30d", "grace": "0", "verify": False, "adopt": True}, STARTED)
    other = _policy.parse({**DEFAULTS, "grace": "2d", "delete_after": "0", "force": "true"}, STARTED)
    both = _policy.strictest([one, other])
    assert both.max_age == timedelta(days=30)
    assert both.grace == timedelta(days=2)
    assert both.delete_after == timedelta(days=7)
    assert both.force_before == STARTED
    assert both.verify
    assert not both.adopt
    assert _policy.strictest([one]) == one
