# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision of a rotation as a table of situations, by the rules' numbers in docs/architecture.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer, Policy, Run, User
from ansible_collections.rekey.aws.plugins.module_utils._marks import DRAINING, OURS, RETIRED, Intent, Mark, Marks
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, LastUse
from ansible_collections.rekey.aws.plugins.module_utils._plan import (
    ANYBODY,
    BLOCKED,
    EVERYBODY,
    NOBODY,
    SETTLED,
    WAITING,
    Create,
    Deactivate,
    Delete,
    EraseMarks,
    LookUpLastUse,
    Plan,
    WriteMarks,
)
from ansible_collections.rekey.aws.plugins.module_utils._retirement import retire
from ansible_collections.rekey.aws.plugins.module_utils._rotation import begin

NOW = datetime(2026, 11, 24, 5, tzinfo=timezone.utc)
RUN = Run("this", NOW - timedelta(minutes=1))
AT_ONCE = Policy(grace=timedelta(0), delete_after=timedelta(0))


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def key(id_: str, days: float, active: bool = True) -> AccessKey:
    return AccessKey(id_, active, ago(days=days))


def host(
    name: str = "h1", held: str | None = None, previous: str | None = None, verified: bool = True, read: bool = True
) -> Consumer:
    return Consumer(name, held=held, previous=previous, read=read, verified=verified and read, at=NOW if read else None)


def unread(name: str = "h1", in_run: bool = True, reason: str = "") -> Consumer:
    return Consumer(name, in_run=in_run, reason=reason)


def user(*keys: AccessKey, consumers: tuple[Consumer, ...] = (unread(),), **marks: str | tuple[str, datetime]) -> User:
    """A user with keys and their marks: ``OLD="ours"`` or ``OLD=("draining", since)``."""
    made = {}
    for id_, mark in marks.items():
        state, since = (mark, ago(days=40)) if isinstance(mark, str) else mark
        made[id_] = Mark(state, since)
    return User("deploy", tuple(keys), Marks(made), consumers)


def kinds(plan: Plan) -> list[str]:
    return [type(step).__name__ for step in plan.steps]


# --- begin -----------------------------------------------------------------------------------------------------------


def test_rule_1_the_target_is_the_newest_active_key_that_a_consumer_holds() -> None:
    both = user(key("OLD", 50), key("NEW", 10), consumers=(host("h1", "OLD"), host("h2", "NEW")))
    plan = begin(both, Policy(), RUN, NOW)
    assert (plan.target, plan.replaces, plan.steps) == ("NEW", ("OLD",), ())


def test_rule_1_a_newer_key_that_nobody_holds_is_not_the_target() -> None:
    plan = begin(user(key("OLD", 50), key("NEW", 10), consumers=(host("h1", "OLD"),)), Policy(), RUN, NOW)
    assert plan.target == "OLD"


def test_rule_1_a_key_whose_secret_is_at_hand_counts_as_held() -> None:
    stored = replace(user(key("OLD", 50), key("NEW", 10), consumers=(host("h1", "OLD"),)), at_hand=frozenset({"NEW"}))
    assert begin(stored, Policy(), RUN, NOW).target == "NEW"


@pytest.mark.parametrize(
    ("facts", "read"),
    [
        pytest.param(user(), NOBODY, id="no key"),
        pytest.param(user(key("ONE", 10)), NOBODY, id="one key"),
        pytest.param(user(key("ONE", 100), ONE=OURS), NOBODY, id="one key of ours, due"),
        pytest.param(user(key("ONE", 100)), ANYBODY, id="one key, due, not known to be ours"),
        pytest.param(user(key("OLD", 50), key("NEW", 10)), EVERYBODY, id="two active keys"),
        pytest.param(user(key("OLD", 50), key("NEW", 10), OLD=OURS, NEW=OURS), EVERYBODY, id="two active keys of ours"),
        pytest.param(user(key("MAN", 50), key("NEW", 10), NEW=OURS), NOBODY, id="one of two active keys is ours"),
        pytest.param(user(key("OLD", 50), key("NEW", 10), OLD=DRAINING, NEW=OURS), NOBODY, id="the other one drains"),
        pytest.param(
            user(key("ONE", 10), consumers=(host("h1", None), unread("h2"))),
            EVERYBODY,
            id="one key, not at the first host",
        ),
        pytest.param(
            user(key("ONE", 10), consumers=(host("h1", None), unread("h2", reason="unreachable"))),
            NOBODY,
            id="a host that did not answer is not asked again",
        ),
    ],
)
def test_hosts_are_read_before_begin_only_where_a_rule_needs_it(facts: User, read: str) -> None:
    assert begin(facts, Policy(), RUN, NOW).read == read


