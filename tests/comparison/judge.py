# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the files: judged by botocore's own reading, and line by line."""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.session import Session

from .tasks import FILES, SECRETS, Edit, Line

Profiles = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Home:
    """A folder with the two files of a task."""

    folder: Path

    def path(self, file: str) -> Path:
        return self.folder / ".aws" / file

    def lay(self, edit: Edit) -> None:
        for file, content in edit.before.items():
            path = self.path(file)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if edit.linked and file == "credentials":
                target = self.folder / "dotfiles" / file
                target.parent.mkdir()
                path.symlink_to(target)
                path = target
            path.write_bytes(content)
            path.chmod(edit.mode if file == "credentials" else 0o600)

    def content(self) -> dict[str, bytes]:
        return {file: self.path(file).read_bytes() for file in FILES if self.path(file).exists()}


def resolve(files: Mapping[str, bytes], encoding: str) -> Profiles | None:
    """All profiles as botocore merges them from both files; None where it cannot read one.

    A file in another encoding than UTF-8 is given to botocore as it would see it in a locale of that encoding.
    """
    with TemporaryDirectory() as folder:
        for file in FILES:
            text = files.get(file, b"").decode(encoding, "surrogateescape")
            Path(folder, file).write_bytes(text.encode("utf-8", "surrogateescape"))
        session = Session()
        session.set_config_variable("config_file", str(Path(folder, "config")))
        session.set_config_variable("credentials_file", str(Path(folder, "credentials")))
        try:
            profiles: Profiles = session.full_config["profiles"]
        except BotoCoreError:
            return None
        return profiles


def wanted(before: Profiles, edit: Edit) -> Profiles:
    """The profiles as they ought to be: what was asked, and of the rest what was there."""
    profiles: dict[str, dict[str, Any]] = {name: dict(settings) for name, settings in before.items()}
    for change in edit.changes:
        block, _dot, entry = change.key.rpartition(".")
        settings = profiles.setdefault(change.profile, {})
        if block:
            settings[block] = settings = dict(settings.get(block, {}))
        if change.value is None:
            settings.pop(entry, None)
        else:
            settings[entry] = change.value
        if change.key == "aws_secret_access_key":
            # All keys here are long-term ones.
            settings.pop("aws_session_token", None)
    return profiles


def harmed(before: Sequence[Line], after: bytes) -> int:
    """The bytes of the lines that were not asked about and are not there any more, byte for byte and in order."""
    old, new = [line.content for line in before], re.findall(rb"[^\n]*\n|[^\n]+", after)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    matcher = difflib.SequenceMatcher(None, old[start:], new[start:], autojunk=False)
    kept = {start + block.a + offset for block in matcher.get_matching_blocks() for offset in range(block.size)}
    gone = (line for place, line in enumerate(before) if place >= start and place not in kept)
    return sum(len(line.content) for line in gone if not line.asked)


@dataclass(frozen=True)
class Verdict:
    status: str
    """right, wrong, refused or cannot"""
    reason: str = ""
    harmed: int = 0


def judge(edit: Edit, home: Home, succeeded: bool) -> Verdict:
    """How the task ended. A refusal is one only if it left every byte as it was."""
    after = home.content()
    lost = sum(harmed(edit.lines(file), after.get(file, b"")) for file in edit.before)
    if not succeeded and after == edit.before:
        return Verdict("right", "refused") if edit.broken or edit.disk_full else Verdict("refused")
    if edit.disk_full:
        return Verdict("wrong", "says it is done" if succeeded else "the file is broken", lost)
    said = "says it is done, but " if succeeded else "fails, and "
    fault = _resolution_fault(edit, after) or _file_fault(edit, home)
    if not fault and lost:
        fault = "lines that the task is not about are changed"
    if fault and edit.at_once:
        fault = "not all that was written is there"  # what is lost is another thing in each run
    if fault:
        return Verdict("wrong", said + fault, lost)
    return Verdict("right", "" if succeeded else "though it says it failed", lost)


def _resolution_fault(edit: Edit, after: Mapping[str, bytes]) -> str:
    before = resolve(edit.before, edit.encoding)
    now = resolve(after, edit.encoding)
    if now is None:
        return "botocore cannot read the file"
    if before is None:
        # Only the byte order mark, or what stands twice, keeps it from being read: the asked settings are what counts.
        before = {name: now.get(name, {}) for name in now}
    want = wanted(before, edit)
    for name in want.keys() | now.keys():
        have, wish = now.get(name, {}), want.get(name, {})
        for key in sorted(have.keys() | wish.keys()):
            if have.get(key) != wish.get(key):
                return f"`{key}` of `{name}` is {_shown(key, have.get(key))}"
    return ""


def _shown(key: str, value: Any) -> str:
    if value is None:
        return "not there"
    return "not what was asked" if key in SECRETS or isinstance(value, dict) else f"`{value}`"


def _file_fault(edit: Edit, home: Home) -> str:
    credentials = home.path("credentials")
    if edit.linked and not credentials.is_symlink():
        return "the link is gone"
    if any(change.file == "credentials" for change in edit.changes):
        mode = stat.S_IMODE(credentials.stat().st_mode)
        if mode & 0o077:
            return f"the file has the mode {mode:04o}"
    return ""
