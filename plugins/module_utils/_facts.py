# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of one IAM user's rotation, and the operator's word on it, as plain values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ansible_collections.rekey.aws.plugins.module_utils._marks import Marks
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, LastUse


def age_order(key: AccessKey) -> tuple[datetime, str]:
    """Sorts keys from the oldest to the newest, the same way for every run that looks."""
    return key.created, key.id


def is_older(key: AccessKey, target: AccessKey | None) -> bool:
    return target is not None and age_order(key) < age_order(target)


@dataclass(frozen=True)
class Consumer:
    """One profile of one OS user on one host that uses the IAM user's access key, and what this run knows of it."""

    host: str
    profile: str = "default"
    os_user: str | None = None
    in_run: bool = True  # false: outside the limit
    read: bool = False
    held: str | None = None
    previous: str | None = None  # what it held before this run wrote to it
    verified: bool = False
    wrong_secret: bool = False  # AWS knows the id that it holds, but not with this secret
    lacking: bool = False  # it needs the target, and the run had no secret for it
    at: datetime | None = None  # when it was read
    reason: str = ""  # why it was not read, or not verified

    def __str__(self) -> str:
        owner = f" of {self.os_user}" if self.os_user else ""
        profile = f" [{self.profile}]" if self.profile != "default" else ""
        return f"{self.host}{profile}{owner}"


def names(consumers: t.Sequence[Consumer], most: int = 8) -> str:
    """Consumers in words, each with its reason: not all, where there are many."""
    named = [f"{c} ({c.reason})" if c.reason else str(c) for c in consumers[:most]]
    return ", ".join(named) + (f" and {len(consumers) - most} more" if len(consumers) > most else "")


@dataclass(frozen=True)
class Policy:
    """The operator's word for one IAM user."""

    max_age: timedelta = timedelta(days=90)
    grace: timedelta = timedelta(days=1)
    delete_after: timedelta = timedelta(days=7)
    orphan_after: timedelta = timedelta(hours=6)
    force_before: datetime | None = None  # keys made before it are due
    verify: bool = True
    replace_inactive: bool = False
    adopt: bool = False


@dataclass(frozen=True)
class Run:
    """One run of the rotation: its id, and when it started (UTC, whole seconds as in the marks)."""

    id: str
    started: datetime


@dataclass(frozen=True)
class User:
    """The facts of one IAM user.

    ``at_hand`` are the key ids whose secret this run has: just made, read from a consumer, or from the store.
    ``last_use`` has what was looked up, none where the answer is unknown. ``created`` is the key that this run made and
    has not marked yet. ``may_mark`` is false once AWS refused to let us read or write the user's tags.
    """

    name: str
    keys: tuple[AccessKey, ...] = ()
    marks: Marks = field(default_factory=Marks)
    consumers: tuple[Consumer, ...] = ()
    at_hand: frozenset[str] = frozenset()
    last_use: t.Mapping[str, LastUse | None] = field(default_factory=dict)
    created: str | None = None
    may_mark: bool = True

    def key(self, access_key_id: str | None) -> AccessKey | None:
        return next((key for key in self.keys if key.id == access_key_id), None)

    @property
    def readers(self) -> tuple[Consumer, ...]:
        return tuple(consumer for consumer in self.consumers if consumer.read)

    @property
    def unread(self) -> tuple[Consumer, ...]:
        return tuple(consumer for consumer in self.consumers if not consumer.read)

    @property
    def held(self) -> frozenset[str]:
        """The ids that consumers hold and can work with."""
        return frozenset(c.held for c in self.readers if c.held and not c.wrong_secret)
