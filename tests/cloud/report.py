# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM's credential report: a picture of all users' keys that is made on request and then stays for hours.

Columns, order and formats are those of a live report; see "Get credential reports for your AWS account" in the
IAM User Guide for their meaning.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.iam import models as iam
from moto.iam.exceptions import IAMException
from moto.iam.responses import IamResponse

from .keyring import Keyring
from .moto_mended import replaces
from .settings import Settings

_EXPIRES_AFTER = 4 * 3600.0
_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
_NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
_NO_CERTIFICATES = ["false", "N/A", "false", "N/A"]


@dataclasses.dataclass(frozen=True)
class Report:
    """One report; times in seconds since the epoch."""

    started_at: float
    ready_at: float
    text: str


class NotPresent(IAMException):
    code, message = "ReportNotPresent", "Unknown"


class InProgress(IAMException):
    code, message = "ReportInProgress", "Unknown"


class Expired(IAMException):
    code, message = "ReportExpired", "Unknown"


_STATES = {"NotPresent": NotPresent, "InProgress": InProgress, "Expired": Expired}


class Reports:
    """The newest report of each account."""

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._settings, self._keyring = settings, keyring
        self._reports: dict[str, Report] = {}

    def clear(self) -> None:
        self._reports.clear()

    def generate(self, account_id: str) -> dict[str, str]:
        """What GenerateCredentialReport answers; starts a report where there is none that is young enough."""
        settings, now, report = self._settings, time.time(), self._reports.get(account_id)
        if settings.report_state == "InProgress" or (report and now < report.ready_at):
            return {"State": "INPROGRESS"}
        if settings.report_state is None and report and now - report.ready_at < settings.report_max_age_seconds:
            return {"State": "COMPLETE"}
        self._reports[account_id] = Report(now, now + settings.report_seconds, self._write(account_id))
        return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}

    def get(self, account_id: str) -> dict[str, Any]:
        """What GetCredentialReport answers. Raises IAMException where there is nothing to show."""
        now, report, state = time.time(), self._reports.get(account_id), self._settings.report_state
        if state is None and report is None:
            state = "NotPresent"
        elif state is None and report and now < report.ready_at:
            state = "InProgress"
        elif state is None and report and now - report.ready_at > _EXPIRES_AFTER:
            state = "Expired"
        if state is not None:
            raise _STATES[state]()
        assert report
        return {"Content": report.text, "ReportFormat": "text/csv", "GeneratedTime": _date(report.ready_at)}

    def _write(self, account_id: str) -> str:
        users = iam.iam_backends[account_id]["aws"].users
        root = ["<root_account>", f"arn:aws:iam::{account_id}:root", "2020-01-01T00:00:00Z"]
        root += ["not_supported", "no_information", "not_supported", "not_supported", "true"]
        rows = [root + _NO_KEY + _NO_KEY + _NO_CERTIFICATES]
        rows += [self._row(users[name]) for name in sorted(users, key=str.lower)]
        return "\n".join([_COLUMNS, *map(",".join, rows)])

    def _row(self, user: iam.User) -> list[str]:
        created = _iso(user.create_date)
        password = ["true", "no_information", created, "N/A"] if user.password else ["false", "N/A", "N/A", "N/A"]
        keys = [self._key(key) for key in sorted(user.access_keys, key=lambda key: key.access_key_id)[:2]]
        one, two = [*keys, _NO_KEY, _NO_KEY][:2]
        mfa = "true" if user.mfa_devices else "false"
        return [user.name, user.arn, created, *password, mfa, *one, *two, *_NO_CERTIFICATES]

    def _key(self, key: iam.AccessKey) -> list[str]:
        entry = self._keyring.get(key.access_key_id)
        use = entry.last_use(self._settings.last_used_lag_seconds) if entry else None
        used = [_iso(use.date), use.region, use.service] if use else ["N/A", "N/A", "N/A"]
        return ["true" if key.status == "Active" else "false", _iso(key.create_date), *used]


def answer_reports(reports: Reports) -> None:
    """Let moto's IAM answer from these reports."""

    @replaces(IamResponse, "generate_credential_report")
    def generate_credential_report(self: IamResponse) -> ActionResult:
        return ActionResult(reports.generate(self.current_account))

    @replaces(IamResponse, "get_credential_report")
    def get_credential_report(self: IamResponse) -> ActionResult:
        return ActionResult(reports.get(self.current_account))


def _date(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc)


def _iso(date: datetime.datetime) -> str:
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")
