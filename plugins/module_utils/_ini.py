# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of one AWS file: read as the AWS CLI reads it, edited without losing a byte.

The grammar is ``configparser.RawConfigParser``'s (of Python 3.10 and newer, which every AWS CLI v2 of today has), and
botocore's ``configloader`` for what is nested in a value. It is modelled line by line, since only so do the lines that
nobody asked about stay as they are. What bites: names of settings are the same in any case; a section or a setting that
stands twice makes the whole file unreadable; a line that is indented deeper than the setting above continues its value,
also when it looks like a setting or a header; and ``#`` begins a comment only at the beginning of a line.
"""

from __future__ import annotations

import io
import re
import typing as t
from dataclasses import dataclass, field

BLANK, COMMENT, HEADER, SETTING, CONTINUATION, FAULT = "blank", "comment", "header", "setting", "continuation", "fault"

LEAKING = "DEFAULT"
"""The section whose settings configparser gives to every other section of the file, and which is none itself."""

Value = t.Union[str, t.Dict[str, str]]

_DELIMITER = re.compile("[=:]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # how surrogateescape decodes what is not UTF-8


class Fault(t.NamedTuple):
    """Why the AWS CLI refuses the file. ``line`` counts from 1. No line is quoted: it may hold a secret."""

    line: int
    message: str


class Line(t.NamedTuple):
    """One line. ``text`` has its terminator.

    ``name`` is a header's section or a setting's name in lower case; ``value`` what stands here of a setting's value.
    """

    text: str
    kind: str
    name: str = ""
    value: str = ""

    @property
    def indent(self) -> str:
        return self.text[: len(self.text) - len(self.text.lstrip())]

    @property
    def terminator(self) -> str:
        return self.text[len(self.text.rstrip("\r\n")) :]

    @property
    def entry(self) -> str:
        """The name of the nested entry that a continuation is; none where it is several, as botocore splits lines."""
        return self.value.partition("=")[0].rstrip() if len(self.value.splitlines()) == 1 else ""

    def revalued(self, value: str) -> Line:
        """This line with another value; its name, spacing and terminator stay."""
        name, delimiter, rest = re.split("([=:])" if self.kind == SETTING else "(=)", self.text, maxsplit=1)
        old = rest.strip()
        if value and old:
            start = rest.index(old)
            text = name + delimiter + rest[:start] + value + rest[start + len(old) :]
        else:
            gap = " " if value and name[-1].isspace() else ""
            text = name + delimiter + gap + value + self.terminator
        return Line(text, self.kind, self.name, value if self.kind == SETTING else text.strip())


@dataclass
class Section:
    """A header and the lines up to the next one. The first section of a document has no header and no name.

    ``number`` is its header's line in the file as it was read, from 1. ``floor`` is the indentation of the next header.
    """

    name: str
    number: int
    lines: t.List[Line] = field(default_factory=list, repr=False)
    floor: str = ""

    def values(self) -> t.Dict[str, Value]:
        """The section's own settings as botocore has them: a value that begins below its name is a nested block."""
        parts: t.Dict[str, t.List[str]] = {}
        last: t.List[str] = []
        for line in self.lines:
            if line.kind == SETTING:
                last = parts[line.name] = [line.value]
            elif line.kind == CONTINUATION:
                last.append(line.value)
            elif line.kind == BLANK:
                last.append("")
        return {name: _value("\n".join(part).rstrip()) for name, part in parts.items()}

    def set(self, name: str, value: str, below: str = "") -> None:
        """Set a setting. If it is new, it goes below the setting ``below``, or else below the last one."""
        spans = self._spans(name)
        if not spans:
            self._insert(name, value, below)
        elif len(spans) > 1 or self.values()[name] != value:
            for start, stop in reversed(spans[1:]):
                self._drop(start, stop)
            start, stop = spans[0]
            self._drop(start + 1, stop)
            self.lines[start] = self.lines[start].revalued(value)

    def unset(self, name: str) -> None:
        for start, stop in reversed(self._spans(name)):
            self._drop(start, stop)

    def set_entry(self, name: str, entry: str, value: str) -> None:
        """Set one entry of the block ``name``; a setting of that name which is no block becomes one."""
        block = self.values().get(name)
        if not isinstance(block, dict):
            self.set(name, "")
        elif block.get(entry) == value:
            return
        start, stop = self._spans(name)[-1]
        there = self._entries(start, stop, entry)
        if there:
            self.lines[there[-1]] = self.lines[there[-1]].revalued(value)
            return
        last = self.lines[stop - 1]
        text = "{0} = {1}".format(entry, value).rstrip()
        indent = last.indent if last.kind == CONTINUATION else last.indent + "    "
        self.lines.insert(stop, Line(indent + text + last.terminator, CONTINUATION, "", text))

    def unset_entry(self, name: str, entry: str) -> None:
        """Remove one entry of the block ``name``, and with the last one the block."""
        for start, stop in self._spans(name)[-1:]:
            for at in reversed(self._entries(start, stop, entry)):
                del self.lines[at]
                if self.values()[name] == "":
                    self.unset(name)

    def line_of(self, name: str) -> int:
        """The line of a setting, from 1, in a section that was not edited."""
        return self.number + [line.name if line.kind == SETTING else "" for line in self.lines].index(name)

    def tail(self) -> int:
        """Where the comments and blank lines begin that may belong to the next section."""
        return 1 + max((at for at, line in enumerate(self.lines) if line.kind not in (BLANK, COMMENT)), default=-1)

    def _spans(self, name: str) -> t.List[t.Tuple[int, int]]:
        """Where the settings of that name begin and end: several make the file unreadable, but can be mended."""
        spans: t.List[t.Tuple[int, int]] = []
        inside = False
        for at, line in enumerate(self.lines):
            if line.kind == SETTING:
                inside = line.name == name
                if inside:
                    spans.append((at, at + 1))
            elif line.kind == CONTINUATION and inside:
                spans[-1] = (spans[-1][0], at + 1)
        return spans

    def _entries(self, start: int, stop: int, entry: str) -> t.List[int]:
        return [
            at for at in range(start, stop) if self.lines[at].kind == CONTINUATION and self.lines[at].entry == entry
        ]

    def _drop(self, start: int, stop: int) -> None:
        """Drop the lines of a value, but not the comments and blank lines between them."""
        self.lines[start:stop] = [line for line in self.lines[start:stop] if line.kind in (BLANK, COMMENT)]

    def _insert(self, name: str, value: str, below: str) -> None:
        # The new line must neither continue the setting above it nor be continued by what follows. What follows a
        # setting is never indented deeper than that; but what follows a header may be.
        at = max((stop for _start, stop in self._spans(below)), default=self.tail())
        above = next((line for line in reversed(self.lines[:at]) if line.kind == SETTING), None)
        indent = above.indent if above else max(self.lines[0].indent, self.floor, key=len)
        text = "{0}{1} = {2}".format(indent, name, value).rstrip() + self.lines[at - 1].terminator
        self.lines.insert(at, Line(text, SETTING, name, value))


