# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls are spoiled as the control plane orders."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tests.cloud.client import Cloud, Key

from .refusals import refused


def _key_count(cloud: Cloud) -> int:
    return len(cloud.state()["deploy"]["keys"])


def test_throttle_is_a_rate_exceeded(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    cloud.faults([{"kind": "throttle", "action": "ListAccessKeys"}])
    assert refused(iam.list_access_keys) == (400, "Throttling", "Rate exceeded")
    iam.list_users()
    cloud.faults([{"kind": "throttle"}])
    assert refused(connect("secretsmanager").list_secrets)[:2] == (400, "ThrottlingException")
    assert refused(connect("s3").list_buckets)[:2] == (503, "SlowDown")
    cloud.faults([{"kind": "throttle", "code": "RequestLimitExceeded"}])
    assert refused(iam.list_users)[:2] == (503, "RequestLimitExceeded")


def test_error_has_the_code_and_status_asked_for_and_no_effect(cloud: Cloud, iam: Any, key: Key) -> None:
    cloud.faults([{"kind": "error", "action": "CreateAccessKey"}])
    assert refused(iam.create_access_key, UserName="deploy")[:2] == (500, "ServiceFailure")
    cloud.faults([{"kind": "error", "code": "EntityTemporarilyUnmodifiable"}])
    assert refused(iam.create_access_key, UserName="deploy")[:2] == (409, "EntityTemporarilyUnmodifiable")
    cloud.faults([{"kind": "error", "code": "Odd", "status": 418}])
    assert refused(iam.create_access_key, UserName="deploy")[:2] == (418, "Odd")
    assert _key_count(cloud) == 1


def test_deny_is_worded_as_aws_words_a_missing_permission(cloud: Cloud, connect: Any, key: Key) -> None:
    cloud.faults([{"kind": "deny", "action": "CreateAccessKey"}])
    assert refused(connect("iam", key).create_access_key, UserName="deploy") == (
        403,
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/deploy is not authorized to perform: iam:CreateAccessKey on resource: "
        "user deploy because no identity-based policy allows the iam:CreateAccessKey action",
    )


def test_delay_comes_before_the_effect_or_after_it(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    sts = connect("sts")
    cloud.faults([{"kind": "delay", "seconds": 0.3, "action": "GetCallerIdentity"}])
    since = time.monotonic()
    sts.get_caller_identity()
    assert time.monotonic() - since >= 0.3
    impatient = boto3.client(
        "iam",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=0.2),
    )
    for after, effect in ((False, False), (True, True)):
        cloud.faults([{"kind": "delay", "seconds": 0.6, "action": "TagUser", "after": after}])
        with pytest.raises(ReadTimeoutError):
            impatient.tag_user(UserName="deploy", Tags=[{"Key": f"after-{after}", "Value": "1"}])
        assert (f"after-{after}" in cloud.state()["deploy"]["tags"]) is effect
        pending = cloud.journal()[-1]
        assert (pending["action"], pending["outcome"], pending["fault"]) == ("TagUser", "pending", "delay")
    time.sleep(0.6)


def test_a_lost_answer_comes_after_the_effect(cloud: Cloud, iam: Any, key: Key) -> None:
    cloud.faults([{"kind": "lose_answer", "action": "CreateAccessKey", "count": 1}])
    with pytest.raises(ConnectionClosedError):
        iam.create_access_key(UserName="deploy")
    assert _key_count(cloud) == 2
    assert (cloud.journal()[-1]["outcome"], cloud.journal()[-1]["status"]) == ("no answer", None)
    iam.delete_access_key(UserName="deploy", AccessKeyId=key.access_key_id)
    cloud.faults([{"kind": "lose_answer", "action": "CreateAccessKey", "code": "ServiceFailure"}])
    assert refused(iam.create_access_key, UserName="deploy")[:2] == (500, "ServiceFailure")
    assert _key_count(cloud) == 2


def test_disconnect_comes_before_the_effect(cloud: Cloud, iam: Any, key: Key) -> None:
    cloud.faults([{"kind": "disconnect", "action": "CreateAccessKey"}])
    with pytest.raises(ConnectionClosedError):
        iam.create_access_key(UserName="deploy")
    assert _key_count(cloud) == 1


def test_botocores_own_retries_make_two_keys_of_one_lost_answer(cloud: Cloud, key: Key) -> None:
    """The trap that DESIGN.md names: the SDK must send CreateAccessKey once."""
    cloud.create_user("fresh", keys=[])
    environ = cloud.environ()
    retrying = boto3.client(
        "iam",
        endpoint_url=environ["AWS_ENDPOINT_URL"],
        region_name=environ["AWS_DEFAULT_REGION"],
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
    )
    cloud.faults([{"kind": "lose_answer", "action": "CreateAccessKey", "count": 1}])
    retrying.create_access_key(UserName="fresh")
    assert len(cloud.state()["fresh"]["keys"]) == 2


def test_a_fault_with_a_count_is_gone_after_it(cloud: Cloud, iam: Any) -> None:
    cloud.faults([{"kind": "throttle", "count": 2}])
    assert [refused(iam.list_users)[1] for attempt in range(2)] == ["Throttling"] * 2
    iam.list_users()
    assert cloud.faults_left() == []


def test_a_fault_can_be_for_one_user(cloud: Cloud, iam: Any, key: Key) -> None:
    cloud.faults([{"kind": "throttle", "user_name": "deploy"}])
    assert refused(iam.list_access_keys, UserName="deploy")[1] == "Throttling"
    assert refused(iam.get_access_key_last_used, AccessKeyId=key.access_key_id)[1] == "Throttling"
    iam.list_access_keys(UserName="admin")


def test_a_fault_can_be_a_matter_of_chance(cloud: Cloud, iam: Any) -> None:
    cloud.faults([{"kind": "throttle", "probability": 0.5}])
    outcomes = set()
    for _attempt in range(60):
        try:
            iam.list_users()
            outcomes.add("OK")
        except iam.exceptions.ClientError as error:
            outcomes.add(error.response["Error"]["Code"])
    assert outcomes == {"OK", "Throttling"}


def test_every_call_takes_its_latency(cloud: Cloud, connect: Any) -> None:
    sts = connect("sts")
    sts.get_caller_identity()
    cloud.settings(latency_ms=200)
    since = time.monotonic()
    sts.get_caller_identity()
    assert time.monotonic() - since >= 0.2


def test_the_journal_tells_which_fault_hit(cloud: Cloud, iam: Any) -> None:
    cloud.faults([{"kind": "throttle", "count": 1}])
    refused(iam.list_users)
    iam.list_users()
    assert [(record["outcome"], record["fault"]) for record in cloud.journal()] == [
        ("Throttling", "throttle"),
        ("OK", None),
    ]
