# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every access key there is or was: since when each region knows what about it, and when it was used."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import random
import threading
import time
from typing import TYPE_CHECKING, Optional, Union

from .errors import refusal
from .settings import Settings

if TYPE_CHECKING:
    from moto.iam.models import AccessKey, User
    from moto.sts.models import AssumedRole


@dataclasses.dataclass
class Change:
    """A key became usable or ceased to be; regions hear of it late."""

    at: float
    valid: bool
    delay: float = 0.0
    delay_by_region: dict[str, float] = dataclasses.field(default_factory=dict)

    def spreads_until(self, region: str) -> float:
        return self.at + self.delay_by_region.get(region, self.delay)


@dataclasses.dataclass(frozen=True)
class Use:
    """A call was signed with a key. ``at``: seconds since the epoch."""

    at: float
    service: str
    region: str

    @property
    def date(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(int(self.at), datetime.timezone.utc)


@dataclasses.dataclass
class Entry:
    """A key of a user, or of a role's session."""

    key: AccessKey
    user: Optional[User] = None
    session: Optional[AssumedRole] = None
    changes: list[Change] = dataclasses.field(default_factory=list)
    uses: list[Use] = dataclasses.field(default_factory=list)
    deleted: bool = False

    @property
    def owner(self) -> Union[User, AssumedRole]:
        """Who signs with it."""
        owner = self.user or self.session
        assert owner
        return owner

    @property
    def account_id(self) -> str:
        return str(self.owner.account_id)

    @property
    def arn(self) -> str:
        return str(self.owner.arn)

    def accepted(self, region: str, flap: float) -> bool:
        """Whether the region that a call goes to takes the key now."""
        now, valid = time.time(), False
        for change in self.changes:
            if change.spreads_until(region) <= now or random.random() < flap:
                valid = change.valid
        return valid

    def settle(self) -> None:
        """Every region knows now what holds for the key."""
        self.changes = [Change(0.0, not self.deleted and self.key.status == "Active")]

    def last_use(self, lag: float) -> Optional[Use]:
        """The newest use that is at least ``lag`` seconds old."""
        until = time.time() - lag
        return next((use for use in reversed(self.uses) if use.at <= until), None)


class Keyring:
    """The keys by id, deleted ones included: their ids stay refused for good and may still be known somewhere."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        self._entries.clear()

    def get(self, key_id: Optional[str]) -> Optional[Entry]:
        return self._entries.get(key_id or "")

    def present(self, key_id: Optional[str]) -> Optional[Entry]:
        """The entry of a user's key that is not deleted."""
        entry = self.get(key_id)
        return None if entry is None or entry.deleted or entry.user is None else entry

    def added(self, key: AccessKey, user: User) -> Entry:
        """A user got a key."""
        entry = self._entries[key.access_key_id] = Entry(key, user=user)
        self.changed(key)
        return entry

    def opened(self, session: AssumedRole) -> None:
        """Somebody assumed a role; its temporary key works everywhere at once."""
        key = session.access_key
        self._entries[key.access_key_id] = Entry(key, session=session, changes=[Change(0.0, True)])

    def changed(self, key: AccessKey) -> None:
        """A key has another status than before."""
        settings, valid = self._settings, key.status == "Active"
        changes = self._entries[key.access_key_id].changes
        if (changes[-1].valid if changes else False) == valid:
            return
        if valid:
            changes.append(
                Change(time.time(), True, settings.propagation_seconds, dict(settings.propagation_by_region))
            )
        else:
            changes.append(Change(time.time(), False, settings.revocation_seconds))

    def removed(self, key: AccessKey) -> None:
        """A key was deleted."""
        entry = self._entries[key.access_key_id]
        entry.deleted = True
        if entry.changes[-1].valid:
            entry.changes.append(Change(time.time(), False, self._settings.revocation_seconds))

    def authenticate(self, key_id: str, token: Optional[str], region: str, protocol: str) -> Entry:
        """The entry whose secret must have signed a call.

        Raises Refusal for a key that the region does not take, or a session token that does not go with it.
        """
        entry = self.get(key_id)
        if entry is None or not entry.accepted(region, self._settings.flap):
            raise refusal("unknown key", protocol)
        expected = entry.session.session_token if entry.session else None
        if token != expected:
            raise refusal("wrong token", protocol)
        if entry.session and entry.session.expiration <= datetime.datetime.now(entry.session.expiration.tzinfo):
            raise refusal("expired token", protocol)
        return entry

    def used(self, entry: Entry, service: str, region: str) -> None:
        """A call was signed with the key, and accepted. Uses within one second count as one, as AWS tells seconds."""
        use = Use(time.time(), service, region)
        with self._lock:
            if entry.uses and int(entry.uses[-1].at) == int(use.at):
                entry.uses[-1] = dataclasses.replace(use, at=entry.uses[-1].at)
            else:
                entry.uses.append(use)


@dataclasses.dataclass(frozen=True)
class View:
    """What lists say about a user from a moment on."""

    at: float
    keys: tuple[AccessKey, ...]
    tags: dict[str, str]


class Views:
    """What lists said about each user, when: for lists that lag."""

    def __init__(self) -> None:
        self._views: dict[User, list[View]] = {}

    def clear(self) -> None:
        self._views.clear()

    def note(self, user: User, tags: dict[str, str]) -> None:
        """Something about the user changed now."""
        self._views.setdefault(user, []).append(_view(time.time(), user, tags))

    def settle(self, user: User, tags: dict[str, str]) -> None:
        """What holds for the user now is what lists said all along."""
        self._views[user] = [_view(0.0, user, tags)]

    def of(self, user: User, lag: float) -> View:
        """What lists that are ``lag`` seconds late say now."""
        until = time.time() - lag
        views = self._views.get(user, [])
        return next((view for view in reversed(views) if view.at <= until), View(0.0, (), {}))


def _view(at: float, user: User, tags: dict[str, str]) -> View:
    return View(at, tuple(map(copy.copy, user.access_keys)), dict(tags))
