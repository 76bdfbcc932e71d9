# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile -> settings of the two AWS CLI files. Pure: bytes in, bytes out.

A new pair goes to ``credentials`` and all else to ``config``, as ``aws configure`` has it. What is there already is
changed where the AWS CLI reads it (``_resolution``).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.rekey.aws.plugins.module_utils._change import Change, Wanted
from ansible_collections.rekey.aws.plugins.module_utils._difference import Difference
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._ini import LEAKING, Section, Value, parse
from ansible_collections.rekey.aws.plugins.module_utils._resolution import (
    ID,
    OLD_TOKEN,
    SECRET,
    TOKEN,
    Pair,
    Settings,
    State,
    View,
    header_for,
    named,
    printable,
)

__all__ = ["Change", "Fault", "Files", "Pair", "Plan", "Profile", "Settings", "plan", "read"]

PairSettings = t.Mapping[str, t.Optional[str]]


@dataclass(frozen=True)
class Files:
    """What both files hold now; None where there is no such file. The paths are only for messages."""

    config: t.Optional[bytes] = field(repr=False)
    credentials: t.Optional[bytes] = field(repr=False)
    config_path: str
    credentials_path: str


@dataclass(frozen=True)
class Plan:
    """What is to be written, and what to say about it. A file that is None stays as it is (also: stays absent).

    ``settings`` are those that are not secret, as the AWS CLI will resolve them; ``previous`` and ``pair`` the static
    pair now and then. ``before`` and ``after`` show the profile's own settings in both files without a secret, for the
    diff. ``credentials_first`` is the order in which to put the files in place so that the profile works in between.
    With ``secret_in_config`` the pair stands in config, which the AWS CLI allows: that file, too, must end 0600.
    """

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
    secret_in_config: bool
    warnings: t.Tuple[str, ...]

    @property
    def changed(self) -> bool:
        return self.config is not None or self.credentials is not None


@dataclass(frozen=True)
class Profile:
    """What the two files say about one profile.

    ``kind`` is what the AWS CLI authenticates with: static, role, sso, login, process, web_identity or none.
    ``settings`` are those that are not secret; ``shadowed`` are config's for which credentials has another value.
    """

    name: str
    kind: str
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


class _File:
    """One of the two files, and in it the profile's sections: several where it is spelled in several ways."""

    def __init__(self, data: t.Optional[bytes], path: str, header: str, is_mine: t.Callable[[str], bool]) -> None:
        self.data, self.path, self.header = data or b"", path, header
        self.document = parse(self.data)
        self.mine = [section for section in self.document.sections if is_mine(section.name)]
        for section in self.document.sections:
            if "]" in section.name and is_mine(section.name.partition("]")[0]):
                message = "a ] behind the header, which Python 3.9 takes for a comment and a newer one for the name"
                raise _fault(path, section.number, message)

    def view(self) -> View:
        return View.of(self.mine[-1] if self.mine else None, self.document.leaking())

    def section(self) -> Section:
        """The section that the AWS CLI uses, which is the last one; a new one where there is none."""
        if not self.mine:
            self.mine.append(self.document.add(self.header))
        return self.mine[-1]

    def set(self, name: str, value: str, below: str = "") -> None:
        view = self.view()
        if name in view.own or view.resolved.get(name) != value:
            self.section().set(name, value, below)

    def set_entries(self, name: str, entries: t.Mapping[str, str]) -> None:
        view = self.view()
        block = view.resolved.get(name)
        if isinstance(block, dict) and name not in view.own:
            # A block of our own hides the one of [DEFAULT] altogether.
            entries = {} if {**block, **entries} == block else {**block, **entries}
        for entry, value in entries.items():
            self.section().set_entry(name, entry, value)

    def unset(self, name: str, entry: t.Optional[str] = None) -> None:
        for section in self.mine[-1:]:
            if entry is None:
                section.unset(name)
            else:
                section.unset_entry(name, entry)

    def remove(self) -> None:
        for section in self.mine:
            self.document.remove(section)
        self.mine = []

    def result(self) -> t.Optional[bytes]:
        """The new bytes, or None for the old ones. Raises FileFault where the AWS CLI would not read what is meant."""
        data = self.document.render()
        changed = data != self.data
        fault = self.document.misread() if changed else next(iter(self.document.faults), None)
        if fault:
            hint = "; the AWS CLI refuses this file, mend it first" if fault in self.document.faults else ""
            raise _fault(self.path, fault.line, fault.message + hint)
        return data if changed else None


