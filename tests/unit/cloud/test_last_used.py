# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accepted calls move the last use of the key that signed them."""

from __future__ import annotations

import datetime
import time
from typing import Any

from tests.cloud.client import Cloud, Key

from .refusals import refused


def _last_used(iam: Any, key: Key) -> dict[str, Any]:
    used: dict[str, Any] = iam.get_access_key_last_used(AccessKeyId=key.access_key_id)["AccessKeyLastUsed"]
    return used


def test_a_key_never_used_has_no_date(iam: Any, key: Key) -> None:
    answer = iam.get_access_key_last_used(AccessKeyId=key.access_key_id)
    assert answer["UserName"] == "deploy"
    assert answer["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}


def test_a_call_moves_date_service_and_region(iam: Any, connect: Any, key: Key) -> None:
    connect("sts", key, region="eu-west-1").get_caller_identity()
    used = _last_used(iam, key)
    age = datetime.datetime.now(datetime.timezone.utc) - used["LastUsedDate"]
    assert datetime.timedelta(0) <= age < datetime.timedelta(seconds=30)
    assert used["LastUsedDate"].microsecond == 0
    assert (used["ServiceName"], used["Region"]) == ("sts", "eu-west-1")
    connect("s3", key).list_buckets()
    assert _last_used(iam, key)["ServiceName"] == "s3"


def test_iam_is_used_in_us_east_1_wherever_the_client_is(iam: Any, connect: Any, key: Key) -> None:
    connect("iam", key, region="eu-west-1").list_access_keys()
    assert (_last_used(iam, key)["ServiceName"], _last_used(iam, key)["Region"]) == ("iam", "us-east-1")


def test_a_refused_call_does_not_count_as_use(iam: Any, connect: Any, key: Key) -> None:
    refused(connect("sts", Key(key.access_key_id, "x" * 40)).get_caller_identity)
    assert "LastUsedDate" not in _last_used(iam, key)


def test_the_last_use_is_told_late(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    cloud.settings(last_used_lag_seconds=0.4)
    connect("sts", key).get_caller_identity()
    assert "LastUsedDate" not in _last_used(iam, key)
    assert cloud.state()["deploy"]["keys"][0]["last_used"]["service"] == "sts"
    time.sleep(0.5)
    assert "LastUsedDate" in _last_used(iam, key)


def test_an_unknown_or_deleted_key_is_no_such_entity(iam: Any, key: Key) -> None:
    iam.delete_access_key(UserName="deploy", AccessKeyId=key.access_key_id)
    for key_id in (key.access_key_id, "AKIAIOSFODNN7EXAMPLE"):
        assert refused(iam.get_access_key_last_used, AccessKeyId=key_id) == (
            404,
            "NoSuchEntity",
            f"The Access Key with id {key_id} cannot be found.",
        )
