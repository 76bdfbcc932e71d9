# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of access keys, of some users or of the whole account, with as few calls as can tell it."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.rekey.aws.plugins.module_utils._credential_report import parse
from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError
from ansible_collections.rekey.aws.plugins.module_utils._findings import (
    NEVER_USED,
    ROOT,
    UNUSED,
    Finding,
    KeyFacts,
    Limits,
    findings,
)
from ansible_collections.rekey.aws.plugins.module_utils._iam import Iam
from ansible_collections.rekey.aws.plugins.module_utils._marks import format_time
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, LastUse


@dataclass(frozen=True)
class Survey:
    """What was read: keys by user, what AWS refused to tell, and when the credential report was made if it was read."""

    users: t.Mapping[str, t.Tuple[KeyFacts, ...]]
    refusals: t.Sequence[AwsError]
    reported: t.Optional[datetime] = None


class Surveyor:
    """Reads users side by side. A refusal about one user or key does not keep it from the others."""

    def __init__(self, iam: Iam, concurrency: int) -> None:
        self._iam = iam
        self._concurrency = concurrency
        self._refusals: t.List[AwsError] = []

    def users(self, names: t.Sequence[str]) -> Survey:
        """The keys of these users, each with its last use. Raises RekeyError where none of them can be read."""
        read = self._each(names, lambda name: self._keys(name, lambda key: None))
        if self._refusals and not read:
            raise self._refusals[0]
        return Survey(read, self._refusals)

    def account(self, limits: Limits, now: datetime) -> Survey:
        """The keys of every user of the account.

        The credential report tells all but ids. Users about whom it gives rise to a finding are listed, and a key is
        asked for its last use where a finding rests on the report's, which may be hours old.
        """
        reported, text = self._iam.credential_report()
        users = parse(text)
        found = {name: findings(keys, limits, now) for name, keys in users.items() if name != ROOT}

        def read(name: str) -> t.Tuple[KeyFacts, ...]:
            doubted = {finding.key for finding in found[name] if finding.rule in (UNUSED, NEVER_USED)}
            trusted = [key for key in users[name] if key not in doubted]
            return self._keys(name, lambda key: next((seen.last_use for seen in trusted if _same(seen, key)), None))

        return Survey({**users, **self._each([name for name in found if found[name]], read)}, self._refusals, reported)

    def _each(
        self, names: t.Sequence[str], read: t.Callable[[str], t.Tuple[KeyFacts, ...]]
    ) -> t.Dict[str, t.Tuple[KeyFacts, ...]]:
        users = {}
        with ThreadPoolExecutor(self._concurrency) as pool:
            reading = {name: pool.submit(read, name) for name in names}
            try:
                for name, keys in reading.items():
                    try:
                        users[name] = keys.result()
                    except AwsError as error:
                        self._refusals.append(error)
            finally:
                for keys in reading.values():
                    keys.cancel()
        return users

    def _keys(self, name: str, known: t.Callable[[AccessKey], t.Optional[LastUse]]) -> t.Tuple[KeyFacts, ...]:
        return tuple(
            KeyFacts(name, key.id, key.active, key.created, known(key) or self._last_use(name, key.id))
            for key in self._iam.list_access_keys(name)
        )

    def _last_use(self, user_name: str, access_key_id: str) -> t.Optional[LastUse]:
        try:
            return self._iam.access_key_last_used(access_key_id)
        except AwsError as error:
            error.facts.setdefault("user_name", user_name)
            self._refusals.append(error)
            return None


def told(survey: Survey, limits: Limits, now: datetime) -> t.Dict[str, t.Any]:
    """A survey as the return values of a module."""
    found = [finding for keys in survey.users.values() for finding in findings(keys, limits, now)]
    result: t.Dict[str, t.Any] = {
        "access_keys": [_key(key, now) for keys in survey.users.values() for key in keys],
        "findings": [_finding(finding) for finding in found],
        "errors": [dict(refusal.facts, msg=refusal.message) for refusal in survey.refusals],
    }
    if survey.reported:
        result["report_date"] = format_time(survey.reported)
    return result


def _key(key: KeyFacts, now: datetime) -> t.Dict[str, t.Any]:
    used = key.last_use or LastUse()
    return {
        "user_name": key.user_name,
        "access_key_id": key.id,
        "status": "Active" if key.active else "Inactive",
        "create_date": format_time(key.created),
        "age_days": (now - key.created).days,
        "last_use": "unknown" if key.last_use is None else "recorded" if used.at else "none_recorded",
        "last_used_date": format_time(used.at) if used.at else None,
        "last_used_service": used.service,
        "last_used_region": used.region,
    }


def _finding(finding: Finding) -> t.Dict[str, t.Any]:
    return {
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "user_name": finding.key.user_name,
        "access_key_id": finding.key.id,
        "days": finding.age.days,
        "controls": list(finding.controls),
        "remedy": finding.rule.remedy,
    }


def _same(seen: KeyFacts, key: AccessKey) -> bool:
    return seen.active == key.active and abs(seen.created - key.created) < timedelta(seconds=1)
