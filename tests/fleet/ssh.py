# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts over SSH: one sshd a host, on a loopback port of its own, without root."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import FleetError, NoSshd
from .host import Host

START_TIMEOUT = 20.0  # seconds
SSHD_PLACES = ("/usr/sbin", "/usr/local/sbin")  # beside PATH, where users other than root seldom have it

CONFIG = """\
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


@dataclass(frozen=True)
class Ssh:
    """The way to the hosts of the fleet in `directory` over SSH, with the ControlMasters' sockets in `sockets`.

    All hosts share one host key, and all know the same client key. A session starts in the home directory that the
    password database knows, but has the host's HOME.
    """

    directory: Path
    sockets: Path

    def start(self, hosts: Sequence[Host]) -> None:
        """Start the hosts' sshds; all of them answer afterwards."""
        if not shutil.which("ssh") or not shutil.which("ssh-keygen"):
            raise NoSshd("There is no ssh or ssh-keygen in PATH. Install an OpenSSH client, or use --connection local.")
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        if self.sockets.lstat().st_uid != os.geteuid():
            raise FleetError(f"{self.sockets} belongs to somebody else. Remove it, or use another directory.")
        config = CONFIG
        if _openssh_version() >= (9, 8):
            config += "PerSourcePenalties no\n"
        for host in hosts:
            environment = " ".join(_quoted(f"{name}={value}") for name, value in host.environ.items())
            self._config(host).write_text(
                config.format(port=host.port, directory=self.directory, environment=environment), encoding="utf-8"
            )
        self._write_keys()
        self._check_config(hosts[0])
        self.listen(hosts)
        self._check_login(hosts[0])

    def listen(self, hosts: Sequence[Host]) -> None:
        """Start the sshds of hosts that were started before."""
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

    def variables(self, host: Host) -> dict[str, str | int]:
        """What Ansible must know to reach a host.

        Not ansible_user, which is the caller anyway: with it, Ansible takes `~` for the home that the password database
        has, rather than for the host's HOME.
        """
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": host.port,
            "ansible_ssh_private_key_file": str(self.directory / "client_key"),
            "ansible_ssh_common_args": shlex.join(self._options(host)),
            "ansible_python_interpreter": host.python,
        }

    def run(self, host: Host, command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a command on a host."""
        login = ["ssh", *self._options(host), "-i", str(self.directory / "client_key"), "-p", str(host.port)]
        return subprocess.run(
            [*login, f"{_user()}@127.0.0.1", shlex.join(command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _options(self, host: Host) -> list[str]:
        settings = {
            "UserKnownHostsFile": f'"{self.directory}/known_hosts"',
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ControlMaster": "auto",
            "ControlPersist": "60s",
            "ControlPath": str(self.sockets / host.name),
        }
        return ["-F", "none", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]

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
        outcome = self.run(host, ["printenv", "HOME"], START_TIMEOUT)
        if outcome.stdout.strip() != str(host.home):
            log = self._log(host).read_text(encoding="utf-8", errors="replace").strip()
            raise NoSshd(f"No login by SSH as {_user()} on this machine: {outcome.stderr.strip()}\n{log}")


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


def _quoted(word: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", word):
        raise FleetError(f"{word.partition('=')[0]}: sshd cannot set a variable with control characters in its value.")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
