# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold of any AWS file and any change to it. The judge is botocore."""

from __future__ import annotations

import typing as t
from pathlib import Path

from botocore import configloader
from botocore.credentials import ConfigProvider, SharedCredentialProvider
from botocore.exceptions import ConfigParseError, PartialCredentialsError

from ansible_collections.rekey.aws.plugins.module_utils import _ini
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._profile import Change, Files, Plan, plan
from ansible_collections.rekey.aws.plugins.module_utils._resolution import named

Bytes = t.Optional[bytes]
Keys = t.Optional[t.Tuple[str, str, t.Optional[str]]]

PAIR = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token")
PLACES = {"profile": "profiles", "sso-session": "sso_sessions", "services": "services"}


def reads_as_botocore_does(data: bytes, folder: Path) -> bool:
    """Says whether it was refused."""
    path = folder / "file"
    path.write_bytes(data)
    document = _ini.parse(data)
    assert document.render() == data
    ours = None
    if not document.faults:
        leaking = document.leaking()
        ours = {section.name: {**leaking, **section.values()} for section in document.sections[1:]}
        ours.pop("DEFAULT", None)
        assert document.misread() is None
    try:
        theirs: t.Optional[t.Dict[str, t.Any]] = configloader.raw_config_parse(str(path))
    except ConfigParseError:
        theirs = None
    # A bad block in [DEFAULT] hurts only where a section inherits it; then any new section would.
    if ours is not None or not any("nested" in fault.message for fault in document.faults) or b"[DEFAULT]" not in data:
        assert ours == theirs
    return ours is None


class Reading:
    """What botocore makes of two files."""

    def __init__(self, config: Bytes, credentials: Bytes, folder: Path) -> None:
        self._paths = folder / "config", folder / "credentials"
        for path, data in zip(self._paths, (config, credentials), strict=True):
            path.write_bytes(data or b"")
        self._config = configloader.load_config(str(self._paths[0]))
        self._credentials = configloader.raw_config_parse(str(self._paths[1]))

    def settings(self, change: Change) -> t.Optional[t.Dict[str, t.Any]]:
        """As Session.full_config merges them; None where there is no such section."""
        found = [self._config[PLACES[change.section_type]].get(change.name)]
        found += [self._credentials.get(change.name)] if change.section_type == "profile" else []
        if found == [None] * len(found):
            return None
        return {name: value for settings in found for name, value in (settings or {}).items()}

    def pair(self, change: Change) -> Keys:
        if change.section_type != "profile":
            return None
        credentials = SharedCredentialProvider(str(self._paths[1]), change.name)
        try:
            found = credentials.load() or ConfigProvider(str(self._paths[0]), change.name).load()
        except PartialCredentialsError:
            return None
        keys = found and (found.access_key, found.secret_key, found.token)
        return None if keys and any(isinstance(key, dict) for key in keys) else keys

    def others(self, change: Change) -> t.Dict[str, t.Any]:
        """Everything but what the change is about."""
        place = PLACES[change.section_type]
        config = {**self._config, place: {**self._config[place]}}
        config[place].pop(change.name, None)
        credentials = dict(self._credentials)
        if change.section_type == "profile":
            credentials.pop(change.name, None)
        return {"config": config, "credentials": credentials}


