# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as users have it: built, installed into an environment of its own, and set on thirty hosts."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from tests.cloud.client import Cloud
from tests.end_to_end.conftest import ROOT, USER, Site
from tests.fleet.client import Fleet

HOSTS = 30


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, env=env, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_built_collection_with_ansible_core_and_boto3_alone_rotates_thirty_hosts_in_one_run(tmp_path: Path) -> None:
    bin_ = tmp_path / "venv" / "bin"
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    pinned = [f"{name}=={importlib.metadata.version(name)}" for name in ("ansible-core", "boto3")]
    run(bin_ / "pip", "install", "--quiet", *pinned)
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"}
    run(galaxy, "collection", "build", "--output-path", tmp_path, ROOT, env=environ)
    (artefact,) = tmp_path.glob("rekey-aws-*.tar.gz")
    collections = tmp_path / "collections"
    run(bin_ / "ansible-galaxy", "collection", "install", "--offline", "-p", collections, artefact, env=environ)

    with Cloud.start(propagation_seconds=3) as cloud:
        setenv = {"AWS_ENDPOINT_URL": cloud.url, "AWS_EC2_METADATA_DISABLED": "true"}
        with Fleet.start(tmp_path / "fleet", HOSTS, setenv=setenv) as fleet:
            site = Site(cloud, fleet, tmp_path, bin_, collections)
            user = site.create_user(USER, 100)
            site.give(user)
            variables = {"rotate_grace": "0", "rotate_delete_after": "0"}
            first = site.play("rekey.aws.rotate", **variables)
            assert first.status == 0, first.output
            (new,) = site.keys()
            assert new != user.keys[0].access_key_id
            assert site.held() == {new}
            assert f"{HOSTS} of {HOSTS} done" in first.output

            second = site.play("rekey.aws.rotate", **variables)
            assert second.status == 0, second.output
            assert {host["changed"] for host in second.hosts.values()} == {0}
            assert len(second.hosts) == HOSTS
