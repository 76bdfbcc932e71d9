# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator reads: one line a user that can be acted on."""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.rekey.aws.plugins.module_utils import _report
from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError
from ansible_collections.rekey.aws.plugins.module_utils._execution import Outcome
from ansible_collections.rekey.aws.plugins.module_utils._facts import Policy
from ansible_collections.rekey.aws.plugins.module_utils._marks import OURS
from ansible_collections.rekey.aws.plugins.module_utils._model import NewAccessKey
from ansible_collections.rekey.aws.plugins.module_utils._plan import WAITING, Plan
from tests.unit.plugins.module_utils.test_rotation import NOW, host, key, unread, user

HALF = user(
    key("AKIAOLD", 91),
    key("AKIANEW", 0),
    consumers=(host("h1", "AKIANEW", "AKIAOLD"), unread("h2", reason="unreachable"), unread("h3", in_run=False)),
    AKIAOLD=OURS,
)


def test_promise_6_the_line_says_from_which_key_to_which_how_many_hosts_who_is_missing_and_what_comes_next() -> None:
    until = NOW + timedelta(days=1)
    plan = Plan(target="AKIANEW", status=WAITING, message="…AOLD is deactivated later", until=until)
    report = _report.retired(Outcome(HALF, plan, ("mark …AOLD ours",)), Policy(), NOW, check=False)
    assert report["line"] == (
        "deploy: …AOLD → …ANEW, 1 of 3 done; missing: h2 (unreachable), h3 (not in this run); "
        "did: mark …AOLD ours; waiting: …AOLD is deactivated later"
    )
    assert (report["verified"], report["consumers"], report["until"]) == (1, 3, "2026-11-25T05:00:00Z")
    assert report["keys"] == {"AKIAOLD": "ours", "AKIANEW": "unmarked"}
    assert [missing["host"] for missing in report["missing"]] == ["h2", "h3"]


def test_promise_6_a_check_says_would() -> None:
    report = _report.retired(Outcome(HALF, Plan(target="AKIANEW"), ("delete …AOLD",)), Policy(), NOW, check=True)
    assert "would do: delete …AOLD" in report["line"]


def test_an_error_of_aws_is_the_users_state() -> None:
    error = AwsError("iam:DeleteAccessKey was denied", error_code="AccessDenied")
    report = _report.retired(Outcome(HALF, Plan(target="AKIANEW"), error=error), Policy(), NOW, check=False)
    assert report["status"] == "failed"
    assert report["line"].endswith("failed: iam:DeleteAccessKey was denied")


def test_promise_4_what_begin_reports_has_no_secret() -> None:
    outcome = Outcome(HALF, Plan(target="AKIANEW"), new=NewAccessKey(key("AKIANEW", 0), "the secret"))
    assert "the secret" not in str(_report.began(outcome))
    assert _report.began(outcome)["created"]
