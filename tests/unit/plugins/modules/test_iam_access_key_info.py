# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a process: all that is known of keys, with few calls, and never a secret."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterator

import pytest

from ansible_collections.rekey.aws.tests.cloud.client import Cloud
from ansible_collections.rekey.aws.tests.unit.plugins.modules.process import run_module


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.reset()
    return running


def run(cloud: Cloud, **options: Any) -> dict[str, Any]:
    return run_module("iam_access_key_info", options, cloud.environ()).result


def rules(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(finding["user_name"], finding["rule"]) for finding in result["findings"]}


def test_one_users_keys_are_told_with_age_status_and_last_use(cloud: Cloud) -> None:
    used = {"last_used_days": 50, "last_used_service": "s3", "last_used_region": "eu-central-1"}
    keys = cloud.create_user("deploy", keys=[{"age_days": 100, **used}, {"age_days": 1, "status": "Inactive"}]).keys
    result = run(cloud, user_name="deploy")
    old, new = result["access_keys"]
    assert [old["access_key_id"], new["access_key_id"]] == [key.access_key_id for key in keys]
    assert (old["age_days"], old["status"], old["last_use"]) == (100, "Active", "recorded")
    assert (old["last_used_service"], old["last_used_region"]) == ("s3", "eu-central-1")
    assert (new["age_days"], new["status"], new["last_use"], new["last_used_date"]) == (
        *(1, "Inactive", "none_recorded", None),
    )
    assert rules(result) == {("deploy", "key_age"), ("deploy", "unused")}
    assert "Security Hub IAM.3" in result["findings"][0]["controls"]
    assert not result["changed"]


def test_a_user_without_keys_has_none(cloud: Cloud) -> None:
    cloud.create_user("idle", keys=[])
    assert run(cloud, user_name="idle")["access_keys"] == []


def test_what_is_refused_about_one_user_does_not_sink_the_others(cloud: Cloud) -> None:
    cloud.create_user("deploy", keys=[{}])
    result = run(cloud, user_names=["nobody", "deploy"])
    assert [key["user_name"] for key in result["access_keys"]] == ["deploy"]
    (error,) = result["errors"]
    assert (error["user_name"], error["error_code"]) == ("nobody", "NoSuchEntity")


def test_it_fails_if_nothing_could_be_read(cloud: Cloud) -> None:
    assert run(cloud, user_name="nobody")["error_code"] == "NoSuchEntity"
    assert run(cloud, user_names=["nobody", "none"])["failed"]


def test_a_last_use_that_aws_refuses_to_tell_is_unknown_and_no_finding(cloud: Cloud) -> None:
    key = cloud.create_user("deploy", keys=[{"age_days": 80}]).keys[0]
    cloud.faults([{"kind": "deny", "action": "GetAccessKeyLastUsed"}])
    result = run(cloud, user_name="deploy")
    assert result["access_keys"][0]["last_use"] == "unknown"
    assert result["findings"] == []
    (error,) = result["errors"]
    assert (error["user_name"], error["access_key_id"]) == ("deploy", key.access_key_id)
    assert "Grant iam:GetAccessKeyLastUsed" in error["msg"]


def test_limits_are_the_operators(cloud: Cloud) -> None:
    cloud.create_user("deploy", keys=[{"age_days": 10, "last_used_days": 5}])
    assert rules(run(cloud, user_name="deploy")) == set()
    found = run(cloud, user_name="deploy", max_age="7d", unused_after="72h")
    assert rules(found) == {("deploy", "key_age"), ("deploy", "unused")}
    assert "max_age" in run(cloud, user_name="deploy", max_age="7")["msg"]


def test_the_account_takes_one_report_and_calls_only_for_what_it_flags(cloud: Cloud) -> None:
    used = {"last_used_days": 0.1, "last_used_service": "s3", "last_used_region": "eu-central-1"}
    fine = [{"user_name": f"fine{number}", "keys": [{"age_days": number, **used}]} for number in range(30)]
    idle = [{"user_name": f"idle{number}", "keys": []} for number in range(30)]
    flagged = [
        {"user_name": "old", "keys": [{"age_days": 100, **used}]},
        {"user_name": "unused", "keys": [{"age_days": 60, "last_used_days": 50, "last_used_service": "s3"}]},
        {"user_name": "never", "keys": [{"age_days": 60}]},
        {"user_name": "two", "keys": [{"age_days": 5, **used}, {"age_days": 4, **used}]},
        {"user_name": "retired", "keys": [{"age_days": 200, "status": "Inactive"}]},
    ]
    cloud.create_users([*fine, *idle, *flagged])
    cloud.clear_journal()
    result = run(cloud)
    calls = Counter(cloud.calls())
    assert calls.pop("GenerateCredentialReport") <= 3
    assert calls == {"GetCredentialReport": 1, "ListAccessKeys": 4, "GetAccessKeyLastUsed": 2}
    assert {found for found in rules(result) if found[0] != "admin"} == {
        *{("old", "key_age"), ("unused", "unused"), ("never", "never_used"), ("two", "two_active")},
    }
    named = {finding["access_key_id"] for finding in result["findings"]}
    assert named == {
        key["access_key_id"] for name in ("old", "unused", "never", "two") for key in cloud.state()[name]["keys"]
    }
    assert len([key for key in result["access_keys"] if key["user_name"].startswith("fine")]) == 30
    assert result["errors"] == []
    assert result["report_date"]


def test_a_use_since_the_report_was_made_takes_the_finding_back(cloud: Cloud) -> None:
    key = cloud.create_user("back", keys=[{"age_days": 60, "last_used_days": 50, "last_used_service": "s3"}]).keys[0]
    assert ("back", "unused") in rules(run(cloud))
    pair = cloud.environ(key.access_key_id, key.secret_access_key)
    run_module("iam_access_key_info", {"user_name": "back"}, pair)
    result = run(cloud)
    assert ("back", "unused") not in rules(result)


def test_a_user_that_is_gone_since_the_report_was_made_does_not_sink_the_others(cloud: Cloud) -> None:
    cloud.create_users([{"user_name": name, "keys": [{"age_days": 100}]} for name in ("gone", "here")])
    cloud.faults(
        [{"kind": "error", "code": "NoSuchEntity", "status": 404, "action": "ListAccessKeys", "user_name": "gone"}]
    )
    result = run(cloud)
    assert [error["user_name"] for error in result["errors"]] == ["gone"]
    ids = {key["user_name"]: key["access_key_id"] for key in result["access_keys"]}
    assert ids["here"]
    assert ids["gone"] is None


def test_a_report_that_may_not_be_made_names_the_permission(cloud: Cloud) -> None:
    cloud.faults([{"kind": "deny", "action": "GenerateCredentialReport"}])
    assert "Grant the caller iam:GenerateCredentialReport on *." in run(cloud)["msg"]


def test_no_secret_is_ever_told(cloud: Cloud) -> None:
    pair = cloud.create_user("deploy", keys=[{"age_days": 100}]).keys[0]
    for options in ({}, {"user_name": "deploy"}, {"user_name": "nobody"}):
        printed = run_module("iam_access_key_info", options, cloud.environ()).printed
        assert pair.secret_access_key not in printed
        assert cloud.environ()["AWS_SECRET_ACCESS_KEY"] not in printed
