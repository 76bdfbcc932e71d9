# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 11 as a table."""

from __future__ import annotations

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._pair import Step, step
from ansible_collections.rekey.aws.plugins.module_utils._resolution import Pair

OLD, NEW, OTHER = (Pair(name, "secret of " + name) for name in ("OLD", "NEW", "OTHER"))
WRONG = Pair("NEW", "another secret")
TOKEN = Pair("NEW", "secret of NEW", "a token")


@pytest.mark.parametrize(
    ("held", "wanted", "replaces", "expected"),
    [
        # Ordinary use: the task's word is enough.
        (None, NEW, None, Step.WRITE),
        (OLD, NEW, None, Step.WRITE),
        (NEW, NEW, None, Step.KEEP),
        (WRONG, NEW, None, Step.WRITE),
        (TOKEN, NEW, None, Step.WRITE),
        (OLD, None, None, Step.KEEP),
        (None, None, None, Step.KEEP),
        # Rule 11: a pair gives way if it is known to be older, or is none.
        (None, NEW, [], Step.WRITE),
        (OLD, NEW, ["OLD"], Step.WRITE),
        (OLD, NEW, ["OLDER", "OLD"], Step.WRITE),
        # Of two secrets for one id AWS knows which is right.
        (NEW, NEW, [], Step.KEEP),
        (WRONG, NEW, [], Step.ASK),
        (TOKEN, NEW, [], Step.ASK),
        # Any other is another run's or a person's: AWS is asked whether it is of use.
        (OTHER, NEW, [], Step.ASK),
        (OTHER, NEW, ["OLD"], Step.ASK),
        (OTHER, NEW, ["NEW"], Step.ASK),
        # Nothing is to be written.
        (OTHER, None, [], Step.KEEP),
        (OTHER, OTHER, ["OLD"], Step.KEEP),
    ],
)
def test_rule_11_a_pair_is_replaced_only_by_a_newer_one(held, wanted, replaces, expected):
    assert step(held, wanted, replaces) is expected
