# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking the retiring of a key back."""

from __future__ import annotations

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._facts import Policy
from ansible_collections.rekey.aws.plugins.module_utils._marks import DRAINING, OURS, RETIRED
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey
from ansible_collections.rekey.aws.plugins.module_utils._plan import Activate, EraseMarks, Step
from ansible_collections.rekey.aws.plugins.module_utils._rollback import rollback
from tests.unit.plugins.module_utils.test_rotation import NOW, RUN, key, user


@pytest.mark.parametrize(
    ("old", "mark", "steps"),
    [
        pytest.param(key("OLD", 91, active=False), RETIRED, (Activate("OLD"), EraseMarks(keys=("OLD",))), id="retired"),
        pytest.param(key("OLD", 91), RETIRED, (EraseMarks(keys=("OLD",)),), id="killed after it was switched on"),
        pytest.param(key("OLD", 91), DRAINING, (EraseMarks(keys=("OLD",)),), id="draining"),
        pytest.param(key("OLD", 91), OURS, (), id="in use"),
        pytest.param(key("OLD", 91, active=False), OURS, (), id="rule 9: switched off by somebody"),
    ],
)
def test_a_key_that_is_not_deleted_comes_back_and_is_the_operators_then(
    old: AccessKey, mark: str, steps: tuple[Step, ...]
) -> None:
    assert rollback(user(old, key("NEW", 1), OLD=mark, NEW=OURS), Policy(), RUN, NOW).steps == steps


def test_promise_3_a_foreign_inactive_key_is_not_switched_on() -> None:
    plan = rollback(user(key("MAN", 91, active=False), key("NEW", 1), NEW=OURS), Policy(), RUN, NOW)
    assert plan.steps == ()
    assert "nothing to roll back" in plan.message
