# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory as a rotation sees it: which consumers there are, what this run knows of them, and where it goes next.

Plain values in and out, for the two action plugins that sit between the role and the modules. They share variables that
are registered, so that they live in the memory of the run alone: ``rotate_begin``, the result of that phase, and
``rotate_outcome``, what the task that wrote to a host, or read it, found there.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ansible_collections.rekey.aws.plugins.module_utils import _policy
from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer
from ansible_collections.rekey.aws.plugins.module_utils._marks import format_time
from ansible_collections.rekey.aws.plugins.module_utils._plan import ANYBODY, BLOCKED, FAILED, NOBODY

BEGIN = "rotate_begin"
OUTCOME = "rotate_outcome"

# The role's variables that make up the policy of a consumer's user, by the option of iam_access_key_rotation.
POLICY = ("max_age", "force", "grace", "delete_after", "orphan_after", "verify", "replace_inactive", "adopt")

_OUTCOME_FACTS = frozenset(("read", "held", "previous", "verified", "wrong_secret", "lacking", "at", "reason"))

Values = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Use:
    """That a consumer uses an IAM user's key, and on which terms. ``account`` is ``account_name`` of its connection."""

    user_name: str
    account: str
    consumer: Consumer
    policy: Values = field(default_factory=dict)


def account_name(connection: Values) -> str:
    """A short name for how AWS is reached, that tells nothing of it: connections may hold secrets."""
    if not connection:
        return ""
    return hashlib.sha256(json.dumps(connection, sort_keys=True, default=str).encode()).hexdigest()[:12]


def policy(given: Values) -> dict[str, t.Any]:
    """A host's policy as options of iam_access_key_rotation. Raises InvalidInput where it cannot be read."""
    options = {name: _option(value) for name, value in given.items()}
    _policy.parse(options, datetime.now(timezone.utc))
    return options


def _option(value: t.Any) -> t.Any:
    if isinstance(value, datetime):  # what YAML makes of a time without quotes
        return format_time(value if value.tzinfo else value.replace(tzinfo=timezone.utc))
    return value if isinstance(value, bool) else str(value)


def identity(entry: Values) -> tuple[str, str, str | None]:
    """What tells one consumer of a host from another: IAM user, profile, and whose files."""
    return str(entry["user_name"]), str(entry.get("profile") or "default"), entry.get("os_user") or None


def uses(
    host: str, in_run: bool, credentials: t.Sequence[Values], account: str, policy: Values, registered: t.Any
) -> list[Use]:
    """The consumers of one host. ``registered`` is its ``rotate_outcome``, or none."""
    results = registered.get("results", ()) if isinstance(registered, dict) else ()
    found = {identity(result["consumer"]): result["consumer"] for result in results if result.get("consumer")}
    missing = unreached(registered)
    made = []
    for credential in credentials:
        user_name, profile, os_user = identity(credential)
        outcome = found.get((user_name, profile, os_user), {"reason": missing})
        facts = {name: value for name, value in outcome.items() if name in _OUTCOME_FACTS}
        made.append(Use(user_name, account, Consumer(host, profile, os_user, in_run, **facts), policy))
    return made


def unreached(registered: t.Any) -> str:
    """Why a host's ``rotate_outcome`` tells of no consumer; empty where it was not asked."""
    if not isinstance(registered, dict):
        return ""
    for result in (*registered.get("results", ()), registered):
        if result.get("unreachable"):
            return "unreachable"
        if result.get("failed") and not result.get("consumer"):
            return first_line(result.get("msg"))
    return ""


def first_line(message: t.Any, most: int = 200) -> str:
    """A message short enough for the line of a report."""
    return next(iter(str(message or "").strip().splitlines()), "failed")[:most]


def users(all_uses: t.Sequence[Use], account: str, at_hand: t.Collection[str]) -> list[dict[str, t.Any]]:
    """The option ``users`` of iam_access_key_rotation, for those with a consumer in this run."""
    by_name: dict[str, list[Use]] = {}
    for use in all_uses:
        if use.account == account:
            by_name.setdefault(use.user_name, []).append(use)
    entries = []
    for name, of_user in by_name.items():
        if any(use.consumer.in_run for use in of_user):
            policies = {json.dumps(use.policy, sort_keys=True, default=str): dict(use.policy) for use in of_user}
            consumers = [dict(vars(use.consumer)) for use in of_user]
            entries.append(
                {
                    "user_name": name,
                    "consumers": consumers,
                    "policies": list(policies.values()),
                    "at_hand": sorted(at_hand),
                }
            )
    return entries


