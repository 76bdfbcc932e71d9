# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job, end to end: real hosts over SSH, and an AWS that refuses what AWS refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import HOSTS, ROOT, USER, Site

AT_ONCE = {"rotate_grace": "0", "rotate_delete_after": "0"}


def line(output: str, user_name: str = USER) -> str:
    """What the report says of a user."""
    return next(text.strip() for text in output.splitlines() if text.strip().startswith(f'"{user_name}: '))


def test_promise_5_a_due_key_is_replaced_on_every_host_in_one_run_and_the_next_changes_nothing(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id
    site.cloud.settings(propagation_seconds=3)

    first = site.play(**AT_ONCE)
    assert first.status == 0, first.output
    (new,) = site.keys()
    assert new != old
    assert site.keys() == {new: "Active"}
    assert site.held() == {new}
    assert list(site.marks()) == [f"rekey:key:{new}"]
    assert f"…{old[-4:]} → …{new[-4:]}, {HOSTS} of {HOSTS} done" in line(first.output)

    second = site.play(**AT_ONCE)
    assert second.status == 0, second.output
    assert second.changed == 0, second.output
    assert site.keys() == {new: "Active"}


def test_promise_5_each_step_of_a_careful_rotation_comes_when_its_time_has_come(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id

    site.play()
    new = next(key for key in site.keys() if key != old)
    assert site.keys() == {old: "Active", new: "Active"}
    assert site.held() == {new}
    run = site.play()
    assert run.changed == 0, run.output
    assert f"…{old[-4:]} is deactivated after" in line(run.output)

    site.cloud.age(USER, 2)
    site.play()
    assert site.keys() == {old: "Inactive", new: "Active"}
    site.cloud.age(USER, 8)
    site.play()
    assert site.keys() == {new: "Active"}
    assert site.play().changed == 0


def test_promise_6_a_check_says_what_would_be_done_and_does_nothing(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)

    run = site.play("rekey.aws.rotate", "--check", "--diff", **AT_ONCE)
    assert run.status == 0, run.output
    assert site.keys() == {user.keys[0].access_key_id: "Active"}
    assert site.held() == {user.keys[0].access_key_id}
    assert site.marks() == {}
    assert f"{HOSTS} of {HOSTS} done; would do: mark …" in line(run.output)


def test_a_new_user_without_keys_is_provisioned(site: Site) -> None:
    site.create_user(USER)
    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    (new,) = site.keys()
    assert site.held() == {new}
    assert site.play(**AT_ONCE).changed == 0


def test_one_iam_user_per_host_and_several_profiles_per_host(site: Site) -> None:
    for host in site.fleet.hosts:
        own = site.create_user(f"app-{host.name}", 100)
        site.give(own, host.name, profile="app")
    backup = site.create_user("backup", 100)
    site.give(backup, profile="backup")
    credentials = [
        {"user_name": "app-{{ inventory_hostname }}", "profile": "app", "region": "eu-west-1"},
        {"user_name": "backup", "profile": "backup", "settings": {"s3": {"max_concurrent_requests": 20}}},
    ]
    run = site.play(rotate_user_name="", rotate_credentials=credentials, **AT_ONCE)
    assert run.status == 0, run.output
    for host in site.fleet.hosts:
        assert site.keys(f"app-{host.name}") == {site.pair(host, "app")[0]: "Active"}
        config = (host.home / ".aws" / "config").read_text()
        assert "region = eu-west-1" in config
        assert "max_concurrent_requests = 20" in config
    assert list(site.keys("backup")) == list(site.held("backup"))
    second = site.play(rotate_user_name="", rotate_credentials=credentials, **AT_ONCE)
    assert second.changed == 0, second.output


def test_promise_1_a_host_that_is_away_keeps_its_key_and_is_named_and_a_later_run_catches_up(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id
    site.fleet.switch_off("host02")
    try:
        run = site.play(**AT_ONCE)
    finally:
        site.fleet.switch_on("host02")
    assert run.status != 0
    assert site.keys()[old] == "Active"
    assert site.pair("host02")[0] == old
    assert "host02 (unreachable)" in line(run.output)
    assert "2 of 3 done" in line(run.output)

    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    assert site.held() == set(site.keys())
    assert old not in site.keys()


def test_promise_1_hosts_outside_the_limit_count(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id
    run = site.play("rekey.aws.rotate", "--limit", "host01", **AT_ONCE)
    assert run.status == 0, run.output
    assert site.keys()[old] == "Active"
    assert site.pair("host03")[0] == old
    assert "host02 (not in this run)" in line(run.output)
    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    assert len(site.keys()) == 1


def test_batches_share_one_new_key(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    run = site.play(rotate_serial=1, **AT_ONCE)
    assert run.status == 0, run.output
    assert site.cloud.calls()["CreateAccessKey"] == 1
    assert site.held() == set(site.keys())


def test_promise_1_a_canary_that_fails_keeps_the_other_batches_as_they_are(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id
    (site.fleet.host("host01").home / ".aws" / "config").write_text("[default]\nregion = eu-west-1\n")
    site.cloud.settings(propagation_by_region={"eu-west-1": 600})
    batches = {"rotate_serial": [1, "100%"], "rotate_max_fail_percentage": 0, "rotate_verify_timeout": 3}
    run = site.play(**batches, **AT_ONCE)
    assert run.status != 0
    assert "InvalidClientTokenId" in line(run.output)
    assert site.held() == {old}
    assert site.keys()[old] == "Active"


@pytest.mark.parametrize("serial", [1, "100%"])
def test_the_role_works_in_a_play_of_the_users_own(site: Site, serial: int | str, tmp_path: Path) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    playbook = tmp_path / "site.yml"
    playbook.write_text(
        f"- hosts: fleet\n  serial: {serial}\n  gather_facts: false\n  roles:\n    - role: rekey.aws.rotate\n"
        "      rotate_grace: '0'\n      rotate_delete_after: '0'\n"
    )
    run = site.play(str(playbook))
    assert run.status == 0, run.output
    assert len(site.keys()) == 1
    assert site.held() == set(site.keys())
    assert site.cloud.calls()["CreateAccessKey"] == 1
    assert site.play(str(playbook)).changed == 0


def test_a_host_that_is_new_to_a_shared_user_gets_the_key_from_another(site: Site) -> None:
    user = site.create_user(USER, 10)
    site.give(user, "host01", "host02")
    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    assert site.held() == {user.keys[0].access_key_id}
    assert "CreateAccessKey" not in site.cloud.calls()


def test_promise_2_a_key_whose_secret_is_lost_is_replaced(site: Site) -> None:
    user = site.create_user(USER, 10)
    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    (held,) = site.held()
    assert held in site.keys()
    assert held != user.keys[0].access_key_id
    # Nobody in the inventory is known ever to have had the first key: it is foreign.
    assert site.keys()[user.keys[0].access_key_id] == "Active"


def test_promise_2_and_5_a_run_killed_after_it_created_a_key_is_mended_by_later_runs(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id
    site.cloud.settings(propagation_seconds=600)  # so that no host gets it before the kill
    process = subprocess.Popen(
        site.command("rekey.aws.rotate", rotate_user_name=USER),
        env=site.environ(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while sum(mark.startswith("rekey:key:") for mark in site.marks()) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    site.cloud.settings(propagation_seconds=0)
    assert len(site.keys()) == 2
    assert site.held() == {old}

    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    assert len(site.keys()) == 2  # the dead run may still be at it, for all that anybody knows
    assert "may still bring it to hosts until" in line(run.output)
    site.cloud.age(USER, 1)
    for _again in range(2):
        run = site.play(**AT_ONCE)
        assert run.status == 0, run.output
    assert len(site.keys()) == 1
    assert site.held() == set(site.keys())
    assert site.play(**AT_ONCE).changed == 0


@pytest.mark.parametrize("wrong", ["host01", "host03"])
@pytest.mark.parametrize("verify", [True, False])
def test_rule_12_a_wrong_secret_is_mended_and_never_spreads(site: Site, wrong: str, verify: bool) -> None:
    user = site.create_user(USER, 50, 10)
    site.give(user, key=1)
    right = site.pair("host02")
    site.spoil(wrong)
    run = site.play(rotate_verify=verify)
    others = {host.name for host in site.fleet.hosts} - {wrong}
    assert {site.pair(host) for host in others} == {right}
    if verify:
        assert site.pair(wrong) == right, run.output


def test_promise_1_a_canary_by_pattern_does_not_retire_what_the_rest_of_the_inventory_uses(
    site: Site, tmp_path: Path
) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id
    (site.fleet.inventory.parent / "group_vars").mkdir(exist_ok=True)
    said = site.fleet.inventory.parent / "group_vars" / "fleet.yml"
    said.write_text(f"rotate_user_name: {USER}\n")
    try:
        command = site.command("rekey.aws.rotate", rotate_hosts=["host01"], **AT_ONCE)
        command[-1] = command[-1].replace(f'"rotate_user_name": "{USER}", ', "")
        ran = subprocess.run(command, env=site.environ(), capture_output=True, text=True, timeout=300, check=False)
    finally:
        said.unlink()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 of 3 done" in line(ran.stdout)
    assert site.keys()[old] == "Active"
    assert site.pair("host01")[0] != old


def test_promise_1_a_user_that_is_reached_in_two_ways_is_not_retired(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    aws = "{{ {'region': 'us-east-1'} if inventory_hostname == 'host03' else {} }}"
    site.fleet.switch_off("host03")
    try:
        run = site.play(rotate_aws=aws, **AT_ONCE)
    finally:
        site.fleet.switch_on("host03")
    assert run.status != 0
    assert "reached in two ways" in run.output
    assert site.keys()[user.keys[0].access_key_id] == "Active"


def test_a_user_name_of_digits_alone(site: Site) -> None:
    site.create_user("12345")
    run = site.play(rotate_user_name=12345, **AT_ONCE)
    assert run.status == 0, run.output
    assert site.held() == set(site.keys("12345"))


def test_the_plays_after_a_rotation_go_on_for_the_hosts_that_are_done(site: Site, tmp_path: Path) -> None:
    site.give(site.create_user(USER, 100))
    playbook = tmp_path / "site.yml"
    playbook.write_text(
        "- import_playbook: rekey.aws.rotate\n"
        "- hosts: fleet\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {msg: it goes on}\n"
    )
    site.fleet.switch_off("host02")
    try:
        run = site.play(str(playbook), **AT_ONCE)
    finally:
        site.fleet.switch_on("host02")
    assert run.status != 0
    assert run.output.count("it goes on") == 2


def test_promise_3_a_foreign_key_is_named_and_left_alone_and_blocks_only_its_user(site: Site) -> None:
    user = site.create_user(USER, 200, 100)
    site.give(user, key=1)
    human, old = (key.access_key_id for key in user.keys)
    run = site.play(**AT_ONCE)
    assert run.status != 0
    assert site.keys() == {human: "Active", old: "Active"}
    assert "no slot is free" in line(run.output)
    assert human in line(run.output)

    run = site.play(rotate_adopt=True, **AT_ONCE)
    assert human not in site.keys()
    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    assert len(site.keys()) == 1
    assert old not in site.keys()


def test_rollback_switches_a_retired_key_on_again_and_rotations_then_leave_it_alone(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    old = user.keys[0].access_key_id
    site.play(rotate_grace="0")
    assert site.keys()[old] == "Inactive"

    run = site.play("rekey.aws.rollback")
    assert run.status == 0, run.output
    assert site.keys()[old] == "Active"
    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    assert site.keys()[old] == "Active"
    assert "rotate_adopt" in line(run.output)


def test_promise_4_when_the_run_is_over_no_variable_has_a_secret(site: Site, tmp_path: Path) -> None:
    site.give(site.create_user(USER, 100))
    playbook = tmp_path / "site.yml"
    playbook.write_text(
        "- import_playbook: rekey.aws.rotate\n"
        "- hosts: fleet\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {var: hostvars}\n"
    )
    run = site.play(str(playbook), **AT_ONCE)
    assert run.status == 0, run.output
    assert "rotate_retire" in run.output


def test_hosts_of_two_accounts_are_rotated_in_one_run(site: Site) -> None:
    here = site.create_user(USER, 100)
    there = site.create_user(USER, 100, account_id="111122223333")
    site.give(here, "host01", "host02")
    site.give(there, "host03")
    role = {"assume_role_arn": "arn:aws:iam::111122223333:role/rotator"}
    aws = "{{ " + repr(role) + " if inventory_hostname == 'host03' else {} }}"
    run = site.play(rotate_aws=aws, **AT_ONCE)
    assert run.status == 0, run.output
    assert list(site.keys()) == [site.pair("host01")[0]]
    (other,) = site.cloud.state("111122223333")[USER]["keys"]
    assert other["access_key_id"] == site.pair("host03")[0]
    assert site.held() == {site.pair("host01")[0], other["access_key_id"]}
    assert site.play(rotate_aws=aws, **AT_ONCE).changed == 0


def test_promise_4_no_secret_is_shown_at_vvv_or_left_in_logs_facts_or_temporary_files(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    cache, log = site.home / "facts", site.home / "ansible.log"
    env = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(cache),
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_CALLBACKS_ENABLED": "junit",
        "JUNIT_OUTPUT_DIR": str(site.home / "junit"),
    }
    run = site.play("rekey.aws.rotate", "-vvv", "--diff", env=env, **AT_ONCE)
    assert run.status == 0, run.output
    for place in (site.home, *(host.home for host in site.fleet.hosts)):
        for path in place.rglob("*"):
            if path.is_file() and path.name != "credentials":
                site.assert_no_secret(path.read_text(errors="replace"))
    for host in site.fleet.hosts:
        assert sorted(path.name for path in (host.home / ".aws").iterdir()) == ["credentials"]


def test_the_policy_that_the_readme_documents_is_enough(site: Site) -> None:
    site.give(site.create_user(USER, 100))
    (policy,) = re.findall(r"^```json\n(\{.*?^\})\n```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (rotator,) = site.create_user("rotator", 1, policy=json.loads(policy)).keys
    site.cloud.settings(enforce_policies=True)
    as_rotator = {"AWS_ACCESS_KEY_ID": rotator.access_key_id, "AWS_SECRET_ACCESS_KEY": rotator.secret_access_key}

    run = site.play(env=as_rotator)
    assert run.status == 0, run.output
    site.cloud.age(USER, 2)  # so that its last use is asked for
    run = site.play(env=as_rotator, rotate_delete_after="0")
    assert run.status == 0, run.output
    assert len(site.keys()) == 1
    used = {f"iam:{action}" for action in site.cloud.calls() if action not in ("GetCallerIdentity",)}
    (statement,) = json.loads(policy)["Statement"]
    assert used == set(statement["Action"])
