# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile -> settings of the two AWS CLI files. Pure: bytes in, bytes out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

Settings = t.Mapping[str, t.Union[str, t.Mapping[str, str]]]


@dataclass(frozen=True)
class Pair:
    """A static access key as a profile has it."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: t.Optional[str] = field(default=None, repr=False)


@dataclass(frozen=True)
class Change:
    """What a task asks of one section. None keeps what is there, except in ``config``, where it unsets."""

    name: str
    section_type: str = "profile"
    state: str = "present"
    remove_from: t.Tuple[str, ...] = ("config", "credentials")
    access_key_id: t.Optional[str] = None
    secret_access_key: t.Optional[str] = field(default=None, repr=False)
    session_token: t.Optional[str] = field(default=None, repr=False)
    update_secret: str = "always"
    region: t.Optional[str] = None
    output: t.Optional[str] = None
    config: t.Mapping[str, t.Union[None, str, t.Mapping[str, t.Optional[str]]]] = field(default_factory=dict, repr=False)
    credentials_absent: t.Tuple[str, ...] = ()
    exclusive: bool = False


@dataclass(frozen=True)
class Files:
    """What both files hold now; None where there is no such file. The paths are only for messages."""

    config: t.Optional[bytes] = field(repr=False)
    credentials: t.Optional[bytes] = field(repr=False)
    config_path: str
    credentials_path: str


@dataclass(frozen=True)
class Plan:
    """What is to be written, and what to say about it. A file that is None stays as it is (also: stays absent)."""

    config: t.Optional[bytes] = field(repr=False)
    credentials: t.Optional[bytes] = field(repr=False)
    created: bool
    keys_changed: t.Tuple[str, ...]
    keys_removed: t.Tuple[str, ...]
    settings: Settings
    previous: t.Optional[Pair]
    pair: t.Optional[Pair]
    before: str
    after: str
    credentials_first: bool
    secret_in_config: bool  # the pair stands in config (the CLI allows it): this file, too, must end 0600 or tighter
    warnings: t.Tuple[str, ...]

    @property
    def changed(self) -> bool:
        return self.config is not None or self.credentials is not None


@dataclass(frozen=True)
class Profile:
    """What the two files say about one profile."""

    name: str
    kind: str  # static | role | sso | process | web_identity | none
    settings: Settings
    pair: t.Optional[Pair]
    shadowed: t.Tuple[str, ...]
    in_config: bool
    in_credentials: bool


@dataclass(frozen=True)
class Fault:
    """Why the AWS CLI refuses a file. ``line`` counts from 1."""

    path: str
    line: int
    message: str


def plan(change: Change, files: Files) -> Plan:
    """Raises InvalidInput; FileFault (path, line). The result was parsed again and resolves as asked, all else as before."""
    raise NotImplementedError


def read(files: Files) -> t.Tuple[t.Tuple[Profile, ...], t.Tuple[Fault, ...]]:
    """Every profile that the two files have, and why the AWS CLI would refuse one of them."""
    raise NotImplementedError
