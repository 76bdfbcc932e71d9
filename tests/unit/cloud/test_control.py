# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane makes users, moves time, tells the state, and says what is wrong with what it is asked."""

from __future__ import annotations

import datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cloud.client import Cloud, Key


def _age_of(text: str) -> float:
    """In days."""
    then = datetime.datetime.fromisoformat(text)
    return (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds() / 86400


def test_users_are_made_with_keys_of_any_age_status_and_use(cloud: Cloud, iam: Any, connect: Any) -> None:
    user = cloud.create_user(
        "deploy",
        tags={"owner": "web"},
        keys=[{"age_days": 100.5, "last_used_days": 3}, {"status": "Inactive"}],
    )
    state = cloud.state()["deploy"]
    assert (state["arn"], state["tags"]) == (user.arn, {"owner": "web"})
    old, new = state["keys"]
    assert _age_of(old["create_date"]) == pytest.approx(100.5, abs=0.01)
    assert _age_of(old["last_used"]["date"]) == pytest.approx(3, abs=0.01)
    assert (new["status"], new["last_used"]) == ("Inactive", None)
    assert connect("sts", user.keys[0]).get_caller_identity()["Arn"] == user.arn
    listed = iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"]
    assert [one["AccessKeyId"] for one in listed] == [key.access_key_id for key in user.keys]


def test_a_user_can_have_more_keys_than_the_quota(cloud: Cloud, iam: Any, key: Key) -> None:
    more = cloud.create_user("deploy", keys=[{}, {"age_days": 300}])
    listed = {one["AccessKeyId"] for one in iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"]}
    assert listed == {key.access_key_id, *(one.access_key_id for one in more.keys)}


def test_made_keys_work_at_once_though_new_ones_spread(cloud: Cloud, connect: Any) -> None:
    cloud.settings(propagation_seconds=60, list_lag_seconds=60)
    key = cloud.create_user("deploy").keys[0]
    assert connect("iam", key).list_access_keys()["AccessKeyMetadata"]


def test_giving_a_user_more_does_not_hasten_what_still_spreads(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    cloud.settings(propagation_seconds=60)
    made = iam.create_access_key(UserName="deploy")["AccessKey"]
    cloud.create_user("deploy", tags={"k": "v"}, keys=[{}])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        connect("sts", Key(made["AccessKeyId"], made["SecretAccessKey"])).get_caller_identity()


def test_age_moves_keys_their_use_and_the_times_in_tags(cloud: Cloud, connect: Any, iam: Any, key: Key) -> None:
    connect("sts", key).get_caller_identity()
    tags = {"rekey:key:A": "draining 2026-11-24T05:00:00Z", "rekey:key:B": "ours", "note": "since 2026-03-01T00:00:00Z"}
    cloud.create_user("deploy", tags=tags, keys=[])
    other = cloud.create_user("other").keys[0]
    cloud.age("deploy", 1.5)
    state = cloud.state()
    moved = state["deploy"]["keys"][0]
    assert _age_of(moved["create_date"]) == pytest.approx(1.5, abs=0.01)
    assert _age_of(moved["last_used"]["date"]) == pytest.approx(1.5, abs=0.01)
    assert state["deploy"]["tags"] == {
        "rekey:key:A": "draining 2026-11-22T17:00:00Z",
        "rekey:key:B": "ours",
        "note": "since 2026-02-27T12:00:00Z",
    }
    assert _age_of(state["other"]["keys"][0]["create_date"]) < 0.01
    listed = iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"][0]
    assert _age_of(listed["CreateDate"].isoformat()) == pytest.approx(1.5, abs=0.01)
    assert other.access_key_id == state["other"]["keys"][0]["access_key_id"]


def test_age_can_be_for_one_key_and_for_some_of_its_times(cloud: Cloud) -> None:
    one, two = cloud.create_user("deploy", keys=[{"last_used_days": 1}, {"last_used_days": 1}]).keys
    stamp = "2026-11-24T05:00:00Z"
    cloud.create_user(
        "deploy", keys=[], tags={f"rekey:key:{key.access_key_id}": f"retired {stamp}" for key in (one, two)}
    )
    cloud.age("deploy", 10, key_id=one.access_key_id)
    cloud.age("deploy", 5, key_id=two.access_key_id, what=["used"])
    state = cloud.state()["deploy"]
    ages = [(round(_age_of(key["create_date"])), round(_age_of(key["last_used"]["date"]))) for key in state["keys"]]
    assert ages == [(10, 11), (0, 6)]
    assert list(state["tags"].values()) == ["retired 2026-11-14T05:00:00Z", f"retired {stamp}"]


def test_an_aged_key_has_spread(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    cloud.settings(propagation_seconds=60)
    made = iam.create_access_key(UserName="deploy")["AccessKey"]
    cloud.age("deploy", 1)
    pair = Key(made["AccessKeyId"], made["SecretAccessKey"])
    assert connect("sts", pair).get_caller_identity()["Arn"].endswith("user/deploy")


def test_reset_leaves_nothing_but_the_administrator(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    cloud.settings(latency_ms=1, propagation_by_region={"eu-west-1": 1})
    cloud.faults([{"kind": "throttle", "action": "Never"}])
    connect("s3").create_bucket(Bucket="left-over")
    defaults = {**cloud.settings(), "latency_ms": 0, "propagation_by_region": {}}
    cloud.reset()
    assert list(cloud.state()) == ["admin"]
    assert (cloud.settings(), cloud.faults_left(), cloud.journal()) == (defaults, [], [])
    assert connect("s3").list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        connect("sts", key).get_caller_identity()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda cloud: cloud.settings(propagation=3),
            "unknown setting 'propagation'; there are: .*propagation_seconds",
        ),
        (lambda cloud: cloud.settings(propagation_seconds="3"), "propagation_seconds: '3' does not fit"),
        (lambda cloud: cloud.settings(report_state="Lost"), "report_state: 'Lost' does not fit"),
        (lambda cloud: cloud.faults([{"kind": "explode"}]), "unknown kind of fault 'explode'; there are: throttle"),
        (lambda cloud: cloud.faults([{"kind": "delay", "minutes": 1}]), "not a fault .*minutes.*its fields are: kind"),
        (lambda cloud: cloud.create_user("deploy", secret="x"), "unexpected keyword argument 'secret'"),
        (lambda cloud: cloud.age("nobody", 1), "no user 'nobody' in account 123456789012"),
        (lambda cloud: cloud.age("admin", 1, key_id="AKIA"), "user 'admin' has no key AKIA"),
        (lambda cloud: cloud.age("admin", 1, what=["use"]), r"unknown times \['use'\]; there are: created, used, tags"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(cloud: Cloud, ask: Any, words: str) -> None:
    before = (cloud.settings(), cloud.faults_left(), cloud.state())
    with pytest.raises(RuntimeError, match=words):
        ask(cloud)
    assert (cloud.settings(), cloud.faults_left(), cloud.state()) == before


def test_environ_points_boto3_here(cloud: Cloud, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.environ(key.access_key_id, key.secret_access_key, region="eu-west-1").items():
        monkeypatch.setenv(name, value)
    client = boto3.session.Session().client("sts")
    assert client.get_caller_identity()["Arn"].endswith("user/deploy")
    assert cloud.journal()[-1]["region"] == "eu-west-1"
