# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools, each asked as its own documentation says."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from . import watch
from .judge import Home
from .tasks import DISK_FULL, SECRETS, Change, Edit

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "comparison"
ANSIBLE = {"ansible": "12.3.0", "ansible-core": "2.19.14"}
Jobs = Mapping[str, tuple[Edit, Home]]
"""Tasks with their homes, by names that hosts of an inventory may have."""

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}


@dataclass
class Run:
    """What a tool did with one task. The texts are all that it printed."""

    succeeded: bool
    arguments: set[bytes] = field(default_factory=set, repr=False)
    output: str = field(default="", repr=False)


class AwsCli:
    name = "aws configure set"
    loudest = "--debug"

    def __init__(self, executable: Path) -> None:
        self._aws = executable
        self.version = self._call(Path("/nonexistent"), "--version").stdout.split()[0].replace("aws-cli/", "AWS CLI ")
        answer = self._call(Path("/nonexistent"), "configure", "unset", "region")
        self._unsets = "invalid choice 'unset'" not in answer.stderr

    def can(self, edit: Edit) -> bool:
        return self._unsets or all(change.value is not None for change in edit.changes)

    def differences(self, jobs: Jobs) -> dict[str, str] | None:
        """It has no way to show what it would change."""
        return None

    def apply(self, jobs: Jobs, loud: bool) -> dict[str, Run]:
        return {name: self._apply(edit, home, loud) for name, (edit, home) in jobs.items()}

    def _apply(self, edit: Edit, home: Home, loud: bool) -> Run:
        def write(profile: str) -> list[subprocess.CompletedProcess[str]]:
            return [
                self._call(home.folder, *self._arguments(change, loud), disk_full=edit.disk_full)
                for change in edit.changes
                if change.profile == profile
            ]

        with watch.arguments() as seen, ThreadPoolExecutor(8) as pool:
            calls = [call for calls in pool.map(write, edit.profiles) for call in calls]
        return Run(not any(call.returncode for call in calls), seen, "".join(c.stdout + c.stderr for c in calls))

    def _arguments(self, change: Change, loud: bool) -> Sequence[str]:
        verb = ["unset", change.key] if change.value is None else ["set", change.key, change.value]
        return ["configure", *verb, "--profile", change.profile, *([self.loudest] if loud else [])]

    def _call(self, home: Path, *arguments: str, disk_full: bool = False) -> subprocess.CompletedProcess[str]:
        return _call([str(self._aws), *arguments], {"HOME": str(home)}, disk_full)


class AwsCliImport(AwsCli):
    """The AWS CLI's way to take a key that is not typed in: the CSV file of the console."""

    name = "aws configure import"

    def _arguments(self, change: Change, loud: bool) -> Sequence[str]:
        return ["configure", "import", "--csv", f"file://{self._csv}", *([self.loudest] if loud else [])]

    def _apply(self, edit: Edit, home: Home, loud: bool) -> Run:
        key, secret = edit.changes
        self._csv = home.folder / "key.csv"
        self._csv.write_text(f"User Name,Access key ID,Secret access key\n{key.profile},{key.value},{secret.value}\n")
        return super()._apply(Edit(edit.name, "", (key,)), home, loud)


class _Ansible:
    """An Ansible module. All tasks go in one playbook, each on a host of its own, over a local connection."""

    loudest = "-vvv"
    task: ClassVar[Mapping[str, Any]]

    def __init__(self, python: Path, work: Path) -> None:
        self._playbook = python.with_name("ansible-playbook")
        self._python = python
        self._work = work

    def can(self, edit: Edit) -> bool:
        return True

    def changes(self, edit: Edit, home: Home) -> list[dict[str, Any]]:
        raise NotImplementedError

    def differences(self, jobs: Jobs) -> dict[str, str] | None:
        return {name: run.output for name, run in self._play(jobs, ["--check", "--diff"]).items()}

    def apply(self, jobs: Jobs, loud: bool) -> dict[str, Run]:
        return self._play(jobs, [self.loudest] if loud else [])

    def _play(self, jobs: Jobs, options: Sequence[str]) -> dict[str, Run]:
        """The tasks that are to be alone on the machine, each in a run of its own; the others in one."""
        alone = [name for name, (edit, _home) in jobs.items() if edit.at_once or edit.disk_full]
        runs = {}
        for names in ([name for name in jobs if name not in alone], *([name] for name in alone)):
            if names:
                runs.update(self._play_at_once({name: jobs[name] for name in names}, options))
        return runs

    def _play_at_once(self, jobs: Jobs, options: Sequence[str]) -> dict[str, Run]:
        hosts: dict[str, Any] = {}
        for name, (edit, home) in jobs.items():
            changes = self.changes(edit, home)
            parts = [changes]
            if edit.at_once:
                parts = [[c for c in changes if c["profile"] == profile] for profile in edit.profiles]
            for number, part in enumerate(parts):
                hosts[f"{name}-{number}"] = {"changes": part}
        inventory = self._work / "inventory.json"
        inventory.touch(mode=0o600)
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": self._variables()}}))
        playbook = self._work / "playbook.json"
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [self.task]}]))
        at_once = any(edit.at_once for edit, _home in jobs.values())
        command = [str(self._playbook), "-i", str(inventory), "-f", "8" if at_once else "2", *options, str(playbook)]
        with watch.arguments() as seen:
            call = _call(command, self._environment(), any(edit.disk_full for edit, _home in jobs.values()))
        (self._work / "output").write_text(call.stdout + call.stderr)
        runs = {}
        for name in jobs:
            recap = re.findall(rf"^{name}-\d+ +: ok=\d+ .*unreachable=(\d+) +failed=(\d+)", call.stdout, re.MULTILINE)
            runs[name] = Run(bool(recap) and set(recap) == {("0", "0")}, seen, call.stdout + call.stderr)
        return runs

    def _variables(self) -> dict[str, Any]:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(self._python),
            "ansible_remote_tmp": str(self._work / "remote"),
        }

    def _environment(self) -> dict[str, str]:
        home = self._work / "controller"
        home.mkdir(exist_ok=True)
        (home / "ansible.cfg").touch()
        return {
            "HOME": str(home),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
        }


