# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edits that every tool is asked for. What they mean is told once, here; how a tool is asked is in `tools.py`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
SECRETS = CREDENTIALS[1:]
FILES = ("config", "credentials")

_PLACEHOLDER = re.compile(r"@[a-z0-9-]+@")


@dataclass(frozen=True)
class Change:
    """One setting of one profile: its new value, or None to unset it. `s3.x` is the entry x of the nested block s3."""

    profile: str
    key: str
    value: str | None

    @property
    def file(self) -> str:
        return "credentials" if self.key in CREDENTIALS else "config"


@dataclass(frozen=True)
class Line:
    content: bytes
    asked: bool
    """Whether the task is about this line, so that it may change."""


@dataclass(frozen=True)
class Edit:
    """A task. In its files, a line after `>` is one that the task is about, and `@name@` is a secret to be drawn."""

    name: str
    about: str
    changes: tuple[Change, ...]
    config: str | None = None
    credentials: str | None = None
    encoding: str = "utf-8"
    linked: bool = False
    """The credentials file is a symbolic link."""
    mode: int = 0o600
    broken: bool = False
    """botocore cannot read the files, so that a tool does right to refuse them."""
    at_once: bool = False
    """Each profile is written by a process of its own, all of them started together."""
    disk_full: bool = False
    """No file can grow beyond DISK_FULL bytes while the tool runs, and that is too little."""
    values: Mapping[str, str] = field(default_factory=dict)
    """The secrets by their placeholders, once drawn."""

    def drawn(self) -> Edit:
        """The task with secrets of its own, so that whatever shows one tells whose it is."""
        texts = [self.config or "", self.credentials or "", *(change.value or "" for change in self.changes)]
        names = sorted({name for text in texts for name in _PLACEHOLDER.findall(text)})
        values = {name: secrets.token_hex(20) for name in names}

        def fill(text: str | None) -> str | None:
            return text and _PLACEHOLDER.sub(lambda match: values[match[0]], text)

        changes = tuple(replace(change, value=fill(change.value)) for change in self.changes)
        return replace(
            self, config=fill(self.config), credentials=fill(self.credentials), changes=changes, values=values
        )

    def lines(self, file: str) -> list[Line]:
        text = self.config if file == "config" else self.credentials
        return [
            Line(line.removeprefix(">").encode(self.encoding), line.startswith(">"))
            for line in re.findall(r"[^\n]*\n|[^\n]+", text or "")
        ]

    @cached_property
    def before(self) -> dict[str, bytes]:
        """The files that exist beforehand, by name."""
        texts = {"config": self.config, "credentials": self.credentials}
        return {file: b"".join(line.content for line in self.lines(file)) for file in FILES if texts[file] is not None}

    @property
    def profiles(self) -> list[str]:
        return list(dict.fromkeys(change.profile for change in self.changes))


DISK_FULL = 600_000


def _key(profile: str, name: str = "new") -> tuple[Change, ...]:
    return (
        Change(profile, "aws_access_key_id", f"AKIA{name.upper():0>16}"),
        Change(profile, "aws_secret_access_key", f"@{name}@"),
    )


def _pair(name: str, mark: str = "") -> str:
    return f"{mark}aws_access_key_id = AKIA{name.upper():0>16}\n{mark}aws_secret_access_key = @{name}@\n"


def _neighbours(count: int) -> Iterable[str]:
    return (f"[neighbour-{number}]\n{_pair(f'n{number}')}\n" for number in range(count))


# What any of the tools can do: if one fails here, it is the measuring that is wrong.
CONTROL = Edit(
    "Control",
    "",
    (Change("ci", "region", "eu-central-1"),),
    config="[profile ci]\n>region = us-east-1\noutput = json\n",
)