@dataclass
class Document:
    """A whole file. ``faults`` are those of the text that was read, whatever was edited since."""

    sections: t.List[Section]
    faults: t.List[Fault]
    final_newline: bool

    def not_utf8(self) -> int:
        """The first line, from 1, that is not UTF-8 and that the AWS CLI refuses where the locale says UTF-8; or 0."""
        text = self._text()
        found = _NOT_UTF8.search(text)
        return len(_split(text[: found.end()])) if found else 0

    def leaking(self) -> t.Dict[str, Value]:
        """What ``[DEFAULT]`` gives to every section."""
        values: t.Dict[str, Value] = {}
        for section in self.sections:
            if section.name == LEAKING:
                values.update(section.values())
        return values

    def add(self, name: str) -> Section:
        section = Section(name, 0, [Line("[{0}]{1}".format(name, self._last().terminator), HEADER, name)])
        self.sections.append(section)
        return section

    def remove(self, section: Section) -> None:
        """Remove a section up to its last setting; comments and blank lines below that may belong to the next one."""
        at = next(at for at, other in enumerate(self.sections) if other is section)
        above = self.sections[at - 1]
        above.lines += section.lines[section.tail() :]
        above.floor = section.floor
        del self.sections[at]

    def render(self) -> bytes:
        """The bytes. A file that ended without a newline does so again."""
        text = self._text()
        last = self._last()
        if not self.final_newline and last.text != last.terminator:
            text = text[: -len(last.terminator)]
        return text.encode("utf-8", "surrogateescape")

    def misread(self) -> t.Optional[Fault]:
        """Why the AWS CLI would not read the edited text as it is meant here; None where it would."""
        again = _parse(self._text())
        for at, (section, other) in enumerate(zip(self.sections, again.sections)):
            if section.lines != other.lines:
                return Fault(
                    self.sections[min(at + 1, len(self.sections) - 1)].number,
                    "after this change the indentation of this line would make it part of the setting above",
                )
        return (self.faults or again.faults)[-len(again.faults) :][0] if again.faults else None

    def _last(self) -> Line:
        return next((section.lines[-1] for section in reversed(self.sections) if section.lines), Line("\n", BLANK))

    def _text(self) -> str:
        return "".join(line.text for section in self.sections for line in section.lines)


