# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls are counted and written down, and no secret is."""

from __future__ import annotations

import json
from typing import Any

from tests.cloud import ADMIN_KEY_ID, ADMIN_SECRET
from tests.cloud.client import Cloud, Key

from .refusals import refused


def test_calls_are_counted_by_action_and_by_user(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    iam.list_access_keys(UserName="deploy")
    iam.list_access_keys(UserName="admin")
    iam.get_access_key_last_used(AccessKeyId=key.access_key_id)
    connect("sts", key).get_caller_identity()
    connect("s3", key).list_buckets()
    assert cloud.calls() == {
        "ListAccessKeys": 2,
        "GetAccessKeyLastUsed": 1,
        "GetCallerIdentity": 1,
        "ListBuckets": 1,
    }
    assert cloud.calls("deploy") == {"ListAccessKeys": 1, "GetAccessKeyLastUsed": 1}
    assert cloud.calls("nobody") == {}


def test_the_journal_has_the_calls_in_order_with_who_signed_and_what_came_of_it(
    cloud: Cloud, iam: Any, connect: Any, key: Key
) -> None:
    connect("sts", key, region="eu-west-1").get_caller_identity()
    refused(iam.list_access_keys, UserName="nobody")
    refused(connect("sts", Key(key.access_key_id, "x" * 40)).get_caller_identity)
    journal = cloud.journal()
    fields = ("action", "service", "region", "user_name", "key_id", "status", "outcome")
    assert [tuple(record[field] for field in fields) for record in journal] == [
        ("GetCallerIdentity", "sts", "eu-west-1", None, key.access_key_id, 200, "OK"),
        ("ListAccessKeys", "iam", "us-east-1", "nobody", ADMIN_KEY_ID, 404, "NoSuchEntity"),
        ("GetCallerIdentity", "sts", "us-east-1", None, key.access_key_id, 403, "SignatureDoesNotMatch"),
    ]
    assert [record["time"] for record in journal] == sorted(record["time"] for record in journal)
    assert cloud.journal(first=2) == journal[2:]


def test_a_cleared_journal_counts_from_zero(cloud: Cloud, iam: Any) -> None:
    iam.list_users()
    cloud.clear_journal()
    assert (cloud.journal(), cloud.calls()) == ([], {})


def test_the_control_plane_tells_secrets_only_of_users_it_makes(cloud: Cloud, iam: Any, connect: Any) -> None:
    pair = cloud.create_user("deploy", tags={"k": "v"}).keys[0]
    made = iam.create_access_key(UserName="deploy")["AccessKey"]
    connect("sts", pair).get_caller_identity()
    told = json.dumps([cloud.journal(), cloud.state(), cloud.calls(), cloud.settings(), cloud.faults_left()])
    assert pair.access_key_id in told
    for secret in (pair.secret_access_key, made["SecretAccessKey"], ADMIN_SECRET):
        assert secret not in told
    assert pair.secret_access_key not in repr(pair)
