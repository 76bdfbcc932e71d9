# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of an AWS file is read as botocore reads it, and edited without harm to any other line."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from ansible_collections.rekey.aws.plugins.module_utils import _ini
from ansible_collections.rekey.aws.tests.fuzz import aws_files, properties

READABLE = {
    "spacing": "[a]\nx=1\ny = 2\nz\t=  3  \n",
    "colon": "[a]\nx: 1\ny:2=3\n",
    "case of names": "[a]\nRegion = x\n[b]\nREGION = y\n",
    "empty values": "[a]\nx =\ny =   \nz=\n",
    "hash and semicolon in a value": "[a]\nx = 1 # no comment\ny = 2 ; none either\n",
    "comments": "# x = 1\n; [b]\n  # indented\n[a]\n#x = 2\ny = 3\n",
    "continuation": "[a]\nx = 1\n  2\n\n  3\ny = 4\n",
    "header inside a continuation": "[a]\nx = 1\n  [b]\n  y = 2\n[c]\n",
    "header after a header may be indented": "[a]\n  [b]\n  x = 1\n  [c]\n    y = 2\n",
    "trailing comment on a header": "[a] # comment\nx = 1\n[b];c\n",
    "bracket in a trailing comment belongs to the name": "[a] # see [docs]\nx = 1\n",
    "blanks in a name": "[ a ]\nx = 1\n[  profile   b ]\n",
    "nested": "[a]\ns3 =\n  x = 1\n\n  # why\n  y=2\nz = 3\n",
    "nested colon is no delimiter": "[a]\ns3 =\n  x:1 = 2\n",
    "nested names keep their case": "[a]\ns3 =\n  X = 1\n  x = 2\n  x = 3\n",
    "nested, deeper": "[a]\ns3 =\n  x =\n    y = 1\n",
    "nested, split where only Python splits": "[a]\ns3 =\n  x = 1\x0by = 2\u2028z = 3\n",
    "DEFAULT leaks": "[DEFAULT]\nx = 1\n[a]\ny = 2\n[DEFAULT]\nz = 3\n[b]\nx = 4\n",
    "windows": "[a]\r\nx = 1\r\n\r\n  2\r\n[b]\r\n",
    "old mac": "[a]\rx = 1\r[b]\ry = 2",
    "mixed endings": "[a]\nx = 1\r\n  2\ry = 3\n",
    "no final newline": "[a]\nx = 1",
    "unusual blanks": "[a]\n\xa0\u3000x\x85=\x1c1\x0c\n",
    "nothing": "",
    "only comments": "# a\n\n; b",
}


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE)
def test_reads_what_botocore_reads(text, tmp_path):
    assert not properties.reads_as_botocore_does(text.encode(), tmp_path)


UNREADABLE = {
    "byte order mark": ("\ufeff[a]\nx = 1\n", 1, "byte order mark"),
    "byte order mark before a comment": ("\ufeff# a\n[a]\n", 1, "byte order mark"),
    "setting before any section": ("# a\n\nx = 1\n[a]\n", 3, "before any"),
    "no delimiter": ("[a]\nx = 1\nsesame\n", 3, "neither"),
    "no name": ("[a]\n= 1\n", 2, "without a name"),
    "empty header": ("[a]\n[]\n", 2, "neither"),
    "unclosed header": ("[a]\n[b\n", 2, "neither"),
    "section twice": ("[a]\n[b]\n[a]\n", 3, "[a] again, after line 1"),
    "setting twice": ("[a]\nx = 1\nx = 1\n", 3, "x again, after line 2"),
    "setting twice in other case": ("[a]\nregion = 1\n\nREGION : 2\n", 4, "region again, after line 2"),
    "setting twice in two DEFAULT": ("[DEFAULT]\nx = 1\n[a]\n[DEFAULT]\nX = 2\n", 5, "x again, after line 2"),
    "nested without =": ("[a]\ns3 =\n  x = 1\n  sesame\n", 4, "without ="),
    "nested, split where only Python splits": ("[a]\ns3 =\n  x = 1\u2028sesame\n", 3, "without ="),
}


