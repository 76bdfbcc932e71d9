# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python tests/comparison: measure the tools at all tasks, and write docs/aws_files.md. It takes some minutes.

Exit status: 0 done; 3 the AWS CLI cannot be had on this machine, the message says why.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path[0] = str(Path(__file__).resolve().parents[1])

from awscli.fetch import NoAwsCli, aws

from comparison.measure import Result, measure
from comparison.report import page
from comparison.tasks import CONTROL, EDITS
from comparison.tools import (
    ANSIBLE,
    CACHE,
    ROOT,
    AwsCli,
    AwsCliImport,
    IniFile,
    OpenIniFile,
    Rekey,
    ansible,
    community_general,
)

PAGE = ROOT / "docs" / "aws_files.md"
KEY = "A key beside another's"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/comparison", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--task", metavar="TEXT", default="", help="only tasks with this in their name; print the page")
    only = parser.parse_args().task
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        executable = aws()
    except NoAwsCli as error:
        print(f"comparison: {error}", file=sys.stderr)
        return 3
    python = ansible()
    edits = [edit for edit in EDITS if only in edit.name]
    with TemporaryDirectory(prefix="comparison-") as folder:
        work = Path(folder)
        cli = AwsCli(executable)
        results: dict[str, list[Result]] = {}
        key: dict[str, list[Result]] = {}
        for tool in (cli, IniFile(python, work), Rekey(python, work)):
            print(f"{tool.name} ...", flush=True)
            control, *results[tool.name] = measure(tool, [CONTROL, *edits], work / tool.name)
            if control.verdict.status != "right":
                raise RuntimeError(f"{tool.name} fails at the control task, so that this measures nothing: {control}")
        for tool in (AwsCliImport(executable), OpenIniFile(python, work)):
            print(f"{tool.name} ...", flush=True)
            key[tool.name] = measure(tool, [edit for edit in EDITS if edit.name == KEY], work / tool.name)
    versions = [
        cli.version,
        f"community.general {community_general()} (PyPI package ansible {ANSIBLE['ansible']})",
        f"ansible-core {ANSIBLE['ansible-core']}",
        f"botocore {version('botocore')} as the judge",
        f"Python {sys.version.split()[0]}",
    ]
    text = page(datetime.date.today().isoformat(), versions, edits, results, key)
    if only:
        print(text)
    else:
        PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
