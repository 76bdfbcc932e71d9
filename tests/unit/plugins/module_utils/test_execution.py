# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans carried out: what is done once, what is read again, and what an error leaves behind."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.rekey.aws.plugins.module_utils import _execution
from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError, NoAnswer
from ansible_collections.rekey.aws.plugins.module_utils._execution import Outcome, Task, carry_out_all
from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer, Policy, Run, User
from ansible_collections.rekey.aws.plugins.module_utils._marks import (
    DRAINING,
    OURS,
    RETIRED,
    Mark,
    format_time,
    key_tag,
)
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, LastUse, NewAccessKey
from ansible_collections.rekey.aws.plugins.module_utils._plan import WAITING
from ansible_collections.rekey.aws.plugins.module_utils._retirement import retire
from ansible_collections.rekey.aws.plugins.module_utils._rotation import begin

NOW = datetime.now(timezone.utc).replace(microsecond=0)
RUN = Run("run1", NOW)
AT_ONCE = Policy(grace=timedelta(0), delete_after=timedelta(0))
OLD = AccessKey("AKIAOLD", True, NOW - timedelta(days=100))
NEW = AccessKey("AKIANEW", True, NOW)


class Aws:
    """Answers from what it is given, and notes what it was asked. ``fails`` maps a call to what it raises."""

    def __init__(self, *lists: tuple[AccessKey, ...], tags: dict[str, str] | None = None, **fails: Exception) -> None:
        self.lists = list(lists)
        self.tags = dict(tags or {})
        self.fails = fails
        self.calls: list[str] = []

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if call in self.fails:
            raise self.fails[call]

    def list_access_keys(self, user_name: str) -> tuple[AccessKey, ...]:
        self._note("list")
        return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]

    def list_user_tags(self, user_name: str) -> dict[str, str]:
        self._note("tags")
        return dict(self.tags)

    def tag_user(self, user_name: str, tags: t.Mapping[str, str]) -> None:
        self._note("tag")
        self.tags.update(tags)

    def untag_user(self, user_name: str, names: t.Sequence[str]) -> None:
        self._note("untag")
        for name in names:
            self.tags.pop(name, None)

    def create_access_key(self, user_name: str) -> NewAccessKey:
        self._note("create")
        return NewAccessKey(NEW, "the secret")

    def set_access_key_active(self, user_name: str, access_key_id: str, active: bool) -> None:
        self._note("activate" if active else "deactivate")

    def delete_access_key(self, user_name: str, access_key_id: str) -> bool:
        self._note("delete")
        return True

    def access_key_last_used(self, access_key_id: str) -> LastUse:
        self._note("last used")
        return LastUse()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_execution, "_SECOND_LOOKS", (0.0, 0.0))


def tags(**marks: str) -> dict[str, str]:
    return dict(key_tag(id_, Mark(state, NOW - timedelta(days=10))) for id_, state in marks.items())


def carry_out(decide: _execution.Decide, aws: Aws, *consumers: Consumer, check: bool = False) -> Outcome:
    user = User("deploy", consumers=consumers or (Consumer("h1"),))
    (outcome,) = carry_out_all(decide, [Task(user, AT_ONCE, aws)], RUN, check, concurrency=1)
    return outcome


def done(host: str = "h1") -> Consumer:
    return Consumer(host, read=True, held="AKIANEW", previous="AKIAOLD", verified=True, at=NOW)


def test_rule_2_and_4_the_intent_comes_before_the_key_and_goes_when_the_key_is_marked() -> None:
    aws = Aws((OLD,), (OLD, NEW), tags=tags(AKIAOLD=OURS))
    outcome = carry_out(begin, aws)
    assert aws.calls == ["list", "tags", "tag", "create", "list", "tag", "untag"]
    assert outcome.plan.target == "AKIANEW"
    assert outcome.new
    assert set(aws.tags) == {"rekey:key:AKIAOLD", "rekey:key:AKIANEW"}
    assert "the secret" not in repr(outcome)


def test_rule_4_our_own_new_key_is_looked_for_in_lists_that_lag() -> None:
    aws = Aws((OLD,), (OLD,), (OLD, NEW), tags=tags(AKIAOLD=OURS))
    carry_out(begin, aws)
    assert aws.calls.count("list") == 3
    assert aws.calls.count("create") == 1


def test_rule_3_no_answer_leaves_the_intent_and_nothing_is_sent_again() -> None:
    aws = Aws((OLD,), tags=tags(AKIAOLD=OURS), create=NoAnswer("no answer came", error_code="ReadTimeoutError"))
    outcome = carry_out(begin, aws)
    assert aws.calls.count("create") == 1
    assert "rekey:intent:run1" in aws.tags
    assert outcome.plan.status == WAITING
    assert outcome.plan.message == "no answer came"