@pytest.mark.parametrize(("text", "line", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_tells_the_line_that_botocore_refuses_and_never_quotes_it(text, line, message, tmp_path):
    assert properties.reads_as_botocore_does(text.encode(), tmp_path)
    (fault,) = _ini.parse(text.encode()).faults
    assert fault.line == line
    assert message in fault.message
    assert "sesame" not in fault.message


@pytest.mark.parametrize("data", [b"[a]\nx = \xff\xfe\n# \xe9\n", b"\x00\n", b"\xff", b"[\xe4]\n", bytes(range(256))])
def test_bytes_that_are_no_text_survive(data):
    assert _ini.parse(data).render() == data


def test_finds_the_first_line_that_is_not_utf8():
    assert _ini.parse("[a]\n# é\nx = 1\n".encode()).not_utf8() == 0
    assert _ini.parse(b"[a]\r\n\r\nx = \xe9\ny = \xe9\n").not_utf8() == 3


EDITS = {
    "value": ("[a]\nx = 1\ny = 2\n", lambda a: a.set("x", "3"), "[a]\nx = 3\ny = 2\n"),
    "value, its line's own style": ("[a]\n  X:1  \r\n", lambda a: a.set("x", "3"), "[a]\n  X:3  \r\n"),
    "value that occurs in the name": ("[a]\nx1 = 1\n", lambda a: a.set("x1", "2"), "[a]\nx1 = 2\n"),
    "the same value": ("[a]\nx=1\n  2\n", lambda a: a.set("x", "1\n2"), "[a]\nx=1\n  2\n"),
    "empty value": ("[a]\nx =\ny=\n", lambda a: (a.set("x", "1"), a.set("y", "2")), "[a]\nx = 1\ny=2\n"),
    "to an empty value": ("[a]\nx = 1\n", lambda a: a.set("x", ""), "[a]\nx =\n"),
    "value over several lines": (
        "[a]\nx = 1\n  2\n# c\n  3\ny = 4\n",
        lambda a: a.set("x", "5"),
        "[a]\nx = 5\n# c\ny = 4\n",
    ),
    "value over a block": ("[a]\ns3 =\n  x = 1\ny = 2\n", lambda a: a.set("s3", "1"), "[a]\ns3 = 1\ny = 2\n"),
    "new setting": ("[a]\nx = 1\n\n# of b\n[b]\n", lambda a: a.set("y", "2"), "[a]\nx = 1\ny = 2\n\n# of b\n[b]\n"),
    "new setting below another": (
        "[a]\nx = 1\n  2\ny = 3\n",
        lambda a: a.set("z", "4", below="x"),
        "[a]\nx = 1\n  2\nz = 4\ny = 3\n",
    ),
    "new setting in an empty section": ("[a]\n# c\n[b]\n", lambda a: a.set("x", "1"), "[a]\nx = 1\n# c\n[b]\n"),
    "new setting where settings are indented": (
        "[a]\n  x = 1\n[b]\n",
        lambda a: a.set("y", "2"),
        "[a]\n  x = 1\n  y = 2\n[b]\n",
    ),
    "new setting above an indented header": ("[a]\n  [b]\n", lambda a: a.set("x", "1"), "[a]\n  x = 1\n  [b]\n"),
    "new setting below a block": (
        "[a]\ns3 =\n  x = 1\n",
        lambda a: a.set("y", "2"),
        "[a]\ns3 =\n  x = 1\ny = 2\n",
    ),
    "new setting, no final newline": ("[a]\r\nx = 1", lambda a: a.set("y", "2"), "[a]\r\nx = 1\r\ny = 2"),
    "twin mended": ("[a]\nx = 1\nX = 2\ny = 3\n", lambda a: a.set("x", "2"), "[a]\nx = 2\ny = 3\n"),
    "unset": ("[a]\nx = 1\n# c\n\ny = 2\n", lambda a: a.unset("x"), "[a]\n# c\n\ny = 2\n"),
    "unset the last one, no final newline": ("[a]\nx = 1\ny = 2", lambda a: a.unset("y"), "[a]\nx = 1"),
    "unset several lines": ("[a]\nx = 1\n  2\n\n  3\ny = 4\n", lambda a: a.unset("x"), "[a]\n\ny = 4\n"),
    "unset above a blank line, no final newline": ("[a]\nx = 1\n\n  2", lambda a: a.unset("x"), "[a]\n\n"),
    "unset what is not there": ("[a]\nx = 1\n", lambda a: a.unset("y"), "[a]\nx = 1\n"),
    "entry": ("[a]\ns3 =\n  x = 1\n  y=2\n", lambda a: a.set_entry("s3", "y", "3"), "[a]\ns3 =\n  x = 1\n  y=3\n"),
    "entry, the same": ("[a]\ns3 =\n  x   =   1\n", lambda a: a.set_entry("s3", "x", "1"), "[a]\ns3 =\n  x   =   1\n"),
    "entry that stands twice": (
        "[a]\ns3 =\n  x = 1\n  x = 2\n",
        lambda a: a.set_entry("s3", "x", "3"),
        "[a]\ns3 =\n  x = 1\n  x = 3\n",
    ),
    "entry that shares its line": (
        "[a]\ns3 =\n  x = 1\x0by = 2\n",
        lambda a: a.set_entry("s3", "x", "3"),
        "[a]\ns3 =\n  x = 1\x0by = 2\n  x = 3\n",
    ),
    "entry in other case": (
        "[a]\ns3 =\n\tx = 1\n",
        lambda a: a.set_entry("s3", "X", "2"),
        "[a]\ns3 =\n\tx = 1\n\tX = 2\n",
    ),
    "new entry": (
        "[a]\ns3 =\n  x = 1\n\n# c\ny = 2\n",
        lambda a: a.set_entry("s3", "z", "3"),
        "[a]\ns3 =\n  x = 1\n  z = 3\n\n# c\ny = 2\n",
    ),
    "new block": ("[a]\nx = 1\n", lambda a: a.set_entry("s3", "y", "2"), "[a]\nx = 1\ns3 =\n    y = 2\n"),
    "new block, indented": (
        "[a]\n  x = 1\n",
        lambda a: a.set_entry("s3", "y", "2"),
        "[a]\n  x = 1\n  s3 =\n      y = 2\n",
    ),
    "block from an empty setting": (
        "[a]\ns3 =\nx = 1\n",
        lambda a: a.set_entry("s3", "y", "2"),
        "[a]\ns3 =\n    y = 2\nx = 1\n",
    ),
    "block from a setting": ("[a]\ns3 = 1\n", lambda a: a.set_entry("s3", "y", "2"), "[a]\ns3 =\n    y = 2\n"),
    "unset an entry": (
        "[a]\ns3 =\n  # c\n  x = 1\n\n  y = 2\n",
        lambda a: a.unset_entry("s3", "x"),
        "[a]\ns3 =\n  # c\n\n  y = 2\n",
    ),
    "unset the last entry": (
        "[a]\ns3 =\n  # c\n  x = 1\ny = 2\n",
        lambda a: a.unset_entry("s3", "x"),
        "[a]\n  # c\ny = 2\n",
    ),
    "unset an entry that stands twice": (
        "[a]\ns3 =\n  x = 1\n  y = 2\n  x = 3\n",
        lambda a: a.unset_entry("s3", "x"),
        "[a]\ns3 =\n  y = 2\n",
    ),
    "unset an entry of no block": ("[a]\ns3 =\n", lambda a: a.unset_entry("s3", "x"), "[a]\ns3 =\n"),
    "what only looks like it": (
        "# x = 1\n[a]\n;x = 1\ny = 1\n  x = 1\n  [b]\n",
        lambda a: a.set("x", "2"),
        "# x = 1\n[a]\n;x = 1\ny = 1\n  x = 1\n  [b]\nx = 2\n",
    ),
}


@pytest.mark.parametrize(("text", "edit", "result"), EDITS.values(), ids=EDITS)
def test_an_edit_changes_what_it_is_about_and_no_other_byte(text, edit, result, tmp_path):
    document = _ini.parse(text.encode())
    edit(next(section for section in document.sections if section.name == "a"))
    assert document.render().decode() == result
    assert document.misread() is None
    assert not properties.reads_as_botocore_does(document.render(), tmp_path)


REMOVALS = {
    "between others": ("[b]\nx = 1\n\n[a]\n# mine\ny = 2\n\n# of c\n[c]\n", "[b]\nx = 1\n\n\n# of c\n[c]\n"),
    "first": ("# top\n[a]\nx = 1\n[b]\n", "# top\n[b]\n"),
    "last": ("[b]\nx = 1\n[a]\ny = 2\n", "[b]\nx = 1\n"),
    "last, no final newline": ("[b]\nx = 1\n[a]\ny = 2", "[b]\nx = 1"),
    "only": ("[a]\nx = 1\n", ""),
    "with a block at its end": ("[a]\ns3 =\n  x = 1\n  # c\n[b]\n", "  # c\n[b]\n"),
    "with its fault": ("[a]\nsesame\n[b]\n", "[b]\n"),
}


@pytest.mark.parametrize(("text", "result"), REMOVALS.values(), ids=REMOVALS)
def test_removing_a_section_leaves_the_comments_that_may_be_the_next_ones(text, result):
    document = _ini.parse(text.encode())
    document.remove(next(section for section in document.sections if section.name == "a"))
    assert document.render().decode() == result
    assert document.misread() is None


def test_what_is_added_after_a_removal_minds_the_header_that_now_follows():
    document = _ini.parse(b"[a]\n[b]\n  [c]\n")
    document.remove(document.sections[2])
    document.sections[1].set("x", "1")
    assert document.render() == b"[a]\n  x = 1\n  [c]\n"


@pytest.mark.parametrize("text", ["", "[b]\nx = 1\n", "[b]\nx = 1", "[b]\r\nx = 1", "# c\r", "  ", "[b]\n  x = 1\n\n"])
def test_a_section_that_is_added_and_removed_leaves_the_first_bytes(text):
    document = _ini.parse(text.encode())
    document.add("a").set("x", "1")
    added = _ini.parse(document.render())
    assert added.sections[-1].values() == {"x": "1"}
    added.remove(added.sections[-1])
    assert added.render() == text.encode()


def test_a_removal_that_would_change_the_next_section_is_found_out():
    document = _ini.parse(b"[a]\nx = 1\n[b]\n    y = 2\n    [c]\n    z = 3\n")
    document.remove(document.sections[2])
    fault = document.misread()
    assert fault.line == 5
    assert "indentation" in fault.message


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=aws_files.soups)
def test_accepts_refuses_and_reads_any_text_as_botocore_does(text, tmp_path):
    properties.reads_as_botocore_does(text.encode(), tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=aws_files.configs)
def test_reads_files_that_people_have_as_botocore_does(data, tmp_path):
    properties.reads_as_botocore_does(data, tmp_path)