def test_rule_2_a_due_key_of_ours_is_replaced_and_the_intent_comes_first() -> None:
    plan = begin(user(key("OLD", 91), OLD=OURS), Policy(), RUN, NOW)
    assert plan.steps == (WriteMarks(intent=Intent("this", NOW, frozenset({"OLD"}))), Create())


def test_rule_2_a_due_key_that_a_consumer_holds_is_marked_ours_before_it_is_replaced() -> None:
    plan = begin(user(key("OLD", 91), consumers=(host("h1", "OLD"), unread("h2"))), Policy(), RUN, NOW)
    first = plan.steps[0]
    assert isinstance(first, WriteMarks)
    assert first.keys == {"OLD": Mark(OURS, NOW)}
    assert first.intent
    assert kinds(plan) == ["WriteMarks", "Create"]


@pytest.mark.parametrize(
    ("age", "policy", "due"),
    [
        (89, Policy(), False),
        (91, Policy(), True),
        (31, Policy(max_age=timedelta(days=30)), True),
        (1, Policy(force_before=NOW), True),
        (1, Policy(force_before=ago(days=2)), False),
    ],
)
def test_rule_2_a_key_is_due_by_age_or_by_a_force_that_was_asked_for_after_it_was_made(
    age: int, policy: Policy, due: bool
) -> None:
    assert ("Create" in kinds(begin(user(key("OLD", age), OLD=OURS), policy, RUN, NOW))) is due


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        pytest.param(
            user(key("OLD", 91), key("MAN", 5, active=False), OLD=OURS),
            BLOCKED,
            "rotate_replace_inactive",
            id="inactive",
        ),
        pytest.param(
            user(key("MAN", 200), key("OLD", 91), consumers=(host("h1", "OLD"),), OLD=OURS),
            BLOCKED,
            "rotate_adopt",
            id="human",
        ),
        pytest.param(
            user(key("OLD", 200, active=False), key("NOW", 91), OLD=RETIRED, NOW=OURS), WAITING, "is gone", id="retired"
        ),
        pytest.param(user(key("OLD", 200), key("NOW", 91), OLD=DRAINING, NOW=OURS), WAITING, "is gone", id="draining"),
        pytest.param(
            user(key("OLD", 50), consumers=(host("h1"), unread("h2", reason="unreachable"))),
            WAITING,
            "h2",
            id="not all read",
        ),
    ],
)
def test_rule_2_a_key_is_not_created_where_that_is_not_safe_and_the_reason_is_said(
    facts: User, status: str, words: str
) -> None:
    plan = begin(facts, Policy(), RUN, NOW)
    assert plan.steps == ()
    assert plan.status == status
    assert words in plan.message


def test_rule_2_a_lost_key_is_replaced_once_every_consumer_was_read() -> None:
    plan = begin(user(key("LOST", 10), consumers=(host("h1"), host("h2", "GONE"))), Policy(), RUN, NOW)
    assert kinds(plan) == ["WriteMarks", "Create"]


@pytest.mark.parametrize(
    ("at", "run", "waits"),
    [
        pytest.param(ago(hours=2), "other", True, id="another run may be at it"),
        pytest.param(ago(hours=4), "other", False, id="the other run is too old to go on"),
        pytest.param(ago(hours=4), "this", True, id="rule 3: our own call had no answer"),
    ],
)
def test_rule_2_and_3_a_fresh_intent_waits(at: datetime, run: str, waits: bool) -> None:
    marked = user(key("OLD", 91), OLD=OURS)
    facts = replace(marked, marks=Marks(marked.marks.keys, (Intent(run, at, frozenset({"OLD"})),)))
    plan = begin(facts, Policy(), RUN, NOW)
    assert (plan.steps == ()) is waits
    assert plan.status == WAITING


def test_rule_4_a_new_key_is_kept_and_marked_where_no_other_run_was_faster() -> None:
    marked = user(key("OLD", 91), key("NEW", 0), OLD=OURS)
    intent = Intent("this", NOW, frozenset({"OLD"}))
    facts = replace(marked, created="NEW", at_hand=frozenset({"NEW"}), marks=Marks(marked.marks.keys, (intent,)))
    plan = begin(facts, Policy(), RUN, NOW)
    assert plan.target == "NEW"
    assert plan.steps == (WriteMarks({"NEW": Mark(OURS, NOW)}), EraseMarks(runs=("this",)))


