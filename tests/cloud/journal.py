# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was called, in order. Holds names and ids, never a secret."""

from __future__ import annotations

import collections
import dataclasses
import threading
import time
from typing import Any, Optional


@dataclasses.dataclass
class Record:
    """One call. ``outcome`` is ``pending``, ``OK``, ``no answer`` or an AWS error code."""

    number: int
    time: float
    service: str
    action: str
    region: str
    user_name: Optional[str]
    key_id: Optional[str]
    outcome: str = "pending"
    status: Optional[int] = None
    fault: Optional[str] = None


class Journal:
    """All calls since the start or since it was cleared."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._lock = threading.Lock()

    def open(self, service: str, action: str, region: str, user_name: Optional[str], key_id: Optional[str]) -> Record:
        """Note a call that arrived; what became of it is set in the record that this returns."""
        with self._lock:
            record = Record(len(self._records), time.time(), service, action, region, user_name, key_id)
            self._records.append(record)
        return record

    def clear(self) -> None:
        with self._lock:
            self._records = []

    def records(self, first: int = 0) -> list[dict[str, Any]]:
        """The calls, from the one with number ``first`` on."""
        with self._lock:
            return [dataclasses.asdict(record) for record in self._records[first:]]

    def counts(self) -> dict[str, Any]:
        """How many calls came, by action, and by user and action."""
        with self._lock:
            records = list(self._records)
        by_user: dict[str, collections.Counter[str]] = {}
        for record in records:
            if record.user_name is not None:
                by_user.setdefault(record.user_name, collections.Counter())[record.action] += 1
        return {"calls": collections.Counter(record.action for record in records), "by_user": by_user}
