# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task of aws_cli_profile asks for, from its options."""

from __future__ import annotations

import grp
import pwd
import typing as t

from ansible_collections.rekey.aws.plugins.module_utils._change import Change
from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._files import Manner
from ansible_collections.rekey.aws.plugins.module_utils._resolution import is_secret

Options = t.Mapping[str, t.Any]


class Verification(t.NamedTuple):
    """That AWS must accept the pair, and whose it must then be (none: anybody's)."""

    account: t.Optional[str] = None
    user_name: t.Optional[str] = None


class Request(t.NamedTuple):
    """``mode``, ``config_mode``, ``uid`` and ``gid`` are none where the task does not say. Times are in seconds."""

    change: Change
    replaces: t.Optional[t.FrozenSet[str]]
    verification: t.Optional[Verification]
    verify_timeout: float
    user: t.Optional[str]
    config_file: t.Optional[str]
    credentials_file: t.Optional[str]
    mode: t.Optional[int]
    config_mode: t.Optional[int]
    uid: t.Optional[int]
    gid: t.Optional[int]
    follow: bool
    manner: Manner

    @property
    def asks_aws(self) -> bool:
        return self.verification is not None or self.replaces is not None


def from_options(options: Options) -> Request:
    """The options as values. Raises InvalidInput."""
    if not 0 <= options["verify_timeout"] <= 86400:
        raise InvalidInput("verify_timeout: it must be from 0 to 86400 seconds.")
    return Request(
        change=_change(options),
        replaces=None if options["replaces"] is None else frozenset(options["replaces"]),
        verification=_verification(options),
        verify_timeout=options["verify_timeout"],
        user=options["user"],
        config_file=options["config_file"],
        credentials_file=options["credentials_file"],
        mode=_mode("mode", options["mode"]),
        config_mode=_mode("config_mode", options["config_mode"]),
        uid=_id("owner", options["owner"], lambda name: pwd.getpwnam(name).pw_uid),
        gid=_id("group", options["group"], lambda name: grp.getgrnam(name).gr_gid),
        follow=options["follow"],
        manner=Manner(
            folder_mode=_mode("directory_mode", options["directory_mode"]) or 0o700,
            backup=options["backup"],
            in_place=options["unsafe_writes"],
        ),
    )


def misplaced_secrets(options: Options) -> t.Iterator[str]:
    """What ``config`` has under names of secrets, which is refused, but must not be shown either."""
    for name, value in (options["config"] or {}).items():
        entries = value if isinstance(value, dict) else {"": value}
        for entry, text in entries.items():
            if is_secret(f"{name}.{entry}".lower()):
                yield str(text)


def _change(options: Options) -> Change:
    access_key_id, secret = options["access_key_id"], options["secret_access_key"]
    if options["csv_content"] is not None:
        from ansible_collections.rekey.aws.plugins.module_utils._csv import pair as pair_from_csv

        pair = pair_from_csv(options["csv_content"], options["profile"])
        access_key_id, secret = pair.access_key_id, pair.secret_access_key
    return Change(
        name=options["profile"],
        section_type=options["section_type"],
        state=options["state"],
        remove_from=tuple(options["remove_from"]),
        access_key_id=access_key_id,
        secret_access_key=secret,
        session_token=options["session_token"],
        update_secret=options["update_secret"],
        region=options["region"],
        output=options["output"],
        config={name: _setting(name, value) for name, value in (options["config"] or {}).items()},
        credentials_absent=tuple(options["credentials_absent"] or ()),
        exclusive=options["exclusive"],
    )


def _setting(name: str, value: t.Any) -> t.Union[str, t.Mapping[str, t.Optional[str]], None]:
    if isinstance(value, dict):
        return {entry: _scalar(f"{name}.{entry}", below) for entry, below in value.items()}
    return _scalar(name, value)


def _scalar(name: str, value: t.Any) -> t.Optional[str]:
    """As ``aws configure set`` has it in the file: booleans in lower case, numbers in digits."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise InvalidInput(f"config: {name} must be text, a number, true, false or null.")


def _verification(options: Options) -> t.Optional[Verification]:
    if not options["verify"]:
        if options["verify_account"] or options["verify_user_name"]:
            raise InvalidInput("verify_account and verify_user_name need verify: true.")
        return None
    account = options["verify_account"]
    if account is not None and not (account.isdigit() and len(account) <= 12):
        raise InvalidInput(f"verify_account: {account!r} is not an account's 12 digits.")
    # YAML may have taken an account that begins with zeros for a number.
    return Verification(account and account.zfill(12), options["verify_user_name"])


def _mode(option: str, value: t.Any) -> t.Optional[int]:
    if value is None:
        return None
    try:
        mode = value if isinstance(value, int) else int(str(value), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777 or isinstance(value, bool):
        raise InvalidInput(f"{option}: {value!r} is no file mode. Give it in octal and quotes: '0600'.")
    return mode


def _id(option: str, value: t.Optional[str], look_up: t.Callable[[str], int]) -> t.Optional[int]:
    if value is None:
        return None
    try:
        return look_up(value)
    except KeyError:
        if value.isdigit():
            return int(value)
        raise InvalidInput(f"{option}: this host has no {value!r}.") from None
