# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an act ends the module, in a process of its own as on a host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

RUN = """
import json, sys
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault
from ansible_collections.rekey.aws.plugins.module_utils._module import run

def act(module):
    try:
        raise ValueError("the secret of a neighbour")
    except ValueError as error:
        {raising}

with patch_module_args({{"_ansible_tracebacks_for": ["error", "warning", "deprecated"]}}):
    run(AnsibleModule({{}}), act)
"""


def ended(raising: str) -> tuple[dict[str, Any], str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", RUN.format(raising=raising)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return json.loads(ran.stdout), ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("raising", "message"),
    [
        ("raise", "Internal error: ValueError at <string>:10 in act. Please report it."),
        (
            "raise KeyError('the secret') from error",
            "Internal error: KeyError at <string>:12 in act. Please report it.",
        ),
        ("raise FileFault('/etc/x cannot be read.', path='/etc/x') from error", "/etc/x cannot be read."),
    ],
)
def test_promise_4_an_error_is_told_without_the_text_of_what_nobody_expected(raising: str, message: str) -> None:
    result, printed = ended(raising)
    assert result["failed"]
    assert result["msg"] == message
    assert "the secret" not in printed


def test_what_an_act_returns_is_the_result() -> None:
    result, _printed = ended("return {'changed': True, 'name': 'x'}")
    assert (result["changed"], result["name"]) == (True, "x")
