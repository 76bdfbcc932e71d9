# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where moto's IAM and STS do not do as AWS does, or take longer the more users there are."""

from __future__ import annotations

import base64
import re
from typing import Any, Callable, Optional

from moto import backends
from moto.core.responses import ActionResult, EmptyResult
from moto.iam import models as iam
from moto.iam.exceptions import (
    DeleteConflictException,
    InvalidInput,
    InvalidTagCharacters,
    LimitExceededException,
    NoSuchEntity,
    TagKeyTooBig,
    TagValueTooBig,
    ValidationError,
)
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random
from moto.sts.exceptions import STSValidationError
from moto.sts.models import AssumedRole, STSBackend

from . import ACCOUNT_ID, ADMIN_KEY_ID
from .keyring import Entry, Keyring, Views
from .settings import Settings

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAGE = 100
_TAGS_PER_USER = 50


def mend(settings: Settings, keyring: Keyring, views: Views) -> None:
    """Put the replacements into moto's classes. The keyring and the views then follow every change."""
    _list_services_once()
    _follow_keys(keyring, views)
    _answer_by_key_id(keyring)
    _answer_key_calls(settings, keyring, views)
    _answer_user_calls(settings, views)


def replaces(owner: Any, name: str) -> Callable[[Any], Any]:
    """Decorator: the function takes the place of ``owner.name``."""

    def put(function: Any) -> Any:
        setattr(owner, name, function)
        return function

    return put


def tags_of(user: iam.User) -> dict[str, str]:
    """A user's tags."""
    backend = iam.iam_backends[user.account_id]["aws"]
    return dict(backend.tagger.get_tag_dict_for_resource(user.arn))


def _no_such_key(key_id: str) -> NoSuchEntity:
    return NoSuchEntity(f"The Access Key with id {key_id} cannot be found.")


def _list_services_once() -> None:
    """moto reads its own folder for every call, which takes longer than all else that it does."""
    services = tuple(backends.list_of_moto_modules())

    @replaces(backends, "list_of_moto_modules")
    def list_of_moto_modules() -> tuple[str, ...]:
        return services


def _follow_keys(keyring: Keyring, views: Views) -> None:
    create, update, delete = iam.User.create_access_key, iam.User.update_access_key, iam.User.delete_access_key
    open_session = AssumedRole.__init__

    @replaces(iam.User, "create_access_key")
    def create_access_key(self: iam.User, *args: Any, **kwargs: Any) -> iam.AccessKey:
        key = create(self, *args, **kwargs)
        key.create_date = key.create_date.replace(microsecond=0)
        keyring.added(key, self)
        views.note(self, tags_of(self))
        return key

    @replaces(iam.User, "update_access_key")
    def update_access_key(self: iam.User, access_key_id: str, status: Optional[str] = None) -> iam.AccessKey:
        key = update(self, access_key_id, status)
        keyring.changed(key)
        views.note(self, tags_of(self))
        return key

    @replaces(iam.User, "delete_access_key")
    def delete_access_key(self: iam.User, access_key_id: str) -> None:
        key = self.get_access_key_by_id(access_key_id)
        delete(self, access_key_id)
        keyring.removed(key)
        views.note(self, tags_of(self))

    @replaces(AssumedRole, "__init__")
    def opened(self: AssumedRole, *args: Any, **kwargs: Any) -> None:
        open_session(self, *args, **kwargs)
        keyring.opened(self)


def _answer_by_key_id(keyring: Keyring) -> None:
    @replaces(iam.IAMBackend, "get_user_from_access_key_id")
    def get_user_from_access_key_id(self: iam.IAMBackend, access_key_id: str) -> Optional[iam.User]:
        entry = keyring.get(access_key_id)
        return entry.user if entry and entry.account_id == self.account_id else None

    @replaces(iam, "get_account_id_from")
    def get_account_id_from(access_key: str) -> str:
        entry = keyring.get(access_key)
        return entry.account_id if entry else ACCOUNT_ID

    @replaces(iam, "mark_account_as_visited")
    def mark_account_as_visited(**_: Any) -> None:
        """Uses are noted where a call is authenticated."""

    @replaces(STSBackend, "get_access_key_info")
    def get_access_key_info(self: STSBackend, access_key_id: str) -> dict[str, str]:
        entry = keyring.get(access_key_id)
        return {"Account": entry.account_id if entry else _account_in(access_key_id)}