@pytest.mark.parametrize(("code", "fails"), [("LimitExceeded", False), ("AccessDenied", True)])
def test_rule_3_a_refused_creation_takes_its_intent_back(code: str, fails: bool) -> None:
    aws = Aws((OLD,), tags=tags(AKIAOLD=OURS), create=AwsError("refused", error_code=code))
    outcome = carry_out(begin, aws)
    assert list(aws.tags) == ["rekey:key:AKIAOLD"]
    assert bool(outcome.error) is fails


def test_promise_3_without_permission_to_tag_a_key_is_made_and_none_removed() -> None:
    denied = AwsError("denied", error_code="AccessDenied")
    aws = Aws((OLD,), (OLD, NEW), tag=denied)
    outcome = carry_out(begin, aws, Consumer("h1", read=True, held="AKIAOLD", at=NOW))
    assert (outcome.error, outcome.plan.target) == (None, "AKIANEW")
    aws = Aws((OLD, NEW), tag=denied)
    outcome = carry_out(retire, aws, done())
    assert not {"deactivate", "delete"} & set(aws.calls)
    assert "TagUser" in outcome.plan.message


def test_the_whole_way_of_an_old_key_in_one_run() -> None:
    aws = Aws((OLD, NEW), tags=tags(AKIAOLD=OURS, AKIANEW=OURS))
    outcome = carry_out(retire, aws, done())
    did = [call for call in aws.calls if call not in ("list", "tags")]
    assert did == ["tag", "deactivate", "tag", "delete", "untag"]
    assert outcome.user.keys == (NEW,)
    assert list(aws.tags) == ["rekey:key:AKIANEW"]


def test_promise_3_the_list_is_read_again_before_a_key_is_touched_and_what_somebody_did_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_execution, "_JUST_NOW", 0.0)
    on_again = replace(OLD, active=True)
    aws = Aws((replace(OLD, active=False), NEW), (on_again, NEW), tags=tags(AKIAOLD=RETIRED, AKIANEW=OURS))
    outcome = carry_out(retire, aws, done())
    assert "delete" not in aws.calls
    assert "switched on again" in outcome.plan.message


def test_promise_3_an_unknown_last_use_waits() -> None:
    marks = tags(AKIAOLD=DRAINING, AKIANEW=OURS)
    aws = Aws((OLD, NEW), tags=marks, **{"last used": AwsError("denied", error_code="AccessDenied")})
    outcome = carry_out(retire, aws, done())
    assert "deactivate" not in aws.calls
    assert "unknown" in outcome.plan.message


def test_promise_6_a_check_goes_the_same_way_and_does_nothing() -> None:
    aws = Aws((OLD, NEW), tags=tags(AKIAOLD=OURS, AKIANEW=OURS))
    real = carry_out(retire, Aws((OLD, NEW), tags=aws.tags), done())
    checked = carry_out(retire, aws, done(), check=True)
    assert checked.done == real.done
    assert set(aws.calls) <= {"list", "tags"}
    begun = carry_out(begin, Aws((OLD,), tags=tags(AKIAOLD=OURS)), check=True)
    assert begun.done[:2] == ("mark the intent to create", "create a new key")


def test_promise_6_what_was_done_before_an_error_is_told() -> None:
    aws = Aws((OLD, NEW), tags=tags(AKIAOLD=OURS, AKIANEW=OURS), delete=AwsError("busy", error_code="ServiceFailure"))
    outcome = carry_out(retire, aws, done())
    assert outcome.error
    assert outcome.done[:2] == ("mark …AOLD draining", "deactivate …AOLD")


def test_one_users_error_is_no_other_users() -> None:
    good = Task(User("good", consumers=(done(),)), AT_ONCE, Aws((NEW,), tags=tags(AKIANEW=OURS)))
    bad = Task(User("bad", consumers=(done(),)), AT_ONCE, Aws((), list=AwsError("gone", error_code="NoSuchEntity")))
    outcomes = carry_out_all(retire, [bad, good], RUN, check=False, concurrency=2)
    assert [bool(outcome.error) for outcome in outcomes] == [True, False]


def test_times_in_marks_have_whole_seconds_as_the_start_of_a_run_has() -> None:
    assert format_time(_execution._now()) == format_time(datetime.now(timezone.utc))
    assert _execution._now().microsecond == 0
