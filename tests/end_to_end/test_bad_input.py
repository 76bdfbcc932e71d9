# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input gets a clear error, and changes nothing."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import USER, Site
from tests.end_to_end.test_rotate import AT_ONCE, line


def nothing_changed(site: Site) -> bool:
    return site.cloud.calls().keys() <= {"ListAccessKeys", "ListUserTags", "GetCallerIdentity"}


def test_an_iam_user_that_does_not_exist(site: Site) -> None:
    run = site.play(rotate_user_name="nobody")
    assert run.status != 0
    assert "nobody" in line(run.output, "nobody")
    assert "NoSuchEntity" in run.output
    assert nothing_changed(site)


def test_no_host_says_whose_key_it_uses(site: Site) -> None:
    run = site.play(rotate_user_name="")
    assert run.status != 0
    assert "rotate_user_name or rotate_credentials" in run.output


def test_a_pattern_that_matches_no_host_fails(site: Site) -> None:
    run = site.play(rotate_hosts="flet")
    assert run.status != 0
    assert "flet" in run.output


def test_no_permission_to_create_a_key(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    site.cloud.faults([{"action": "CreateAccessKey", "kind": "deny"}])
    run = site.play(**AT_ONCE)
    assert run.status != 0
    assert "iam:CreateAccessKey" in run.output
    assert site.held() == set(site.keys()) == {user.keys[0].access_key_id}


def test_no_permission_to_tag_still_distributes_and_retires_nothing(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    site.cloud.faults([{"action": "TagUser", "kind": "deny"}])
    run = site.play(**AT_ONCE)
    assert len(site.keys()) == 2, run.output
    assert len(site.held()) == 1
    assert site.keys()[user.keys[0].access_key_id] == "Active"
    assert "TagUser" in line(run.output)


def test_no_credentials_on_the_controller(site: Site) -> None:
    site.create_user(USER, 100)
    run = site.play(env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
    assert run.status != 0
    assert "no AWS credentials were found" in run.output
    assert nothing_changed(site)


def test_an_endpoint_that_cannot_be_reached(site: Site) -> None:
    site.create_user(USER, 100)
    run = site.play(env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert run.status != 0
    assert "127.0.0.1:9" in run.output
    assert nothing_changed(site)


def test_an_aws_file_that_cannot_be_read_is_named_with_its_line(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    credentials = site.fleet.host("host02").home / ".aws" / "credentials"
    before = credentials.read_text() + "this line says nothing\n"
    credentials.write_text(before)
    run = site.play(**AT_ONCE)
    assert run.status != 0
    assert str(credentials) in run.output
    assert "line 4" in run.output or ":4" in run.output
    assert credentials.read_text() == before
    assert site.keys()[user.keys[0].access_key_id] == "Active"


def test_promise_2_a_file_that_cannot_be_read_is_not_taken_for_one_that_holds_nothing(site: Site) -> None:
    user = site.create_user(USER, 10)
    site.give(user)
    for host in site.fleet.hosts:
        credentials = host.home / ".aws" / "credentials"
        credentials.write_text(credentials.read_text() + "this line says nothing\n")
    run = site.play(**AT_ONCE)
    assert run.status != 0
    assert list(site.keys()) == [user.keys[0].access_key_id]


@pytest.mark.parametrize("variable", ["rotate_max_age", "rotate_grace", "rotate_orphan_after"])
def test_a_span_that_is_none(site: Site, variable: str) -> None:
    site.create_user(USER, 100)
    run = site.play(**{variable: "soon"})
    assert run.status != 0
    assert variable.removeprefix("rotate_") in run.output
    assert "'soon'" in run.output
    assert nothing_changed(site)


def test_a_host_whose_variables_cannot_be_read_is_named_and_keeps_every_old_key(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    names = "{{ {'host01': 'deploy', 'host02': 'deploy'}[inventory_hostname] }}"
    run = site.play(rotate_user_name=names, **AT_ONCE)
    assert run.status != 0
    assert "host03 (its variables cannot be read" in line(run.output)
    assert site.keys()[user.keys[0].access_key_id] == "Active"


def test_a_host_on_which_no_module_can_run_is_named_with_what_it_said(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    run = site.play(ansible_become=True, ansible_become_exe="/no/such/sudo", **AT_ONCE)
    assert run.status != 0
    assert "/no/such/sudo" in line(run.output)
    assert site.keys() == {user.keys[0].access_key_id: "Active"}
