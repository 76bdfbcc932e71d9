# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job, end to end: real hosts over SSH, and an AWS that refuses what AWS refuses."""

from __future__ import annotations

from tests.end_to_end.conftest import USER, Site

AT_ONCE = {"rotate_grace": "0", "rotate_delete_after": "0"}


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

    second = site.play(**AT_ONCE)
    assert second.status == 0, second.output
    assert second.changed == 0, second.output
    assert site.keys() == {new: "Active"}


def test_promise_6_a_check_says_what_would_be_done_and_does_nothing(site: Site) -> None:
    user = site.create_user(USER, 100)
    site.give(user)

    run = site.play("rekey.aws.rotate", "--check", "--diff", **AT_ONCE)
    assert run.status == 0, run.output
    assert site.keys() == {user.keys[0].access_key_id: "Active"}
    assert site.held() == {user.keys[0].access_key_id}
    assert site.marks() == {}


def test_a_new_user_without_keys_is_provisioned(site: Site) -> None:
    site.create_user(USER)
    run = site.play(**AT_ONCE)
    assert run.status == 0, run.output
    (new,) = site.keys()
    assert site.held() == {new}
