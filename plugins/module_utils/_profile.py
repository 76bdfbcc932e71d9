# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile -> settings of the two AWS CLI files. Pure: bytes in, bytes out.

The rules are the AWS CLI's: ``config`` and ``credentials`` are merged setting by setting and ``credentials`` wins
(botocore's ``Session.full_config``), but a pair is taken from one file alone (its ``SharedCredentialProvider`` and
``ConfigProvider``). A new pair goes to ``credentials``, all else to ``config`` (``aws configure``); what is there already
is changed where the AWS CLI reads it.
"""

from __future__ import annotations

import re
import shlex
import typing as t
from dataclasses import dataclass, field

from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._ini import LEAKING, Section, Value, parse

ID, SECRET, TOKEN, OLD_TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"
PAIR = (ID, SECRET, TOKEN, OLD_TOKEN)

Settings = t.Mapping[str, t.Union[str, t.Mapping[str, str]]]
Asked = t.Mapping[str, t.Union[None, str, t.Mapping[str, t.Optional[str]]]]

_TYPES = ("profile", "sso-session", "services")
_WORD = re.compile("[^ \t\r\n]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SECRET_NAME = re.compile("secret|token(?!_file$)|passw|passphrase|private_key|^credential_process$")
_SECRET_VALUE = re.compile("//[^/@\\s]+:[^/@\\s]+@")


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
    config: Asked = field(default_factory=dict, repr=False)
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
    """What is to be written, and what to say about it. A file that is None stays as it is (also: stays absent).

    ``settings`` are all that are not secret as the AWS CLI will resolve them; ``previous`` and ``pair`` the static pair now
    and then. ``before`` and ``after`` show the profile's lines in both files without a secret, for the diff. With
    ``secret_in_config`` the pair stands in config, which the AWS CLI allows: then that file, too, must end 0600 or tighter.
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
    """What the two files say about one profile. ``kind`` is what the AWS CLI authenticates with: static, role, sso, login,
    process, web_identity or none. ``shadowed`` are config's settings for which credentials has another value.
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


@dataclass(frozen=True)
class _View:
    """What one file says about the profile: ``own`` in the section that the AWS CLI uses, ``resolved`` with ``[DEFAULT]``."""

    header: str = ""
    own: t.Mapping[str, Value] = field(default_factory=dict)
    resolved: t.Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class _State:
    """What both files say about the profile at one moment."""

    config: _View
    credentials: _View

    @property
    def exists(self) -> bool:
        return bool(self.config.header or self.credentials.header)

    @property
    def settings(self) -> t.Dict[str, Value]:
        return {**self.config.resolved, **self.credentials.resolved}

    @property
    def held(self) -> t.Mapping[str, Value]:
        """The settings among which the AWS CLI finds the pair."""
        return self.credentials.resolved if ID in self.credentials.resolved else self.config.resolved

    @property
    def pair(self) -> t.Optional[Pair]:
        key_id, secret, token = (self.held.get(name) for name in (ID, SECRET, OLD_TOKEN))
        token = self.held.get(TOKEN) if token is None else token
        if not isinstance(key_id, str) or not isinstance(secret, str):
            return None
        return Pair(key_id, secret, token if isinstance(token, str) else None)

    @property
    def kind(self) -> str:
        """The order is that of botocore's ``create_credential_resolver``."""
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
    def shadowed(self) -> t.Tuple[str, ...]:
        winning = self.credentials.resolved
        return tuple(name for name, value in self.config.resolved.items() if winning.get(name, value) != value)

    @property
    def shown(self) -> Settings:
        """The settings that are not secret."""
        shown: t.Dict[str, t.Union[str, t.Mapping[str, str]]] = {}
        for name, value in self.settings.items():
            if isinstance(value, dict):
                shown[name] = {entry: text for entry, text in value.items() if not _is_secret(name + "." + entry, text)}
            elif not _is_secret(name, value):
                shown[name] = value
        return shown


class _File:
    """One of the two files, and in it the profile's sections: several where it is spelled in several ways."""

    def __init__(self, data: t.Optional[bytes], path: str, header: str, is_mine: t.Callable[[str], bool]) -> None:
        self.data, self.path, self.header = data or b"", path, header
        self.document = parse(self.data)
        self.mine = [section for section in self.document.sections if is_mine(section.name)]

    def view(self) -> _View:
        return _view(self.mine[-1] if self.mine else None, self.document.leaking())

    def section(self) -> Section:
        """The section that the AWS CLI uses, which is the last one; a new one where there is none."""
        if not self.mine:
            self.mine.append(self.document.add(self.header))
        return self.mine[-1]

    def set(self, name: str, value: str, below: str = "") -> None:
        view = self.view()
        if name in view.own or view.resolved.get(name) != value:
            self.section().set(name, value, below)

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
        fault = self.document.misread() if data != self.data else next(iter(self.document.faults), None)
        if fault:
            raise _fault(self.path, fault.line, fault.message + ". The AWS CLI refuses such a file: mend it first")
        return data if data != self.data else None


