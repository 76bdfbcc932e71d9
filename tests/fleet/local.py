# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts without SSH: all are this machine, and each has a HOME of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .host import Host


@dataclass(frozen=True)
class Local:
    """The way to the hosts of the fleet in `directory` over Ansible's local connection.

    Modules and what they start have the host's HOME and variables. What Ansible does without a module, such as finding
    the `~` of copy's `dest`, or `raw`, has the caller's.
    """

    directory: Path

    def start(self, hosts: Sequence[Host]) -> None:
        """Give each host the Python that its modules run with: one that sets its variables."""
        for host in hosts:
            settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in host.environ.items())
            python = self._python(host)
            python.write_text(f'#!/bin/sh\nexport {settings}\nexec {shlex.quote(host.python)} "$@"\n', encoding="utf-8")
            python.chmod(0o755)

    def variables(self, host: Host) -> dict[str, str | int]:
        """What Ansible must know to reach a host."""
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(self._python(host)),
            "ansible_remote_tmp": str(host.home / ".ansible" / "tmp"),
        }

    def run(self, host: Host, command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a command on a host."""
        return subprocess.run(
            command,
            env={**os.environ, **host.environ},
            cwd=host.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _python(self, host: Host) -> Path:
        return self.directory / "etc" / f"{host.name}-python"
