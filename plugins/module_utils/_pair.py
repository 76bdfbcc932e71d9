# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the pair that a profile holds may give way to another: rule 11, never backwards."""

from __future__ import annotations

import enum
import typing as t

from ansible_collections.rekey.aws.plugins.module_utils._profile import Pair


class Step(enum.Enum):
    KEEP = "nothing is to be replaced"
    WRITE = "write the wanted pair"
    ASK = "write it only if AWS refuses the held pair"


def step(held: t.Optional[Pair], wanted: t.Optional[Pair], replaces: t.Optional[t.Collection[str]]) -> Step:
    """What to do about the pair.

    ``replaces`` has the ids that are known to be older than the wanted pair; none (not empty) is ordinary use, in which
    the task's word is enough. A pair that differs in its secret alone then gives way only where AWS refuses it, since
    the wanted one may be what another host has wrong.
    """
    if wanted is None or wanted == held:
        return Step.KEEP
    if replaces is None or held is None:
        return Step.WRITE
    return Step.WRITE if held.access_key_id in replaces else Step.ASK
