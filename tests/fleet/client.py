# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop a fleet: `with Fleet.start(directory, hosts=30) as fleet: … fleet.inventory …`.

No state but the directory: what runs is found in the process table, so that a fleet whose starter was killed can be
stopped from anywhere. Linux only (it reads /proc). Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

Connection = Literal["ssh", "local"]

START_TIMEOUT = 20.0  # seconds
STOP_TIMEOUT = 10.0  # seconds
SSHD_PLACES = ("/usr/sbin", "/usr/local/sbin")  # beside PATH, where users other than root seldom have it

SSHD_CONFIG = """\
AddressFamily inet
ListenAddress 127.0.0.1:{port}
HostKey "{directory}/host_key"
AuthorizedKeysFile "{directory}/client_key.pub"
SetEnv {environment}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
X11Forwarding no
PrintMotd no
MaxStartups 1000
MaxSessions 100
Subsystem sftp internal-sftp
"""


class FleetError(Exception):
    """The fleet cannot be started or stopped; the message says why and what to do."""


class NoSshd(FleetError):
    """This machine cannot have hosts over SSH; `connection="local"` works without."""


@dataclass(frozen=True)
class Host:
    """One host of a fleet: its name, loopback port (0 over a local connection), HOME and Python."""

    name: str
    port: int
    home: Path
    python: str


