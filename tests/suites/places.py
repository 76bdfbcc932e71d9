# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are: the tree, its cache, the machine's Pythons."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
COLLECTIONS = CACHE / "collections"
PYTHONS = CACHE / "pythons"

MINORS = range(8, 15)  # managed hosts may have 3.8; the newest is one that Ansible may know by now


def link_pythons() -> None:
    """Fill `PYTHONS` with a link pythonX.Y for each Python that works here, from PATH or pyenv.

    pyenv's names in PATH exist for Pythons that are not switched on, too, and then only fail.
    """
    PYTHONS.mkdir(exist_ok=True)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for minor in MINORS:
        name = f"python3.{minor}"
        link = PYTHONS / name
        candidates = [shutil.which(name), *sorted(versions.glob(f"3.{minor}.*/bin/{name}"))]
        working = next((str(path) for path in candidates if path and _works(path)), None)
        link.unlink(missing_ok=True)
        if working:
            link.symlink_to(working)


def _works(python: str | Path) -> bool:
    command = [str(python), "-c", "import ensurepip, venv"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def tracked_files() -> list[Path]:
    """The files that git has or would add."""
    # The tree may belong to somebody else, as it does in a container.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(command, cwd=ROOT, text=True).split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def collection_copy(parent: Path) -> Path:
    """The collection as a real folder ansible_collections/rekey/aws."""
    target = parent / "ansible_collections" / "rekey" / "aws"
    for path in tracked_files():
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    return target
