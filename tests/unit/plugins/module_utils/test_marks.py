# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks: what they say survives being written, within what IAM allows in a tag."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rekey.aws.plugins.module_utils._marks import (
    DRAINING,
    OURS,
    RETIRED,
    Intent,
    Mark,
    Marks,
    intent_tag,
    key_tag,
    parse,
)

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
ALLOWED = re.compile(r"[\w .:/=+\-@]*", re.ASCII)

ids = st.from_regex(r"AKIA[A-Z2-7]{16}", fullmatch=True)
times = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=timezone.utc)
)
marks = st.builds(Mark, st.sampled_from([OURS, DRAINING, RETIRED]), times)
intents = st.builds(Intent, st.from_regex(r"[0-9a-f]{8}", fullmatch=True), times, st.frozensets(ids, max_size=4))


@given(st.dictionaries(ids, marks, max_size=4), st.lists(intents, max_size=2, unique_by=lambda intent: intent.run))
def test_promise_5_what_a_run_marks_a_later_run_reads(keys: dict[str, Mark], planned: list[Intent]) -> None:
    tags = dict([key_tag(*item) for item in keys.items()] + [intent_tag(intent) for intent in planned])
    read = parse({**tags, "team": "ops", "rekey": "no mark"})
    assert read == Marks(keys, tuple(sorted(planned, key=lambda intent: intent.at)))
    for name, value in tags.items():
        assert len(name) <= 128
        assert len(value) <= 256
        assert ALLOWED.fullmatch(name + value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rekey:key:AKIA1", ""),
        ("rekey:key:AKIA1", "ours"),
        ("rekey:key:AKIA1", "ours yesterday"),
        ("rekey:key:AKIA1", "mine 2026-11-24T05:00:00Z"),
        ("rekey:key:AKIA1", "ours 2026-11-24T05:00:00Z and more"),
        ("rekey:intent:run", ""),
        ("rekey:intent:run", "soon AKIA1"),
    ],
)
def test_promise_3_a_mark_that_somebody_edited_says_nothing(name: str, value: str) -> None:
    assert parse({name: value}) == Marks()
