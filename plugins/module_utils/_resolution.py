# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the AWS CLI makes of its two files for one profile.

``config`` and ``credentials`` are merged setting by setting, and ``credentials`` wins (botocore's
``Session.full_config``); but a pair is taken from one file alone (``SharedCredentialProvider``, then
``ConfigProvider``). Of several sections that are the same profile, the last one is used and the others are ignored
(``configloader.build_profile_map``).
"""

from __future__ import annotations

import re
import shlex
import typing as t
from dataclasses import dataclass, field

from ansible_collections.rekey.aws.plugins.module_utils._ini import Section, Value

ID, SECRET, TOKEN, OLD_TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"

Settings = t.Mapping[str, t.Union[str, t.Mapping[str, str]]]

_TYPES = ("profile", "sso-session", "services")
_WORD = re.compile("[^ \t\r\n]+")
_SECRET_NAME = re.compile("secret|token(?!_file$)|passw|passphrase|private_key|api_?key|^credential_process$")
_SECRET_VALUE = re.compile(r"//[^/@\s]+:[^/@\s]+@")


@dataclass(frozen=True)
class Pair:
    """A static access key as a profile has it."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: t.Optional[str] = field(default=None, repr=False)


@dataclass(frozen=True)
class View:
    """What one file says: ``own`` in the section ``header``, and ``resolved`` with what ``[DEFAULT]`` adds to it."""

    header: str = ""
    own: t.Mapping[str, Value] = field(default_factory=dict, repr=False)
    resolved: t.Mapping[str, Value] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, section: t.Optional[Section], leaking: t.Mapping[str, Value]) -> View:
        if section is None:
            return cls()
        own = section.values()
        return cls(section.name, own, {**leaking, **own} if leaking else own)


@dataclass(frozen=True)
class State:
    """What both files say about the profile ``name``."""

    name: str
    config: View
    credentials: View

    @property
    def exists(self) -> bool:
        return bool(self.config.header or self.credentials.header)

    @property
    def settings(self) -> t.Dict[str, Value]:
        return {**self.config.resolved, **self.credentials.resolved}

    @property
    def shown(self) -> Settings:
        """The settings that are not secret."""
        shown: t.Dict[str, t.Union[str, t.Mapping[str, str]]] = {}
        for name, value in self.settings.items():
            if isinstance(value, dict):
                entries = {entry: text for entry, text in value.items() if not is_secret(name + "." + entry, text)}
                shown[printable(name)] = {printable(entry): printable(text) for entry, text in entries.items()}
            elif not is_secret(name, value):
                shown[printable(name)] = printable(value)
        return shown

    @property
    def shadowed(self) -> t.Tuple[str, ...]:
        """The settings of config for which credentials has another value."""
        winning = self.credentials.resolved
        return tuple(
            printable(name) for name, value in self.config.resolved.items() if winning.get(name, value) != value
        )

    @property
    def held(self) -> t.Mapping[str, Value]:
        """The settings among which the AWS CLI looks for the pair."""
        return self.credentials.resolved if ID in self.credentials.resolved else self.config.resolved

    @property
    def pair(self) -> t.Optional[Pair]:
        """The static pair, whole or none."""
        key_id, secret = self.held.get(ID), self.held.get(SECRET)
        token = self.held.get(OLD_TOKEN, self.held.get(TOKEN))
        if isinstance(key_id, str) and isinstance(secret, str) and (token is None or isinstance(token, str)):
            return Pair(key_id, secret, token)
        return None

    @property
    def kind(self) -> str:
        """What the AWS CLI authenticates with, in the order of botocore's ``create_credential_resolver``."""
        settings = self.settings
        if "role_arn" in settings and "web_identity_token_file" not in settings:
            return "role"
        if settings.get("web_identity_token_file"):
            return "web_identity"
        if "sso_role_name" in settings or "sso_account_id" in settings:
            return "sso"
        if ID in self.credentials.resolved:
            return "static"
        if "login_session" in settings:
            return "login"
        if "credential_process" in settings:
            return "process"
        return "static" if ID in self.config.resolved else "none"

    @property
    def uses_pair(self) -> bool:
        """Whether the AWS CLI ever uses the pair; a role may have its own profile for its source."""
        return self.kind == "static" or (self.kind == "role" and self.settings.get("source_profile") == self.name)


def named(header: str) -> t.Tuple[str, str]:
    """The type and name that a header of config stands for; empty ones where it is neither a profile nor the like."""
    for section_type in _TYPES:
        if header.startswith(section_type):
            words = _WORD.findall(header)
            if "'" in header or '"' in header or "\\" in header:
                try:
                    words = shlex.split(header)
                except ValueError:
                    return "", ""
            return (section_type, words[1]) if len(words) == 2 else ("", "")
    return ("profile", "default") if header == "default" else ("", "")


def header_for(section_type: str, name: str) -> str:
    """The header that ``aws configure`` gives a new section of config, quoted wherever it would be misread else."""
    if (section_type, name) == ("profile", "default"):
        return name
    plain = "{0} {1}".format(section_type, name)
    return plain if named(plain) == (section_type, name) else "{0} {1}".format(section_type, shlex.quote(name))


def is_secret(name: str, value: str = "") -> bool:
    """Whether a setting's value must not be shown: by its name, or as a URL with a password in it."""
    return bool(_SECRET_NAME.search(name.lower()) or _SECRET_VALUE.search(value))


def printable(text: str) -> str:
    """The text with a mark for each byte that is not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