def _account_in(access_key_id: str) -> str:
    """The account that a key id is of: AWS writes it into the id, whether the key exists or not."""
    try:
        number = int.from_bytes(base64.b32decode(access_key_id[4:20])[:6], "big")
    except ValueError:
        raise STSValidationError(f"Invalid access key id: {access_key_id}") from None
    return f"{(number & 0x7FFFFFFFFF80) >> 7:012}"


def _answer_key_calls(settings: Settings, keyring: Keyring, views: Views) -> None:
    def user_of(self: IamResponse) -> iam.User:
        """The user that a call names, or else the one whose key signed it."""
        name = self._get_param("UserName")
        if name:
            return self.backend.get_user(name)
        entry = keyring.get(self.get_access_key())
        if entry is None or entry.user is None:
            raise ValidationError("Must specify userName when calling with non-User credentials")
        return entry.user

    def own_key(self: IamResponse) -> tuple[iam.User, str]:
        """The user and a key of it that a call is about, for calls that change the key."""
        user, key_id = user_of(self), self._get_param("AccessKeyId")
        entry = keyring.present(key_id)
        if entry is None or entry.user is not user:
            raise _no_such_key(key_id)
        if key_id == ADMIN_KEY_ID:
            raise InvalidInput("The key of the cloud's administrator stays as it is; make a user of your own.")
        return user, key_id

    @replaces(IamResponse, "create_access_key")
    def create_access_key(self: IamResponse) -> ActionResult:
        return ActionResult({"AccessKey": self.backend.create_access_key(user_of(self).name)})

    @replaces(IamResponse, "update_access_key")
    def update_access_key(self: IamResponse) -> ActionResult:
        user, key_id = own_key(self)
        status = self._get_param("Status")
        if status not in ("Active", "Inactive"):
            raise ValidationError(
                f"1 validation error detected: Value '{status}' at 'status' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Active, Inactive]"
            )
        self.backend.update_access_key(user.name, key_id, status)
        return EmptyResult()

    @replaces(IamResponse, "delete_access_key")
    def delete_access_key(self: IamResponse) -> ActionResult:
        user, key_id = own_key(self)
        self.backend.delete_access_key(key_id, user.name)
        return EmptyResult()

    @replaces(IamResponse, "list_access_keys")
    def list_access_keys(self: IamResponse) -> ActionResult:
        user = user_of(self)
        keys, more = _page(self, views.of(user, settings.list_lag_seconds).keys)
        return ActionResult({"UserName": user.name, "AccessKeyMetadata": keys, **more})

    @replaces(IamResponse, "get_access_key_last_used")
    def get_access_key_last_used(self: IamResponse) -> ActionResult:
        key_id = self._get_param("AccessKeyId")
        entry = keyring.present(key_id)
        if entry is None or entry.account_id != self.current_account:
            raise _no_such_key(key_id)
        assert entry.user
        return ActionResult({"UserName": entry.user.name, "AccessKeyLastUsed": _last_used(entry, settings)})

    @replaces(IamResponse, "get_user")
    def get_user(self: IamResponse) -> ActionResult:
        return ActionResult({"User": user_of(self)})


def _last_used(entry: Entry, settings: Settings) -> dict[str, Any]:
    use = entry.last_use(settings.last_used_lag_seconds)
    if use is None:
        return {"ServiceName": "N/A", "Region": "N/A"}
    return {"LastUsedDate": use.date, "ServiceName": use.service, "Region": use.region}


