# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two phases of a rotation that lie in AWS, from the parameters of a module to its result."""

from __future__ import annotations

import typing as t
import uuid
from datetime import datetime, timezone

from ansible_collections.rekey.aws.plugins.module_utils import _policy, _report
from ansible_collections.rekey.aws.plugins.module_utils._execution import Outcome, Task, carry_out_all
from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer, Policy, Run, User
from ansible_collections.rekey.aws.plugins.module_utils._iam import Connection, Iam
from ansible_collections.rekey.aws.plugins.module_utils._marks import format_time, parse_time
from ansible_collections.rekey.aws.plugins.module_utils._retirement import retire
from ansible_collections.rekey.aws.plugins.module_utils._rollback import rollback
from ansible_collections.rekey.aws.plugins.module_utils._rotation import begin

_DECISIONS = {"begin": begin, "retire": retire, "rollback": rollback}


def carry_out(params: t.Mapping[str, t.Any], check: bool) -> dict[str, t.Any]:
    """Carry out the phase that the parameters of iam_access_key_rotation ask for. Raises InvalidInput."""
    run = _run(params["run"])
    gateway = Iam(Connection.from_options(params), params["concurrency"])
    tasks = [_task(entry, run, gateway) for entry in params["users"]]
    decide = _DECISIONS[params["phase"]]
    outcomes = carry_out_all(decide, tasks, run, check, params["concurrency"])
    return {
        "changed": any(outcome.done for outcome in outcomes),
        "run": {"id": run.id, "started": format_time(run.started)},
        "users": [_result(params["phase"], task, outcome, check) for task, outcome in zip(tasks, outcomes)],
    }


def _result(phase: str, task: Task, outcome: Outcome, check: bool) -> dict[str, t.Any]:
    if phase == "retire":
        return _report.retired(outcome, task.policy, _now(), check)
    if phase == "rollback":
        return _report.rolled_back(outcome, check)
    new = {"secret_access_key": outcome.new.secret_access_key} if outcome.new else {}
    return {**_report.began(outcome), **new}


def _run(given: t.Mapping[str, str] | None) -> Run:
    if given:
        return Run(given["id"], parse_time(given["started"]))
    return Run(uuid.uuid4().hex[:8], _now())


def _task(entry: t.Mapping[str, t.Any], run: Run, gateway: Iam) -> Task:
    policies = [_policy.parse(options, run.started) for options in entry["policies"]]
    consumers = tuple(_consumer(consumer) for consumer in entry["consumers"])
    user = User(entry["user_name"], consumers=consumers, at_hand=frozenset(entry["at_hand"]))
    return Task(user, _policy.strictest(policies) if policies else Policy(), gateway)


def _consumer(options: t.Mapping[str, t.Any]) -> Consumer:
    at = options["at"]
    return Consumer(**{**options, "at": parse_time(at) if at else None})


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)
