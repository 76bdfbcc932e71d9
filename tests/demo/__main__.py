# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""./run demo [--hosts N] [-v…]: a small fleet's old key is replaced; what its AWS CLI sees before and after.

All is real but AWS itself, which is the cloud of tests/cloud. Nothing of it stays.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])

from cloud import ADMIN_SECRET
from cloud.client import Cloud, Key
from fleet.client import Fleet, FleetError, Host, NoSshd

ROOT = Path(__file__).resolve().parents[2]
USER = "deploy"
PROFILE = "app"
AGE = 100  # days
SPREAD = 3  # seconds until AWS knows a new key everywhere
VARIABLES = {
    "rotate_hosts": "fleet",
    "rotate_user_name": USER,
    "rotate_profile": PROFILE,
    "rotate_grace": "0",
    "rotate_delete_after": "0",
}
REAL_ACCOUNT = f"""\
    ansible-galaxy collection build
    ansible-galaxy collection install rekey-aws-*.tar.gz
    export AWS_PROFILE=admin
    ansible-playbook -i inventory.ini rekey.aws.rotate -e rotate_hosts=web -e rotate_user_name={USER} --check
    ansible-playbook -i inventory.ini rekey.aws.rotate -e rotate_hosts=web -e rotate_user_name={USER}

With --check nothing is changed, and you read what would be. Without it, run it daily: it replaces the key at 90 days,
deactivates the old one when nobody has used it for a day, and deletes it a week later."""

_printed: list[str] = []


class Wrong(Exception):
    """Something is not as the demo promises."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run demo", description="Rotates a small fleet's key before your eyes.")
    parser.add_argument("--hosts", type=int, default=5, metavar="N", help="how many hosts (5)")
    parser.add_argument("-v", action="count", default=0, help="ansible-playbook's -v, up to -vvvv")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with contextlib.ExitStack() as stack:
            _demo(stack, options.hosts, ["-" + "v" * options.v] if options.v else [])
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left behind.", file=sys.stderr)
        return 130
    except (Wrong, FleetError, RuntimeError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _demo(stack: contextlib.ExitStack, number: int, verbosity: list[str]) -> None:
    """Show it. What must go away at the end is put on `stack`."""
    head = _Headings()
    download = stack.enter_context(_fetching_cli())
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rekey-demo-")))

    head("The cloud: an AWS to try it on")
    cloud = stack.enter_context(Cloud.start(propagation_seconds=SPREAD))
    _say(f"It answers and refuses as AWS does. A new key is known everywhere after {SPREAD} seconds.")

    head(f"The fleet: {number} hosts")
    fleet = stack.enter_context(_fleet(folder, number, cloud))
    old = _plant(cloud, fleet)
    _say(f"Each has the key {_short(old.access_key_id)} of the IAM user {USER} in its AWS CLI profile {PROFILE}.")

    head("Before: what a host's AWS CLI sees")
    cli = _cli(download)
    _look(fleet, cli, old.access_key_id)

    head(f"The rotation: the key is {AGE} days old, and due at 90")
    _rotate(cloud, fleet, verbosity)

    head("After: what a host's AWS CLI sees")
    keys = cloud.state()[USER]["keys"]
    if len(keys) != 1 or keys[0]["status"] != "Active" or keys[0]["access_key_id"] == old.access_key_id:
        raise Wrong(f"{USER} should have one key, new and active, but has {_keys(keys)}")
    _look(fleet, cli, keys[0]["access_key_id"])
    _say(f"In AWS the old key {_short(old.access_key_id)} is gone: {USER} has {_keys(keys)}.")

    head("The same command again: nothing to do")
    changes = _rotate(cloud, fleet, verbosity)
    if len(changes) != number or any(changes.values()):
        raise Wrong(f"a second run should change nothing on {number} hosts, but this is what it changed: {changes}")

    secrets = {ADMIN_SECRET, old.secret_access_key, *(_credentials(host)["secret_access_key"] for host in fleet.hosts)}
    if any(secret in text for text in _printed for secret in secrets):
        raise Wrong("a secret was printed")
    _say(f"\nAll that was printed was searched for the {len(secrets)} secrets of this demo: none is in it.")

    head("For your own account, with your credentials and your inventory")
    _say(REAL_ACCOUNT)


class _Headings:
    """Prints headings, numbered, with the time since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._number = 0

    def __call__(self, text: str) -> None:
        self._number += 1
        _say(f"\n=== {self._number}. {text}  ({time.monotonic() - self._started:.0f} s)\n")


def _say(text: str) -> None:
    _printed.append(text)
    print(text, flush=True)


def _short(key_id: str) -> str:
    return f"…{key_id[-4:]}"


def _keys(keys: list[dict[str, Any]]) -> str:
    return ", ".join(f"{_short(key['access_key_id'])} ({key['status']})" for key in keys) or "no key"


