# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop a fleet: `with Fleet.start(directory, hosts=30) as fleet: … fleet.inventory …`.

No state but the directory: what runs is found in the process table, so that a fleet whose starter was killed can be
stopped from anywhere. Linux only. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from . import processes
from .errors import FleetError, NoSshd
from .host import Host
from .local import Local
from .ports import Ports
from .ssh import Ssh

__all__ = ["Connection", "Fleet", "FleetError", "Host", "NoSshd"]

Connection = Literal["ssh", "local"]


@dataclass(frozen=True)
class Fleet:
    """The fleet in `directory`. Made by `start`; `Fleet(directory).stop()` needs no more than the directory."""

    directory: Path
    hosts: tuple[Host, ...] = ()
    connection: Connection = "ssh"

    def __post_init__(self) -> None:
        # The processes of a fleet are known by its directory, so that must have one name.
        object.__setattr__(self, "directory", self.directory.resolve())

    @classmethod
    def start(
        cls,
        directory: Path,
        hosts: int = 3,
        *,
        pythons: Sequence[str] = (),
        setenv: Mapping[str, str] | None = None,
        connection: Connection = "ssh",
    ) -> Fleet:
        """Start `hosts` hosts, named host01 and on, and write `inventory.yml`; return when all of them answer.

        `pythons` are spread over the hosts in turn; without them it is the Python that runs this. `setenv` is set in
        every process on the hosts. A directory that had a fleet before keeps its hosts' HOMEs, as machines do over a
        reboot.

        Raises NoSshd where hosts over SSH are impossible, and FleetError for everything else.
        """
        fleet = cls(directory)
        root = fleet.directory
        if hosts < 1:
            raise FleetError("A fleet has at least one host.")
        if fleet.processes():
            raise FleetError(f"A fleet is running in {root}. Stop it first: python tests/fleet down --dir {root}")
        interpreters = [_interpreter(python) for python in pythons] or [os.path.realpath(sys.executable)]
        for folder in ("etc", "log"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        with Ports() as ports:
            names = [f"host{number + 1:02d}" for number in range(hosts)]
            fleet = cls(
                root,
                tuple(
                    Host(
                        name=name,
                        port=ports.take() if connection == "ssh" else 0,
                        home=root / "home" / name,
                        python=interpreters[number % len(interpreters)],
                        setenv=tuple((setenv or {}).items()),
                    )
                    for number, name in enumerate(names)
                ),
                connection,
            )
            for host in fleet.hosts:
                host.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                fleet._way.start(fleet.hosts)
                fleet._write_inventory()
            except BaseException:
                fleet.stop()
                raise
        return fleet

    def stop(self) -> None:
        """Kill every process of the fleet, those that the hosts' users left in the background too. Files stay."""
        processes.end(self.processes)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def inventory(self) -> Path:
        """The inventory file: all hosts, in the group `fleet`."""
        return self.directory / "inventory.yml"

    def host(self, name: str) -> Host:
        """The host of this name."""
        return next(host for host in self.hosts if host.name == name)

    def switch_off(self, name: str) -> None:
        """Make one host over SSH unreachable: kill all that runs on it."""
        processes.end(lambda: self.processes(name))

    def switch_on(self, name: str) -> None:
        """Make a host over SSH reachable again that was switched off."""
        Ssh(self.directory, self._sockets).listen([self.host(name)])

    def run(self, name: str, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as its user would, over the host's connection; the caller checks the outcome."""
        return self._way.run(self.host(name), command, timeout)

    def processes(self, name: str | None = None) -> set[int]:
        """The ids of all processes of the fleet, or of one host of it, that run now."""
        host = r"[^/\s]+" if name is None else re.escape(name)
        directory, sockets = re.escape(str(self.directory)), re.escape(str(self._sockets))
        return processes.find(
            title=re.compile(rf"\S*sshd\b.* {directory}/etc/{host}\.conf\b|\S*ssh\b.*{sockets}/{host}\b"),
            environment=re.compile(rf"(?:^|\0)HOME={directory}/home/{host}(?:\0|$)"),
        )

    @property
    def _way(self) -> Ssh | Local:
        return Ssh(self.directory, self._sockets) if self.connection == "ssh" else Local(self.directory)

    @property
    def _sockets(self) -> Path:
        # A socket's path has 108 bytes at most, and the directory's may have more.
        return Path("/tmp", f"fleet-{hashlib.sha256(bytes(self.directory)).hexdigest()[:12]}")

    def _write_inventory(self) -> None:
        lines = ["fleet:", "  hosts:"]
        for host in self.hosts:
            lines.append(f"    {host.name}:")
            lines += [f"      {name}: {json.dumps(value)}" for name, value in self._way.variables(host).items()]
        temporary = self.inventory.with_suffix(".new")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(self.inventory)


def _interpreter(python: str) -> str:
    """The path of a Python as it tells itself: a version manager's stand-in finds it only from the caller's HOME."""
    try:
        outcome = subprocess.run(
            [python, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise FleetError(f"{python} is not a Python that runs here: {error}") from error
    return outcome.stdout.strip()