def test_rule_4_the_slower_of_two_runs_deletes_its_own_key() -> None:
    facts = replace(
        user(key("THEIRS", 0.001), key("MINE", 0)),
        created="MINE",
        marks=Marks({}, (Intent("this", NOW, frozenset()),)),
    )
    assert begin(facts, Policy(), RUN, NOW).steps == (Delete("MINE"), EraseMarks(runs=("this",)))


def test_without_permission_to_tag_a_key_is_created_and_nothing_is_ever_removed() -> None:
    due = replace(user(key("OLD", 91)), may_mark=False)
    assert kinds(begin(due, Policy(), RUN, NOW)) == ["Create"]
    done = replace(user(key("OLD", 91), key("NEW", 0), consumers=(host("h1", "NEW", "OLD"),)), may_mark=False)
    plan = retire(done, AT_ONCE, RUN, NOW)
    assert plan.steps == ()
    assert "iam:TagUser" in plan.message or "TagUser" in plan.message


# --- retire ----------------------------------------------------------------------------------------------------------

REPLACED = {"OLD": OURS, "NEW": OURS}


def test_rule_6_an_old_key_is_drained_once_every_consumer_is_verified_on_the_target() -> None:
    facts = user(key("OLD", 91), key("NEW", 0), consumers=(host("h1", "NEW", "OLD"), host("h2", "NEW")), **REPLACED)
    assert retire(facts, Policy(), RUN, NOW).steps == (WriteMarks({"OLD": Mark(DRAINING, NOW)}),)


def test_rule_6_a_key_that_a_consumer_held_before_is_ours() -> None:
    facts = user(key("OLD", 91), key("NEW", 0), consumers=(host("h1", "NEW", "OLD"),), NEW=OURS)
    assert retire(facts, Policy(), RUN, NOW).steps == (WriteMarks({"OLD": Mark(DRAINING, NOW)}),)


@pytest.mark.parametrize(
    "consumer",
    [
        pytest.param(unread("h2", reason="unreachable"), id="unreachable"),
        pytest.param(unread("h2", in_run=False), id="outside the limit"),
        pytest.param(host("h2", "OLD"), id="still on the old key"),
        pytest.param(host("h2", "NEW", verified=False), id="not verified"),
        pytest.param(replace(host("h2", "NEW"), at=ago(hours=2)), id="rule 10: the proof is old"),
        pytest.param(replace(host("h2", "NEW"), wrong_secret=True), id="rule 12: a wrong secret"),
    ],
)
def test_rule_6_one_consumer_without_proof_blocks_the_old_key_and_is_named(consumer: Consumer) -> None:
    facts = user(key("OLD", 91), key("NEW", 0), consumers=(host("h1", "NEW", "OLD"), consumer), **REPLACED)
    plan = retire(facts, AT_ONCE, RUN, NOW)
    assert plan.steps == ()
    assert plan.status == WAITING
    assert "h2" in plan.message
    draining = user(*facts.keys, consumers=facts.consumers, OLD=(DRAINING, ago(days=9)), NEW=OURS)
    plan = retire(replace(draining, last_use={"OLD": LastUse()}), AT_ONCE, RUN, NOW)
    assert plan.steps == ()


def draining(since: datetime, use: LastUse | str | None = "not asked") -> User:
    facts = user(key("OLD", 91), key("NEW", 2), consumers=(host("h1", "NEW"),), OLD=(DRAINING, since), NEW=OURS)
    return facts if isinstance(use, str) else replace(facts, last_use={"OLD": use})


