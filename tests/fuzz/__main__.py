# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python tests/fuzz --minutes 10 [--seed N]: hostile AWS files and changes, judged by botocore, until the time is up.

The short form of it runs with the unit tests. Exit status: 0 no finding; 1 a finding, printed as small as it gets.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".cache/collections"))

import hypothesis
from hypothesis import strategies as st

from ansible_collections.rekey.aws.tests.fuzz import aws_files, properties


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    ends = time.monotonic() + arguments.minutes * 60
    outcomes: Counter[str] = Counter()
    seed = arguments.seed
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ends:
            _round(seed, Path(folder), outcomes)
            print(f"seed {seed}: {sum(outcomes.values())} cases", dict(sorted(outcomes.items())), flush=True)
            seed += 1
    return 0


def _round(seed: int, folder: Path, outcomes: Counter[str]) -> None:
    def reading(data: bytes) -> None:
        outcomes["unreadable" if properties.reads_as_botocore_does(data, folder) else "read"] += 1

    def changing(change: aws_files.Change, config: properties.Bytes, credentials: properties.Bytes) -> None:
        outcomes[properties.keeps_its_promises(change, config, credentials, folder)] += 1

    for test, given in (
        (reading, [st.one_of(aws_files.soups.map(str.encode), aws_files.configs)]),
        (changing, [aws_files.changes, st.none() | aws_files.configs, st.none() | aws_files.credentials]),
    ):
        settings = hypothesis.settings(
            max_examples=1000,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.seed(seed)(settings(hypothesis.given(*given)(test)))()


if __name__ == "__main__":
    sys.exit(main())
