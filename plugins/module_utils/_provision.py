# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One user's access keys brought to what a task asks for: decided from what is there, then done, and told truly."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.rekey.aws.plugins.module_utils._csv_store import CsvStore
from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError, InvalidInput, NoAnswer, RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._iam import Iam
from ansible_collections.rekey.aws.plugins.module_utils._marks import format_time
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, NewAccessKey

# What an account has unless AWS was asked for more
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
USUAL_QUOTA = 2


@dataclass(frozen=True)
class Wish:
    """What a task asks for.

    With ``id``, that this key is there, and ``active`` unless that is none, or is gone; without, that the user has at
    least ``key_count`` active keys.
    """

    user_name: str
    id: t.Optional[str] = None
    present: bool = True
    active: t.Optional[bool] = None
    key_count: int = 1


@dataclass(frozen=True)
class Create:
    """Make a key."""


@dataclass(frozen=True)
class SetActive:
    """Activate or deactivate a key."""

    id: str
    active: bool


@dataclass(frozen=True)
class Delete:
    """Delete a key."""

    id: str


Step = t.Union[Create, SetActive, Delete]


def decide(wish: Wish, keys: t.Sequence[AccessKey]) -> t.Optional[Step]:
    """The step that brings the user's ``keys`` to what is wished; none where they are so. Raises InvalidInput."""
    if wish.id is not None:
        key = next((key for key in keys if key.id == wish.id), None)
        if not wish.present:
            return Delete(wish.id) if key else None
        if key is None:
            raise InvalidInput(
                "User {0} has no access key {1}. It has: {2}.".format(wish.user_name, wish.id, describe(keys)),
                user_name=wish.user_name,
                access_key_id=wish.id,
            )
        return None if wish.active in (None, key.active) else SetActive(wish.id, not key.active)
    if not wish.present:
        raise InvalidInput("state: absent needs the id of the key to delete.")
    if wish.active is False:
        raise InvalidInput(
            "active: false needs the id of the key to deactivate; without one, a key is made to be used."
        )
    if wish.key_count < 1:
        raise InvalidInput("key_count must be at least 1.")
    lacking = wish.key_count - sum(key.active for key in keys)
    if lacking > 1:
        raise InvalidInput(
            "User {0} lacks {1} active access keys, and one task makes one, for whose secret its result has room. "
            "Ask for a key_count of {2} first.".format(wish.user_name, lacking, wish.key_count - lacking + 1),
            user_name=wish.user_name,
        )
    return Create() if lacking == 1 else None


def provision(iam: Iam, wish: Wish, store: t.Optional[CsvStore], check: bool) -> t.Dict[str, t.Any]:
    """Do what is wished, or with ``check`` say what would be done, or would fail. The module's result.

    Raises RekeyError, whose facts say ``changed`` where something was changed all the same.
    """
    before = iam.list_access_keys(wish.user_name)
    step = decide(wish, before)
    after, made = before, None
    if isinstance(step, Create):
        if check:
            _expect_room(iam, wish.user_name, before)
            if store:
                store.check(wish.user_name)
        else:
            made = _create(iam, wish.user_name, before, store)
            after = (*before, made.key)
    elif isinstance(step, SetActive):
        if not check:
            iam.set_access_key_active(wish.user_name, step.id, step.active)
        after = tuple(replace(key, active=step.active) if key.id == step.id else key for key in before)
    elif isinstance(step, Delete):
        if not check:
            iam.delete_access_key(wish.user_name, step.id)
        after = tuple(key for key in before if key.id != step.id)
    return _result(wish, step, before, after, made, store)


def describe(keys: t.Sequence[AccessKey]) -> str:
    """Keys as an operator must know them to choose one: id, status, and when it was made."""
    words = (
        "{0} ({1}, made {2:%Y-%m-%d})".format(key.id, "active" if key.active else "inactive", key.created)
        for key in keys
    )
    return ", ".join(words) or "none"


def _create(iam: Iam, user_name: str, before: t.Sequence[AccessKey], store: t.Optional[CsvStore]) -> NewAccessKey:
    if store is None:
        return _send_create(iam, user_name, before)
    with store.reserve(user_name) as save:
        made = _send_create(iam, user_name, before)
        try:
            save(made)
        except RekeyError as error:
            raise _withdrawn(iam, user_name, made.key.id, error) from None
    return made


