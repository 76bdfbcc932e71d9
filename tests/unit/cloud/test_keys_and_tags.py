# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM's calls about users, keys and tags answer as AWS's do, limits and wording included."""

from __future__ import annotations

import concurrent.futures
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import ADMIN_KEY_ID
from tests.cloud.client import Cloud, Key

from .refusals import refused


def _ids(answer: dict[str, Any]) -> list[str]:
    return [key["AccessKeyId"] for key in answer["AccessKeyMetadata"]]


def test_a_user_has_two_keys_at_most_and_inactive_ones_count(iam: Any, key: Key) -> None:
    iam.create_access_key(UserName="deploy")
    iam.update_access_key(UserName="deploy", AccessKeyId=key.access_key_id, Status="Inactive")
    assert refused(iam.create_access_key, UserName="deploy") == (
        409,
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )


def test_the_quota_holds_for_callers_at_the_same_instant(cloud: Cloud, connect: Any) -> None:
    cloud.create_user("fresh", keys=[])
    iam = connect("iam", max_pool_connections=10)
    cloud.settings(latency_ms=50)

    def create(number: int) -> str:
        try:
            iam.create_access_key(UserName="fresh")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "OK"

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(create, range(10))) == ["LimitExceeded"] * 8 + ["OK"] * 2


def test_an_unknown_user_is_no_such_entity(iam: Any) -> None:
    expected = (404, "NoSuchEntity", "The user with name nobody cannot be found.")
    for method in (iam.list_access_keys, iam.create_access_key, iam.get_user, iam.list_user_tags):
        assert refused(method, UserName="nobody") == expected
    assert refused(iam.tag_user, UserName="nobody", Tags=[{"Key": "a", "Value": "b"}]) == expected
    for method in (iam.delete_access_key, iam.update_access_key):
        more = {"Status": "Inactive"} if method == iam.update_access_key else {}
        assert refused(method, UserName="nobody", AccessKeyId="AKIAIOSFODNN7EXAMPLE", **more) == expected


def test_an_unknown_key_or_one_of_another_user_is_no_such_entity(cloud: Cloud, iam: Any, key: Key) -> None:
    other = cloud.create_user("other").keys[0].access_key_id
    for key_id in ("AKIAIOSFODNN7EXAMPLE", other):
        expected = (404, "NoSuchEntity", f"The Access Key with id {key_id} cannot be found.")
        assert refused(iam.delete_access_key, UserName="deploy", AccessKeyId=key_id) == expected
        assert refused(iam.update_access_key, UserName="deploy", AccessKeyId=key_id, Status="Inactive") == expected


def test_calls_about_keys_without_a_user_are_about_the_caller(iam: Any, connect: Any, key: Key) -> None:
    own = connect("iam", key)
    assert _ids(iam.list_access_keys()) == [ADMIN_KEY_ID]
    assert _ids(own.list_access_keys()) == [key.access_key_id]
    made = own.create_access_key()["AccessKey"]
    assert made["UserName"] == "deploy"
    own.update_access_key(AccessKeyId=made["AccessKeyId"], Status="Inactive")
    own.delete_access_key(AccessKeyId=made["AccessKeyId"])
    assert own.get_user()["User"]["UserName"] == "deploy"
    assert refused(iam.update_access_key, AccessKeyId=key.access_key_id, Status="Inactive")[1] == "NoSuchEntity"


def test_temporary_callers_must_name_the_user(connect: Any) -> None:
    given = connect("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/ops", RoleSessionName="nightly")
    pair = Key(given["Credentials"]["AccessKeyId"], given["Credentials"]["SecretAccessKey"])
    iam = connect("iam", pair, given["Credentials"]["SessionToken"])
    assert refused(iam.list_access_keys) == (
        400,
        "ValidationError",
        "Must specify userName when calling with non-User credentials",
    )


def test_a_status_that_does_not_exist_is_refused(iam: Any, key: Key) -> None:
    assert refused(iam.update_access_key, UserName="deploy", AccessKeyId=key.access_key_id, Status="Off")[:2] == (
        400,
        "ValidationError",
    )


