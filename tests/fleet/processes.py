# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and ending processes, by what Linux tells in /proc."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import FleetError

TIMEOUT = 10.0  # seconds


def find(title: re.Pattern[str], environment: re.Pattern[str]) -> set[int]:
    """The ids of processes whose title begins like one pattern or whose environment has the other, and of all below."""
    children: dict[int, set[int]] = {}
    found: set[int] = set()
    for process in _table():
        children.setdefault(process.parent, set()).add(process.pid)
        if title.match(process.title) or environment.search(process.environment):
            found.add(process.pid)
    grown = set(found)
    while grown := {child for pid in grown for child in children.get(pid, ())} - found:
        found |= grown
    return found - {os.getpid()}


def end(search: Callable[[], set[int]]) -> None:
    """Kill what `search` finds until it finds nothing. Raises FleetError when some of it cannot be killed."""
    deadline = time.monotonic() + TIMEOUT
    looked_in_vain = 0
    # One look misses a process that forks and ends meanwhile, as a daemon does when it starts.
    while looked_in_vain < 2:
        looked_in_vain += 1
        if found := search():
            looked_in_vain = 0
            # What is frozen has no child that the second look does not see.
            _signal(found, signal.SIGSTOP)
            _signal(search(), signal.SIGKILL)
            if time.monotonic() > deadline:
                raise FleetError(f"These processes outlive SIGKILL: {sorted(found)}")
        time.sleep(0.02)


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    title: str
    environment: str


def _table() -> Iterator[_Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # The name in parentheses may hold blanks and parentheses of its own.
                parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
                title = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            try:
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                environment = ""
            yield _Process(int(entry.name), parent, title, environment)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
