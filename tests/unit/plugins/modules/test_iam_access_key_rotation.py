# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a process, against an AWS that refuses and fails as AWS does."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Iterator

import pytest

from ansible_collections.rekey.aws.tests.cloud.client import Cloud
from ansible_collections.rekey.aws.tests.unit.plugins.modules.process import Outcome, run_module


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.reset()
    return running


def run(cloud: Cloud, phase: str, *users: dict[str, Any], check: bool = False, **options: Any) -> Outcome:
    arguments = {"phase": phase, "users": list(users), **options}
    return run_module("iam_access_key_rotation", arguments, cloud.environ(), check=check)


def holding(user_name: str, held: str, **options: Any) -> dict[str, Any]:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    consumer = {"host": "web1", "read": True, "held": held, "verified": True, "at": now}
    return {"user_name": user_name, "consumers": [consumer], **options}


def test_promise_4_the_secret_of_a_new_key_is_in_its_field_and_nowhere_else(cloud: Cloud) -> None:
    (old,) = cloud.create_user("deploy", keys=[{"age_days": 100}]).keys
    began = run(cloud, "begin", holding("deploy", old.access_key_id))
    secret = began.result["users"][0]["secret_access_key"]
    assert began.printed.count(secret) == 1
    retired = run(cloud, "retire", holding("deploy", began.result["users"][0]["access_key_id"]))
    assert secret not in retired.printed


def test_many_users_are_worked_on_at_once_and_each_once(cloud: Cloud) -> None:
    names = [f"app{number}" for number in range(40)]
    made = cloud.create_users([{"user_name": name, "keys": [{"age_days": 100}]} for name in names])
    cloud.settings(latency_ms=50)
    began = run(cloud, "begin", *(holding(user.user_name, user.keys[0].access_key_id) for user in made))
    assert [user["user_name"] for user in began.result["users"]] == names
    assert all(user["created"] for user in began.result["users"])
    assert cloud.calls()["CreateAccessKey"] == 40
    times = [record["time"] for record in cloud.journal()]
    in_a_row = 0.05 * len(times)
    assert max(times) - min(times) < in_a_row / 3


def test_rule_3_an_answer_that_is_lost_makes_one_key_and_the_user_waits(cloud: Cloud) -> None:
    (old,) = cloud.create_user("deploy", keys=[{"age_days": 100}]).keys
    cloud.faults([{"action": "CreateAccessKey", "kind": "lose_answer", "count": 1}])
    began = run(cloud, "begin", holding("deploy", old.access_key_id))
    (user,) = began.result["users"]
    assert user["status"] == "waiting"
    assert "CreateAccessKey" in user["message"]
    assert cloud.calls()["CreateAccessKey"] == 1
    assert any(tag.startswith("rekey:intent:") for tag in cloud.state()["deploy"]["tags"])


def test_promise_6_an_error_names_the_permission_and_what_was_done_before_it(cloud: Cloud) -> None:
    (old,) = cloud.create_user("deploy", keys=[{"age_days": 100}]).keys
    new = run(cloud, "begin", holding("deploy", old.access_key_id)).result["users"][0]["access_key_id"]
    cloud.faults([{"action": "UpdateAccessKey", "kind": "deny"}])
    retired = run(cloud, "retire", holding("deploy", new, policies=[{"grace": "0"}]))
    (user,) = retired.result["users"]
    assert user["status"] == "failed"
    assert "iam:UpdateAccessKey" in user["message"]
    assert user["steps"] == [f"mark …{old.access_key_id[-4:]} draining"]
    assert retired.result["changed"]


def test_promise_6_a_check_changes_nothing(cloud: Cloud) -> None:
    (old,) = cloud.create_user("deploy", keys=[{"age_days": 100}]).keys
    began = run(cloud, "begin", holding("deploy", old.access_key_id), check=True)
    assert began.result["changed"]
    assert set(cloud.calls()) == {"ListAccessKeys", "ListUserTags"}
