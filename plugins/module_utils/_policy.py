# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's word as it is written in a playbook, read into a policy."""

from __future__ import annotations

import typing as t
from datetime import datetime

from ansible_collections.rekey.aws.plugins.module_utils import _duration
from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._facts import Policy
from ansible_collections.rekey.aws.plugins.module_utils._marks import parse_time

OPTIONS: dict[str, dict[str, t.Any]] = {
    "max_age": {"type": "str", "default": "90d"},
    "force": {"type": "str", "default": "false"},
    "grace": {"type": "str", "default": "1d"},
    "delete_after": {"type": "str", "default": "7d"},
    "orphan_after": {"type": "str", "default": "6h"},
    "verify": {"type": "bool", "default": True},
    "replace_inactive": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
}


def parse_force(text: object, started: datetime) -> datetime | None:
    """Before when a key must have been made for a force to count for it.

    True means the start of this run; a time such as ``2026-11-24T05:00:00Z`` means that time, so that the same command
    can be given again, or to several controllers, and rotates once. Raises InvalidInput.
    """
    words = str(text).strip()
    if words.lower() in ("false", "no", "0", ""):
        return None
    if words.lower() in ("true", "yes", "1"):
        return started
    try:
        return parse_time(words)
    except ValueError:
        raise InvalidInput(f"force: '{text}' is neither true nor a time like 2026-11-24T05:00:00Z.") from None


def parse(options: t.Mapping[str, t.Any], started: datetime) -> Policy:
    """The policy that the options named in ``OPTIONS`` say. Raises InvalidInput."""
    return Policy(
        max_age=_duration.parse("max_age", options["max_age"]),
        grace=_duration.parse("grace", options["grace"]),
        delete_after=_duration.parse("delete_after", options["delete_after"]),
        orphan_after=_duration.parse("orphan_after", options["orphan_after"]),
        force_before=parse_force(options["force"], started),
        verify=options["verify"],
        replace_inactive=options["replace_inactive"],
        adopt=options["adopt"],
    )


def strictest(policies: t.Sequence[Policy]) -> Policy:
    """The policy of a user whose consumers' policies differ: rotate as soon as one asks, retire as late as one asks."""
    forces = [policy.force_before for policy in policies if policy.force_before]
    return Policy(
        max_age=min(policy.max_age for policy in policies),
        grace=max(policy.grace for policy in policies),
        delete_after=max(policy.delete_after for policy in policies),
        orphan_after=max(policy.orphan_after for policy in policies),
        force_before=max(forces, default=None),
        verify=any(policy.verify for policy in policies),
        replace_inactive=all(policy.replace_inactive for policy in policies),
        adopt=all(policy.adopt for policy in policies),
    )
