# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How replaced keys are retired, decided from what was read: no AWS, no Ansible, no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer, Policy, Run, User, is_older, names
from ansible_collections.rekey.aws.plugins.module_utils._marks import DRAINING, OURS, RETIRED, Intent, Mark, format_time
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey
from ansible_collections.rekey.aws.plugins.module_utils._plan import (
    BLOCKED,
    NOBODY,
    WAITING,
    Deactivate,
    Delete,
    EraseMarks,
    LookUpLastUse,
    Plan,
    Step,
    WriteMarks,
    foreign,
    short,
    words,
    worst,
)
from ansible_collections.rekey.aws.plugins.module_utils._rotation import aim_at, choose_target, creation

# AWS records a key's last use at most every 15 minutes or so, and tells of it later still
# (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html).
LAST_USE_LAG = timedelta(minutes=30)
# How long a host's proof that it works with the new key counts (rule 10).
PROOF_LIFE = timedelta(hours=1)
# Two clocks that AWS both takes for right differ by no more (SigV4 allows 15 minutes; twice 5 is what is seen).
CLOCK_SKEW = timedelta(minutes=10)
# CreateAccessKey follows its intent at once; so long may it take under throttling, with all that the SDK waits.
CREATION_TIME = timedelta(minutes=15)
# Lists are stale for seconds; a mark whose key has not been listed for so long describes nothing any more.
LIST_LAG = timedelta(hours=1)


def retire(user: User, policy: Policy, run: Run, now: datetime) -> Plan:
    """What to do once hosts were written to: move each replaced key one step towards its end."""
    target, read = choose_target(user)
    aim = aim_at(user, target) if read == NOBODY else Plan()
    others = [key for key in user.keys if target is None or key.id != target.id]
    if not user.may_mark:
        if others:
            need = "nothing is deactivated or deleted without marks: grant iam:ListUserTags, TagUser and UntagUser"
            return replace(aim, status=BLOCKED, message=need)
        return aim
    marks, erase = _wanted_marks(user, target, policy, run, now)
    marking: list[Step] = []
    written = {id_: mark for id_, mark in marks.items() if user.marks.keys.get(id_) != mark}
    if written:
        marking.append(WriteMarks(written))
    if erase.keys or erase.runs:
        marking.append(erase)
    if marking:
        return replace(aim, steps=tuple(marking))
    verdicts = [_verdict(user, key, target, policy, run, now) for key in others]
    for verdict in verdicts:
        if verdict.steps:
            return replace(aim, steps=verdict.steps)
    due = creation(user, target, policy, run, now)
    if due is not None:
        later = f"{due.message} by the next run" if due.steps else due.message
        verdicts.append(replace(due, steps=(), message=later))
    return replace(aim, **words(worst(verdicts)))


def unproven(user: User, target: AccessKey | None, policy: Policy, now: datetime) -> tuple[Consumer, ...]:
    """The consumers of which this run has no fresh proof that they work with the target (rule 6)."""
    return tuple(
        consumer
        for consumer in user.consumers
        if target is None
        or not consumer.read
        or consumer.held != target.id
        or consumer.wrong_secret
        or (policy.verify and not consumer.verified)
        or consumer.at is None
        or now - consumer.at > PROOF_LIFE
    )


def _wanted_marks(
    user: User, target: AccessKey | None, policy: Policy, run: Run, now: datetime
) -> tuple[dict[str, Mark], EraseMarks]:
    """The marks as they should be by now, and those that describe nothing any more."""
    marks = dict(user.marks.keys)
    seen = user.held | {c.previous for c in user.readers if c.previous}
    for key in user.keys:
        state = user.marks.of(key.id)
        if target and key.id == target.id:
            if state != OURS and key.id in user.held:
                marks[key.id] = Mark(OURS, now)
        elif state is None and key.active and (key.id in seen or (policy.adopt and is_older(key, target))):
            marks[key.id] = Mark(OURS, now)
        elif state == DRAINING and not key.active:
            marks[key.id] = Mark(
                RETIRED, now
            )  # a run was killed between the two, or somebody did what we were about to do
        elif state is None and not key.active and policy.replace_inactive and key.id not in user.held:
            marks[key.id] = Mark(RETIRED, now)
    for key in user.keys:
        mark = marks.get(key.id)
        replaced = mark and mark.state == OURS and key.active and is_older(key, target)
        if replaced and not unproven(user, target, policy, now):
            marks[key.id] = Mark(DRAINING, now)
        elif _is_orphan(user, key, target, policy, now) is True:
            marks[key.id] = Mark(DRAINING, now)
    listed = {key.id for key in user.keys}
    gone = tuple(id_ for id_, mark in user.marks.keys.items() if id_ not in listed and now - mark.since > LIST_LAG)
    over = tuple(i.run for i in user.marks.intents if now - i.at > policy.orphan_after and not _suspects(user, i))
    return {id_: mark for id_, mark in marks.items() if id_ not in gone}, EraseMarks(gone, over)