def test_creation_dates_are_whole_seconds(iam: Any, key: Key) -> None:
    made = iam.create_access_key(UserName="deploy")["AccessKey"]
    listed = iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"]
    assert [one["CreateDate"].microsecond for one in (made, *listed)] == [0, 0, 0]
    assert listed[1]["CreateDate"] == made["CreateDate"]


def test_the_administrators_key_cannot_be_rotated_away(iam: Any) -> None:
    assert refused(iam.update_access_key, AccessKeyId=ADMIN_KEY_ID, Status="Inactive")[1] == "InvalidInput"
    assert refused(iam.delete_access_key, UserName="admin", AccessKeyId=ADMIN_KEY_ID)[1] == "InvalidInput"
    assert refused(iam.delete_user, UserName="admin")[1] == "DeleteConflict"
    assert _ids(iam.list_access_keys()) == [ADMIN_KEY_ID]


def test_a_user_with_keys_cannot_be_deleted(iam: Any, key: Key) -> None:
    assert refused(iam.delete_user, UserName="deploy")[:2] == (409, "DeleteConflict")
    iam.delete_access_key(UserName="deploy", AccessKeyId=key.access_key_id)
    iam.delete_user(UserName="deploy")
    assert refused(iam.get_user, UserName="deploy")[1] == "NoSuchEntity"


def test_a_user_has_fifty_tags_at_most(iam: Any, key: Key) -> None:
    iam.tag_user(UserName="deploy", Tags=[{"Key": f"k{number}", "Value": "v"} for number in range(50)])
    iam.tag_user(UserName="deploy", Tags=[{"Key": "k0", "Value": "again"}])
    assert refused(iam.tag_user, UserName="deploy", Tags=[{"Key": "k50", "Value": "v"}])[:2] == (409, "LimitExceeded")
    iam.untag_user(UserName="deploy", TagKeys=["k1"])
    iam.tag_user(UserName="deploy", Tags=[{"Key": "k50", "Value": "v"}])
    tags = {tag["Key"]: tag["Value"] for tag in iam.list_user_tags(UserName="deploy")["Tags"]}
    assert (len(tags), tags["k0"], "k1" in tags) == (50, "again", False)


@pytest.mark.parametrize(("name", "value"), [("k#", "v"), ("k", "v,w"), ("k" * 129, "v"), ("k", "v" * 257)])
def test_tags_beyond_iams_lengths_and_alphabet_are_refused(
    iam: Any, connect: Any, key: Key, name: str, value: str
) -> None:
    unchecked = connect("iam", parameter_validation=False)
    assert refused(unchecked.tag_user, UserName="deploy", Tags=[{"Key": name, "Value": value}])[:2] == (
        400,
        "ValidationError",
    )
    assert iam.list_user_tags(UserName="deploy")["Tags"] == []


def test_lists_are_told_late(cloud: Cloud, iam: Any, key: Key) -> None:
    cloud.settings(list_lag_seconds=0.5)
    made = iam.create_access_key(UserName="deploy")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="deploy", AccessKeyId=key.access_key_id, Status="Inactive")
    iam.tag_user(UserName="deploy", Tags=[{"Key": "k", "Value": "v"}])
    listed = iam.list_access_keys(UserName="deploy")
    assert [(one["AccessKeyId"], one["Status"]) for one in listed["AccessKeyMetadata"]] == [
        (key.access_key_id, "Active")
    ]
    assert iam.list_user_tags(UserName="deploy")["Tags"] == []
    time.sleep(0.6)
    listed = iam.list_access_keys(UserName="deploy")
    assert [(one["AccessKeyId"], one["Status"]) for one in listed["AccessKeyMetadata"]] == [
        (key.access_key_id, "Inactive"),
        (made, "Active"),
    ]
    assert iam.list_user_tags(UserName="deploy")["Tags"] == [{"Key": "k", "Value": "v"}]


def test_users_are_listed_by_pages(cloud: Cloud, iam: Any) -> None:
    cloud.create_users([{"user_name": f"u{number:03}", "keys": []} for number in range(150)])
    first = iam.list_users()
    assert (len(first["Users"]), first["IsTruncated"]) == (100, True)
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 40})
    names = [user["UserName"] for page in pages for user in page["Users"]]
    assert names == ["admin", *(f"u{number:03}" for number in range(150))]