def plan(change: Change, files: Files) -> Plan:
    """What to write so that the AWS CLI resolves what is asked, and every other profile as before.

    Raises InvalidInput for what cannot be asked, FileFault (``path``, ``line``) for a file that the AWS CLI refuses, or
    whose ``[DEFAULT]`` makes it impossible. What is returned was parsed again, and proved.
    """
    asked = _check(change, files)
    config = _File(files.config, files.config_path, _header(change), lambda header: _named(header) == _key(change))
    credentials = _File(
        files.credentials,
        files.credentials_path,
        change.name,
        lambda header: header == change.name and change.section_type == "profile",
    )
    before = _State(config.view(), credentials.view())
    pair: t.Mapping[str, t.Optional[str]] = {}
    if change.state == "absent":
        for place, file in (("config", config), ("credentials", credentials)):
            if place in change.remove_from:
                file.remove()
    else:
        pair = _write(change, asked, config, credentials)
    after = _State(config.view(), credentials.view())
    new_config, new_credentials = config.result(), credentials.result()
    if change.state == "present":
        _prove(change, asked, pair, before, after, (config, credentials))

    old, new = _flat(before), _flat(after)
    between = _State(before.config, after.credentials)
    return Plan(
        config=new_config,
        credentials=new_credentials,
        created=change.state == "present" and not before.exists,
        keys_changed=tuple(dict.fromkeys(at[-1] for at, value in new.items() if old.get(at) != value)),
        keys_removed=tuple(dict.fromkeys(at[-1] for at in old if at not in new)),
        settings=after.shown,
        previous=before.pair,
        pair=after.pair,
        before=_text(before, old, files),
        after=_text(after, old, files),
        credentials_first=_source(between) in (_source(before), _source(after)),
        secret_in_config=SECRET in after.config.own,
        warnings=_warnings(change, after, (config, credentials)),
    )


def read(files: Files) -> t.Tuple[t.Tuple[Profile, ...], t.Tuple[Fault, ...]]:
    """Every profile that the two files have, and why the AWS CLI would refuse one of them."""
    config, credentials = parse(files.config or b""), parse(files.credentials or b"")
    profiles: t.Dict[str, t.Tuple[t.Optional[Section], t.Optional[Section]]] = {}
    for section in config.sections:
        section_type, name = _named(section.name)
        if section_type == "profile":
            profiles[name] = (section, None)
    for section in credentials.sections[1:]:
        if section.name != LEAKING:
            profiles[section.name] = (profiles.get(section.name, (None, None))[0], section)

    config_leak, credentials_leak = config.leaking(), credentials.leaking()
    result = []
    for name, (in_config, in_credentials) in profiles.items():
        state = _State(_view(in_config, config_leak), _view(in_credentials, credentials_leak))
        shadowed = state.shadowed
        result.append(Profile(name, state.kind, state.shown, state.pair, shadowed, bool(in_config), bool(in_credentials)))
    faults = []
    for path, document in ((files.config_path, config), (files.credentials_path, credentials)):
        faults += [Fault(path, fault.line, fault.message) for fault in document.faults]
        if document.not_utf8():
            faults.append(Fault(path, document.not_utf8(), "not UTF-8, which the AWS CLI refuses in a UTF-8 locale"))
    return tuple(result), tuple(faults)


def _view(section: t.Optional[Section], leaking: t.Mapping[str, Value]) -> _View:
    if section is None:
        return _View()
    own = section.values()
    return _View(section.name, own, {**leaking, **own} if leaking else own)


def _named(header: str) -> t.Tuple[str, str]:
    """The type and name that a header of config stands for, as botocore's ``build_profile_map`` has it; or nothing."""
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


def _key(change: Change) -> t.Tuple[str, str]:
    return change.section_type, change.name


def _header(change: Change) -> str:
    """The header that ``aws configure`` would write into config, but quoted wherever the AWS CLI could not read it else."""
    if _key(change) == ("profile", "default"):
        return "default"
    plain = "{0} {1}".format(change.section_type, change.name)
    return plain if _named(plain) == _key(change) else "{0} {1}".format(change.section_type, shlex.quote(change.name))


