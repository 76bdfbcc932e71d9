# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a rotation begins, decided from what was read: no AWS, no Ansible, no clock.

``begin`` looks at the facts of one IAM user and says the next steps, or none, with the reason in words. Whoever carries
them out does so until none is left; a check does the same without doing them. The rules are numbered in
docs/architecture.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime

from ansible_collections.rekey.aws.plugins.module_utils._facts import Policy, Run, User, age_order, names
from ansible_collections.rekey.aws.plugins.module_utils._marks import DRAINING, OURS, RETIRED, Intent, Mark, format_time
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey
from ansible_collections.rekey.aws.plugins.module_utils._plan import (
    ANYBODY,
    BLOCKED,
    EVERYBODY,
    NOBODY,
    WAITING,
    Create,
    Delete,
    EraseMarks,
    Plan,
    Step,
    WriteMarks,
    foreign,
    short,
    words,
)

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
KEYS_PER_USER = 2


def begin(user: User, policy: Policy, run: Run, now: datetime) -> Plan:
    """What to do before hosts are written to: choose the target, and create a key where one is due."""
    if user.created and user.may_mark:
        return _settle_created(user, run, now)
    target, read = choose_target(user)
    if read != NOBODY:
        return Plan(read=read, status=WAITING, message=f"which key is in use must be read from {read} first")
    plan = creation(user, target, policy, run, now)
    if plan is None:
        return aim_at(user, target)
    if plan.status == WAITING and not plan.steps:
        return replace(aim_at(user, target), **words(plan))
    if plan.steps and target and user.may_mark and user.marks.of(target.id) != OURS:
        # Once the hosts have the new key, nothing but a mark can tell that the old one was theirs (rule 2).
        if target.id not in user.held:
            return replace(aim_at(user, target), read=ANYBODY, status=WAITING, message="no consumer was read yet")
        intent = t.cast(WriteMarks, plan.steps[0])
        marked = replace(intent, keys={target.id: Mark(OURS, now)})
        plan = replace(plan, steps=(marked, *plan.steps[1:]))
    return replace(aim_at(user, target), steps=plan.steps, **words(plan))


def choose_target(user: User) -> tuple[AccessKey | None, str]:
    """Rule 1, and whom to read where it cannot be applied yet."""
    active = [key for key in user.keys if key.active]
    known = [key for key in active if key.id in user.held | user.at_hand]
    if known:
        return max(known, key=age_order), NOBODY
    if user.readers and not user.unread:
        return None, NOBODY
    if not active:
        return None, NOBODY
    standing = [key for key in active if user.marks.of(key.id) not in (DRAINING, RETIRED)]
    ours = [key for key in standing if user.marks.of(key.id) == OURS]
    for only in (ours, standing):
        if len(only) == 1 and not user.readers:
            return only[0], NOBODY
    # Consumers that were asked and did not answer will not do so for being asked again.
    silent = user.readers and all(c.read or not c.in_run or c.reason for c in user.consumers)
    return None, NOBODY if silent else EVERYBODY


def aim_at(user: User, target: AccessKey | None) -> Plan:
    if target is None:
        return Plan()
    older = sorted((key for key in user.keys if age_order(key) < age_order(target)), key=age_order)
    return Plan(target=target.id, replaces=tuple(key.id for key in older))


def creation(user: User, target: AccessKey | None, policy: Policy, run: Run, now: datetime) -> Plan | None:
    """Rule 2: none where no key is due, the steps that create one, or what keeps them."""
    if target and now - target.created <= policy.max_age:
        if policy.force_before is None or target.created >= policy.force_before:
            return None
    subject = f"{short(target.id)} is due" if target else "no key is in use"
    for intent in user.marks.intents:
        if intent.run == run.id:
            until = intent.at + policy.orphan_after
            return Plan(
                status=WAITING,
                until=until,
                message=f"{subject}; AWS did not answer whether it created a key: what appeared is judged after "
                + format_time(until),
            )
        if now - intent.at < policy.orphan_after / 2:
            until = intent.at + policy.orphan_after / 2
            return Plan(
                status=WAITING,
                until=until,
                message=f"{subject}; run {intent.run} was about to create one at {format_time(intent.at)}; if it is "
                f"over, this goes on after {format_time(until)} (or remove the tag rekey:intent:{intent.run})",
            )
    if target is None and user.unread and any(key.active for key in user.keys):
        return Plan(
            status=WAITING, message=f"{subject} as far as seen, but not every consumer was read: {names(user.unread)}"
        )
    for key in user.keys:
        if target and key.id == target.id:
            continue
        leaving = is_leaving(user, key)
        fresh = key.active and user.marks.of(key.id) == OURS and now - key.created < policy.orphan_after
        if (leaving and target) or fresh:
            return Plan(status=WAITING, message=f"{subject}; the next key is created when {short(key.id)} is gone")
    if len(user.keys) >= KEYS_PER_USER:
        taken = [key for key in user.keys if target is None or key.id != target.id]
        return Plan(
            status=BLOCKED, message=f"{subject}, but no slot is free: " + "; ".join(foreign(user, k) for k in taken)
        )
    intent = Intent(run.id, now, frozenset(key.id for key in user.keys))
    steps: tuple[Step, ...] = (WriteMarks(intent=intent), Create()) if user.may_mark else (Create(),)
    return Plan(steps=steps, status=WAITING, message=f"{subject}: a new key is created")


def is_leaving(user: User, key: AccessKey) -> bool:
    """Whether a key of ours is on its way out, and nobody took it over (rule 9)."""
    state = user.marks.of(key.id)
    return state == DRAINING or (state == OURS and key.active) or (state == RETIRED and not key.active)


def _settle_created(user: User, run: Run, now: datetime) -> Plan:
    """Rule 4: keep the key just made, unless another run was faster."""
    own = t.cast(AccessKey, user.key(user.created))
    intent = next((i for i in user.marks.intents if i.run == run.id), None)
    before = intent.before if intent else frozenset()
    faster = [
        key for key in user.keys if intent and key.id not in before | {own.id} and age_order(key) < age_order(own)
    ]
    erase = EraseMarks(runs=(run.id,))
    if faster:
        return Plan(
            steps=(Delete(own.id), erase), status=WAITING, message=f"another run was faster with {short(faster[0].id)}"
        )
    return replace(aim_at(user, own), steps=(WriteMarks({own.id: Mark(OURS, now)}), erase))
