# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as Ansible does, in a process of its own, and gives what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Mapping

_RUN = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module("ansible_collections.rekey.aws.plugins.modules." + sys.argv[1], run_name="__main__")
"""


@dataclass(frozen=True)
class Outcome:
    """``result`` is the module's, with what Ansible adds to it; ``printed`` is all that came out of the process."""

    result: dict[str, Any]
    printed: str = field(repr=False)


def run_module(
    name: str,
    arguments: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    check: bool = False,
    diff: bool = False,
) -> Outcome:
    """Nothing of this process's own AWS settings reaches the module."""
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    ended = subprocess.run(
        [sys.executable, "-c", _RUN, name],
        input=json.dumps({**arguments, "_ansible_check_mode": check, "_ansible_diff": diff}),
        env={**surroundings, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        | {"PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip(), ended.stderr
    return Outcome({"changed": False, **json.loads(ended.stdout)}, ended.stdout + ended.stderr)