def _check(change: Change, files: Files) -> Asked:
    """The settings that are asked for besides the pair, by folded name. Raises InvalidInput."""
    _check_text("The name of the " + change.section_type, change.name)
    if not change.name or "]" in change.name:
        raise InvalidInput("The name of a {0} cannot be empty or have a ].".format(change.section_type))
    if _key(change) == ("profile", LEAKING):
        raise InvalidInput("[DEFAULT] gives its settings to every profile and cannot be one. Did you mean default?")
    if files.config_path == files.credentials_path:
        raise InvalidInput("config_file and credentials_file cannot be the same file.")
    for option in ("access_key_id", "secret_access_key", "session_token", "region", "output"):
        value = getattr(change, option)
        if value is not None:
            _check_text(option, value)
            if not value:
                raise InvalidInput("{0} is empty. Leave it out to keep what is there.".format(option))
            if change.section_type != "profile":
                raise InvalidInput("{0} belongs to a profile, not to a {1} section.".format(option, change.section_type))

    asked: t.Dict[str, t.Union[None, str, t.Mapping[str, t.Optional[str]]]] = {}
    for name, value in (("region", change.region), ("output", change.output)):
        if value is not None:
            asked[name] = value
    for name, wanted in change.config.items():
        _check_name(name)
        if name.lower() in asked:
            raise InvalidInput("{0} is asked for twice; the case of a name does not matter.".format(name.lower()))
        asked[name.lower()] = wanted
        entries = {"": wanted} if wanted is None or isinstance(wanted, str) else wanted
        for entry, text in entries.items():
            if entry:
                _check_name(entry)
            if text is not None:
                full = name.lower() + ("." + entry if entry else "")
                _check_text("config: " + full, text)
                if full == ID or _is_secret(full) and full != "credential_process":
                    raise InvalidInput(
                        "config cannot hold {0}: a dictionary cannot be hidden. Use the options access_key_id, "
                        "secret_access_key and session_token.".format(full)
                    )
    return asked


def _check_name(name: str) -> None:
    _check_text("The name of a setting", name)
    if not name or "=" in name or ":" in name or name[0] in "#;[":
        raise InvalidInput("The name of a setting cannot be empty, have = or :, or begin with #, ; or [.")


def _check_text(what: str, text: str) -> None:
    if _CONTROL.search(text):
        raise InvalidInput(what + " has a line break, a control character or something that is no text (not shown here).")
    if text != text.strip():
        raise InvalidInput(what + " begins or ends with a blank, which the AWS CLI would drop (not shown here).")


def _is_secret(name: str, value: str = "") -> bool:
    return bool(_SECRET_NAME.search(name.lower()) or _SECRET_VALUE.search(value))


def _fault(path: str, line: int, message: str) -> FileFault:
    return FileFault("{0}, line {1}: {2}. Nothing was changed.".format(path, line, message), path=path, line=line)


def _write(change: Change, asked: Asked, config: _File, credentials: _File) -> t.Mapping[str, t.Optional[str]]:
    """Edit both files; the pair's settings that must come of it."""
    for name in change.credentials_absent:
        credentials.unset(name.lower())
    pair: t.Mapping[str, t.Optional[str]] = {}
    place = config if ID in config.view().own and ID not in credentials.view().resolved else credentials
    if change.access_key_id or change.secret_access_key or change.session_token:
        pair = _wanted_pair(change, place.view().resolved)
        below = ""
        for name, value in pair.items():
            if value is None:
                place.unset(name)
            else:
                place.set(name, value, below)
                below = name
    for name, wanted in asked.items():
        reader = credentials if name in credentials.view().resolved else config
        if wanted is None:
            config.unset(name)
            credentials.unset(name)
        elif isinstance(wanted, str):
            reader.set(name, wanted)
        else:
            for entry, text in wanted.items():
                if text is not None:
                    reader.section().set_entry(name, entry, text)
                else:
                    config.unset(name, entry)
                    credentials.unset(name, entry)
    if change.exclusive:
        for file in (config, credentials):
            for name, value in file.view().own.items():
                wanted = asked.get(name)
                if isinstance(value, dict) and isinstance(wanted, t.Mapping):
                    for entry in value:
                        if entry not in wanted:
                            file.unset(name, entry)
                elif wanted is None and not (pair and file is place and name in PAIR):
                    file.unset(name)
    if not config.mine and not credentials.mine:
        config.section()
    return pair