@pytest.mark.parametrize(
    ("facts", "policy", "steps"),
    [
        pytest.param(draining(ago(days=2)), Policy(), ["LookUpLastUse"], id="its last use is asked for first"),
        pytest.param(draining(ago(days=2), LastUse()), Policy(), ["Deactivate", "WriteMarks"], id="never used"),
        pytest.param(
            draining(ago(days=2), LastUse(ago(days=3), "s3", "eu-west-1")),
            Policy(),
            ["Deactivate", "WriteMarks"],
            id="unused",
        ),
        pytest.param(draining(ago(days=2), None), Policy(), [], id="unknown waits"),
        pytest.param(draining(ago(days=2), LastUse(ago(hours=1), "s3", "eu-west-1")), Policy(), [], id="used since"),
        pytest.param(draining(ago(hours=20), LastUse()), Policy(), [], id="grace is not over"),
        pytest.param(draining(ago(days=1, minutes=10), LastUse()), Policy(), [], id="what AWS tells lags"),
        pytest.param(draining(NOW), AT_ONCE, ["Deactivate", "WriteMarks"], id="grace 0: the operator's word"),
        pytest.param(draining(ago(days=1)), AT_ONCE, ["LookUpLastUse"], id="grace 0, but it drained before this run"),
        pytest.param(draining(ago(days=1), LastUse(ago(minutes=5), "s3", "x")), AT_ONCE, [], id="grace 0, used since"),
    ],
)
def test_rule_7_a_draining_key_is_deactivated_after_grace_without_use(
    facts: User, policy: Policy, steps: list[str]
) -> None:
    assert kinds(retire(facts, policy, RUN, NOW)) == steps


def test_rule_7_what_still_uses_an_old_key_is_named() -> None:
    plan = retire(draining(ago(days=2), LastUse(ago(hours=1), "s3", "eu-west-1")), Policy(), RUN, NOW)
    assert "s3 in eu-west-1" in plan.message


def retired(since: datetime, *consumers: Consumer, active: bool = False) -> User:
    keys = (key("OLD", 91, active=active), key("NEW", 2))
    return user(*keys, consumers=consumers or (host("h1", "NEW"),), OLD=(RETIRED, since), NEW=OURS)


@pytest.mark.parametrize(
    ("facts", "policy", "steps"),
    [
        pytest.param(retired(ago(days=8)), Policy(), ["Delete", "EraseMarks"], id="its time is over"),
        pytest.param(retired(ago(days=6)), Policy(), [], id="it can still be switched on again"),
        pytest.param(retired(NOW), AT_ONCE, ["Delete", "EraseMarks"], id="delete_after 0"),
        pytest.param(retired(ago(days=8), host("h1", "NEW"), host("h2", "OLD")), Policy(), [], id="a host holds it"),
        pytest.param(retired(ago(days=8), host("h1", "NEW"), unread("h2")), Policy(), [], id="a host was not read"),
        pytest.param(retired(ago(days=8), active=True), Policy(), [], id="rule 9: somebody switched it on again"),
    ],
)
def test_rule_8_a_retired_key_is_deleted_after_its_time(facts: User, policy: Policy, steps: list[str]) -> None:
    assert kinds(retire(facts, policy, RUN, NOW)) == steps


@pytest.mark.parametrize(
    ("other", "marks"),
    [
        pytest.param(key("MAN", 200), {}, id="never ours"),
        pytest.param(key("MAN", 200), {"MAN": RETIRED}, id="switched on again"),
        pytest.param(key("MAN", 200, active=False), {"MAN": OURS}, id="switched off"),
        pytest.param(key("MAN", 200, active=False), {}, id="inactive, never ours"),
        pytest.param(key("MAN", 1), {}, id="newer than ours"),
    ],
)
def test_promise_3_and_rule_9_a_foreign_key_is_left_alone_and_named(other: AccessKey, marks: dict[str, str]) -> None:
    facts = user(other, key("NEW", 2), consumers=(host("h1", "NEW"),), NEW=OURS, **marks)
    plan = retire(facts, AT_ONCE, RUN, NOW)
    assert plan.steps == ()
    assert plan.status == SETTLED
    assert "MAN" in plan.message


def test_rotate_adopt_takes_an_older_foreign_key_for_a_replaced_one() -> None:
    facts = user(key("MAN", 200), key("NEW", 2), consumers=(host("h1", "NEW"),), NEW=OURS)
    assert retire(facts, Policy(adopt=True), RUN, NOW).steps == (WriteMarks({"MAN": Mark(DRAINING, NOW)}),)


def test_rotate_replace_inactive_gives_an_inactive_foreign_key_its_time_and_then_deletes_it() -> None:
    facts = user(key("MAN", 200, active=False), key("NEW", 2), consumers=(host("h1", "NEW"),), NEW=OURS)
    plan = retire(facts, Policy(replace_inactive=True), RUN, NOW)
    assert plan.steps == (WriteMarks({"MAN": Mark(RETIRED, NOW)}),)


# --- rule 5 ----------------------------------------------------------------------------------------------------------


