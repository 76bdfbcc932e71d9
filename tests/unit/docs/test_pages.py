# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages for users name is there, and what they say twice is the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
GUIDES = ROOT / "docs" / "docsite" / "rst"


def policy(page: Path) -> Any:
    found = re.search(r'^( *)\{\n *"Version".*?^\1\}$', page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return json.loads(found[0])


def test_the_guide_shows_the_policy_of_the_readme() -> None:
    assert policy(GUIDES / "guide_iam_policy.rst") == policy(README)


@pytest.mark.parametrize("page", [README, *sorted(GUIDES.glob("*.rst"))], ids=lambda page: page.name)
def test_every_variable_that_a_page_names_exists(page: Path) -> None:
    specs = yaml.safe_load((ROOT / "roles" / "rotate" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    known = {name for entry in specs["argument_specs"].values() for name in entry["options"]}
    for playbook in (ROOT / "playbooks").glob("*.yml"):
        known |= set(re.findall(r"\brotate_\w+", playbook.read_text(encoding="utf-8")))
    assert set(re.findall(r"\brotate_\w+", page.read_text(encoding="utf-8"))) <= known


def test_every_guide_is_in_the_table_of_contents() -> None:
    extra = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    listed = [name for section in extra["sections"] for name in section["toctree"]]
    assert sorted(listed) == sorted(page.stem for page in GUIDES.glob("*.rst"))
