# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decision says: the next steps, and the state of a rotation in words."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime

from ansible_collections.rekey.aws.plugins.module_utils._facts import User
from ansible_collections.rekey.aws.plugins.module_utils._marks import OURS, RETIRED, Intent, Mark, Marks, format_time
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey

SETTLED = "settled"
WAITING = "waiting"
BLOCKED = "blocked"
FAILED = "failed"

NOBODY = "nobody"
ANYBODY = "anybody"
EVERYBODY = "everybody"


@dataclass(frozen=True)
class WriteMarks:
    keys: t.Mapping[str, Mark] = field(default_factory=dict)
    intent: Intent | None = None


@dataclass(frozen=True)
class EraseMarks:
    keys: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Create:
    pass


@dataclass(frozen=True)
class LookUpLastUse:
    id: str


@dataclass(frozen=True)
class Deactivate:
    id: str


@dataclass(frozen=True)
class Activate:
    id: str


@dataclass(frozen=True)
class Delete:
    id: str


Step = t.Union[WriteMarks, EraseMarks, Create, LookUpLastUse, Deactivate, Activate, Delete]


@dataclass(frozen=True)
class Plan:
    """The next steps, and the state of the rotation in words.

    ``target`` is the key that all consumers are brought to, ``replaces`` the ids that it replaces on hosts (rule 11),
    ``read`` whom to read before anything can be decided. ``until`` is when waiting ends by itself (UTC), if it does.
    """

    steps: tuple[Step, ...] = ()
    target: str | None = None
    replaces: tuple[str, ...] = ()
    read: str = NOBODY
    status: str = SETTLED
    message: str = ""
    until: datetime | None = None


# The id that a check gives the key that it would create.
WOULD_BE_NEW = "(new)"


def short(access_key_id: str | None) -> str:
    """A key id as people recognise it: its last four characters."""
    if access_key_id in (None, WOULD_BE_NEW):
        return "no key" if access_key_id is None else "a new key"
    return f"…{access_key_id[-4:]}"


def after(user: User, step: Step) -> User:
    """The facts once ``step`` is done, for all steps but those whose outcome only AWS knows."""
    if isinstance(step, WriteMarks):
        intents = user.marks.intents + ((step.intent,) if step.intent else ())
        created = None if user.created in step.keys else user.created
        return replace(user, marks=Marks({**user.marks.keys, **step.keys}, intents), created=created)
    if isinstance(step, EraseMarks):
        keys = {id_: mark for id_, mark in user.marks.keys.items() if id_ not in step.keys}
        return replace(user, marks=Marks(keys, tuple(i for i in user.marks.intents if i.run not in step.runs)))
    if isinstance(step, (Deactivate, Activate)):
        active = isinstance(step, Activate)
        return replace(user, keys=tuple(replace(k, active=active) if k.id == step.id else k for k in user.keys))
    if isinstance(step, Delete):
        created = None if user.created == step.id else user.created
        keys_left = tuple(key for key in user.keys if key.id != step.id)
        return replace(user, keys=keys_left, created=created, at_hand=user.at_hand - {step.id})
    raise TypeError(step)


def describe(step: Step) -> str:
    """A step in words, for results and the log."""
    if isinstance(step, WriteMarks):
        marks = [f"mark {short(id_)} {mark.state}" for id_, mark in sorted(step.keys.items())]
        return ", ".join(marks + (["mark the intent to create"] if step.intent else []))
    if isinstance(step, EraseMarks):
        marks = [f"erase the mark of {short(id_)}" for id_ in step.keys]
        return ", ".join(marks + [f"erase the intent of run {run}" for run in step.runs])
    if isinstance(step, Create):
        return "create a key"
    if isinstance(step, LookUpLastUse):
        return f"look up the last use of {short(step.id)}"
    return f"{type(step).__name__.lower()} {short(step.id)}"


def foreign(user: User, key: AccessKey) -> str:
    """A key that is not ours to remove (rule 9): what it is, and the way out."""
    use = user.last_use.get(key.id)
    used = f", last used {format_time(use.at)} by {use.service}" if use and use.at else ""
    state = user.marks.of(key.id)
    made = f"{key.id} (made {format_time(key.created)}{used})"
    if key.active:
        whose = "was switched on again by somebody" if state == RETIRED else "is foreign"
        return f"{made} {whose} and left alone; delete it, or hand it over with rotate_adopt"
    whose = "was switched off by somebody" if state == OURS else "is inactive and foreign"
    return f"{made} {whose} and left alone; delete it, or hand it over with rotate_replace_inactive"


def words(plan: Plan) -> dict[str, t.Any]:
    """What a plan says, without what it does."""
    return {"status": plan.status, "message": plan.message, "until": plan.until}


def worst(plans: t.Sequence[Plan]) -> Plan:
    """The plan that an operator must hear of first; settled ones may still have something to say."""
    severity = {SETTLED: 0, WAITING: 1, BLOCKED: 2}
    return max(plans, key=lambda plan: (severity[plan.status], bool(plan.message)), default=Plan())
