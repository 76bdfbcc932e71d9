# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator reads of a rotation: one line a user, and the same as values."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime

from ansible_collections.rekey.aws.plugins.module_utils._execution import Outcome
from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer, Policy, names
from ansible_collections.rekey.aws.plugins.module_utils._marks import format_time
from ansible_collections.rekey.aws.plugins.module_utils._plan import FAILED, short
from ansible_collections.rekey.aws.plugins.module_utils._retirement import unproven


def began(outcome: Outcome) -> dict[str, t.Any]:
    """What begin found and did for a user: what distribute needs, less any secret."""
    plan = outcome.plan
    return {
        **_common(outcome),
        "access_key_id": plan.target,
        "created": outcome.new is not None,
        "keys": [key.id for key in outcome.user.keys],
        "replaces": list(plan.replaces),
        "read": plan.read,
        "held_before": plan.target in outcome.user.held,
    }


def rolled_back(outcome: Outcome, check: bool) -> dict[str, t.Any]:
    """What was taken back for a user, with the line that says so."""
    result = _common(outcome)
    line = "; ".join(part for part in (_did(outcome, check), result["message"]) if part)
    return {**result, "access_key_id": outcome.plan.target, "line": f"{outcome.user.name}: {line}"}


def retired(outcome: Outcome, policy: Policy, now: datetime, check: bool) -> dict[str, t.Any]:
    """How far a user's rotation is, with the line that says so."""
    user, plan = outcome.user, outcome.plan
    target = user.key(plan.target)
    missing = [replace(c, reason=c.reason or _why(c, policy)) for c in unproven(user, target, policy, now)]
    consumers = len(user.consumers)
    old = sorted({id_ for c in user.consumers for id_ in (c.previous, c.held) if id_ and id_ != plan.target})
    result = {
        **_common(outcome),
        "access_key_id": plan.target,
        "previous_access_key_ids": old,
        "keys": {key.id: user.marks.of(key.id) or "unmarked" for key in user.keys},
        "consumers": consumers,
        "verified": consumers - len(missing),
        "missing": [{"host": c.host, "profile": c.profile, "reason": c.reason} for c in missing],
    }
    arrow = f"{', '.join(short(id_) for id_ in old)} → " if old else ""
    line = f"{user.name}: {arrow}{short(plan.target)}, {consumers - len(missing)} of {consumers} done"
    parts = [line]
    if missing:
        parts.append("missing: " + names(missing))
    if outcome.done:
        parts.append(_did(outcome, check))
    parts.append(f"{result['status']}: {result['message']}" if result["message"] else result["status"])
    result["line"] = "; ".join(parts)
    return result


def _did(outcome: Outcome, check: bool) -> str:
    return ("would do: " if check else "did: ") + ", ".join(outcome.done) if outcome.done else ""


def _common(outcome: Outcome) -> dict[str, t.Any]:
    plan, error = outcome.plan, outcome.error
    return {
        "user_name": outcome.user.name,
        "status": FAILED if error else plan.status,
        "message": error.message if error else plan.message,
        "until": format_time(plan.until) if plan.until else None,
        "steps": list(outcome.done),
    }


def _why(consumer: Consumer, policy: Policy) -> str:
    if not consumer.in_run:
        return "not in this run"
    if not consumer.read:
        return "not read"
    if policy.verify and not consumer.verified:
        return "not verified"
    return f"holds {short(consumer.held)}"
