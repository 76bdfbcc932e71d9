# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy that the README and the guide show is what a rotation needs."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.end_to_end.conftest import ROOT, USER, Site
from tests.end_to_end.test_rotate import AT_ONCE


def documented(page: str) -> dict[str, Any]:
    """The policy that a page shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(r'^( *)\{\n *"Version".*?^\1\}$', text, re.MULTILINE | re.DOTALL)
    assert found
    return dict(json.loads(found[0]))


def test_a_whole_rotation_needs_the_documented_policy_and_no_more(site: Site) -> None:
    policy = documented("README.md")
    assert policy == documented("docs/docsite/rst/guide_iam_policy.rst")
    (controller,) = site.cloud.create_user("controller", policy=policy).keys
    site.secrets.add(controller.secret_access_key)
    site.cloud.settings(enforce_policies=True)
    user = site.create_user(USER, 100)
    site.give(user)

    environ = site.cloud.environ(controller.access_key_id, controller.secret_access_key)
    run = site.play(env=environ, **AT_ONCE)
    assert run.status == 0, run.output
    (new,) = site.keys()
    assert site.held() == {new}
    assert new != user.keys[0].access_key_id
    assert list(site.marks()) == [f"rekey:key:{new}"]
    used = {f"iam:{action}" for action in site.cloud.calls() if action != "GetCallerIdentity"}
    assert used <= set(policy["Statement"][0]["Action"])
