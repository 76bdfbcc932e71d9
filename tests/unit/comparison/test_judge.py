# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of the comparison sees each kind of fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.rekey.aws.tests.comparison.judge import Home, Verdict, harmed, judge
from ansible_collections.rekey.aws.tests.comparison.tasks import Change, Edit, Line

BEFORE = [Line(b"# note\r\n", False), Line(b"region = a\r\n", True), Line(b"output = json", False)]
EDIT = Edit(
    "",
    "",
    (Change("ci", "aws_access_key_id", "new"),),
    credentials=">[ci]\n>aws_access_key_id = old\n[people]\nregion = a\n",
)


@pytest.mark.parametrize(
    ("after", "count"),
    [
        (b"# note\r\nregion = b\r\noutput = json", 0),
        (b"# note\r\noutput = json", 0),
        (b"# note\r\nnew = 1\r\nregion = a\r\noutput = json", 0),
        (b"# note\nregion = b\r\noutput = json", 8),
        (b"# note\r\nregion = b\r\noutput = json\n", 13),
        (b"", 21),
    ],
)
def test_harm_is_the_bytes_of_lines_that_nobody_asked_about(after: bytes, count: int) -> None:
    assert harmed(BEFORE, after) == count


@pytest.mark.parametrize(
    ("after", "mode", "succeeded", "status", "count"),
    [
        ("[ci]\naws_access_key_id = new\n[people]\nregion = a\n", 0o600, True, "right", 0),
        ("[ci]\naws_access_key_id = new\n[people]\nregion = a\n", 0o644, True, "wrong", 0),
        ("[ci]\naws_access_key_id = new\n[people]\nregion = b\n", 0o600, True, "wrong", 11),
        ("[ci]\naws_access_key_id = new\naws_access_key_id = old\n[people]\nregion = a\n", 0o600, True, "wrong", 0),
        ("[ci]\naws_access_key_id = old\n[people]\nregion = a\n", 0o600, True, "wrong", 0),
        ("[ci]\naws_access_key_id = old\n[people]\nregion = a\n", 0o600, False, "refused", 0),
        ("[ci]\n", 0o600, False, "wrong", 20),
    ],
)
def test_what_is_not_as_asked_is_not_right(
    tmp_path: Path, after: str, mode: int, succeeded: bool, status: str, count: int
) -> None:
    home = Home(tmp_path)
    home.lay(EDIT)
    home.path("credentials").write_text(after)
    home.path("credentials").chmod(mode)
    verdict = judge(EDIT, home, succeeded)
    assert (verdict.status, verdict.harmed) == (status, count)


def test_a_refusal_is_right_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    edit = Edit("", "", (Change("ci", "region", "a"),), config="[ci\n", broken=True)
    home = Home(tmp_path)
    home.lay(edit)
    assert judge(edit, home, succeeded=False) == Verdict("right", "refused")
    assert judge(edit, home, succeeded=True).status == "wrong"