def _options(*names: str) -> dict[str, str]:
    # A loop over numbers, since Ansible shows what it loops over.
    return {name: f"{{{{ changes[item | default(0)].{name} | default(omit) }}}}" for name in names}


class IniFile(_Ansible):
    """`no_log` is set where the task has a secret, as Ansible's documentation asks. A commented-out setting is not
    taken for one, a link is followed, and credentials get mode 0600: the module's own documentation has all three."""

    name = "ini_file"
    task: ClassVar[Mapping[str, Any]] = {
        "name": "Set it",
        "community.general.ini_file": {
            **_options("path", "section", "option", "value", "state", "mode"),
            "modify_inactive_option": False,
            "follow": True,
        },
        "loop": "{{ range(changes | length) | list }}",
        "no_log": "{{ changes | selectattr('secret') | length > 0 }}",
    }

    def changes(self, edit: Edit, home: Home) -> list[dict[str, Any]]:
        return [self._change(change, home) for change in edit.changes]

    def _change(self, change: Change, home: Home) -> dict[str, Any]:
        option, value = change.key, change.value
        if "." in option:
            block, _dot, entry = option.partition(".")
            # It knows no blocks. A line of the block can be removed by its name, and added in the value of the block.
            option, value = (entry, None) if value is None else (block, f"\n    {entry} = {value}")
        quoted = f'"{change.profile}"' if " " in change.profile else change.profile
        plain = change.file == "credentials" or change.profile == "default"
        return {
            "profile": change.profile,
            "path": str(home.path(change.file)),
            "section": change.profile if plain else f"profile {quoted}",
            "option": option,
            "secret": change.key in SECRETS,
            **({"state": "absent"} if value is None else {"value": value}),
            **({"mode": "0600"} if change.file == "credentials" else {}),
        }


class OpenIniFile(IniFile):
    """As the module's own examples have it, none of which sets `no_log`."""

    name = "ini_file without no_log"
    task: ClassVar[Mapping[str, Any]] = {name: value for name, value in IniFile.task.items() if name != "no_log"}


class Rekey(_Ansible):
    name = "aws_cli_profile"
    task: ClassVar[Mapping[str, Any]] = {
        "name": "Set it",
        "rekey.aws.aws_cli_profile": _options(
            "profile", "config_file", "credentials_file", "access_key_id", "secret_access_key", "config"
        ),
    }

    def changes(self, edit: Edit, home: Home) -> list[dict[str, Any]]:
        return [self._change(profile, edit, home) for profile in edit.profiles]

    def _change(self, profile: str, edit: Edit, home: Home) -> dict[str, Any]:
        asked: dict[str, Any] = {"profile": profile, "config": {}}
        for change in edit.changes:
            if change.profile != profile:
                continue
            if change.file == "credentials":
                asked[change.key.removeprefix("aws_")] = change.value
            else:
                block, _dot, entry = change.key.rpartition(".")
                (asked["config"].setdefault(block, {}) if block else asked["config"])[entry] = change.value
        return {**asked, **{f"{file}_file": str(home.path(file)) for file in ("config", "credentials")}}


def ansible() -> Path:
    """The Python of a virtual environment with the pinned Ansible, made if it is not there yet."""
    venv = CACHE / "venv"
    wanted = " ".join(f"{name}=={version}" for name, version in ANSIBLE.items())
    done = venv / "installed"
    if not done.exists() or done.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted.split()], check=True)
        done.write_text(wanted)
    return venv / "bin" / "python"


def community_general() -> str:
    """The version of the collection that came with it."""
    (manifest,) = CACHE.glob("venv/lib/python*/site-packages/ansible_collections/community/general/MANIFEST.json")
    version: str = json.loads(manifest.read_text())["collection_info"]["version"]
    return version


def _call(command: Sequence[str], more: Mapping[str, str], disk_full: bool) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (DISK_FULL, DISK_FULL))

    return subprocess.run(
        command,
        env={**_ENVIRONMENT, **more},
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        umask=0o022,
        preexec_fn=limit if disk_full else None,
        check=False,
    )