def _suspects(user: User, intent: Intent) -> list[AccessKey]:
    """The keys without a mark of which one may be what the run of ``intent`` created."""
    window = (intent.at - CLOCK_SKEW, intent.at + CREATION_TIME + CLOCK_SKEW)
    return [
        key
        for key in user.keys
        if user.marks.of(key.id) is None and key.id not in intent.before and window[0] <= key.created <= window[1]
    ]


def _is_orphan(user: User, key: AccessKey, target: AccessKey | None, policy: Policy, now: datetime) -> bool | None:
    """Rule 5. None where only its last use is missing."""
    state = user.marks.of(key.id)
    ours = state == OURS and not is_older(key, target)
    # A run makes one key. Where two could be it, a person must say which.
    left = any(_suspects(user, i) == [key] for i in user.marks.intents if now - i.at >= policy.orphan_after)
    if not (ours or left) or not key.active or (target and key.id == target.id):
        return False
    if user.unread or key.id in user.at_hand or now - key.created < policy.orphan_after:
        return False
    if any(key.id in (c.held, c.previous) for c in user.readers):
        return False
    if key.id not in user.last_use:
        return None
    use = user.last_use[key.id]
    return use is not None and use.at is None


def _verdict(user: User, key: AccessKey, target: AccessKey | None, policy: Policy, run: Run, now: datetime) -> Plan:
    """The next step of one key that is not the target, or what it waits for."""
    mark = user.marks.keys.get(key.id)
    name = short(key.id)
    if mark and mark.state == DRAINING:
        return _deactivation(user, key, mark, target, policy, run, now)
    if mark and mark.state == RETIRED and not key.active:
        return _deletion(user, key, mark, policy, now)
    if _is_orphan(user, key, target, policy, now) is None:
        return Plan(steps=(LookUpLastUse(key.id),))
    if mark and mark.state == OURS and key.active:
        missing = unproven(user, target, policy, now)
        if is_older(key, target):
            return Plan(status=WAITING, message=f"{name} stays until these are verified: {names(missing)}")
        if user.unread:
            return Plan(
                status=WAITING, message=f"nobody seen holds {name}, but these were not read: {names(user.unread)}"
            )
        if now - key.created < policy.orphan_after:
            until = key.created + policy.orphan_after
            words = f"{name} was made by another run, which may still bring it to hosts until {format_time(until)}"
            return Plan(status=WAITING, until=until, message=words)
        return Plan(
            status=BLOCKED, message=f"nobody in the inventory holds {name}, yet it was used: {foreign(user, key)}"
        )
    return Plan(message=foreign(user, key))


def _deactivation(
    user: User, key: AccessKey, mark: Mark, target: AccessKey | None, policy: Policy, run: Run, now: datetime
) -> Plan:
    """Rule 7."""
    name = short(key.id)
    is_orphan = not is_older(key, target)
    missing = user.unread if is_orphan else unproven(user, target, policy, now)
    if missing or key.id in user.held:
        return Plan(status=WAITING, message=f"{name} stays until these are verified: {names(missing)}")
    go: tuple[Step, ...] = (Deactivate(key.id), WriteMarks({key.id: Mark(RETIRED, now)}))
    if not policy.grace and mark.since >= run.started:
        return Plan(steps=go)
    if key.id not in user.last_use:
        return Plan(steps=(LookUpLastUse(key.id),))
    use = user.last_use[key.id]
    if use is None:
        words = f"{name} stays: its last use is unknown (is iam:GetAccessKeyLastUsed granted?)"
        return Plan(status=WAITING, message=words)
    used = use.at is not None and use.at > mark.since
    quiet = max(mark.since, use.at) if use.at else mark.since
    until = quiet + policy.grace + (LAST_USE_LAG if policy.grace or used else timedelta(0))
    if now >= until:
        return Plan(steps=go)
    by = f"; last used {format_time(use.at)} by {use.service} in {use.region}" if use.at and used else ""
    words = f"{name} is deactivated after {format_time(until)}, if nothing uses it{by}"
    return Plan(status=WAITING, until=until, message=words)


def _deletion(user: User, key: AccessKey, mark: Mark, policy: Policy, now: datetime) -> Plan:
    """Rule 8."""
    holders = tuple(c for c in user.consumers if not c.read or c.held == key.id)
    until = mark.since + policy.delete_after
    if now < until:
        return Plan(status=WAITING, until=until, message=f"{short(key.id)} is deleted after {format_time(until)}")
    if holders:
        words = f"{short(key.id)} is inactive, and deleted once these are seen not to hold it: {names(holders)}"
        return Plan(status=WAITING, message=words)
    return Plan(steps=(Delete(key.id), EraseMarks(keys=(key.id,))))
