# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane: ``/_cloud/…`` on the port of the cloud itself, in JSON. `client` is its other side."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from typing import Any, Callable, Mapping, Optional, Sequence

from moto.iam import models as iam

from . import ACCOUNT_ID
from .errors import Answer, BadControl, json_answer
from .front import Front
from .keyring import Entry, Use
from .moto_mended import add_key, tags_of

PREFIX = "/_cloud/"
_DAY = 86400.0
_TIMES = ("created", "used", "tags")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class Control:
    """Steers a `Front`."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._routes: dict[tuple[str, str], Callable[[Any, Mapping[str, str]], Any]] = {
            ("GET", "settings"): lambda _, __: dataclasses.asdict(front.settings),
            ("PUT", "settings"): self._put_settings,
            ("GET", "faults"): lambda _, __: front.faults.left(),
            ("PUT", "faults"): self._put_faults,
            ("GET", "calls"): lambda _, __: front.journal.counts(),
            ("GET", "journal"): lambda _, query: front.journal.records(int(query.get("first", 0))),
            ("DELETE", "journal"): lambda _, __: front.journal.clear(),
            ("POST", "users"): self._post_users,
            ("POST", "age"): self._post_age,
            ("GET", "state"): self._get_state,
            ("POST", "reset"): lambda _, __: front.reset(),
        }

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        """What the control plane answers to a request for ``PREFIX`` + ``path``."""
        route = self._routes.get((method, path))
        if route is None:
            there = ", ".join(" ".join(one) for one in self._routes)
            return json_answer({"error": f"no {method} {path}; there are: {there}"}, 404)
        try:
            with self._front.lock:
                return json_answer(route(json.loads(body or b"null"), query))
        except (BadControl, ValueError, TypeError, KeyError) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)

    def _put_settings(self, document: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        self._front.settings.update(document)
        return dataclasses.asdict(self._front.settings)

    def _put_faults(self, document: list[dict[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
        self._front.faults.set(document)
        return self._front.faults.left()

    def _post_users(self, document: Any, query: Mapping[str, str]) -> Any:
        """Makes users; a user that exists gets the keys and tags in addition."""
        if isinstance(document, list):
            return [self._make_user(**user) for user in document]
        return self._make_user(**document)

    def _make_user(
        self,
        user_name: str,
        keys: Optional[list[dict[str, Any]]] = None,
        tags: Optional[dict[str, str]] = None,
        policy: Optional[dict[str, Any]] = None,
        path: str = "/",
        account_id: str = ACCOUNT_ID,
    ) -> dict[str, Any]:
        backend = iam.iam_backends[account_id]["aws"]
        user = backend.users.get(user_name) or backend.create_user("us-east-1", user_name, path)
        if tags:
            backend.tag_user(user_name, [{"Key": key, "Value": value} for key, value in tags.items()])
        if policy:
            user.put_policy("given", json.dumps(policy))
        pairs = [self._make_key(user, **key) for key in (keys if keys is not None else [{}])]
        self._front.views.settle(user, tags_of(user))
        return {"user_name": user.name, "user_id": user.id, "arn": user.arn, "keys": pairs}

    def _make_key(
        self,
        user: iam.User,
        age_days: float = 0.0,
        status: str = "Active",
        last_used_days: Optional[float] = None,
        last_used_service: str = "s3",
        last_used_region: str = "us-east-1",
    ) -> dict[str, str]:
        entry = add_key(user, self._front.keyring, status)
        key = entry.key
        key.create_date -= datetime.timedelta(days=age_days)
        if last_used_days is not None:
            at = datetime.datetime.now(datetime.timezone.utc).timestamp() - last_used_days * _DAY
            entry.uses.append(Use(at, last_used_service, last_used_region))
        return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}

    def _post_age(self, document: dict[str, Any], query: Mapping[str, str]) -> None:
        self._age(**document)

    def _age(
        self,
        user_name: str,
        days: float,
        key_id: Optional[str] = None,
        what: Sequence[str] = _TIMES,
        account_id: str = ACCOUNT_ID,
    ) -> None:
        """Move times of a user into the past: of its keys, and those in its tags' values.

        ``key_id``: only those of this key, and of the tags that have it in their name.
        """
        backend = iam.iam_backends[account_id]["aws"]
        user = backend.users.get(user_name)
        if user is None:
            raise BadControl(f"no user {user_name!r} in account {account_id}")
        if key_id is not None and all(key.access_key_id != key_id for key in user.access_keys):
            raise BadControl(f"user {user_name!r} has no key {key_id}")
        if not set(what) <= set(_TIMES):
            raise BadControl(f"unknown times {list(what)}; there are: {', '.join(_TIMES)}")
        span = datetime.timedelta(days=days)
        for key in user.access_keys:
            if key_id in (None, key.access_key_id):
                entry = self._entry(key)
                if "created" in what:
                    key.create_date -= span
                if "used" in what:
                    entry.uses = [dataclasses.replace(use, at=use.at - days * _DAY) for use in entry.uses]
                entry.settle()
        if "tags" in what:
            for name, value in tags_of(user).items():
                if key_id is None or key_id in name:
                    moved = _TIME.sub(lambda match: _earlier(match[0], span), value)
                    backend.tagger.tag_resource(user.arn, [{"Key": name, "Value": moved}])
        self._front.views.settle(user, tags_of(user))

    def _get_state(self, document: Any, query: Mapping[str, str]) -> dict[str, Any]:
        users = iam.iam_backends[query.get("account_id", ACCOUNT_ID)]["aws"].users
        return {name: self._describe(user) for name, user in users.items()}

    def _describe(self, user: iam.User) -> dict[str, Any]:
        return {
            "arn": user.arn,
            "user_id": user.id,
            "tags": tags_of(user),
            "keys": [
                {
                    "access_key_id": key.access_key_id,
                    "status": key.status,
                    "create_date": key.create_date.strftime(_TIME_FORMAT),
                    "last_used": _describe_use(self._entry(key).last_use(0.0)),
                }
                for key in user.access_keys
            ],
        }

    def _entry(self, key: iam.AccessKey) -> Entry:
        entry = self._front.keyring.get(key.access_key_id)
        assert entry
        return entry


def _describe_use(use: Optional[Use]) -> Optional[dict[str, str]]:
    if use is None:
        return None
    return {"date": use.date.strftime(_TIME_FORMAT), "service": use.service, "region": use.region}


def _earlier(text: str, span: datetime.timedelta) -> str:
    return (datetime.datetime.strptime(text, _TIME_FORMAT) - span).strftime(_TIME_FORMAT)