def parse(data: bytes) -> Document:
    """Read a file. What the AWS CLI would refuse is in ``faults``; the rest is read as if it were not there."""
    return _parse(data.decode("utf-8", "surrogateescape"))


def _parse(text: str) -> Document:
    lines = _split(text)
    final_newline = not lines or lines[-1].endswith(("\n", "\r"))
    if not final_newline:
        lines[-1] += Line(lines[-2], BLANK).terminator if len(lines) > 1 else "\n"

    section = Section("", 0)
    document = Document([section], [], final_newline)
    headers: t.Dict[str, int] = {}
    leaking: t.Dict[str, int] = {}
    names = leaking
    level, setting, nested = 0, False, False

    def fault(message: str, *parts: t.Any) -> None:
        document.faults.append(Fault(number, message.format(*parts)))

    for number, line in enumerate(lines, 1):
        clean = line.strip()
        if not clean:
            section.lines.append(Line(line, BLANK))
            continue
        if clean[0] in "#;":
            section.lines.append(Line(line, COMMENT))
            continue
        indent = line.index(clean[0])
        if setting and indent > level:
            section.lines.append(Line(line, CONTINUATION, "", clean))
            if nested and any("=" not in piece for piece in clean.splitlines() if piece.strip()):
                fault("an entry of a nested block without =")
            continue
        level = indent
        end = clean.rfind("]") if clean[0] == "[" else -1
        if end > 1:
            name = clean[1:end]
            section.floor = line[:indent]
            section = Section(name, number, [Line(line, HEADER, name)])
            document.sections.append(section)
            names = leaking if name == LEAKING else {}
            if name in headers:
                fault("section [{0}] again, after line {1}", name, headers[name])
            elif name != LEAKING:
                headers[name] = number
            setting = False
            continue
        delimiter = _DELIMITER.search(clean)
        if len(document.sections) > 1 and delimiter and delimiter.start():
            name = clean[: delimiter.start()].rstrip().lower()
            value = clean[delimiter.end() :].lstrip()
            section.lines.append(Line(line, SETTING, name, value))
            if name in names:
                fault("setting {0} again, after line {1}", name, names[name])
            names[name] = number
            setting, nested = True, not value
            continue
        section.lines.append(Line(line, FAULT))
        if len(document.sections) > 1:
            fault("a value without a name" if delimiter else "neither a setting (name = value) nor a [section]")
        elif not document.faults:
            fault(
                "a byte order mark: save the file without it" if clean[0] == "\ufeff" else "a line before any [section]"
            )
    return document


def _split(text: str) -> t.List[str]:
    """The lines as configparser reads them: ended by \\n, \\r\\n or \\r, and nothing else."""
    return list(io.StringIO(text, newline=""))


def _value(text: str) -> Value:
    if not text.startswith("\n"):
        return text
    pairs = (line.partition("=") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _equals, value in pairs}