def plan(change: Change, files: Files) -> Plan:
    """What to write so that the AWS CLI resolves what is asked, and every other profile as before.

    Raises InvalidInput for what cannot be asked, and FileFault (``path``, ``line``) for a file that the AWS CLI refuses
    or whose ``[DEFAULT]`` is in the way. The result was parsed again and proved.
    """
    wanted = change.settings()
    key = (change.section_type, change.name)
    config = _File(files.config, files.config_path, header_for(*key), lambda header: named(header) == key)
    credentials = _File(
        files.credentials, files.credentials_path, change.name, lambda header: ("profile", header) == key
    )
    before = State(change.name, config.view(), credentials.view())
    if change.state == "present":
        pair = _write(change, wanted, config, credentials)
    else:
        for place, file in (("config", config), ("credentials", credentials)):
            if place in change.remove_from:
                file.remove()
    after = State(change.name, config.view(), credentials.view())
    new_config, new_credentials = config.result(), credentials.result()
    if change.state == "present":
        _prove(change, wanted, pair, before, after, (config, credentials))

    difference = Difference(before, after, files.config_path, files.credentials_path)
    between = State(change.name, before.config, after.credentials)
    return Plan(
        config=new_config,
        credentials=new_credentials,
        created=change.state == "present" and not before.exists,
        keys_changed=difference.changed,
        keys_removed=difference.removed,
        settings=after.shown,
        previous=before.pair,
        pair=after.pair,
        before=difference.before,
        after=difference.after,
        credentials_first=_source(between) in (_source(before), _source(after)),
        secret_in_config=SECRET in after.config.own,
        warnings=tuple(_warnings(after, (config, credentials))),
    )


def read(files: Files) -> t.Tuple[t.Tuple[Profile, ...], t.Tuple[Fault, ...]]:
    """Every profile that the two files have, and why the AWS CLI would refuse one of them."""
    config, credentials = parse(files.config or b""), parse(files.credentials or b"")
    in_config = {named(section.name): section for section in config.sections}
    in_credentials = {
        ("profile", section.name): section for section in credentials.sections if section.name not in ("", LEAKING)
    }
    leaking = config.leaking(), credentials.leaking()
    profiles = []
    for section_type, name in dict.fromkeys([*in_config, *in_credentials]):
        if section_type != "profile":
            continue
        sections = in_config.get(("profile", name)), in_credentials.get(("profile", name))
        state = State(name, View.of(sections[0], leaking[0]), View.of(sections[1], leaking[1]))
        profiles.append(
            Profile(
                name=printable(name),
                kind=state.kind,
                settings=state.shown,
                pair=state.pair,
                shadowed=state.shadowed,
                in_config=sections[0] is not None,
                in_credentials=sections[1] is not None,
            )
        )
    faults = []
    for path, document in ((files.config_path, config), (files.credentials_path, credentials)):
        faults += [Fault(path, fault.line, printable(fault.message)) for fault in document.faults]
        if document.not_utf8():
            faults.append(Fault(path, document.not_utf8(), "not UTF-8, which the AWS CLI refuses in a UTF-8 locale"))
    return tuple(profiles), tuple(faults)


def _fault(path: str, line: int, message: str) -> FileFault:
    message = printable("{0}, line {1}: {2}. Nothing was changed.".format(path, line, message))
    return FileFault(message, path=path, line=line)


def _write(change: Change, wanted: t.Mapping[str, Wanted], config: _File, credentials: _File) -> PairSettings:
    """Edit both files; what the settings of the pair must be afterwards."""
    for name in change.dropped:
        credentials.unset(name)
    place = config if ID in config.view().own and ID not in credentials.view().resolved else credentials
    pair = _wanted_pair(change, place.view().resolved) if change.asks_for_pair else {}
    for name, text in pair.items():
        if text is None:
            place.unset(name)
        else:
            place.set(name, text, below={SECRET: ID, TOKEN: SECRET}.get(name, ""))
    for name, value in wanted.items():
        reader = credentials if name in credentials.view().resolved else config
        if isinstance(value, str):
            reader.set(name, value)
        elif value is None:
            config.unset(name)
            credentials.unset(name)
        else:
            for entry in value:
                if value[entry] is None:
                    config.unset(name, entry)
                    credentials.unset(name, entry)
            reader.set_entries(name, {entry: text for entry, text in value.items() if text is not None})
    if change.exclusive:
        for file in (config, credentials):
            _keep_only(file, wanted, (ID, SECRET, TOKEN, OLD_TOKEN) if pair and file is place else ())
    if not config.mine and not credentials.mine:
        config.section()
    return pair


def _keep_only(file: _File, wanted: t.Mapping[str, Wanted], also: t.Tuple[str, ...]) -> None:
    for name, value in file.view().own.items():
        entries = wanted.get(name)
        if isinstance(value, dict) and isinstance(entries, t.Mapping):
            for entry in value:
                if entry not in entries:
                    file.unset(name, entry)
        elif name not in wanted and name not in also:
            file.unset(name)


