# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential report is read by its columns' names, whatever AWS adds to them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._credential_report import parse
from ansible_collections.rekey.aws.plugins.module_utils._errors import RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._findings import ROOT, KeyFacts
from ansible_collections.rekey.aws.plugins.module_utils._model import LastUse

HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,"
    "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,"
    "access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,"
    "cert_2_last_rotated,additional_credentials_info"
)
BEFORE = "arn:aws:iam::1:x,2026-01-01T00:00:00+00:00,not_supported,N/A,N/A,N/A,false"
AFTER = "false,N/A,false,N/A,"
NO_KEY = "false,N/A,N/A,N/A,N/A"


def report(*rows: str) -> str:
    return "\n".join([HEADER, *rows])


def at(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=timezone.utc)


def test_keys_are_told_with_status_date_and_last_use() -> None:
    used = "true,2026-02-01T00:00:00+00:00,2026-03-01T00:00:00Z,eu-central-1,s3"
    unused = "FALSE,2026-04-01T00:00:00+00:00,N/A,N/A,N/A"
    assert parse(report(f"deploy,{BEFORE},{used},{unused},{AFTER}")) == {
        "deploy": (
            KeyFacts("deploy", None, True, at(2), LastUse(at(3), "s3", "eu-central-1")),
            KeyFacts("deploy", None, False, at(4), LastUse()),
        )
    }


def test_users_without_keys_are_left_out_and_the_root_user_is_not() -> None:
    root = f"{ROOT},{BEFORE},true,2026-02-01T00:00:00+00:00,N/A,N/A,N/A,{NO_KEY},{AFTER}"
    assert list(parse(report(root, f"idle,{BEFORE},{NO_KEY},{NO_KEY},{AFTER}"))) == [ROOT]


def test_a_user_name_with_a_comma_is_read() -> None:
    key = "true,2026-02-01T00:00:00+00:00,N/A,N/A,N/A"
    assert list(parse(report(f'"a,b",{BEFORE},{key},{NO_KEY},{AFTER}'))) == ["a,b"]


@pytest.mark.parametrize(
    "text", ["user\ndeploy", report(f"deploy,{BEFORE},true,yesterday,N/A,N/A,N/A,{NO_KEY},{AFTER}")]
)
def test_what_is_no_such_report_is_refused(text: str) -> None:
    with pytest.raises(RekeyError, match="credential report cannot be read"):
        parse(text)
