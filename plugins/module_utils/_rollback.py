# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the retiring of a key is taken back, decided from what was read: no AWS, no Ansible, no clock."""

from __future__ import annotations

from datetime import datetime

from ansible_collections.rekey.aws.plugins.module_utils._facts import Policy, Run, User
from ansible_collections.rekey.aws.plugins.module_utils._marks import DRAINING, RETIRED
from ansible_collections.rekey.aws.plugins.module_utils._plan import Activate, EraseMarks, Plan, Step, short


def rollback(user: User, _policy: Policy, _run: Run, _now: datetime) -> Plan:
    """Switch every retired key on again that is not deleted yet, and stop the draining of others.

    They lose their marks: from then on they are the operator's, and no rotation touches them (rule 9).
    """
    steps: list[Step] = []
    for key in user.keys:
        state = user.marks.of(key.id)
        if state == RETIRED and not key.active:
            # Active before its mark goes: killed in between, it is a key that somebody switched on again.
            steps.append(Activate(key.id))
        if state in (DRAINING, RETIRED):
            steps.append(EraseMarks(keys=(key.id,)))
    if steps:
        return Plan(steps=tuple(steps), message="rolling back")
    free = [short(key.id) for key in user.keys if user.marks.of(key.id) is None and key.active]
    kept = f"{', '.join(free)} is left alone until it is handed back with rotate_adopt" if free else ""
    return Plan(message=kept or "no key is retired or draining: nothing to roll back")
