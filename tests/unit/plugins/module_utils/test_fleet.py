# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory as a rotation sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.rekey.aws.plugins.module_utils import _fleet
from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer

USER = "deploy"


def use(host: str, user_name: str = USER, account: str = "", **facts: Any) -> _fleet.Use:
    return _fleet.Use(user_name, account, Consumer(host, **facts))


def entry(user_name: str = USER, **values: Any) -> dict[str, Any]:
    return {"user_name": user_name, "account": "", "status": "settled", "message": "", **values}


def test_promise_4_the_name_of_an_account_tells_nothing_of_its_connection() -> None:
    name = _fleet.account_name({"access_key": "AKIA", "secret_key": "wJalrXUtnFEMI"})
    assert "wJalr" not in name
    assert name != _fleet.account_name({"access_key": "AKIA", "secret_key": "another"})
    assert _fleet.account_name({}) == ""


def test_what_the_task_found_on_a_host_is_known_of_its_consumer_and_of_no_other() -> None:
    credentials = [{"user_name": "a"}, {"user_name": "b", "profile": "x", "os_user": "www"}]
    found = {
        "user_name": "b",
        "profile": "x",
        "os_user": "www",
        "read": True,
        "held": "AKIAB",
        "at": "2026-11-24T05:00:00Z",
    }
    registered = {"results": [{"consumer": found, "changed": True}]}
    first, second = _fleet.uses("h1", True, credentials, "", {}, registered)
    assert first.consumer == Consumer("h1")
    assert second.consumer == Consumer("h1", "x", "www", read=True, held="AKIAB", at="2026-11-24T05:00:00Z")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("registered", "reason"),
    [
        (None, ""),
        ({"skipped": True}, ""),
        ({"unreachable": True, "msg": "Failed to connect"}, "unreachable"),
        ({"results": [{"unreachable": True}]}, "unreachable"),
        ({"results": [{"failed": True, "msg": "no space left\nmore"}]}, "no space left"),
    ],
)
def test_promise_6_why_a_host_told_nothing_is_said(registered: Any, reason: str) -> None:
    (only,) = _fleet.uses("h1", True, [{"user_name": USER}], "", {}, registered)
    assert (only.consumer.read, only.consumer.reason) == (False, reason)


def test_users_without_a_consumer_in_this_run_are_left_alone_and_others_count_all_theirs() -> None:
    uses = [use("h1"), use("h2", in_run=False), use("h3", "other", in_run=False), use("h4", account="elsewhere")]
    (only,) = _fleet.users(uses, "", ["AKIA1"])
    assert only["user_name"] == USER
    assert [consumer["host"] for consumer in only["consumers"]] == ["h1", "h2"]
    assert only["at_hand"] == ["AKIA1"]


def test_hosts_are_read_before_begin_as_few_as_it_asked_for() -> None:
    uses = [use("h0", in_run=False), use("h1"), use("h2"), use("h3", "other"), use("h4", "other"), use("h5", "sure")]
    begun = [entry(read="anybody"), entry("other", read="everybody"), entry("sure", read="nobody")]
    assert _fleet.hosts_to_read(uses, begun) == ["h1", "h3", "h4"]


def test_the_second_round_goes_to_hosts_that_lack_the_key_and_one_that_has_it() -> None:
    has = {"read": True, "held": "NEW", "verified": True}
    uses = [
        use("h1", **has),
        use("h2", **has),
        use("h3", read=True, lacking=True),
        use("h4", in_run=False, lacking=True),
    ]
    assert _fleet.hosts_again(uses, [entry(access_key_id="NEW")]) == ["h3", "h1"]
    wrong = [replace(u, consumer=replace(u.consumer, wrong_secret=True)) for u in uses[:2]]
    assert _fleet.hosts_again(wrong + uses[2:], [entry(access_key_id="NEW")]) == ["h1", "h2", "h3"]
    assert _fleet.hosts_again(uses[:2], [entry(access_key_id="NEW")]) == []


def test_promise_6_a_run_fails_for_the_hosts_that_are_not_done_and_for_a_user_that_needs_somebody() -> None:
    uses = [use("h1"), use("h2"), use("h3", in_run=False), use("h4", "other")]
    missing = [{"host": host, "profile": "default", "reason": "unreachable"} for host in ("h2", "h3")]
    retired = [entry(missing=missing), entry("other", status="blocked", message="no slot", missing=[])]
    failures = _fleet.failures(uses, retired)
    assert failures == {"h2": "deploy in profile default: unreachable", "h4": "other: no slot"}
    assert _fleet.failures(uses, [entry(status="waiting", missing=[])]) == {}


def test_promise_6_what_failed_in_begin_is_told_at_the_end() -> None:
    told = _fleet.with_begin(entry(line="deploy: …"), entry(status="failed", message="AccessDenied"))
    assert (told["status"], told["message"], told["line"]) == (
        "failed",
        "AccessDenied",
        "deploy: …; failed: AccessDenied",
    )
    assert _fleet.with_begin(entry(line="x"), entry(status="waiting"))["status"] == "settled"
