# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free loopback ports."""

from __future__ import annotations

import random
import socket
from types import TracebackType

from .errors import FleetError


class Ports:
    """Free loopback ports, kept free for us until an sshd has each.

    They lie below the range that Linux gives to outgoing connections, and are held by sockets that are bound but do not
    listen, which SO_REUSEADDR allows beside the sshd's own.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []
        self._candidates = iter(random.sample(range(15000, 32000), 17000))

    def __enter__(self) -> Ports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for held in self._held:
            held.close()

    def take(self) -> int:
        """One more port. Raises FleetError if there is none."""
        for port in self._candidates:
            candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                candidate.close()
                continue
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.append(candidate)
            return port
        raise FleetError("There is no free port on 127.0.0.1 between 15000 and 32000.")
