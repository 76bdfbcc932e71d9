# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key is a finding when it breaks a rule, and names only the controls that it breaks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._findings import ROOT, KeyFacts, Limits, findings
from ansible_collections.rekey.aws.plugins.module_utils._model import LastUse

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=timezone.utc)


def key(age: float, used: float | str | None = "today", active: bool = True, user: str = "deploy") -> KeyFacts:
    """A key made ``age`` days ago and used ``used`` days ago; none: never, "unknown": AWS did not say."""
    ago = {"today": 0.0}.get(used, used) if isinstance(used, str) else used
    last_use = (
        None if ago == "unknown" else LastUse() if ago is None else LastUse(NOW - timedelta(days=float(ago)), "s3")
    )
    return KeyFacts(user, f"AKIA{age}", active, NOW - timedelta(days=age), last_use)


@pytest.mark.parametrize(
    ("keys", "rules"),
    [
        ([], []),
        ([key(10)], []),
        ([key(90)], []),
        ([key(90.01)], ["key_age"]),
        ([key(90.01, active=False)], []),
        ([key(60, used=45)], []),
        ([key(60, used=45.01)], ["unused"]),
        ([key(60, used=50, active=False)], []),
        ([key(45, used=None)], []),
        ([key(45.01, used=None)], ["never_used"]),
        ([key(80, used="unknown")], []),
        ([key(100, used=None)], ["key_age", "never_used"]),
        ([key(2), key(1)], ["two_active", "two_active"]),
        ([key(2), key(1, active=False)], []),
        ([key(1, user=ROOT, active=False)], ["root_key"]),
        ([key(1, user=ROOT)], ["root_key"]),
    ],
)
def test_each_rule_finds_what_breaks_it_and_nothing_else(keys: list[KeyFacts], rules: list[str]) -> None:
    assert [finding.rule.id for finding in findings(keys, Limits(), NOW)] == rules


@pytest.mark.parametrize(
    ("keys", "limits", "named", "not_named"),
    [
        ([key(100)], {}, ["Security Hub IAM.3", "CIS AWS Foundations 3.0 1.14", "CIS AWS Foundations 7.0 2.12"], []),
        ([key(60)], {"max_age": timedelta(days=30)}, [], ["Security Hub IAM.3", "CIS AWS Foundations 5.0 1.13"]),
        ([key(80, used=50)], {}, ["Security Hub IAM.22", "CIS AWS Foundations 5.0 1.11"], ["Security Hub IAM.8"]),
        ([key(80, used=None)], {}, ["Security Hub IAM.22"], ["Security Hub IAM.8"]),
        ([key(2), key(1)], {}, ["CIS AWS Foundations 4.0 1.13", "CIS AWS Foundations 6.0 2.12"], []),
        ([key(1, user=ROOT)], {}, ["Security Hub IAM.4", "CIS AWS Foundations 1.4 1.4"], []),
    ],
)
def test_a_finding_names_the_controls_that_the_key_breaks(
    keys: list[KeyFacts], limits: Any, named: list[str], not_named: list[str]
) -> None:
    controls = findings(keys, Limits(**limits), NOW)[0].controls
    assert set(named) <= set(controls)
    assert not set(not_named) & set(controls)
