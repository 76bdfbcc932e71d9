# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small world in which runs are killed, answers lost and people act: one IAM user, a few hosts, a clock.

The decisions, their execution and the way through the fleet are the real ones; AWS and the hosts are a few lines each,
because what is tried here, a kill after every single call in every order, cannot be made to happen otherwise.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from unittest import mock

from ansible_collections.rekey.aws.plugins.module_utils import _execution, _fleet, _report
from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError, NoAnswer
from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer, Policy, Run, User
from ansible_collections.rekey.aws.plugins.module_utils._marks import parse
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, LastUse, NewAccessKey
from ansible_collections.rekey.aws.plugins.module_utils._plan import NOBODY
from ansible_collections.rekey.aws.plugins.module_utils._retirement import retire
from ansible_collections.rekey.aws.plugins.module_utils._rotation import begin

NAME = "deploy"


class Killed(BaseException):
    """The controller died here."""


@dataclass
class Aws:
    """The user's keys and tags as AWS has them. It is the gateway of the runs, too."""

    world: World
    keys: list[AccessKey] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    used: dict[str, datetime] = field(default_factory=dict)
    made: int = 0
    lose_next_answer: bool = False

    def active(self) -> set[str]:
        return {key.id for key in self.keys if key.active}

    def add(self) -> AccessKey:
        self.made += 1
        key = AccessKey(f"AKIA{self.made:04d}", True, self.world.now)
        self.keys.append(key)
        return key

    def switch(self, access_key_id: str, active: bool) -> None:
        self.keys = [replace(key, active=active) if key.id == access_key_id else key for key in self.keys]

    def remove(self, access_key_id: str) -> None:
        self.keys = [key for key in self.keys if key.id != access_key_id]

    def list_access_keys(self, user_name: str) -> tuple[AccessKey, ...]:
        self.world.instant()
        return tuple(self.keys)

    def list_user_tags(self, user_name: str) -> dict[str, str]:
        self.world.instant()
        return dict(self.tags)

    def tag_user(self, user_name: str, tags: t.Mapping[str, str]) -> None:
        self.world.instant()
        self.tags.update(tags)
        self.world.instant()

    def untag_user(self, user_name: str, names: t.Sequence[str]) -> None:
        self.world.instant()
        for name in names:
            self.tags.pop(name, None)
        self.world.instant()

    def create_access_key(self, user_name: str) -> NewAccessKey:
        self.world.instant()
        if len(self.keys) >= 2:
            raise AwsError("two keys", error_code="LimitExceeded")
        key = self.add()
        self.world.instant()
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise NoAnswer("no answer", error_code="ReadTimeoutError")
        return NewAccessKey(key, f"secret of {key.id}")

    def set_access_key_active(self, user_name: str, access_key_id: str, active: bool) -> None:
        self.world.instant()
        assert active or access_key_id not in self.world.foreign, f"promise 3: {access_key_id} is foreign"
        self.switch(access_key_id, active)
        self.world.instant()

    def delete_access_key(self, user_name: str, access_key_id: str) -> bool:
        self.world.instant()
        assert access_key_id not in self.world.foreign, f"promise 3: {access_key_id} is foreign"
        self.remove(access_key_id)
        self.world.instant()
        return True

    def access_key_last_used(self, access_key_id: str) -> LastUse:
        self.world.instant()
        return LastUse(self.used.get(access_key_id), "s3", "eu-west-1")


