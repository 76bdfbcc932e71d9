# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random AWS files, sensible and hostile, and random changes to them."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.rekey.aws.plugins.module_utils._profile import Change

soups = st.lists(
    st.sampled_from(
        [
            *"[ ] = : # ; ' \" \\ a b A İ é profile default DEFAULT s3".split(" "),
            *(" ", "  ", "\t", "\n", "\r\n", "\r", "\n\n", "\n  "),
            *("\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\xa0", "\ufeff"),
            *(
                "[DEFAULT]\n",
                "[a]\n",
                "[profile a]\n",
                "  [b]\n",
                "[a] # b\n",
                "[a]]\n",
                "a = 1\n",
                "A: 2\n",
                "b =\r\n",
            ),
            *("s3 =\n", "  x = 1\n", "  y\n", "  # c\n", "; [d]\n"),
        ]
    ),
    max_size=30,
).map("".join)
"""Texts made of what matters to the grammar, in any order: most of them the AWS CLI refuses."""

NAMES = ["default", "x", "X", "a b", "it's", "é", "profile x", 'q"q']
_KEYS = ["region", "Region", "output", "cli_pager", "s3", "S3", "role_arn", "source_profile", "my key", "a:b"]
_PAIR = ["aws_access_key_id", "AWS_ACCESS_KEY_ID", "aws_secret_access_key", "aws_session_token", "aws_security_token"]
_VALUES = ["", "eu-west-1", "json", "a b", "x # y", "x ; y", "a=b", "[x]", "a: b", "1 \\", '"q"', "ü\u2028ü"]
_ENTRIES = ["max_concurrent_requests", "addressing_style", "Addressing_Style", "endpoint_url"]


def _often(common: st.SearchStrategy[str], rare: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 9).flatmap(lambda dice: common if dice else rare)


_noise = st.sampled_from(["", "  ", "# a comment", "  # region = x", "; [default]", "#[profile x]", "    ;s3 =", "# é"])
_indents = _often(st.just(""), st.sampled_from(["  ", "\t", "    "]))
_delimiters = st.sampled_from(["=", " = ", " = ", ": ", ":", " =", "=  ", " \t:  "])
_values = st.sampled_from(_VALUES)


@st.composite
def _setting(draw: st.DrawFn, keys: list[str], indent: str) -> list[str]:
    key = draw(st.sampled_from(keys))
    first = indent + key + draw(_delimiters)
    shape = draw(st.integers(0, 9))
    if shape < 7:
        return [first + draw(_values) + draw(st.sampled_from(["", "", " "]))]
    deeper = indent + draw(st.sampled_from(["  ", "    ", "\t"]))
    lines = [first.rstrip()] if shape < 9 else [first + "begins"]
    for _entry in range(draw(st.integers(1, 4))):
        lines += draw(st.lists(_noise, max_size=1))
        lines.append(deeper + draw(st.sampled_from(_ENTRIES)) + draw(st.sampled_from(["=", " = "])) + draw(_values))
    return lines


@st.composite
def _section(draw: st.DrawFn, header: str, keys: list[str]) -> list[str]:
    lines = [draw(_indents) + header + draw(_often(st.just(""), st.sampled_from(["  ", " # comment", " ; x = y"])))]
    indent = draw(_indents)
    taken = set()
    for _position in range(draw(st.integers(0, 5))):
        lines += draw(st.lists(_noise, max_size=2))
        setting = draw(_setting(keys, indent))
        key = setting[0].replace(":", "=").partition("=")[0].strip().lower()
        if key not in taken or not draw(st.integers(0, 19)):
            lines += setting
        taken.add(key)
    return lines


def _files(headers: list[str], keys: list[str]) -> st.SearchStrategy[bytes]:
    @st.composite
    def file(draw: st.DrawFn) -> bytes:
        lines = draw(st.lists(_noise, max_size=2))
        for header in draw(st.lists(st.sampled_from(headers), max_size=5, unique=bool(draw(st.integers(0, 19))))):
            lines += draw(_section(header, keys)) + draw(st.lists(_noise, max_size=2))
        endings = draw(_often(st.just("\n"), st.just("\r\n")))
        mixed = not draw(st.integers(0, 9))
        text = "".join(line + (draw(st.sampled_from(["\n", "\r\n", "\r"])) if mixed else endings) for line in lines)
        if text and not draw(st.integers(0, 4)):
            text = text[:-1].rstrip("\r")
        return text.encode()

    return st.one_of(st.just(b""), file())


_CONFIG_HEADERS = [
    *["[default]", "[profile default]", "[profile x]", '[profile "x"]', "[profile 'a b']", '[profile "a b"]'],
    *["[profile   x ]", "[profile\tX]", "[profilefoo x]", "[profile é]", "[x]", "[ default ]", "[preview]"],
    *["[sso-session x]", "[services x]", "[services 'a b']", "[DEFAULT]", '[profile "it\'s"]', "[profile it's]"],
]
configs = _files(_CONFIG_HEADERS, _KEYS + _PAIR)
credentials = _files(["[{0}]".format(name) for name in NAMES] + ["[DEFAULT]", "[ x ]"], _PAIR * 3 + _KEYS)

_maybe = st.sampled_from([None, "one", "two words", "a=b # c"])
_wanted = st.one_of(
    _maybe, st.just(""), st.dictionaries(st.sampled_from(_ENTRIES), st.one_of(_maybe, st.just("")), max_size=3)
)
_ids = st.sampled_from([None, "AKIAONE", "AKIATWO", "ASIATEMPORARY"])


@st.composite
def _changes(draw: st.DrawFn) -> Change:
    section_type = draw(_often(st.just("profile"), st.sampled_from(["sso-session", "services"])))
    profile = section_type == "profile"
    config = draw(
        st.dictionaries(st.sampled_from(["S3", "cli_pager", "role_arn", "my key", "region"]), _wanted, max_size=3)
    )
    return Change(
        name=draw(st.sampled_from(NAMES)),
        section_type=section_type,
        state=draw(st.sampled_from(["present", "present", "present", "absent"])),
        access_key_id=draw(_ids) if profile else None,
        secret_access_key=draw(st.sampled_from([None, "hidden/one", "hidden+two="])) if profile else None,
        session_token=draw(st.sampled_from([None, None, "hidden token"])) if profile else None,
        update_secret=draw(st.sampled_from(["always", "always", "on_create"])),
        output=draw(st.sampled_from([None, "json"])) if profile else None,
        config=config,
        credentials_absent=tuple(draw(st.lists(st.sampled_from(["region", "cli_pager"]), max_size=1))),
        exclusive=not draw(st.integers(0, 4)),
    )


changes = _changes()
