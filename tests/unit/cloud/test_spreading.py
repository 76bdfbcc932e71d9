# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New keys are refused, and old ones accepted, until their change has spread."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from tests.cloud.client import Cloud, Key

from .refusals import refused


def _accepted(client: Any) -> bool:
    """Whether the key is taken; any other refusal than that of an unknown key is raised."""
    try:
        client.get_caller_identity()
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidClientTokenId":
            return False
        raise
    return True


def _until_accepted(client: Any, since: float, wanted: bool = True) -> float:
    while _accepted(client) is not wanted:
        assert time.monotonic() - since < 5
        time.sleep(0.02)
    return time.monotonic() - since


def _create(iam: Any, user_name: str = "deploy") -> Key:
    made = iam.create_access_key(UserName=user_name)["AccessKey"]
    return Key(made["AccessKeyId"], made["SecretAccessKey"])


def test_a_new_key_is_refused_until_it_has_spread(cloud: Cloud, iam: Any, connect: Any) -> None:
    cloud.create_user("deploy", keys=[])
    cloud.settings(propagation_seconds=0.6)
    since = time.monotonic()
    client = connect("sts", _create(iam))
    assert not _accepted(client)
    assert _until_accepted(client, since) >= 0.6
    assert all(_accepted(client) for attempt in range(5))


def test_a_reactivated_key_spreads_like_a_new_one(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    cloud.settings(propagation_seconds=0.4)
    client = connect("sts", key)
    assert _accepted(client)
    for status in ("Inactive", "Active"):
        iam.update_access_key(UserName="deploy", AccessKeyId=key.access_key_id, Status=status)
    since = time.monotonic()
    assert not _accepted(client)
    _until_accepted(client, since)


def test_each_region_hears_of_a_key_in_its_own_time(cloud: Cloud, iam: Any, connect: Any) -> None:
    cloud.create_user("deploy", keys=[])
    cloud.settings(propagation_seconds=60, propagation_by_region={"eu-west-1": 0})
    made = _create(iam)
    assert _accepted(connect("sts", made, region="eu-west-1"))
    assert not _accepted(connect("sts", made, region="eu-central-1"))


def test_s3_words_a_key_that_has_not_spread_in_its_own_way(cloud: Cloud, iam: Any, connect: Any) -> None:
    cloud.create_user("deploy", keys=[])
    cloud.settings(propagation_seconds=60)
    assert refused(connect("s3", _create(iam)).list_buckets)[:2] == (403, "InvalidAccessKeyId")


def test_deactivation_and_deletion_take_their_time_to_spread(cloud: Cloud, iam: Any, connect: Any) -> None:
    one, two = cloud.create_user("deploy", keys=[{}, {}]).keys
    cloud.settings(revocation_seconds=0.5)
    since = time.monotonic()
    iam.update_access_key(UserName="deploy", AccessKeyId=one.access_key_id, Status="Inactive")
    iam.delete_access_key(UserName="deploy", AccessKeyId=two.access_key_id)
    for key in (one, two):
        client = connect("sts", key)
        assert _accepted(client)
        assert client.get_caller_identity()["Arn"].endswith("user/deploy")
    for key in (one, two):
        _until_accepted(connect("sts", key), since, wanted=False)


def test_answers_flap_while_a_key_spreads_and_only_then(cloud: Cloud, iam: Any, connect: Any) -> None:
    cloud.create_user("deploy", keys=[])
    cloud.settings(propagation_seconds=60, flap=0.5)
    client = connect("sts", _create(iam))
    assert {_accepted(client) for attempt in range(60)} == {True, False}
    cloud.settings(flap=0)
    assert not any(_accepted(client) for attempt in range(5))
    cloud.settings(propagation_seconds=0, flap=0.5)
    settled = connect("sts", _create(iam))
    assert all(_accepted(settled) for attempt in range(20))


def test_changing_the_time_does_not_touch_keys_that_have_spread(cloud: Cloud, connect: Any, key: Key) -> None:
    cloud.settings(propagation_seconds=60)
    assert _accepted(connect("sts", key))
