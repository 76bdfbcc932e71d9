# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks of one section of the AWS CLI files, and what cannot be asked."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._ini import LEAKING
from ansible_collections.rekey.aws.plugins.module_utils._resolution import ID, SECRET, TOKEN, is_secret

Wanted = t.Union[str, t.Mapping[str, t.Optional[str]], None]
"""A value, the entries of a nested block, or None for what must not be there."""

_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_OPTIONS = {
    "access_key_id": ID,
    "secret_access_key": SECRET,
    "session_token": TOKEN,
    "region": "region",
    "output": "output",
}


@dataclass(frozen=True)
class Change:
    """What a task asks of one section. None keeps what is there, except in ``config``, where it unsets.

    With ``update_secret`` "on_create" secret and token are kept where the profile has this very access key id already.
    """

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
    config: t.Mapping[str, Wanted] = field(default_factory=dict, repr=False)
    credentials_absent: t.Tuple[str, ...] = ()
    exclusive: bool = False

    @property
    def asks_for_pair(self) -> bool:
        return any(value is not None for value in (self.access_key_id, self.secret_access_key, self.session_token))

    @property
    def dropped(self) -> t.Tuple[str, ...]:
        """``credentials_absent`` in lower case, as the AWS CLI folds names."""
        return tuple(name.lower() for name in self.credentials_absent)

    def settings(self) -> t.Dict[str, Wanted]:
        """What is asked besides the pair, by names in lower case, as the AWS CLI folds them.

        Raises InvalidInput for anything in this change that could not be written so that the AWS CLI reads it back. Its
        message does not show values.
        """
        _check_text("the name of the " + self.section_type, self.name)
        if "]" in self.name:
            raise InvalidInput("The name of a {0} cannot have a ].".format(self.section_type))
        if (self.section_type, self.name) == ("profile", LEAKING):
            raise InvalidInput("[DEFAULT] gives its settings to every profile and cannot be one. Is default meant?")
        settings: t.Dict[str, Wanted] = {}
        for option, name in _OPTIONS.items():
            value = getattr(self, option)
            if value is None:
                continue
            _check_text(option, value)
            if self.section_type != "profile":
                raise InvalidInput("{0} belongs to a profile, not to {1}.".format(option, self.section_type))
            if name in self.dropped and name != option:
                raise InvalidInput("{0} is asked for, and credentials_absent would drop it.".format(option))
            if name == option:
                settings[name] = value
        for name, wanted in self.config.items():
            folded = name.lower()
            if folded in settings:
                raise InvalidInput(
                    "config: {0} is asked for twice (the case of a name does not matter).".format(folded)
                )
            settings[folded] = wanted
            _check_setting(folded, wanted)
        return settings


def _check_setting(name: str, wanted: Wanted) -> None:
    _check_name(name)
    if isinstance(wanted, t.Mapping):
        for entry, value in wanted.items():
            _check_name(entry)
            _check_value(name + "." + entry, value)
    else:
        _check_value(name, wanted)


def _check_value(name: str, value: t.Optional[str]) -> None:
    if value is None:
        return
    if value:
        _check_text("config: " + name, value)
    if name == ID or (is_secret(name) and name != "credential_process"):
        raise InvalidInput(
            "config: {0} cannot be set here, since Ansible cannot hide a dictionary. For a key there are the options "
            "access_key_id, secret_access_key and session_token.".format(name)
        )


def _check_name(name: str) -> None:
    _check_text("the name of a setting", name)
    if "=" in name or ":" in name or name[0] in "#;[":
        raise InvalidInput("The name of a setting can neither have = or : nor begin with #, ; or [.")


def _check_text(what: str, text: str) -> None:
    if not text:
        raise InvalidInput("Empty: {0}.".format(what))
    if _UNWRITABLE.search(text):
        raise InvalidInput("A line break, control character or something that is no text in {0}.".format(what))
    if text != text.strip():
        raise InvalidInput("A blank at the beginning or end of {0}, which the AWS CLI would drop.".format(what))
