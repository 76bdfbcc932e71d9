# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a profile's settings differ before and after a change, told without a secret."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.rekey.aws.plugins.module_utils._resolution import State, View, is_secret, printable


@dataclass(frozen=True)
class Difference:
    """``config_path`` and ``credentials_path`` are how the files are called."""

    old: State
    new: State
    config_path: str
    credentials_path: str

    @property
    def changed(self) -> t.Tuple[str, ...]:
        """The names of the settings and nested entries (``s3.addressing_style``) that are new or have a new value."""
        old = _flat(self.old)
        return tuple(dict.fromkeys(printable(at[1]) for at, value in _flat(self.new).items() if old.get(at) != value))

    @property
    def removed(self) -> t.Tuple[str, ...]:
        new = _flat(self.new)
        return tuple(dict.fromkeys(printable(at[1]) for at in _flat(self.old) if at not in new))

    @property
    def before(self) -> str:
        return self._text(self.old)

    @property
    def after(self) -> str:
        return self._text(self.new)

    def _text(self, state: State) -> str:
        old, text = _flat(self.old), ""
        for path, place, view in self._views(state):
            if view.header:
                text += "{0} [{1}]\n".format(path, view.header)
            for name, value in _entries(view):
                if is_secret(name, value):
                    value = "(secret)" if old.get((place, name)) == value else "(changed)"
                text += "{0} = {1}\n".format(name, value)
        return printable(text)

    def _views(self, state: State) -> t.Tuple[t.Tuple[str, str, View], ...]:
        return (self.config_path, "config", state.config), (self.credentials_path, "credentials", state.credentials)


def _entries(view: View) -> t.Iterator[t.Tuple[str, str]]:
    for name, value in view.own.items():
        if isinstance(value, dict):
            for entry, text in value.items():
                yield name + "." + entry, text
        else:
            yield name, value


def _flat(state: State) -> t.Dict[t.Tuple[str, str], str]:
    views = (("config", state.config), ("credentials", state.credentials))
    return {(place, name): value for place, view in views for name, value in _entries(view)}
