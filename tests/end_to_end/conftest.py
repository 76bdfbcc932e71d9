# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site to rotate: hosts over real SSH, an AWS that answers as AWS does, and the real playbooks run on both."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.client import Cloud, User
from tests.fleet.client import Fleet, Host

ROOT = Path(__file__).resolve().parents[2]
USER = "deploy"
HOSTS = 3


@dataclass
class Run:
    """One run of a playbook: how it ended, and everything it printed."""

    status: int
    output: str
    hosts: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        return sum(host["changed"] for host in self.hosts.values())


@dataclass
class Site:
    """A cloud and a fleet, and what has been seen of secrets so far."""

    cloud: Cloud
    fleet: Fleet
    home: Path
    bin: Path = Path(sys.executable).parent
    collections: Path = ROOT / ".cache" / "collections"
    secrets: set[str] = field(default_factory=set)

    def create_user(self, name: str = USER, *ages: int, **details: Any) -> User:
        """A user with a key of each age, in days."""
        user = self.cloud.create_user(name, keys=[{"age_days": age} for age in ages], **details)
        self.secrets.update(key.secret_access_key for key in user.keys)
        return user

    def give(self, user: User, *hosts: str, key: int = 0, profile: str = "default") -> None:
        """Write a user's key to hosts, as somebody did long ago by hand."""
        for host in map(self.fleet.host, hosts or [host.name for host in self.fleet.hosts]):
            folder = host.home / ".aws"
            folder.mkdir(mode=0o700, exist_ok=True)
            pair = user.keys[key]
            with (folder / "credentials").open("a") as credentials:
                credentials.write(f"[{profile}]\naws_access_key_id = {pair.access_key_id}\n")
                credentials.write(f"aws_secret_access_key = {pair.secret_access_key}\n")
            (folder / "credentials").chmod(0o600)

    def spoil(self, host: str) -> None:
        """Put a wrong secret into a host's profile."""
        file = self.fleet.host(host).home / ".aws" / "credentials"
        file.write_text(re.sub(r"(aws_secret_access_key = ).*", r"\1" + 40 * "x", file.read_text()))

    def pair(self, host: Host | str, profile: str = "default") -> tuple[str | None, str | None]:
        """The id and the secret that a profile on a host has."""
        home = (self.fleet.host(host) if isinstance(host, str) else host).home
        parser = configparser.RawConfigParser()
        try:
            parser.read(home / ".aws" / "credentials")
        except configparser.Error:
            return None, None
        if not parser.has_section(profile):
            return None, None
        secret = parser.get(profile, "aws_secret_access_key", fallback=None)
        if secret:
            self.secrets.add(secret)
        return parser.get(profile, "aws_access_key_id", fallback=None), secret

    def held(self, profile: str = "default") -> set[str | None]:
        """The ids that the fleet's hosts hold in a profile."""
        return {self.pair(host, profile)[0] for host in self.fleet.hosts}

    def keys(self, user_name: str = USER) -> dict[str, str]:
        """The user's keys and their status, as AWS has them."""
        return {key["access_key_id"]: key["status"] for key in self.cloud.state()[user_name]["keys"]}

    def marks(self, user_name: str = USER) -> dict[str, str]:
        """The user's tags."""
        return dict(self.cloud.state()[user_name]["tags"])

    def command(self, playbook: str, **variables: Any) -> list[str]:
        """The command that runs a playbook on the fleet."""
        given = json.dumps({"rotate_hosts": "fleet", "rotate_user_name": USER, **variables})
        return [str(self.bin / "ansible-playbook"), playbook, "-i", str(self.fleet.inventory), "-e", given]

    def play(
        self, playbook: str = "rekey.aws.rotate", *options: str, env: dict[str, str] | None = None, **variables: Any
    ) -> Run:
        """Run a playbook on the fleet, and see that nothing it printed is a secret."""
        command = [*self.command(playbook, **variables), *options]
        ran = subprocess.run(
            command, capture_output=True, text=True, env={**self.environ(), **(env or {})}, timeout=300, check=False
        )
        run = Run(ran.returncode, ran.stdout + ran.stderr)
        for line in ran.stdout.splitlines():
            if match := re.match(r"^(\S+)\s+: ok=", line):
                run.hosts[match[1]] = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line)}
        for host in self.fleet.hosts:
            self.pair(host)
        self.assert_no_secret(run.output)
        return run

    def assert_no_secret(self, text: str) -> None:
        """Promise 4."""
        shown = [secret[:4] + "…" for secret in self.secrets if secret in text]
        assert not shown, f"{len(shown)} secrets of {len(self.secrets)} are shown"

    def environ(self) -> dict[str, str]:
        environ = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        return {
            **environ,
            **self.cloud.environ(),
            "HOME": str(self.home),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_FORKS": "10",
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONUTF8": "1",
        }


@pytest.fixture(scope="session")
def _parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Fleet]]:
    if not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        pytest.skip("no sshd: the fleet's hosts are reached over real SSH")
    with Cloud.start() as cloud:
        setenv = {"AWS_ENDPOINT_URL": cloud.url, "AWS_EC2_METADATA_DISABLED": "true"}
        with Fleet.start(tmp_path_factory.mktemp("fleet"), HOSTS, setenv=setenv) as fleet:
            yield cloud, fleet


@pytest.fixture
def site(_parts: tuple[Cloud, Fleet], tmp_path: Path) -> Site:
    cloud, fleet = _parts
    cloud.reset()
    for host in fleet.hosts:
        shutil.rmtree(host.home / ".aws", ignore_errors=True)
    return Site(cloud, fleet, tmp_path)