EDITS = (
    Edit(
        "A profile in an empty home",
        "Key, region and output where there is no `~/.aws` yet. The credentials end readable by their owner alone.",
        (*_key("ci"), Change("ci", "region", "eu-central-1"), Change("ci", "output", "json")),
    ),
    Edit(
        "A setting in a commented file",
        "`region` changes; comments, among them a commented-out `region` above it, are somebody's notes.",
        (Change("ci", "region", "eu-central-1"),),
        config="# Kept by hand. Ask before you change it.\n\n[default]\noutput = json\n\n"
        "# for the nightly build\n[profile ci]\n#region = us-west-2\n; moved in May\n>region=us-east-1\n"
        "output  =  table\n\n# for people\n[profile people]\nregion = us-east-2\n",
    ),
    Edit(
        "A key beside another's",
        "The key of one profile changes; the next profile's stays, and nobody sees it.",
        _key("ci"),
        credentials=f"[ci]\n{_pair('old', '>')}\n# nobody's business\n[people]\n{_pair('neighbour')}",
    ),
    Edit(
        "A name with a blank",
        'The profile is `[profile "a b"]`; `a` and `b` are others.',
        (Change("a b", "region", "eu-central-1"),),
        config='[profile a]\nregion = us-east-1\n\n[profile "a b"]\n>region = us-east-1\n\n[profile b]\n'
        "region = us-east-1\n",
    ),
    Edit(
        "`[profile default]` after `[default]`",
        "botocore takes the latter of the two sections.",
        (Change("default", "region", "eu-central-1"),),
        config="[default]\nregion = us-east-1\noutput = json\n\n"
        "[profile default]\n>region = us-east-2\noutput = text\n",
    ),
    Edit(
        "An indented, wide header",
        "`  [profile   ci]  # build` is the profile `ci`.",
        (Change("ci", "region", "eu-central-1"),),
        config="  [profile   ci]  # build\n>region = us-east-1\noutput = json\n\n"
        "[profile people]\nregion = us-east-1\n",
    ),
    Edit(
        "An entry into a nested block",
        "`s3.max_concurrent_requests` in a block `s3 =` that has other entries, with a setting after the block.",
        (Change("ci", "s3.max_concurrent_requests", "20"),),
        config="[profile ci]\n>s3 =\n    addressing_style = path\n    max_queue_size = 500\noutput = json\n",
    ),
    Edit(
        "An entry into a block with a comment",
        "The same, with a comment as the first line in the block.",
        (Change("ci", "s3.max_concurrent_requests", "20"),),
        config="[profile ci]\n>s3 =\n    # for the small link\n    addressing_style = path\noutput = json\n",
    ),
    Edit(
        "An entry out of a nested block",
        "`s3.max_queue_size` goes; a setting of that name outside of the block stays.",
        (Change("ci", "s3.max_queue_size", None),),
        config="[profile ci]\ns3 =\n    addressing_style = path\n>    max_queue_size = 500\n"
        "    max_concurrent_requests = 20\nmax_queue_size = 7\noutput = json\n",
    ),
    Edit(
        "A setting unset",
        "`output` goes, so that the AWS CLI's default is used again.",
        (Change("ci", "output", None),),
        config="[profile ci]\nregion = us-east-1\n>output = text\n\n[profile people]\noutput = text\n",
    ),
    Edit(
        "A setting that is shadowed",
        "`region` also stands in the credentials file, where it wins over the config file.",
        (Change("ci", "region", "eu-central-1"),),
        config="[profile ci]\n>region = us-east-1\noutput = json\n",
        credentials=f"[ci]\n{_pair('old')}>region = us-east-1\n",
    ),
    Edit(
        "A long-term key over a temporary one",
        "Id and secret are given. With the old session token beside them, AWS refuses the new key.",
        _key("ci"),
        credentials=f"[ci]\n{_pair('old', '>')}>aws_session_token = @token@\n\n[people]\n{_pair('neighbour')}",
    ),
    Edit(
        "A key in capitals",
        "`Region` is `region` to botocore, and two of them make the file unreadable.",
        (Change("ci", "region", "eu-central-1"),),
        config="[profile ci]\n>Region = us-east-1\nOutput = json\n",
    ),
    Edit(
        "CRLF",
        "`region` changes in a file with Windows line endings.",
        (Change("ci", "region", "eu-central-1"),),
        config="# from a laptop\r\n[profile ci]\r\n>region = us-east-1\r\noutput = json\r\n\r\n[profile people]\r\n"
        "region = us-east-1\r\n",
    ),
    Edit(
        "No newline at the end",
        "`region` changes in the first profile; the last line ends without a newline.",
        (Change("ci", "region", "eu-central-1"),),
        config="[profile ci]\n>region = us-east-1\n\n[profile people]\nregion = us-east-1",
    ),
    Edit(
        "A comment like a header",
        "`#[profile ci]` with its settings is commented out above the real one.",
        (Change("ci", "region", "eu-central-1"),),
        config="[profile people]\nregion = us-east-1\n#[profile ci]\n#region = us-west-1\noutput = text\n\n"
        "[profile ci]\n>region = us-east-1\n# [profile next]\noutput = json\n",
    ),
    Edit(
        "A value like a header",
        "An indented line `[profile ci]` continues the value above it.",
        (Change("ci", "region", "eu-central-1"),),
        config="[profile people]\nnote = see also\n    [profile ci]\n    region = us-west-1\noutput = text\n\n"
        "[profile ci]\n>region = us-east-1\noutput = json\n",
    ),
    Edit(
        "Bytes that are not UTF-8",
        "A comment is written in Latin-1. The AWS CLI reads it where the locale is Latin-1; these tools run in UTF-8.",
        (Change("ci", "region", "eu-central-1"),),
        config="# für die Nacht\n[profile ci]\n>region = us-east-1\noutput = json\n",
        encoding="latin-1",
        broken=True,
    ),
    Edit(
        "A section that is there twice",
        "botocore and the AWS CLI refuse such a file whole.",
        (Change("ci", "region", "eu-central-1"),),
        config="[profile ci]\n>region = us-east-1\n\n[profile ci]\n>region = us-west-1\n",
        broken=True,
    ),
    Edit(
        "A byte order mark",
        "botocore and the AWS CLI refuse such a file whole. Without the mark they could read it.",
        (Change("ci", "region", "eu-central-1"),),
        config=">\ufeff[profile ci]\n>region = us-east-1\noutput = json\n",
        broken=True,
    ),
    Edit(
        "A symbolic link",
        "`~/.aws/credentials` leads to another folder. The link stays, and what it leads to is edited.",
        _key("ci"),
        credentials=f"[ci]\n{_pair('old', '>')}\n[people]\n{_pair('neighbour')}",
        linked=True,
    ),
    Edit(
        "Credentials that all can read",
        "A new secret goes into a credentials file with mode 0644; it must not stay readable to all.",
        _key("ci"),
        credentials=f"[ci]\n{_pair('old', '>')}\n[people]\n{_pair('neighbour')}",
        mode=0o644,
    ),
    Edit(
        "Eight writers at once",
        "Eight processes each add a profile of their own to one credentials file of 1,000 profiles.",
        tuple(change for number in range(8) for change in _key(f"w{number}", f"w{number}")),
        credentials="".join(_neighbours(1000)),
        at_once=True,
    ),
    Edit(
        "A full disk",
        "Writing fails half-way through a credentials file of 8,000 profiles. The file stays whole; the tool fails.",
        _key("neighbour-4000"),
        credentials="".join(_neighbours(8000)),
        disk_full=True,
    ),
)
