# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of a fleet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Host:
    """A host's name, loopback port (0 over a local connection), HOME, Python, and what else is set in its processes."""

    name: str
    port: int
    home: Path
    python: str
    setenv: tuple[tuple[str, str], ...] = ()

    @property
    def environ(self) -> dict[str, str]:
        """What makes a process one of this host's."""
        return {"HOME": str(self.home), **dict(self.setenv)}