def keeps_its_promises(change: Change, config: Bytes, credentials: Bytes, folder: Path) -> str:
    """Says what came of the change."""
    try:
        old: t.Optional[Reading] = Reading(config, credentials, folder)
    except ConfigParseError:
        old = None
    made = _plan(change, config, credentials)
    if isinstance(made, InvalidInput):
        return "refused input"
    if isinstance(made, FileFault):
        in_the_way = ("[DEFAULT]", "indentation", "characters", "nested")
        assert old is None or any(word in made.message for word in in_the_way), made.message
        return "refused file" if old is None else "refused change"

    after = [was if now is None else now for was, now in ((config, made.config), (credentials, made.credentials))]
    new = Reading(*after, folder)
    _resolves_as_asked(change, old, new)
    pair = new.pair(change)
    assert change.section_type != "profile" or pair == (
        made.pair and (made.pair.access_key_id, made.pair.secret_access_key, made.pair.session_token)
    )
    if change.state == "present" and change.asks_for_pair:
        _has_the_pair_asked(change, old and old.pair(change), pair)
    if old:
        assert made.created == (change.state == "present" and old.settings(change) is None)
        assert new.others(change) == old.others(change)
        _touches_only_its_own(change, config, made.config)
        _touches_only_its_own(change, credentials, made.credentials)
    again = plan(change, _files(*after))
    assert not again.changed, "the second run changes something"
    assert again.keys_changed == again.keys_removed == ()
    if made.created and old:
        gone = plan(Change(change.name, change.section_type, state="absent"), _files(*after))
        for was, written, left in (
            (config, made.config, gone.config),
            (credentials, made.credentials, gone.credentials),
        ):
            assert left == (None if written is None else was or b""), "absent does not take back what present made"
    return ("mended" if old is None else "changed") if made.changed else "unchanged"


def _plan(change: Change, config: Bytes, credentials: Bytes) -> t.Union[Plan, InvalidInput, FileFault]:
    """What came of it; in any case no secret is shown."""
    try:
        made: t.Union[Plan, InvalidInput, FileFault] = plan(change, _files(config, credentials))
    except (InvalidInput, FileFault) as error:
        made = error
    assert "hidden" not in repr(made)
    assert not isinstance(made, FileFault) or made.facts["line"] > 0
    return made


def _files(config: Bytes, credentials: Bytes) -> Files:
    return Files(config, credentials, "/home/a/.aws/config", "/home/a/.aws/credentials")


def _asked(change: Change) -> t.Dict[str, t.Any]:
    options = {name: value for name, value in (("region", change.region), ("output", change.output)) if value}
    return {**options, **{name.lower(): value for name, value in change.config.items()}}


def _resolves_as_asked(change: Change, old: t.Optional[Reading], new: Reading) -> None:
    settings = new.settings(change)
    if change.state == "absent":
        assert settings is None
        return
    assert settings is not None
    for name, value in _asked(change).items():
        found = settings.get(name)
        if isinstance(value, dict):
            found = {entry: found.get(entry) if isinstance(found, dict) else None for entry in value}
        assert found == value
    if old and not change.exclusive:
        free = {*_asked(change), *change.credentials_absent, *(PAIR if change.asks_for_pair else ())}
        for name, value in (old.settings(change) or {}).items():
            assert name in free or settings.get(name) == value, "a setting that was not asked about changed"


def _has_the_pair_asked(change: Change, old: Keys, new: Keys) -> None:
    assert new is not None
    assert change.access_key_id in (None, new[0])
    if change.update_secret == "on_create" and old and old[0] == new[0]:
        assert new[1] == old[1]
    else:
        assert change.secret_access_key in (None, new[1])
        assert change.session_token in (None, new[2])
    if not change.session_token and not new[0].startswith("ASIA"):
        assert new[2] is None, "a stale token stays"


def _touches_only_its_own(change: Change, was: Bytes, now: Bytes) -> None:
    """Lines that go are the section's own, and belong to something asked about; all others stand, in order."""
    if now is None or was is None:
        return
    asked = {*_asked(change), *change.credentials_absent, *PAIR}
    kept = []
    for section in _ini.parse(was).sections:
        mine = named(section.name) == (change.section_type, change.name) or section.name == change.name
        about = False
        for at, line in enumerate(section.lines):
            if line.kind == _ini.SETTING:
                about = change.exclusive or line.name in asked
            if change.state == "absent":
                may_go = at < section.tail()
            else:
                may_go = about and line.kind in (_ini.SETTING, _ini.CONTINUATION)
            if not (mine and may_go):
                kept.append(line.text)
    left = [line.text for section in _ini.parse(now).sections for line in section.lines]
    if not was.endswith((b"\n", b"\r")):  # then the last line has no newline either, whichever it is
        kept, left = [[line.rstrip("\r\n") for line in lines] for lines in (kept, left)]
    standing = iter(left)
    assert all(line in standing for line in kept), "a line that was not asked about did not survive"