def _wanted_pair(change: Change, held: t.Mapping[str, Value]) -> t.Mapping[str, t.Optional[str]]:
    """What the settings of the pair must be; None for one that must not be there. What may stay as it is, is left out."""
    key_id = change.access_key_id or held.get(ID)
    if not isinstance(key_id, str):
        raise InvalidInput("Profile {0} has no access key: access_key_id is needed, too.".format(change.name))
    same = key_id == held.get(ID) and SECRET in held
    secret, token = change.secret_access_key, change.session_token
    if same and change.update_secret == "on_create":
        secret = token = None
    if secret is None and not same:
        raise InvalidInput(
            "Profile {0} does not have access key {1}: secret_access_key is needed, too.".format(change.name, key_id)
        )
    wanted: t.Dict[str, t.Optional[str]] = {ID: key_id}
    if secret is not None:
        wanted[SECRET] = secret
    if token is not None:
        wanted[TOKEN] = token
    elif not key_id.startswith("ASIA"):
        wanted[TOKEN] = None
    elif not same:
        raise InvalidInput("Access key {0} is a temporary one: session_token is needed, too.".format(key_id))
    if TOKEN in wanted:
        wanted[OLD_TOKEN] = None  # it would win over the new one
    return wanted


def _prove(
    change: Change,
    asked: Asked,
    pair: t.Mapping[str, t.Optional[str]],
    before: _State,
    after: _State,
    files: t.Tuple[_File, _File],
) -> None:
    """Raises FileFault where the AWS CLI would not resolve what was asked, or something else of this profile otherwise."""
    wrong = [name for name, value in pair.items() if after.held.get(name) != value]
    touched = {*asked, *pair, *(name.lower() for name in change.credentials_absent)}
    for name, wanted in asked.items():
        found = after.settings.get(name)
        if wanted is None or isinstance(wanted, str):
            good = found == wanted
        else:
            block = found if isinstance(found, dict) else {}
            good = all(block.get(entry) == text for entry, text in wanted.items())
        wrong += [] if good else [name]
    if before.exists and not change.exclusive:
        old, new = before.settings, after.settings
        wrong += [name for name in {**old, **new} if name not in touched and old.get(name) != new.get(name)]
    for name in wrong:
        for file in reversed(files):
            for section in file.document.sections:
                if section.name == LEAKING and name in section.values():
                    line = section.line_of(name)
                    raise _fault(file.path, line, "[DEFAULT] gives {0} to every profile, this one too".format(name))
        file = next((file for file in files if name in file.view().own), files[0])
        line = file.mine[-1].number if file.mine else 0
        raise _fault(file.path, line, "{0} has unusual characters and cannot be changed safely".format(name))
    source, credential_source = after.settings.get("source_profile"), after.settings.get("credential_source")
    if source is not None and credential_source is not None and {"source_profile", "credential_source"} & set(asked):
        raise InvalidInput(
            "Profile {0} would have both source_profile and credential_source, which exclude each other: set one of "
            "them to null in config.".format(change.name)
        )


def _source(state: _State) -> t.Tuple[str, t.Optional[Pair]]:
    return state.kind, state.pair if state.kind == "static" else None


def _flat(state: _State) -> t.Dict[t.Tuple[str, str], str]:
    """Every setting and nested entry by file and name."""
    flat: t.Dict[t.Tuple[str, str], str] = {}
    for place, view in (("config", state.config), ("credentials", state.credentials)):
        for name, value in view.own.items():
            if isinstance(value, dict):
                flat.update(((place, name + "." + entry), text) for entry, text in value.items())
            else:
                flat[place, name] = value
    return flat


def _text(state: _State, old: t.Mapping[t.Tuple[str, str], str], files: Files) -> str:
    """The profile's settings in both files for a diff, with ``(changed)`` for a secret that is not as it was."""
    lines = []
    flat = _flat(state)
    for place, path, view in (
        ("config", files.config_path, state.config),
        ("credentials", files.credentials_path, state.credentials),
    ):
        if view.header:
            lines.append("{0} [{1}]".format(path, view.header))
        for (where, name), value in flat.items():
            if where == place:
                hidden = "(secret)" if old.get((where, name)) == value else "(changed)"
                lines.append("{0} = {1}".format(name, hidden if _is_secret(name, value) else value))
    return "".join(line + "\n" for line in lines)


def _warnings(change: Change, after: _State, files: t.Tuple[_File, _File]) -> t.Tuple[str, ...]:
    warnings = []
    config, credentials = files
    source = after.settings.get("source_profile")
    for file in files:
        if file.document.not_utf8():
            warnings.append(
                "{0}, line {1} is not UTF-8: the AWS CLI refuses the file where the locale says UTF-8.".format(
                    file.path, file.document.not_utf8()
                )
            )
        if len(file.mine) > 1:
            warnings.append(
                "{0}: {1} sections are profile {2}; the AWS CLI uses [{3}] alone, which was edited.".format(
                    file.path, len(file.mine), change.name, file.mine[-1].name
                )
            )
    if after.pair and after.kind != "static" and not (after.kind == "role" and source == change.name):
        warnings.append(
            "Profile {0} is of kind {1}: the AWS CLI never uses its access key {2}.".format(
                change.name, after.kind, after.pair.access_key_id
            )
        )
    return tuple(warnings)
