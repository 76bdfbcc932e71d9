# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet gives real hosts and takes every process of them away again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.rekey.aws.tests.fleet import client, ssh
from ansible_collections.rekey.aws.tests.fleet.client import Connection, Fleet, FleetError, NoSshd

COMMAND = Path(client.__file__).resolve().parent
SEARCHED = os.pathsep.join([os.environ["PATH"], *ssh.SSHD_PLACES])

needs_sshd = pytest.mark.skipif(not shutil.which("sshd", path=SEARCHED), reason="this machine has no sshd")
over_each_connection = pytest.mark.parametrize("connection", [pytest.param("ssh", marks=needs_sshd), "local"])


def fleet_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COMMAND), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def ansible(fleet: Fleet, module: str, arguments: str, **environment: str) -> dict[str, Any]:
    """Run one module on all hosts; each host's result."""
    outcome = subprocess.run(
        [sys.executable, "-m", "ansible", "adhoc", "-i", fleet.inventory, "fleet", "-m", module, "-a", arguments],
        env={
            **os.environ,
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline",
            "ANSIBLE_NOCOLOR": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    results = {}
    for line in outcome.stdout.splitlines():
        name, _bar, rest = line.partition(" | ")
        results[name] = json.loads(rest.partition(" => ")[2])
    return results


def facts(fleet: Fleet, **environment: str) -> dict[str, Any]:
    """What Ansible finds out about each host: `env` and `python`."""
    results = ansible(fleet, "ansible.builtin.setup", "gather_subset=!all,env,python", **environment)
    return {
        name: {fact.removeprefix("ansible_"): value for fact, value in result["ansible_facts"].items()}
        for name, result in results.items()
    }


@over_each_connection
@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_modules_on_a_host_see_its_own_home_and_the_fleets_variables(
    tmp_path: Path, connection: Connection, pipelining: str
) -> None:
    nasty = r"""a "quoted" 'value' \with $HOME #and more"""
    with Fleet.start(tmp_path, 2, setenv={"AWS_ENDPOINT_URL": nasty}, connection=connection) as fleet:
        made = ansible(fleet, "ansible.builtin.file", "path=~/.aws state=directory", ANSIBLE_PIPELINING=pipelining)
        seen = facts(fleet, ANSIBLE_PIPELINING=pipelining)
    assert {name: result["path"] for name, result in made.items()} == {
        host.name: str(host.home / ".aws") for host in fleet.hosts
    }
    for host in fleet.hosts:
        assert seen[host.name]["env"]["HOME"] == str(host.home)
        assert seen[host.name]["env"]["AWS_ENDPOINT_URL"] == nasty
        assert (host.home / ".aws").is_dir()


@needs_sshd
def test_a_file_copied_to_the_home_of_an_ssh_host_lands_in_its_own_home(tmp_path: Path) -> None:
    with Fleet.start(tmp_path, 2) as fleet:
        ansible(fleet, "ansible.builtin.copy", "content=x dest=~/copied")
    assert all((host.home / "copied").read_text() == "x" for host in fleet.hosts)


@over_each_connection
def test_a_directory_with_a_long_path_and_blanks_will_do(tmp_path: Path, connection: Connection) -> None:
    directory = tmp_path / ("a long name " * 10) / ("x" * 100)
    with Fleet.start(directory, 1, connection=connection) as fleet:
        seen = facts(fleet)
    assert seen["host01"]["env"]["HOME"] == str(directory / "home" / "host01")


@over_each_connection
def test_interpreters_are_spread_over_the_hosts_in_turn(tmp_path: Path, connection: Connection) -> None:
    other = tmp_path / "other-python"
    other.symlink_to(os.path.realpath(sys.executable))
    with Fleet.start(tmp_path, 3, pythons=[sys.executable, str(other)], connection=connection) as fleet:
        seen = facts(fleet)
    assert [seen[host.name]["python"]["executable"] for host in fleet.hosts] == [
        sys.executable,
        str(other),
        sys.executable,
    ]


@over_each_connection
def test_run_reaches_the_host_as_its_user(tmp_path: Path, connection: Connection) -> None:
    with Fleet.start(tmp_path, 2, setenv={"AWS_REGION": "eu-west-1"}, connection=connection) as fleet:
        outcome = fleet.run("host02", "sh", "-c", 'echo "$HOME $AWS_REGION"; exit 3')
    assert (outcome.stdout, outcome.returncode) == (f"{fleet.host('host02').home} eu-west-1\n", 3)


@needs_sshd
def test_down_leaves_no_process_behind_after_a_kill_of_whoever_started_the_fleet(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from fleet.client import Fleet\n"
            "fleet = Fleet.start(Path(sys.argv[1]), 2)\n"
            "fleet.run('host01', 'sh', '-c', 'setsid sleep 1000 >&- 2>&- <&- &')\n"
            "print('started', flush=True); time.sleep(1000)",
            str(tmp_path),
        ],
        env={**os.environ, "PYTHONPATH": str(COMMAND.parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout
    assert starter.stdout.readline() == "started\n"
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    fleet = Fleet(tmp_path)
    titles = running_titles(fleet.processes())
    assert sum(title.startswith("sshd: /") for title in titles) == 2
    assert any(title.startswith("ssh: ") for title in titles), "the ControlMaster is not seen"
    assert any("sleep 1000" in title for title in titles), "a background process of the host is not seen"

    down = fleet_command("down", "--dir", tmp_path)

    assert down.returncode == 0, down.stderr
    assert not fleet.processes()
    everything = running_titles({int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()})
    assert not [title for title in everything if str(tmp_path) in title]


@needs_sshd
@pytest.mark.parametrize("instant", [1, 5, 9])
def test_down_leaves_no_process_behind_after_a_kill_in_the_midst_of_up(tmp_path: Path, instant: int) -> None:
    up = subprocess.Popen([sys.executable, str(COMMAND), "up", "--dir", str(tmp_path), "--hosts", "10"])
    while up.poll() is None and len(list((tmp_path / "log").glob("*"))) < instant:
        time.sleep(0.001)
    up.kill()
    up.wait()

    Fleet(tmp_path).stop()

    time.sleep(0.5)
    assert not Fleet(tmp_path).processes()
    Fleet.start(tmp_path, 2).stop()


def running_titles(pids: set[int]) -> list[str]:
    titles = []
    for pid in pids:
        try:
            titles.append(Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " "))
        except OSError:
            continue
    return titles


@over_each_connection
def test_up_and_down_are_one_command_each(tmp_path: Path, connection: Connection) -> None:
    up = fleet_command("up", "--dir", tmp_path, "--hosts", "2", "--connection", connection, "--setenv", "A=b=c")
    try:
        assert up.returncode == 0, up.stderr
        listed = subprocess.run(
            [sys.executable, "-m", "ansible", "inventory", "-i", up.stdout.strip(), "--list"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(listed.stdout)["fleet"]["hosts"] == ["host01", "host02"]
    finally:
        assert fleet_command("down", "--dir", tmp_path).returncode == 0
    assert not Fleet(tmp_path).processes()


@needs_sshd
def test_up_where_a_fleet_runs_is_an_error_that_says_so(tmp_path: Path) -> None:
    link = tmp_path.with_name(tmp_path.name + "-link")
    link.symlink_to(tmp_path)
    with Fleet.start(tmp_path, 1) as fleet:
        again = fleet_command("up", "--dir", link)
        assert fleet.run("host01", "true").returncode == 0
    assert again.returncode == 1
    assert f"A fleet is running in {tmp_path}" in again.stderr


def test_without_sshd_the_answer_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "SSHD_PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSshd, match="--connection local"):
        Fleet.start(tmp_path, 1)


@needs_sshd
def test_a_host_switched_off_is_unreachable_and_the_others_are_not(tmp_path: Path) -> None:
    with Fleet.start(tmp_path, 2) as fleet:
        assert fleet.run("host01", "true").returncode == 0
        fleet.switch_off("host01")
        assert fleet.run("host01", "true").returncode == 255
        assert fleet.run("host02", "true").returncode == 0
        fleet.switch_on("host01")
        assert fleet.run("host01", "true").returncode == 0


@over_each_connection
def test_the_hosts_keep_their_homes_from_one_fleet_to_the_next(tmp_path: Path, connection: Connection) -> None:
    with Fleet.start(tmp_path, 1, connection=connection) as fleet:
        (fleet.host("host01").home / "kept").touch()
    with Fleet.start(tmp_path, 1, connection=connection) as fleet:
        assert fleet.run("host01", "sh", "-c", "ls ~").stdout == "kept\n"


@needs_sshd
def test_a_variable_that_sshd_cannot_set_is_refused_without_its_value(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"^TOKEN: ") as refusal:
        Fleet.start(tmp_path, 1, setenv={"TOKEN": "first\nsecond"})
    assert "second" not in str(refusal.value)
    assert not Fleet(tmp_path).processes()


@pytest.mark.parametrize("python", ["/no/such/python", shutil.which("false")])
def test_an_interpreter_that_does_not_run_is_named(tmp_path: Path, python: str) -> None:
    with pytest.raises(FleetError, match=f"^{python} is not a Python that runs here"):
        Fleet.start(tmp_path, 1, pythons=[python], connection="local")