@dataclass
class World:
    """Everything there is. ``foreign`` are keys that a person made and no host ever had."""

    policy: Policy
    hosts: dict[str, str | None]
    now: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)
    foreign: set[str] = field(default_factory=set)
    kill_in: int | None = None
    working: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.aws = Aws(self)
        self.runs = 0

    def works(self, host: str) -> bool:
        return self.hosts[host] in self.aws.active()

    def has_fresh_intent(self) -> bool:
        """Whether a run was about to create a key just now: what a person makes then looks like that run's."""
        return any(self.now - intent.at < timedelta(hours=1) for intent in parse(self.aws.tags).intents)

    def instant(self) -> None:
        """Between any two effects: whoever worked when the run began still works, and the run may die."""
        for host in self.working:
            assert self.works(host), f"promise 1: {host} has no working key"
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in < 0:
                raise Killed

    def run(self, away: t.Collection[str] = (), kill_in: int | None = None) -> list[str]:
        """One run of the playbook, the hosts ``away`` unreachable, killed after so many instants. What it did."""
        self.runs += 1
        self.kill_in = kill_in
        self.working = {host for host in self.hosts if self.works(host)}
        try:
            with (
                mock.patch.object(_execution, "_now", return_value=self.now),
                mock.patch.object(_execution.time, "sleep"),
            ):
                return _Playbook(self, frozenset(away)).run()
        except Killed:
            return ["killed"]
        finally:
            self.kill_in = None
            self.working = set()


class _Playbook:
    """The plays of ``playbooks/rotate.yml``, in their order."""

    def __init__(self, world: World, away: frozenset[str]) -> None:
        self.world = world
        self.away = away
        self.run_ = Run(f"run{world.runs}", world.now)
        self.known: dict[str, Consumer] = {host: Consumer(host) for host in world.hosts}
        self.secrets: set[str] = set()
        self.did: list[str] = []

    def run(self) -> list[str]:
        entry = self.begin()
        to_read = _fleet.hosts_to_read(self.uses(), [entry])
        if to_read:
            self.read(to_read)
            entry = self.begin()
        self.distribute(self.world.hosts, entry)
        retired = self.retire()
        again = _fleet.hosts_again(self.uses(), [retired])
        if again:
            self.read(again)
            self.distribute(again, self.begin())
            self.retire()
        return self.did

    def uses(self) -> list[_fleet.Use]:
        return [_fleet.Use(NAME, "", consumer) for consumer in self.known.values()]

    def phase(self, decide: _execution.Decide) -> _execution.Outcome:
        user = User(NAME, consumers=tuple(self.known.values()), at_hand=frozenset(self.secrets))
        task = _execution.Task(user, self.world.policy, self.world.aws)
        outcome = _execution._Execution(task, self.run_, check=False).carry_out(decide)
        self.did += outcome.done
        assert outcome.error is None, outcome.error
        return outcome

    def begin(self) -> dict[str, t.Any]:
        outcome = self.phase(begin)
        if outcome.new:
            self.secrets.add(outcome.new.key.id)
        return {**_report.began(outcome), "account": ""}

    def retire(self) -> dict[str, t.Any]:
        return {**_report.retired(self.phase(retire), self.world.policy, self.world.now, check=False), "account": ""}

    def read(self, hosts: t.Iterable[str]) -> None:
        for host in hosts:
            self.world.instant()
            if host in self.away:
                self.know(host, reason="unreachable")
                continue
            held = self.world.hosts[host]
            if held:
                self.secrets.add(held)
            self.know(host, read=True, held=held)

    def distribute(self, hosts: t.Iterable[str], entry: dict[str, t.Any]) -> None:
        target = entry["access_key_id"] if entry["read"] == NOBODY else None
        for host in hosts:
            self.world.instant()
            if host in self.away:
                self.know(host, reason="unreachable")
                continue
            before = self.world.hosts[host]
            working = before in self.world.aws.active()
            if target in self.secrets and before != target and target in self.world.aws.active():
                if before is None or before in entry["replaces"] or not working:
                    self.world.hosts[host] = target
                    self.did.append(f"wrote {host}")
                    self.world.instant()
            held = self.world.hosts[host]
            verified = held is not None and held == target and held in self.world.aws.active()
            lacking = not verified and target not in self.secrets
            self.know(host, read=True, held=held, previous=before, verified=verified, lacking=lacking)

    def know(self, host: str, **facts: t.Any) -> None:
        self.known[host] = Consumer(host, at=self.world.now if facts.get("read") else None, **facts)
