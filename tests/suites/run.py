# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One suite's run: its checks, their log, and how each ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Union
from xml.etree import ElementTree

from suites.places import CACHE, COLLECTIONS, PYTHONS, ROOT, collection_copy

Status = Literal["passed", "failed", "skipped"]
Word = Union[str, Path]

LIMIT = 15 * 60  # seconds that a check may take
TAIL = 60  # lines of a failed check's output that are printed
_live: set[subprocess.Popen[bytes]] = set()
_ending = threading.Event()


@dataclass(frozen=True)
class Outcome:
    """How a test ended. `reason` says why it failed or was skipped."""

    test: str
    status: Status
    reason: str = ""


class Run:
    """A suite makes checks on it. A check is a command, which counts as one test, or pytest, whose tests count each.

    `work` is a folder for the suite's files, which goes when all suites have ended.
    """

    def __init__(self, suite: str, work: Path, progress: Callable[[str], None]) -> None:
        self.suite = suite
        self.work = work
        self.log = CACHE / "logs" / f"{suite}.log"
        self.outcomes: list[Outcome] = []
        self._collections = COLLECTIONS
        self._begun = 0  # where in the log the latest command's output begins
        self._progress = progress
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")

    def collection(self) -> Path:
        """Copy the collection to a real folder ansible_collections/rekey/aws. Later commands see it, not the tree."""
        self._collections = self.work
        return collection_copy(self.work)

    def command(self, name: str, *words: Word, cwd: Path = ROOT, missing: str = "") -> bool:
        """Run a command to its end; exit status 0 is a pass. If something is `missing` for it, it is skipped."""
        started = time.monotonic()
        if missing:
            outcome = Outcome(name, "skipped", missing)
        else:
            problem = self._execute(words, cwd)
            outcome = Outcome(name, "failed" if problem else "passed", problem)
        self._end(name, [outcome], started)
        return outcome.status == "passed"

    def pytest(self, *arguments: Word, missing: str = "") -> None:
        """Run pytest with these arguments. If something is `missing` for it, it is skipped."""
        if missing:
            self.command(" ".join(map(str, arguments)), missing=missing)
            return
        report = self.work / "junit.xml"
        places = [f"--basetemp={self.work}/pytest", f"--junit-xml={report}"]
        words = ["pytest", "--verbose", "-p", "no:cacheprovider", *places, *arguments]
        self.tests("pytest", lambda: read_junit(report), *words)

    def tests(self, name: str, read: Callable[[], Iterable[Outcome]], *words: Word, cwd: Path = ROOT) -> None:
        """Run a command that makes many tests; `read` tells afterwards how they ended. None at all is a failure."""
        started = time.monotonic()
        problem = self._execute(words, cwd)
        outcomes = list(read())
        if not any(outcome.status == "failed" for outcome in outcomes):
            if problem or not outcomes:
                outcomes.append(Outcome(name, "failed", problem or "it made no test"))
        self._end(f"{name} ({len(outcomes)})", outcomes, started)

    def judge(self, name: str, problem: str) -> None:
        """A check that was made without a command; it passes with no problem."""
        self._end(name, [Outcome(name, "failed" if problem else "passed", problem)], time.monotonic())

    def _execute(self, words: Sequence[Word], cwd: Path) -> str:
        """Returns what went wrong, or nothing."""
        if _ending.is_set():
            return "stopped"
        argv = [str(word) for word in words]
        settings = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(PYTHONS), os.environ["PATH"]]),
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "NO_COLOR": "1",
        }
        with self.log.open("a") as log:
            self._begun = log.tell()
            print("$", *argv, file=log, flush=True)
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _live.add(process)
        try:
            status = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return f"did not end within {LIMIT} s"
        finally:
            _end_session(process)
            _live.discard(process)
        return f"exit status {status}" if status else ""

    def _end(self, name: str, outcomes: list[Outcome], started: float) -> None:
        if _ending.is_set():
            return
        self.outcomes += outcomes
        statuses = {outcome.status for outcome in outcomes}
        word = "FAILED" if "failed" in statuses else "passed" if "passed" in statuses else "skipped"
        self._progress(f"{self.suite:<12} {name:<32} {word:<8} {time.monotonic() - started:4.0f} s")
        if word == "FAILED":
            with self.log.open(errors="replace") as log:
                log.seek(self._begun)
                lines = log.read().splitlines()[-TAIL:]
            self._progress("\n".join([f"The end of {self.log}:", *(f"    {line}" for line in lines)]))


def end_all() -> None:
    """End every command that runs, with what it has started, and start no more."""
    _ending.set()
    for process in list(_live):
        _end_session(process)


def _end_session(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        time.sleep(0.5)
    process.wait()


def read_junit(report: Path) -> Iterator[Outcome]:
    if not report.exists():
        return
    for case in ElementTree.parse(report).iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag: child.get("message", "") for child in case}
        for tag, status in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
            if tag in kinds:
                yield Outcome(test, status, " ".join(kinds[tag].split())[:300])
                break
        else:
            yield Outcome(test, "passed")
