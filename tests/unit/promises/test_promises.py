# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises under any order of runs, kills, lost answers, unreachable hosts and people, tried on a small world."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.rekey.aws.plugins.module_utils._facts import Policy
from tests.unit.promises.world import World

CAREFUL = Policy()
AT_ONCE = Policy(grace=timedelta(0), delete_after=timedelta(0))
HOSTS = ("h1", "h2", "h3")

away = st.sets(st.sampled_from(HOSTS), max_size=2)
kill = st.none() | st.integers(0, 40)
events = st.one_of(
    st.tuples(st.just("run"), away, kill),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.3, 2, 8, 95])),
    st.tuples(st.just("lose an answer")),
    st.tuples(st.just("wipe a host"), st.sampled_from(HOSTS)),
    st.tuples(st.just("somebody makes a key")),
    st.tuples(st.just("somebody uses all keys")),
    st.tuples(st.just("somebody deletes the newest key")),
    st.tuples(st.just("somebody switches the oldest key"), st.booleans()),
)


def happen(world: World, event: tuple) -> None:  # type: ignore[type-arg]  # each kind of event has its own fields
    kind, *details = event
    keys = sorted(world.aws.keys, key=lambda key: (key.created, key.id))
    if kind == "run":
        world.run(*details)
        world.aws.lose_next_answer = False
    elif kind == "wait":
        world.now += timedelta(days=details[0])
    elif kind == "lose an answer":
        world.aws.lose_next_answer = True
    elif kind == "wipe a host":
        world.hosts[details[0]] = None
    elif kind == "somebody makes a key" and len(keys) < 2 and not world.has_fresh_intent():
        world.foreign.add(world.aws.add().id)
    elif kind == "somebody uses all keys":
        world.aws.used.update({key.id: world.now for key in keys if key.active})
    elif kind == "somebody deletes the newest key" and keys:
        world.aws.remove(keys[-1].id)
    elif kind == "somebody switches the oldest key" and keys:
        world.aws.switch(keys[0].id, *details)


def settled(world: World) -> bool:
    """One young key, every host has it, and nothing but its mark is left."""
    keys = world.aws.keys
    young = all(world.now - key.created <= world.policy.max_age for key in keys)
    return len(keys) == len(world.aws.tags) == 1 and young and set(world.hosts.values()) == world.aws.active()


def run_until_settled(world: World, apart: timedelta) -> None:
    """Nine runs are enough for the longest way: an orphan is drained, deactivated, deleted, and then it all begins."""
    for _run in range(9):
        world.run()
        if settled(world):
            return
        world.now += apart


@settings(max_examples=400, deadline=None)
@given(st.lists(events, max_size=12), st.sampled_from([CAREFUL, AT_ONCE]), st.booleans())
def test_promises_1_2_and_3_hold_at_every_instant_whatever_happens(happenings: list, policy: Policy, old: bool) -> None:  # type: ignore[type-arg]
    world = World(policy, dict.fromkeys(HOSTS))
    if old:
        first = world.aws.add()
        world.hosts = dict.fromkeys(HOSTS, first.id)
        world.now += timedelta(days=100)
    for event in happenings:
        happen(world, event)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(away, kill, st.booleans(), st.sampled_from([0, 0.01, 0.3, 2])), max_size=8),
    st.sampled_from([CAREFUL, AT_ONCE]),
    st.booleans(),
)
def test_promise_5_whatever_was_killed_or_lost_later_runs_end_with_one_key_that_all_hold(
    runs: list,
    policy: Policy,
    old: bool,  # type: ignore[type-arg]
) -> None:
    world = World(policy, dict.fromkeys(HOSTS))
    if old:
        first = world.aws.add()
        world.hosts = dict.fromkeys(HOSTS, first.id)
        world.now += timedelta(days=100)
    for hosts_away, kill_in, lose, wait in runs:
        world.aws.lose_next_answer = lose
        world.run(hosts_away, kill_in)
        world.now += timedelta(days=wait)
    world.aws.lose_next_answer = False
    run_until_settled(world, timedelta(days=9))
    assert settled(world), (world.aws.keys, world.hosts, world.aws.tags)
    assert world.run() == []
    (key,) = world.aws.active()
    assert list(world.aws.tags) == [f"rekey:key:{key}"]


@pytest.mark.parametrize("kill_in", range(60))
@pytest.mark.parametrize("policy", [CAREFUL, AT_ONCE], ids=["careful", "at once"])
def test_promise_5_a_run_killed_at_any_instant_is_mended_by_running_again(kill_in: int, policy: Policy) -> None:
    world = World(policy, {})
    first = world.aws.add()
    world.hosts = dict.fromkeys(HOSTS, first.id)
    world.now += timedelta(days=100)
    world.run(kill_in=kill_in)
    run_until_settled(world, timedelta(hours=7) if policy is AT_ONCE else timedelta(days=9))
    assert settled(world), (world.aws.keys, world.hosts, world.aws.tags)
    assert world.run() == []