def reached_twice(begun: t.Mapping[tuple[str, str], Values]) -> frozenset[str]:
    """The IAM users that are reached through two connections: each would look as if it had half of its consumers."""
    seen: dict[str, tuple[str, str]] = {}
    return frozenset(
        user_name
        for (user_name, account), entry in begun.items()
        for access_key_id in entry.get("keys", ())
        if seen.setdefault(access_key_id, (user_name, account)) != (user_name, account)
    )


def refusal(user_name: str, account: str) -> dict[str, t.Any]:
    """What is said of a user that is reached twice, instead of retiring its keys."""
    words = "is reached in two ways, so nothing of it is retired: give all of its hosts the same rotate_aws"
    line = f"{user_name}: {FAILED}: {words}"
    return {"user_name": user_name, "account": account, "status": FAILED, "message": words, "line": line, "missing": []}


def with_begin(retired: Values, begun: Values | None) -> dict[str, t.Any]:
    """What retire says of a user, less favourable where begin had failed before it."""
    if not begun or begun["status"] != FAILED or retired["status"] == FAILED:
        return dict(retired)
    line = f"{retired['line']}; {FAILED}: {begun['message']}"
    return {**retired, "status": FAILED, "message": begun["message"], "line": line}


def hosts_to_read(all_uses: t.Sequence[Use], begun: t.Sequence[Values]) -> list[str]:
    """The hosts that must be read before begin can decide."""
    wanted = {(entry["user_name"], entry["account"]): entry.get("read", NOBODY) for entry in begun}
    hosts: dict[str, None] = {}
    for use in all_uses:
        key = (use.user_name, use.account)
        if use.consumer.in_run and wanted.get(key, NOBODY) != NOBODY:
            hosts[use.consumer.host] = None
            if wanted[key] == ANYBODY:
                wanted[key] = NOBODY
    return list(hosts)


def hosts_again(all_uses: t.Sequence[Use], retired: t.Sequence[Values]) -> list[str]:
    """The hosts of a second round: those that lack a key whose secret the run had not, and one that can tell it.

    Where no host can, all hosts of the user go again: then their key is replaced.
    """
    targets = {(entry["user_name"], entry["account"]): entry.get("access_key_id") for entry in retired}
    hosts: dict[str, None] = {}
    for key, target in targets.items():
        consumers = [u.consumer for u in all_uses if (u.user_name, u.account) == key and u.consumer.in_run]
        lacking = [consumer for consumer in consumers if consumer.lacking]
        tellers = [c for c in consumers if c.held == target and c.held and not c.lacking and not c.wrong_secret]
        if lacking:
            hosts.update((c.host, None) for c in (lacking + tellers[:1] if tellers else consumers))
    return list(hosts)


def failures(all_uses: t.Sequence[Use], retired: t.Sequence[Values]) -> dict[str, str]:
    """The hosts for which the run must count as failed, with the reason: a consumer in the run that does not work with
    the target, or a user that needs somebody (told at its first host)."""
    reasons: dict[str, list[str]] = {}
    in_run: dict[tuple[str, str], str] = {}
    for use in all_uses:
        if use.consumer.in_run:
            in_run.setdefault((use.user_name, use.account), use.consumer.host)
    for entry in retired:
        key = (entry["user_name"], entry["account"])
        if entry["status"] in (BLOCKED, FAILED) and key in in_run:
            reasons.setdefault(in_run[key], []).append(f"{entry['user_name']}: {entry['message']}")
        mine = {use.consumer.host for use in all_uses if (use.user_name, use.account) == key and use.consumer.in_run}
        for missing in entry.get("missing", ()):
            if missing["host"] in mine:
                words = f"{entry['user_name']} in profile {missing['profile']}: {missing['reason']}"
                reasons.setdefault(missing["host"], []).append(words)
    return {host: "; ".join(words) for host, words in reasons.items()}
