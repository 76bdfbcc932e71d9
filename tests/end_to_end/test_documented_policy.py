# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy in the README is enough for a whole rotation, and each action in it does what the guide says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import ROOT, USER, Run, Site
from tests.end_to_end.test_rotate import AT_ONCE

GUIDE = Path("docs/docsite/rst/guide_iam_policy.rst")


def documented(path: Path) -> dict[str, Any]:
    """The policy that a page shows."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(r'^( *)\{\n *"Version".*?^\1\}$', text, re.MULTILINE | re.DOTALL)
    assert found
    return dict(json.loads(found[0]))


def play(site: Site, policy: dict[str, Any], **variables: Any) -> Run:
    caller = site.cloud.create_user("controller", policy=policy)
    (key,) = caller.keys
    site.secrets.add(key.secret_access_key)
    site.cloud.settings(enforce_policies=True)
    environ = site.cloud.environ(key.access_key_id, key.secret_access_key)
    return site.play(env=environ, **variables)


@pytest.mark.parametrize("page", [Path("README.md"), GUIDE], ids=str)
def test_a_whole_rotation_needs_the_documented_policy_and_no_more(site: Site, page: Path) -> None:
    user = site.create_user(USER, 100)
    site.give(user)
    run = play(site, documented(page), **AT_ONCE)
    assert run.status == 0, run.output
    (new,) = site.keys()
    assert site.held() == {new}
    assert new != user.keys[0].access_key_id