def _wanted_pair(change: Change, held: t.Mapping[str, Value]) -> PairSettings:
    """What the settings of the pair must be; None where there must be none. What may stay as it is, is left out."""
    key_id = held.get(ID) if change.access_key_id is None else change.access_key_id
    if not isinstance(key_id, str):
        raise InvalidInput("Profile {0} has no access key yet: it needs access_key_id, too.".format(change.name))
    same = key_id == held.get(ID) and SECRET in held
    secret, token = change.secret_access_key, change.session_token
    if same and change.update_secret == "on_create":
        secret = token = None
    if secret is None and not same:
        raise InvalidInput("Profile {0} needs secret_access_key for {1}, too.".format(change.name, key_id))
    pair: t.Dict[str, t.Optional[str]] = {ID: key_id}
    if secret is not None:
        pair[SECRET] = secret
    temporary = key_id.startswith("ASIA")
    if change.session_token is None and temporary and not same:
        raise InvalidInput("{0} is a temporary access key: it needs session_token, too.".format(key_id))
    if token is not None or (change.session_token is None and not temporary):
        pair[TOKEN] = token
        pair[OLD_TOKEN] = None  # it would win over the other
    return pair


def _prove(
    change: Change,
    wanted: t.Mapping[str, Wanted],
    pair: PairSettings,
    before: State,
    after: State,
    files: t.Tuple[_File, _File],
) -> None:
    """Raises FileFault where the AWS CLI would not resolve what is asked, or would resolve more differently."""
    wrong = [name for name, value in pair.items() if after.held.get(name) != value]
    wrong += [name for name in change.dropped if name in after.credentials.resolved]
    old, new = before.settings, after.settings
    for name, value in wanted.items():
        found = new.get(name)
        if isinstance(value, t.Mapping):
            block = found if isinstance(found, dict) else {}
            wrong += [name for entry in value if block.get(entry) != value[entry]]
        elif found != value:
            wrong.append(name)
    if before.exists and not change.exclusive:
        asked = {*wanted, *pair, *change.dropped}
        wrong += [name for name in {**old, **new} if name not in asked and old.get(name) != new.get(name)]
    for name in wrong:
        for file in files:
            for section in file.document.sections:
                if section.name == LEAKING and name in section.values():
                    message = "[DEFAULT] gives {0} to every profile, {1} too".format(name, change.name)
                    raise _fault(file.path, section.line_of(name), message)
        file = files[1] if name in after.credentials.own else files[0]
        raise _fault(file.path, file.section().number, "{0} has characters that keep it from being edited".format(name))
    if (
        "source_profile" in new
        and "credential_source" in new
        and {"role_arn", "source_profile", "credential_source"} & set(wanted)
    ):
        raise InvalidInput(
            "Profile {0} would have source_profile and credential_source, which exclude each other: set the one that "
            "shall go to null in config.".format(change.name)
        )


def _source(state: State) -> t.Tuple[str, t.Optional[Pair]]:
    """With what the profile works."""
    return state.kind, state.pair if state.uses_pair else None


def _warnings(after: State, files: t.Tuple[_File, _File]) -> t.Iterator[str]:
    for file in files:
        line = file.document.not_utf8()
        if line:
            yield "{0}, line {1} is not UTF-8: the AWS CLI refuses it in a UTF-8 locale.".format(file.path, line)
        if len(file.mine) > 1:
            yield "{0}: {1} sections are {2}. The AWS CLI uses [{3}] alone; this one was edited.".format(
                file.path, len(file.mine), after.name, file.mine[-1].name
            )
        if not after.exists and any(
            section.values().get("source_profile") == after.name for section in file.document.sections
        ):
            yield "{0}: a role has profile {1}, which is gone, for its source_profile.".format(file.path, after.name)
    if after.shadowed:
        yield "The AWS CLI ignores {0} of profile {1} in {2}: {3} has other values.".format(
            ", ".join(after.shadowed), after.name, files[0].path, files[1].path
        )
    if ID in after.held and after.pair is None:
        yield "Profile {0} has an access key id without a secret.".format(after.name)
    if after.pair and not after.uses_pair:
        yield "Profile {0} is of kind {1}: the AWS CLI never uses its access key {2}.".format(
            after.name, after.kind, after.pair.access_key_id
        )
    if after.kind == "role" and not {"source_profile", "credential_source"} & set(after.settings):
        yield "Profile {0} has role_arn and neither source_profile nor credential_source.".format(after.name)
