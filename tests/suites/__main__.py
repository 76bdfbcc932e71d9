# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python tests/suites [SUITE…]: run suites, two side by side, and tell what passed, failed and was skipped, by name.

`./run test` calls it, in an environment that holds nothing of the caller's.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from fleet.client import Fleet

from suites.catalogue import SUITES
from suites.places import CACHE, link_pythons
from suites.run import Outcome, Run, end_all

SIDE_BY_SIDE = 2
HEARTBEAT = 30  # seconds without news


class Progress:
    """Prints lines, each with the time since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        with self._lock:
            print(f"{minutes:2}:{seconds:02}  {line}", flush=True)


def main() -> int:
    options = _parse()
    if options.list:
        for name, suite in SUITES.items():
            print(f"{name:<12} {suite.__doc__}")
        return 0
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    link_pythons()
    progress = Progress()
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="suites-")))
        stack.callback(_stop_fleets, work)
        pool = stack.enter_context(ThreadPoolExecutor(SIDE_BY_SIDE))
        running = {pool.submit(_run, name, work / name, progress): name for name in options.suites or SUITES}
        try:
            unfinished = set(running)
            while unfinished:
                finished, unfinished = wait(unfinished, timeout=HEARTBEAT)
                if not finished:
                    progress(f"... {', '.join(_position(running[it]) for it in unfinished if it.running())}")
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            print("Stopped.", file=sys.stderr)
            return 130
    return _report({name: future.result() for future, name in running.items()})


def _stop_fleets(work: Path) -> None:
    """Hosts outlive a test that was killed: they are no children of it."""
    for config in work.rglob("etc/host01.conf"):
        Fleet(config.parents[1]).stop()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run test", description="Run test suites and report.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="all of them if none is named")
    parser.add_argument("--list", action="store_true", help="say which suites there are")
    options = parser.parse_args()
    unknown = [name for name in options.suites if name not in SUITES]
    if unknown:
        parser.error(f"there is no suite {unknown[0]!r}; there are: {', '.join(SUITES)}")
    return options


def _run(name: str, work: Path, progress: Progress) -> list[Outcome]:
    work.mkdir()
    run = Run(name, work, progress)
    progress(f"{name:<12} begins")
    try:
        SUITES[name](run)
    except Exception as error:  # the other suites' outcomes are wanted all the same
        run.judge("the suite itself", f"{type(error).__name__}: {error}")
    return run.outcomes


def _position(name: str) -> str:
    """A suite's name and, where it is pytest that runs, how far it is."""
    percent = re.findall(r"\[ *(\d+%)\]", (CACHE / "logs" / f"{name}.log").read_text(errors="replace"))
    return " ".join([name, *percent[-1:]])


def _report(outcomes: Mapping[str, Sequence[Outcome]]) -> int:
    """Print what failed and what was skipped, each reason once, and the sums."""
    print()
    total = dict.fromkeys(("passed", "failed", "skipped"), 0)
    told: dict[str, list[str]] = {}
    for name, suite in outcomes.items():
        for outcome in suite:
            total[outcome.status] += 1
            if outcome.status != "passed":
                told.setdefault(f"{outcome.status} in {name}: {outcome.reason}", []).append(outcome.test)
    for reason, tests in told.items():
        print(reason, *(f"    {test}" for test in tests), sep="\n")
    print(", ".join(f"{count} {status}" for status, count in total.items()))
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
