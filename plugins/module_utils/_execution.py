# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out what was decided for an IAM user, step by step, and tells truly what was done.

After each group of steps the facts are decided on again, until no step is left. A check takes the same way and does
nothing on it.
"""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError, NoAnswer, RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._facts import Policy, Run, User, age_order
from ansible_collections.rekey.aws.plugins.module_utils._marks import (
    INTENT,
    KEY,
    OURS,
    Mark,
    intent_tag,
    key_tag,
    parse,
)
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, LastUse, NewAccessKey
from ansible_collections.rekey.aws.plugins.module_utils._plan import (
    WAITING,
    WOULD_BE_NEW,
    Activate,
    Create,
    Deactivate,
    Delete,
    EraseMarks,
    LookUpLastUse,
    Plan,
    Step,
    WriteMarks,
    after,
    describe,
    short,
)

Decide = t.Callable[[User, Policy, Run, datetime], Plan]

# A list that was read so few seconds ago was read "directly before".
_JUST_NOW = 2.0
# Lists of IAM lag by seconds: how often, and how many seconds apart, one that surprises is read again.
_SECOND_LOOKS = (0.5, 1.0, 2.0, 4.0)
# A rotation has fewer steps than this; more means that the facts change under our hands.
_MOST_DECISIONS = 16


class Gateway(t.Protocol):
    """What is asked of AWS; ``_iam.Iam`` is it."""

    def list_access_keys(self, user_name: str) -> tuple[AccessKey, ...]: ...
    def list_user_tags(self, user_name: str) -> dict[str, str]: ...
    def tag_user(self, user_name: str, tags: t.Mapping[str, str]) -> None: ...
    def untag_user(self, user_name: str, names: t.Sequence[str]) -> None: ...
    def create_access_key(self, user_name: str) -> NewAccessKey: ...
    def set_access_key_active(self, user_name: str, access_key_id: str, active: bool) -> None: ...
    def delete_access_key(self, user_name: str, access_key_id: str) -> bool: ...
    def access_key_last_used(self, access_key_id: str) -> LastUse: ...


@dataclass(frozen=True)
class Task:
    """One user's part in a phase: the facts that are known without AWS, whose account, and the operator's word."""

    user: User
    policy: Policy
    gateway: Gateway


@dataclass(frozen=True)
class Outcome:
    """How it went with one user: the last facts and plan, the steps done (or, in a check, to be done), the new key."""

    user: User
    plan: Plan
    done: tuple[str, ...] = ()
    new: NewAccessKey | None = None
    error: RekeyError | None = None


def carry_out_all(decide: Decide, tasks: t.Sequence[Task], run: Run, check: bool, concurrency: int) -> list[Outcome]:
    """Carry out the phase for all users at once; one user's error is no other's."""
    if not tasks:
        return []
    with ThreadPoolExecutor(max_workers=min(concurrency, len(tasks))) as pool:
        return list(pool.map(lambda task: _Execution(task, run, check).carry_out(decide), tasks))


class _Execution:
    def __init__(self, task: Task, run: Run, check: bool) -> None:
        self._aws = task.gateway
        self._policy = task.policy
        self._run = run
        self._check = check
        self._user = task.user
        self._done: list[str] = []
        self._new: NewAccessKey | None = None
        self._listed = float("-inf")

    def carry_out(self, decide: Decide) -> Outcome:
        plan = Plan()
        try:
            self._read()
            for _decision in range(_MOST_DECISIONS):
                plan = decide(self._user, self._policy, self._run, _now())
                if not plan.steps:
                    return Outcome(self._user, plan, tuple(self._done), self._new)
                for step in plan.steps:
                    if not self._take(step):
                        break
            raise RekeyError(f"User {self._user.name}: the facts kept changing; run again.")
        except _Waits as error:
            plan = replace(plan, steps=(), status=WAITING, message=str(error))
            return Outcome(self._user, plan, tuple(self._done))
        except RekeyError as error:
            return Outcome(self._user, replace(plan, steps=()), tuple(self._done), self._new, error)

    def _read(self) -> None:
        keys = self._list()
        try:
            marks = parse(self._aws.list_user_tags(self._user.name))
            self._user = replace(self._user, keys=keys, marks=marks)
        except AwsError as error:
            if not _is_denied(error):
                raise
            self._user = replace(self._user, keys=keys, may_mark=False)
        self._would_be()

    def _would_be(self) -> None:
        """In a check, have the key that begin would have made, and its mark, where consumers would hold it."""
        if self._check and WOULD_BE_NEW in self._user.held:
            keys = (*self._user.keys, AccessKey(WOULD_BE_NEW, True, _now()))
            self._user = replace(self._user, keys=keys)
            self._user = after(self._user, WriteMarks({WOULD_BE_NEW: Mark(OURS, _now())}))

    def _list(self) -> tuple[AccessKey, ...]:
        keys = self._aws.list_access_keys(self._user.name)
        self._listed = time.monotonic()
        return tuple(sorted(keys, key=age_order))

    def _take(self, step: Step) -> bool:
        """Take one step. False: the facts are others than thought, so that it must be decided again."""
        if isinstance(step, LookUpLastUse):
            self._look_up(step.id)
            return True
        if isinstance(step, (Activate, Deactivate, Delete)) and not self._still_holds():
            return False
        if not self._check:
            try:
                self._do(step)
            except AwsError as error:
                if isinstance(step, (WriteMarks, EraseMarks)) and _is_denied(error):
                    self._user = replace(self._user, may_mark=False)
                    return False
                raise
        if isinstance(step, Create):
            if self._check:
                would_be = AccessKey(WOULD_BE_NEW, True, _now())
                self._user = replace(self._user, keys=(*self._user.keys, would_be), at_hand=frozenset({WOULD_BE_NEW}))
            self._done.append(f"create {short(self._user.created or WOULD_BE_NEW)}")
            return True
        self._user = after(self._user, step)
        self._done.append(describe(step))
        return True

    def _do(self, step: Step) -> None:
        name = self._user.name
        if isinstance(step, WriteMarks):
            tags = dict(key_tag(id_, mark) for id_, mark in step.keys.items())
            if step.intent:
                tags.update([intent_tag(step.intent)])
            self._aws.tag_user(name, tags)
        elif isinstance(step, EraseMarks):
            self._aws.untag_user(name, [KEY + id_ for id_ in step.keys] + [INTENT + run for run in step.runs])
        elif isinstance(step, Create):
            self._create()
        elif isinstance(step, (Activate, Deactivate)):
            self._aws.set_access_key_active(name, step.id, isinstance(step, Activate))
        elif isinstance(step, Delete):
            self._aws.delete_access_key(name, step.id)

    def _create(self) -> None:
        """Rules 3 and 4: once, and then look whether another run was faster."""
        try:
            self._new = self._aws.create_access_key(self._user.name)
        except NoAnswer as error:
            raise _Waits(error.message) from None  # the intent stays, and tells whose a key is that appeared
        except AwsError as error:
            if self._user.may_mark:
                self._take(EraseMarks(runs=(self._run.id,)))
            if error.code == "LimitExceeded":
                raise _Waits("no slot was free any more: another run or a person was faster") from None
            raise
        own = self._new.key
        keys = self._list()
        for wait in _SECOND_LOOKS:
            if own.id in {key.id for key in keys}:
                break
            time.sleep(wait)
            keys = self._list()
        keys = tuple(sorted((*(key for key in keys if key.id != own.id), own), key=age_order))
        self._user = replace(self._user, keys=keys, created=own.id, at_hand=self._user.at_hand | {own.id})

    def _still_holds(self) -> bool:
        """Whether the list of keys is what was decided on, read again where it was not read just now."""
        if self._check or time.monotonic() - self._listed < _JUST_NOW:
            return True
        keys = self._list()
        for wait in _SECOND_LOOKS:
            if keys == self._user.keys:
                return True
            time.sleep(wait)
            keys = self._list()
        self._user = replace(self._user, keys=keys)
        return False

    def _look_up(self, access_key_id: str) -> None:
        use: LastUse | None
        try:
            use = self._aws.access_key_last_used(access_key_id)
        except AwsError:
            use = None  # unknown, which waits: lacking an answer is no proof
        self._user = replace(self._user, last_use={**self._user.last_use, access_key_id: use})


class _Waits(Exception):
    """A key was not created, or not known to be, for a reason that passes."""


def _is_denied(error: AwsError) -> bool:
    return error.code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)
