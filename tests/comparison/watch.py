# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who could read a secret in the arguments of a process, as `ps` would show it to every user of the machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

PAUSE = 0.01  # seconds between two looks


@contextlib.contextmanager
def arguments() -> Iterator[set[bytes]]:
    """Collects the command lines of all processes that begin in the meantime, looking at them PAUSE apart."""
    seen: set[bytes] = set()
    older = set(_processes())
    over = threading.Event()

    def look() -> None:
        while not over.wait(PAUSE):
            for process in _processes():
                if process not in older:
                    with contextlib.suppress(OSError):  # it has ended
                        seen.add(Path("/proc", process, "cmdline").read_bytes())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _processes() -> Iterator[str]:
    return (path.name for path in Path("/proc").iterdir() if path.name.isdecimal())