@dataclass(frozen=True)
class Fleet:
    """The fleet in `directory`. Made by `start`; `Fleet(directory).stop()` needs no more than the directory."""

    directory: Path
    hosts: tuple[Host, ...] = ()
    setenv: tuple[tuple[str, str], ...] = ()
    connection: Connection = "ssh"

    @classmethod
    def start(
        cls,
        directory: Path | str,
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
        root = Path(directory).absolute()
        if cls(root).processes():
            raise FleetError(f"A fleet is running in {root}. Stop it first: python tests/fleet down --dir {root}")
        interpreters = [_interpreter(python) for python in pythons] or [os.path.realpath(sys.executable)]
        for folder in ("etc", "log"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        with _Ports() as ports:
            fleet = cls(
                root,
                tuple(
                    Host(
                        name=f"host{number + 1:02d}",
                        port=ports.take() if connection == "ssh" else 0,
                        home=root / "home" / f"host{number + 1:02d}",
                        python=interpreters[number % len(interpreters)],
                    )
                    for number in range(hosts)
                ),
                tuple((setenv or {}).items()),
                connection,
            )
            for host in fleet.hosts:
                host.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                if connection == "ssh":
                    fleet._start_sshd()
                else:
                    fleet._write_interpreters()
                fleet._write_inventory()
            except BaseException:
                fleet.stop()
                raise
        return fleet

    def stop(self) -> None:
        """Kill every process of the fleet, those that the hosts' users left in the background too. Files stay."""
        self._kill(None)
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
        self._kill(name)

    def switch_on(self, name: str) -> None:
        """Make a host reachable again that was switched off."""
        self._listen([self.host(name)])

    def run(self, name: str, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as its user would, over the host's connection; the caller checks the outcome."""
        host = self.host(name)
        if self.connection == "local":
            return subprocess.run(
                command,
                env={**os.environ, **self._environment(host)},
                cwd=host.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        login = ["ssh", *self._ssh_options(host), "-i", str(self.directory / "client_key"), "-p", str(host.port)]
        return subprocess.run(
            [*login, f"{_user()}@127.0.0.1", shlex.join(command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def processes(self, name: str | None = None) -> set[int]:
        """The ids of all processes of the fleet, or of one host of it, that run now."""
        host = r"[^/\s]+" if name is None else re.escape(name)
        title = re.compile(
            rf"sshd.* {re.escape(str(self.directory))}/etc/{host}\.conf\b|ssh.*{re.escape(str(self._sockets))}/{host}\b"
        )
        home = re.compile(rf"(?:^|\0)HOME={re.escape(str(self.directory))}/home/{host}(?:\0|$)")
        children: dict[int, set[int]] = {}
        found: set[int] = set()
        for process in _process_table():
            children.setdefault(process.parent, set()).add(process.pid)
            if title.match(process.title) or home.search(process.environment):
                found.add(process.pid)
        grown = set(found)
        while grown := {child for pid in grown for child in children.get(pid, ())} - found:
            found |= grown
        return found - {os.getpid()}

    @property
    def _sockets(self) -> Path:
        """Where ssh keeps its ControlMaster sockets: a socket's path has 108 bytes at most, a directory more."""
        return Path("/tmp", f"fleet-{hashlib.sha256(bytes(self.directory)).hexdigest()[:12]}")

    def _kill(self, name: str | None) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT
        while found := self.processes(name):
            # What is frozen has no child that the second look does not see.
            _signal(found, signal.SIGSTOP)
            _signal(self.processes(name), signal.SIGKILL)
            if time.monotonic() > deadline:
                raise FleetError(f"Processes of the fleet in {self.directory} outlive SIGKILL: {sorted(found)}")
            time.sleep(0.02)

    def _environment(self, host: Host) -> dict[str, str]:
        return {"HOME": str(host.home), **dict(self.setenv)}

    def _start_sshd(self) -> None:
        if not shutil.which("ssh") or not shutil.which("ssh-keygen"):
            raise NoSshd("There is no ssh or ssh-keygen in PATH. Install an OpenSSH client, or use --connection local.")
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        if self._sockets.lstat().st_uid != os.geteuid():
            raise FleetError(f"{self._sockets} belongs to somebody else. Remove it, or use another directory.")
        self._write_keys()
        config = SSHD_CONFIG
        if _openssh_version() >= (9, 8):
            config += "PerSourcePenalties no\n"
        for host in self.hosts:
            environment = " ".join(_quoted(f"{name}={value}") for name, value in self._environment(host).items())
            self._config(host).write_text(
                config.format(port=host.port, directory=self.directory, environment=environment), encoding="utf-8"
            )
        if self.hosts:
            self._check_config(self.hosts[0])
        self._listen(self.hosts)
        if self.hosts:
            self._check_login(self.hosts[0])

    def _config(self, host: Host) -> Path:
        return self.directory / "etc" / f"{host.name}.conf"

    def _log(self, host: Host) -> Path:
        return self.directory / "log" / f"{host.name}.log"

    def _write_keys(self) -> None:
        for key in ("host_key", "client_key"):
            path = self.directory / key
            if not path.with_suffix(".pub").exists():
                path.unlink(missing_ok=True)
                subprocess.run(
                    ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(path)],
                    stdin=subprocess.DEVNULL,
                    check=True,
                )
        public = (self.directory / "host_key.pub").read_text(encoding="utf-8")
        (self.directory / "known_hosts").write_text(f"[127.0.0.1]:* {public}", encoding="utf-8")

    def _check_config(self, host: Host) -> None:
        check = [_sshd(), "-t", "-f", str(self._config(host))]
        outcome = subprocess.run(check, capture_output=True, text=True, check=False)
        missing = re.search(r"Missing privilege separation directory: (\S+)", outcome.stderr)
        if missing and os.geteuid() == 0:
            Path(missing[1]).mkdir(mode=0o755, exist_ok=True)
            outcome = subprocess.run(check, capture_output=True, text=True, check=False)
        if outcome.returncode:
            raise NoSshd(f"sshd refuses its configuration {self._config(host)}: {outcome.stderr.strip()}")

    def _check_login(self, host: Host) -> None:
        outcome = self.run(host.name, "printenv", "HOME")
        if outcome.stdout.strip() != str(host.home):
            log = self._log(host).read_text(encoding="utf-8", errors="replace").strip()
            raise NoSshd(f"No login by SSH as {_user()} on this machine: {outcome.stderr.strip()}\n{log}")

    def _listen(self, hosts: Sequence[Host]) -> None:
        starting = [
            (host, subprocess.Popen([_sshd(), "-f", str(self._config(host)), "-E", str(self._log(host))], env={}))
            for host in hosts
        ]
        for host, process in starting:
            if process.wait(START_TIMEOUT):
                raise FleetError(f"The sshd of {host.name} did not start. See {self._log(host)}")
        deadline = time.monotonic() + START_TIMEOUT
        for host in hosts:
            while not _answers(host.port):
                if time.monotonic() > deadline:
                    raise FleetError(f"The sshd of {host.name} does not answer. See {self._log(host)}")
                time.sleep(0.01)

    def _interpreter(self, host: Host) -> Path:
        return self.directory / "etc" / f"{host.name}-python"

    def _write_interpreters(self) -> None:
        """Over a local connection all hosts share the machine: the Python that runs a module gives it its HOME."""
        for host in self.hosts:
            settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._environment(host).items())
            wrapper = self._interpreter(host)
            wrapper.write_text(
                f'#!/bin/sh\nexport {settings}\nexec {shlex.quote(host.python)} "$@"\n', encoding="utf-8"
            )
            wrapper.chmod(0o755)

    def _write_inventory(self) -> None:
        lines = ["fleet:", "  hosts:"]
        for host in self.hosts:
            lines.append(f"    {host.name}:")
            lines += [f"      {name}: {json.dumps(value)}" for name, value in self._variables(host).items()]
        temporary = self.inventory.with_suffix(".new")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(self.inventory)

    def _variables(self, host: Host) -> dict[str, str | int]:
        if self.connection == "local":
            return {
                "ansible_connection": "local",
                "ansible_python_interpreter": str(self._interpreter(host)),
                "ansible_remote_tmp": str(host.home / ".ansible" / "tmp"),
            }
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": host.port,
            "ansible_ssh_private_key_file": str(self.directory / "client_key"),
            "ansible_ssh_common_args": shlex.join(self._ssh_options(host)),
            "ansible_python_interpreter": host.python,
        }

    def _ssh_options(self, host: Host) -> list[str]:
        settings = {
            "UserKnownHostsFile": f'"{self.directory}/known_hosts"',
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ControlMaster": "auto",
            "ControlPersist": "60s",
            "ControlPath": str(self._sockets / host.name),
        }
        return ["-F", "none", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]


class _Ports:
    """Free loopback ports, kept free for us until an sshd has each.

    They lie below the range that Linux gives to outgoing connections, and are held by sockets that are bound but do not
    listen, which SO_REUSEADDR allows beside the sshd's own.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []
        self._candidates = iter(random.sample(range(15000, 32000), 17000))

    def __enter__(self) -> _Ports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for held in self._held:
            held.close()

    def take(self) -> int:
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


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    title: str
    environment: str


def _process_table() -> Iterator[_Process]:
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
        except ProcessLookupError:
            pass


def _sshd() -> str:
    # sshd starts itself anew for each connection, and wants its own absolute path for that.
    found = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), *SSHD_PLACES]))
    if not found:
        raise NoSshd("There is no sshd on this machine. Install an OpenSSH server, or use --connection local.")
    return os.path.abspath(found)


def _openssh_version() -> tuple[int, int]:
    outcome = subprocess.run([_sshd(), "-V"], capture_output=True, text=True, check=False)
    version = re.search(r"OpenSSH_(\d+)\.(\d+)", outcome.stderr)
    return (int(version[1]), int(version[2])) if version else (0, 0)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=START_TIMEOUT) as connection:
            return connection.recv(8).startswith(b"SSH-2.0")
    except OSError:
        return False


def _interpreter(python: str) -> str:
    found = shutil.which(python)
    if not found:
        raise FleetError(f"There is no Python at {python}.")
    return os.path.abspath(found)


def _quoted(word: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", word):
        raise FleetError(f"{word.partition('=')[0]}: sshd cannot set a variable with control characters in its value.")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
