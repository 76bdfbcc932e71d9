# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a process, against an AWS that refuses and fails as AWS does."""

from __future__ import annotations

import itertools
import re
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.rekey.aws.tests.cloud.client import Cloud
from ansible_collections.rekey.aws.tests.unit.plugins.modules.process import Outcome, run_module

NAMES = (f"user{number}" for number in itertools.count())
SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Iterator[Cloud]:
    yield running
    running.faults([])
    running.settings(enforce_policies=False)


def user_with(cloud: Cloud, *keys: dict[str, Any]) -> str:
    name = next(NAMES)
    cloud.create_user(name, keys=list(keys))
    return name


def run(cloud: Cloud, user_name: str, *, check: bool = False, diff: bool = False, **options: Any) -> Outcome:
    return run_module("iam_access_key", {"user_name": user_name, **options}, cloud.environ(), check=check, diff=diff)


def statuses(cloud: Cloud, user_name: str) -> list[str]:
    return [key["status"] for key in cloud.state()[user_name]["keys"]]


def key_ids(cloud: Cloud, user_name: str) -> list[str]:
    return [key["access_key_id"] for key in cloud.state()[user_name]["keys"]]


def test_a_key_is_made_once_and_its_secret_is_told_once_and_works(cloud: Cloud) -> None:
    user = user_with(cloud)
    made = run(cloud, user).result
    assert made["changed"]
    again = run(cloud, user)
    assert not again.result["changed"]
    assert again.result["access_key"] == made["access_key"] == made["access_keys"][0]
    assert made["access_key"]["status"] == "Active"
    assert "secret_access_key" not in again.result
    assert not SECRET.search(again.printed)
    pair = cloud.environ(made["access_key"]["access_key_id"], made["secret_access_key"])
    listed = run_module("iam_access_key_info", {"user_name": user}, pair).result["access_keys"]
    assert [key["access_key_id"] for key in listed] == key_ids(cloud, user)


def test_check_mode_makes_nothing_and_says_so_in_a_diff(cloud: Cloud) -> None:
    user = user_with(cloud, {"status": "Inactive"})
    (old,) = key_ids(cloud, user)
    result = run(cloud, user, check=True, diff=True).result
    assert result["changed"]
    assert result["diff"]["before"] == {old: "Inactive"}
    assert result["diff"]["after"] == {old: "Inactive", "(new)": "Active"}
    assert key_ids(cloud, user) == [old]


def test_the_diff_has_ids_and_status_and_no_secret(cloud: Cloud) -> None:
    user = user_with(cloud)
    made = run(cloud, user, diff=True).result
    assert made["diff"]["after"] == {made["access_key"]["access_key_id"]: "Active"}
    assert "diff" not in run(cloud, user).result


def test_a_key_is_deactivated_activated_and_deleted_and_each_is_done_once(cloud: Cloud) -> None:
    user = user_with(cloud, {})
    (key,) = key_ids(cloud, user)
    for options, left in (
        ({"active": False}, ["Inactive"]),
        ({"enabled": True}, ["Active"]),
        ({"state": "absent"}, []),
    ):
        before = statuses(cloud, user)
        assert run(cloud, user, id=key, check=True, **options).result["changed"]
        assert statuses(cloud, user) == before
        assert run(cloud, user, id=key, **options).result["changed"]
        assert statuses(cloud, user) == left
        assert not run(cloud, user, id=key, **options).result["changed"]