def _page(response: IamResponse, items: Any) -> tuple[Any, dict[str, Any]]:
    """One page of a list, and the elements that say whether there are more."""
    first = int(response._get_param("Marker") or 0)
    end = first + int(response._get_param("MaxItems") or _PAGE)
    if end < len(items):
        return items[first:end], {"IsTruncated": True, "Marker": str(end)}
    return items[first:end], {"IsTruncated": False}


def _answer_user_calls(settings: Settings, views: Views) -> None:
    create, delete = iam.IAMBackend.create_user, iam.IAMBackend.delete_user
    tag, untag = iam.IAMBackend.tag_user, iam.IAMBackend.untag_user

    @replaces(iam.IAMBackend, "create_user")
    def create_user(self: iam.IAMBackend, *args: Any, **kwargs: Any) -> iam.User:
        user = create(self, *args, **kwargs)
        user.id = "AIDA" + "".join(mock_random.choices(_ALPHABET, k=17))
        user.create_date = user.create_date.replace(microsecond=0)
        views.note(user, tags_of(user))
        return user

    @replaces(iam.IAMBackend, "delete_user")
    def delete_user(self: iam.IAMBackend, user_name: str) -> None:
        user = self.get_user(user_name)
        if user.access_keys:
            raise DeleteConflictException("Cannot delete entity, must delete access keys first.")
        delete(self, user_name)

    @replaces(iam.IAMBackend, "tag_user")
    def tag_user(self: iam.IAMBackend, name: str, tags: list[dict[str, str]]) -> None:
        user = self.get_user(name)
        _check_tags(tags, set(tags_of(user)))
        tag(self, name, tags)
        views.note(user, tags_of(user))

    @replaces(iam.IAMBackend, "untag_user")
    def untag_user(self: iam.IAMBackend, name: str, tag_keys: list[str]) -> None:
        user = self.get_user(name)
        untag(self, name, tag_keys)
        views.note(user, tags_of(user))

    @replaces(IamResponse, "list_user_tags")
    def list_user_tags(self: IamResponse) -> ActionResult:
        tags = views.of(self.backend.get_user(self._get_param("UserName")), settings.list_lag_seconds).tags
        page, more = _page(self, [{"Key": key, "Value": value} for key, value in sorted(tags.items())])
        return ActionResult({"Tags": page, **more})

    @replaces(IamResponse, "list_users")
    def list_users(self: IamResponse) -> ActionResult:
        prefix = self._get_param("PathPrefix") or "/"
        users = [user for name, user in sorted(self.backend.users.items()) if user.path.startswith(prefix)]
        page, more = _page(self, users)
        return ActionResult({"Users": page, **more})


def _check_tags(tags: list[dict[str, str]], present: set[str]) -> None:
    for item in tags:
        key, value = item["Key"], item["Value"]
        if len(key) > 128:
            raise TagKeyTooBig(key)
        if len(value) > 256:
            raise TagValueTooBig(value)
        if not re.fullmatch(r"[\w\s.:/=+\-@]+", key):
            raise InvalidTagCharacters(key)
        if not re.fullmatch(r"[\w\s.:/=+\-@]*", value):
            raise InvalidTagCharacters(value, "tags.X.member.value")
    if len(present | {item["Key"] for item in tags}) > _TAGS_PER_USER:
        raise LimitExceededException(f"Cannot exceed quota for TagsPerUser: {_TAGS_PER_USER}")


def add_key(user: iam.User, keyring: Keyring, status: str = "Active", pair: Optional[tuple[str, str]] = None) -> Entry:
    """Give a user a key that every region knows, beyond the quota too; ``pair``: its id and secret."""
    key = iam.AccessKey(user.name, "AKIA", user.account_id, status)  # type: ignore[abstract]
    if pair:
        key.access_key_id, key.secret_access_key = pair
    key.create_date = key.create_date.replace(microsecond=0)
    user.access_keys.append(key)
    iam.iam_backends[user.account_id]["aws"].access_keys[key.access_key_id] = key
    entry = keyring.added(key, user)
    entry.settle()
    return entry