@contextlib.contextmanager
def _fetching_cli() -> Iterator[subprocess.Popen[str]]:
    """Have the AWS CLI fetched, where it is not there yet, while other things go on."""
    command = [sys.executable, str(ROOT / "tests" / "awscli")]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _cli(download: subprocess.Popen[str]) -> str | None:
    """The AWS CLI's path when it is there, or none where it cannot be had."""
    if download.poll() is None:
        _say("Waiting for the AWS CLI v2: 70 MB, once.")
    path, problem = download.communicate()
    if download.returncode:
        _say(f"{problem.strip()}\nSo what follows is read from the hosts' files.")
        return None
    return path.strip()


def _fleet(folder: Path, number: int, cloud: Cloud) -> Fleet:
    environment = {"AWS_ENDPOINT_URL": cloud.url}
    try:
        fleet = Fleet.start(folder, number, setenv=environment)
    except NoSshd as error:
        fleet = Fleet.start(folder, number, setenv=environment, connection="local")
        _say(f"{error}\nSo each host is a home of its own, reached over a local connection in place of SSH.")
    else:
        _say("Each is an SSH server of its own on this machine's loopback, with a home of its own.")
    return fleet


def _plant(cloud: Cloud, fleet: Fleet) -> Key:
    """An old key, and a copy of it on every host, as somebody made them by hand."""
    (old,) = cloud.create_user(USER, keys=[{"age_days": AGE, "last_used_days": 1}]).keys
    for host in fleet.hosts:
        folder = host.home / ".aws"
        folder.mkdir(mode=0o700)
        (folder / "config").write_text(f"[profile {PROFILE}]\nregion = eu-central-1\n")
        credentials = folder / "credentials"
        credentials.touch(mode=0o600)
        credentials.write_text(
            f"[{PROFILE}]\naws_access_key_id = {old.access_key_id}\naws_secret_access_key = {old.secret_access_key}\n"
        )
    return old


def _look(fleet: Fleet, cli: str | None, expected: str) -> None:
    """Show what the first host's AWS CLI sees, and that all hosts have the key `expected` and AWS accepts it."""
    if cli:
        for words in (["configure", "list"], ["sts", "get-caller-identity"]):
            _say(f"{fleet.hosts[0].name}$ aws {' '.join(words)} --profile {PROFILE}")
            # Of a secret the AWS CLI shows the last four characters, and this none.
            _say(re.sub(r"(?m)^(secret_key *: *)\S+", r"\1" + "*" * 20, _aws(fleet, fleet.hosts[0], cli, *words)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        held = dict(zip(fleet.hosts, pool.map(lambda host: _held(fleet, host, cli), fleet.hosts), strict=True))
    for host, key_id in held.items():
        if key_id != expected:
            raise Wrong(f"{host.name} should have the key {_short(expected)}, and has {_short(key_id)}")
    accepted = ", and AWS accepts it from each" if cli else ""
    _say(f"All {len(held)} hosts have the key {_short(expected)}{accepted}.")


def _held(fleet: Fleet, host: Host, cli: str | None) -> str:
    """The id of the key that a host's profile holds, once AWS has accepted it from there."""
    if cli is None:
        return _credentials(host)["access_key_id"]
    _aws(fleet, host, cli, "sts", "get-caller-identity")
    return _aws(fleet, host, cli, "configure", "get", "aws_access_key_id").strip()


def _credentials(host: Host) -> dict[str, str]:
    text = (host.home / ".aws" / "credentials").read_text()
    return {name: re.findall(rf"aws_{name} *= *(\S+)", text)[0] for name in ("access_key_id", "secret_access_key")}


def _aws(fleet: Fleet, host: Host, cli: str, *words: str) -> str:
    outcome = fleet.run(host.name, cli, *words, "--profile", PROFILE)
    if outcome.returncode:
        raise Wrong(f"on {host.name}, aws {' '.join(words)}: {outcome.stderr.strip()}")
    return outcome.stdout


def _rotate(cloud: Cloud, fleet: Fleet, verbosity: list[str]) -> dict[str, int]:
    """Run the playbook, its output as it comes. How many tasks changed something, by host."""
    settings = [part for name, value in VARIABLES.items() for part in ("-e", f"{name}={value}")]
    words = ["rekey.aws.rotate", *settings, *verbosity]
    _say(f"$ ansible-playbook -i inventory.yml {shlex.join(words)}")
    environment = {
        **os.environ,
        **cloud.environ(),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_FORCE_COLOR": str(sys.stdout.isatty()),
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(fleet.inventory), *words]
    changed: dict[str, int] = {}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                _say(line.rstrip("\n"))
                plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
                if recap := re.match(r"(\S+) +: ok=\d+ +changed=(\d+) ", plain):
                    changed[recap[1]] = int(recap[2])
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise Wrong(f"the playbook ended with exit status {process.returncode}")
    return changed


if __name__ == "__main__":
    sys.exit(main())