def test_a_second_key_is_made_when_two_are_asked_for(cloud: Cloud) -> None:
    user = user_with(cloud, {"age_days": 5})
    result = run(cloud, user, key_count=2).result
    assert result["access_key"] == result["access_keys"][1]
    assert len(key_ids(cloud, user)) == 2
    assert not run(cloud, user, key_count=2).result["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_a_third_key_is_refused_by_naming_the_two(cloud: Cloud, check: bool) -> None:
    user = user_with(cloud, {"status": "Inactive"}, {"status": "Inactive"})
    result = run(cloud, user, check=check).result
    assert result["failed"]
    assert not result["changed"]
    assert result["error_code"] == "LimitExceeded"
    assert all(f"{key} (inactive, made " in result["msg"] for key in key_ids(cloud, user))
    assert "Delete one that nothing uses" in result["msg"]


def test_an_unknown_user_is_named(cloud: Cloud) -> None:
    result = run(cloud, "nobody").result
    assert result["failed"]
    assert (result["error_code"], result["user_name"]) == ("NoSuchEntity", "nobody")
    assert "user nobody" in result["msg"]


def test_a_missing_permission_is_named(cloud: Cloud) -> None:
    user = user_with(cloud)
    caller = cloud.create_user(next(NAMES)).keys[0]
    cloud.settings(enforce_policies=True)
    pair = cloud.environ(caller.access_key_id, caller.secret_access_key)
    outcome = run_module("iam_access_key", {"user_name": user}, pair)
    assert f"Grant the caller iam:ListAccessKeys on arn:aws:iam::*:user/{user}." in outcome.result["msg"]
    assert caller.secret_access_key not in outcome.printed


def test_missing_credentials_are_told(cloud: Cloud) -> None:
    environment = {"AWS_ENDPOINT_URL": cloud.url, "AWS_EC2_METADATA_DISABLED": "true"}
    result = run_module("iam_access_key", {"user_name": "somebody"}, environment).result
    assert "no AWS credentials were found" in result["msg"]


def test_an_unreachable_endpoint_is_named(cloud: Cloud) -> None:
    result = run(cloud, "somebody", endpoint_url="http://127.0.0.1:9").result
    assert "http://127.0.0.1:9/" in result["msg"]


def test_a_lost_answer_makes_no_second_key_and_names_the_one_that_appeared(cloud: Cloud) -> None:
    user = user_with(cloud)
    cloud.faults([{"kind": "lose_answer", "action": "CreateAccessKey", "user_name": user}])
    result = run(cloud, user).result
    (orphan,) = key_ids(cloud, user)
    assert result["failed"]
    assert result["changed"]
    assert f"Since then there is: {orphan} (active, made " in result["msg"]


def test_a_call_that_failed_and_made_nothing_says_that_nothing_changed(cloud: Cloud) -> None:
    user = user_with(cloud)
    cloud.faults([{"kind": "error", "action": "CreateAccessKey", "user_name": user}])
    result = run(cloud, user).result
    assert result["failed"]
    assert not result["changed"]
    assert "may or may not have taken effect" in result["msg"]


def test_a_lost_answer_to_a_deletion_is_still_a_change(cloud: Cloud) -> None:
    user = user_with(cloud, {})
    (key,) = key_ids(cloud, user)
    cloud.faults([{"kind": "lose_answer", "action": "DeleteAccessKey", "user_name": user, "count": 1}])
    assert run(cloud, user, id=key, state="absent").result["changed"]


def test_a_stored_secret_is_in_the_file_and_nowhere_else(cloud: Cloud, tmp_path: Path) -> None:
    user, path = user_with(cloud), tmp_path / "key.csv"
    store = {"type": "csv", "path": str(path), "format": "import"}
    assert run(cloud, user, store=store, check=True).result["changed"]
    assert list(tmp_path.iterdir()) == []
    made = run(cloud, user, store=store, diff=True)
    assert made.result["store"] == {"type": "csv", "path": str(path)}
    name, key, secret = path.read_text().splitlines()[1].split(",")
    assert (name, [key]) == (user, key_ids(cloud, user))
    assert SECRET.fullmatch(secret)
    assert not SECRET.search(made.printed)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not run(cloud, user, store=store).result["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_a_store_that_cannot_be_written_is_told_before_a_key_is_made(cloud: Cloud, tmp_path: Path, check: bool) -> None:
    user, there = user_with(cloud), tmp_path / "there.csv"
    there.write_text("another secret")
    for path, words in ((there, "exists"), (tmp_path / "missing" / "key.csv", "is no folder")):
        result = run(cloud, user, store={"path": str(path)}, check=check).result
        assert result["failed"]
        assert words in result["msg"]
    assert there.read_text() == "another secret"
    assert key_ids(cloud, user) == []


def fail_to_store(cloud: Cloud, user: str, path: Path) -> Outcome:
    """Somebody takes the file's name while AWS makes the key."""
    slow = {"kind": "delay", "action": "CreateAccessKey", "user_name": user, "seconds": 1.0, "after": True}
    cloud.faults([slow, {"kind": "deny", "action": "DeleteAccessKey", "user_name": "stuck"}])

    def take() -> None:
        while not key_ids(cloud, user):
            time.sleep(0.02)
        path.write_text("another secret")

    thief = threading.Thread(target=take)
    thief.start()
    outcome = run(cloud, user, store={"path": str(path)})
    thief.join()
    assert path.read_text() == "another secret"
    assert not SECRET.search(outcome.printed)
    return outcome


def test_a_key_that_could_not_be_stored_is_deleted_again(cloud: Cloud, tmp_path: Path) -> None:
    user, path = user_with(cloud), tmp_path / "key.csv"
    result = fail_to_store(cloud, user, path).result
    assert result["failed"]
    assert not result["changed"]
    assert re.search(
        rf"key\.csv cannot be written.* The key AKIA\w+ of user {user}, made by then, was deleted", result["msg"]
    )
    assert key_ids(cloud, user) == []
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_could_neither_be_stored_nor_deleted_is_named(cloud: Cloud, tmp_path: Path) -> None:
    cloud.create_user("stuck", keys=[])
    result = fail_to_store(cloud, "stuck", tmp_path / "key.csv").result
    (orphan,) = key_ids(cloud, "stuck")
    assert result["failed"]
    assert result["changed"]
    assert result["access_key_id"] == orphan
    assert "iam:DeleteAccessKey" in result["msg"]
    assert result["msg"].endswith("Delete it, since nobody has its secret.")
