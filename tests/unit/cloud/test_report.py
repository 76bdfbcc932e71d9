# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential report tells the keys as they were when it was made."""

from __future__ import annotations

import csv
import datetime
import time
from typing import Any

import pytest

from tests.cloud.client import Cloud, Key

from .refusals import refused


def _rows(iam: Any) -> dict[str, dict[str, str]]:
    text = iam.get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(text.splitlines())}


def test_a_report_has_to_be_asked_for_first(iam: Any) -> None:
    assert refused(iam.get_credential_report)[:2] == (410, "ReportNotPresent")
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    age = datetime.datetime.now(datetime.timezone.utc) - iam.get_credential_report()["GeneratedTime"]
    assert age < datetime.timedelta(minutes=1)


def test_rows_tell_status_age_and_last_use_of_both_keys(cloud: Cloud, iam: Any) -> None:
    user = cloud.create_user(
        "deploy",
        keys=[
            {"age_days": 100, "last_used_days": 2, "last_used_service": "s3", "last_used_region": "eu-west-1"},
            {"age_days": 10, "status": "Inactive"},
        ],
    )
    iam.generate_credential_report()
    rows = _rows(iam)
    assert list(rows) == ["<root_account>", "admin", "deploy"]
    keys = {
        key_id: [rows["deploy"][f"access_key_{number}_{column}"] for column in ("active", "last_used_service")]
        for number, key_id in enumerate(sorted(key.access_key_id for key in user.keys), 1)
    }
    assert keys == {user.keys[0].access_key_id: ["true", "s3"], user.keys[1].access_key_id: ["false", "N/A"]}
    number = 1 + sorted(keys).index(user.keys[0].access_key_id)
    created = datetime.datetime.fromisoformat(rows["deploy"][f"access_key_{number}_last_rotated"])
    assert (datetime.datetime.now(datetime.timezone.utc) - created).days == 100
    used = datetime.datetime.fromisoformat(rows["deploy"][f"access_key_{number}_last_used_date"])
    assert (datetime.datetime.now(datetime.timezone.utc) - used).days == 2
    assert rows["deploy"][f"access_key_{number}_last_used_region"] == "eu-west-1"
    assert rows["deploy"]["arn"] == user.arn


def test_a_user_without_keys_has_not_applicable_in_their_place(cloud: Cloud, iam: Any) -> None:
    cloud.create_user("bare", keys=[])
    iam.generate_credential_report()
    row = _rows(iam)["bare"]
    assert (row["access_key_1_active"], row["access_key_1_last_rotated"], row["password_enabled"]) == (
        "false",
        "N/A",
        "false",
    )


def test_a_report_stays_as_it_was_made_until_it_is_old(cloud: Cloud, iam: Any, key: Key) -> None:
    iam.generate_credential_report()
    iam.delete_access_key(UserName="deploy", AccessKeyId=key.access_key_id)
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert _rows(iam)["deploy"]["access_key_1_active"] == "true"
    cloud.settings(report_max_age_seconds=0)
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert _rows(iam)["deploy"]["access_key_1_active"] == "false"


def test_a_report_takes_its_time(cloud: Cloud, iam: Any) -> None:
    cloud.settings(report_seconds=0.4)
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "INPROGRESS"
    assert refused(iam.get_credential_report)[:2] == (404, "ReportInProgress")
    time.sleep(0.5)
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert "admin" in _rows(iam)


@pytest.mark.parametrize(
    ("state", "generated", "refusal"),
    [
        ("NotPresent", "STARTED", (410, "ReportNotPresent")),
        ("InProgress", "INPROGRESS", (404, "ReportInProgress")),
        ("Expired", "STARTED", (410, "ReportExpired")),
    ],
)
def test_every_state_can_be_forced(
    cloud: Cloud, iam: Any, state: str, generated: str, refusal: tuple[int, str]
) -> None:
    iam.generate_credential_report()
    cloud.settings(report_state=state)
    assert iam.generate_credential_report()["State"] == generated
    assert refused(iam.get_credential_report)[:2] == refusal