def _send_create(iam: Iam, user_name: str, before: t.Sequence[AccessKey]) -> NewAccessKey:
    try:
        return iam.create_access_key(user_name)
    except NoAnswer as error:
        raise _after_no_answer(iam, user_name, before, error) from None
    except AwsError as error:
        if error.code != "LimitExceeded":
            raise
        raise _no_room(user_name, before, error.facts) from None


def _after_no_answer(iam: Iam, user_name: str, before: t.Sequence[AccessKey], error: NoAnswer) -> NoAnswer:
    known = {key.id for key in before}
    try:
        appeared = [key for key in iam.list_access_keys(user_name) if key.id not in known]
    except RekeyError:
        return error
    if not appeared:
        return error
    message = "{0} Since then there is: {1}. If nobody else made it, delete it, with state: absent and its id.".format(
        error.message, describe(appeared)
    )
    return NoAnswer(message, changed=True, **error.facts)


def _withdrawn(iam: Iam, user_name: str, access_key_id: str, error: RekeyError) -> RekeyError:
    facts = dict(error.facts, user_name=user_name, access_key_id=access_key_id)
    try:
        iam.delete_access_key(user_name, access_key_id)
    except RekeyError as second:
        message = (
            "{0} The key {1} of user {2} was made by then, and deleting it failed: {3} Delete it, since nobody has its "
            "secret.".format(error.message, access_key_id, user_name, second.message)
        )
        return RekeyError(message, **dict(facts, changed=True))
    message = "{0} The key {1} of user {2}, made by then, was deleted again.".format(
        error.message, access_key_id, user_name
    )
    return RekeyError(message, **dict(facts, changed=False))


def _expect_room(iam: Iam, user_name: str, keys: t.Sequence[AccessKey]) -> None:
    """Raise what AWS will say where a user has no slot left for another key."""
    if len(keys) < USUAL_QUOTA:
        return
    try:
        quota = iam.access_key_quota()
    except AwsError:
        quota = USUAL_QUOTA
    if len(keys) >= quota:
        raise _no_room(user_name, keys, {"error_code": "LimitExceeded", "action": "iam:CreateAccessKey"})


def _no_room(user_name: str, keys: t.Sequence[AccessKey], facts: t.Mapping[str, t.Any]) -> AwsError:
    message = (
        "User {0} cannot have another access key (LimitExceeded): inactive ones count. It has: {1}. Delete one that "
        "nothing uses, with state: absent and its id, or ask AWS for a higher quota.".format(user_name, describe(keys))
    )
    return AwsError(message, **dict(facts, user_name=user_name))


def _result(
    wish: Wish,
    step: t.Optional[Step],
    before: t.Sequence[AccessKey],
    after: t.Sequence[AccessKey],
    made: t.Optional[NewAccessKey],
    store: t.Optional[CsvStore],
) -> t.Dict[str, t.Any]:
    result: t.Dict[str, t.Any] = {
        "changed": step is not None,
        "access_keys": [_entry(wish.user_name, key) for key in after],
        "diff": {
            "before_header": wish.user_name,
            "after_header": wish.user_name,
            "before": _statuses(before),
            "after": _statuses(after),
        },
    }
    if isinstance(step, Create) and made is None:
        result["diff"]["after"]["(new)"] = "Active"
    elif wish.present:
        wanted = wish.id or [key for key in after if key.active][-1].id
        result["access_key"] = next(entry for entry in result["access_keys"] if entry["access_key_id"] == wanted)
    if made and store:
        result["store"] = {"type": "csv", "path": store.path}
    elif made:
        result["secret_access_key"] = made.secret_access_key
    return result


def _entry(user_name: str, key: AccessKey) -> t.Dict[str, str]:
    return {
        "user_name": user_name,
        "access_key_id": key.id,
        "status": _status(key),
        "create_date": format_time(key.created),
    }


def _statuses(keys: t.Sequence[AccessKey]) -> t.Dict[str, str]:
    return {key.id: _status(key) for key in keys}


def _status(key: AccessKey) -> str:
    return "Active" if key.active else "Inactive"