def orphaned(hours: float = 8, use: LastUse | str | None = "not asked", **facts: object) -> User:
    """A key that a run created ``hours`` ago and then lost."""
    keys = (key("NEW", 91), key("LOST", hours / 24))
    base = user(*keys, consumers=(host("h1", "NEW"),), NEW=OURS)
    intent = Intent("dead", ago(hours=hours), frozenset({"NEW"}))
    lost = replace(base, marks=Marks(base.marks.keys, (intent,)), **facts)  # type: ignore[arg-type]  # a table's columns
    return lost if isinstance(use, str) else replace(lost, last_use={"LOST": use})


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        pytest.param(orphaned(), ["LookUpLastUse"], id="its last use is asked for first"),
        pytest.param(orphaned(use=LastUse()), ["WriteMarks"], id="an orphan is drained like any key"),
        pytest.param(orphaned(use=None), [], id="unknown waits"),
        pytest.param(orphaned(use=LastUse(ago(hours=1), "s3", "x")), [], id="it is used: foreign"),
        pytest.param(orphaned(hours=5, use=LastUse()), [], id="its run may still go on"),
        pytest.param(orphaned(use=LastUse(), consumers=(host("h1", "NEW"), unread("h2"))), [], id="not all were read"),
        pytest.param(orphaned(use=LastUse(), at_hand=frozenset({"LOST"})), [], id="the store has it"),
        pytest.param(
            orphaned(use=LastUse(), keys=(key("NEW", 91), key("LOST", 8 / 24), key("MAN", 7.9 / 24))),
            [],
            id="it could be another one",
        ),
        pytest.param(
            orphaned(use=LastUse(), keys=(key("NEW", 91), key("LOST", 3))),
            ["EraseMarks"],
            id="made outside the intent's window",
        ),
    ],
)
def test_rule_5_an_orphan_is_known_by_proof_alone(facts: User, steps: list[str]) -> None:
    assert kinds(retire(facts, Policy(), RUN, NOW)) == steps


def test_rule_5_a_key_of_ours_that_its_run_lost_is_an_orphan_too() -> None:
    facts = user(key("NEW", 91), key("LOST", 0.5), consumers=(host("h1", "NEW"),), NEW=OURS, LOST=OURS)
    assert retire(facts, Policy(), RUN, NOW).steps == (LookUpLastUse("LOST"),)
    proven = replace(facts, last_use={"LOST": LastUse()})
    assert retire(proven, Policy(), RUN, NOW).steps == (WriteMarks({"LOST": Mark(DRAINING, NOW)}),)


# --- the end ---------------------------------------------------------------------------------------------------------


def test_promise_5_one_key_that_all_hold_is_settled_and_nothing_is_done() -> None:
    facts = user(key("NEW", 2), consumers=(host("h1", "NEW"),), NEW=OURS)
    assert begin(facts, Policy(), RUN, NOW) == Plan(target="NEW")
    assert retire(facts, Policy(), RUN, NOW) == Plan(target="NEW")


def test_a_run_that_was_killed_between_deactivating_and_its_mark_is_taken_up() -> None:
    facts = user(key("OLD", 91, active=False), key("NEW", 2), consumers=(host("h1", "NEW"),), OLD=DRAINING, NEW=OURS)
    assert retire(facts, Policy(), RUN, NOW).steps == (WriteMarks({"OLD": Mark(RETIRED, NOW)}),)


def test_marks_of_keys_that_are_gone_are_erased_but_not_while_lists_may_lag() -> None:
    facts = user(key("NEW", 2), consumers=(host("h1", "NEW"),), NEW=OURS, GONE=OURS)
    assert retire(facts, Policy(), RUN, NOW).steps == (EraseMarks(keys=("GONE",)),)
    fresh = user(key("NEW", 2), consumers=(host("h1", "NEW"),), NEW=OURS, GONE=(OURS, ago(minutes=5)))
    assert retire(fresh, Policy(), RUN, NOW).steps == ()


def test_an_intent_is_erased_when_nothing_is_left_to_judge_by_it() -> None:
    base = user(key("NEW", 2), consumers=(host("h1", "NEW"),), NEW=OURS)
    facts = replace(base, marks=Marks(base.marks.keys, (Intent("dead", ago(hours=7), frozenset({"NEW"})),)))
    assert retire(facts, Policy(), RUN, NOW).steps == (EraseMarks(runs=("dead",)),)


def test_deactivate_is_one_of_two_steps_so_that_a_kill_between_them_is_seen() -> None:
    plan = retire(draining(NOW), AT_ONCE, RUN, NOW)
    assert plan.steps == (Deactivate("OLD"), WriteMarks({"OLD": Mark(RETIRED, NOW)}))
