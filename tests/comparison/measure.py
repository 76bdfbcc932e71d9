# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tool at all tasks: what it would change, what it did, and what a second run does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .judge import Home, Verdict, judge
from .tasks import Edit
from .tools import Jobs, Run


class Tool(Protocol):
    name: str
    loudest: str

    def can(self, edit: Edit) -> bool: ...
    def differences(self, jobs: Jobs) -> dict[str, str] | None: ...
    def apply(self, jobs: Jobs, loud: bool) -> dict[str, Run]: ...


@dataclass(frozen=True)
class Result:
    verdict: Verdict
    arguments: int = 0
    """How many of the task's secrets stood in the arguments of a process; the next two alike."""
    diff: int | None = 0
    """None: it shows no diff."""
    output: int = 0


def measure(tool: Tool, edits: Sequence[Edit], work: Path) -> list[Result]:
    """Each task on files of its own, twice: once loud, and once more to see whether the second run changes anything."""
    jobs: dict[str, tuple[Edit, Home]] = {}
    for number, edit in enumerate(edits):
        if tool.can(edit):
            home = Home(work / f"task-{number}")
            home.folder.mkdir(parents=True)
            drawn = edit.drawn()
            home.lay(drawn)
            jobs[f"task-{number}"] = drawn, home
    before = {name: home.content() for name, (_edit, home) in jobs.items()}
    diffs = tool.differences(jobs)
    touched = [name for name, (_edit, home) in jobs.items() if home.content() != before[name]]
    runs = tool.apply(jobs, loud=True)
    verdicts = {name: judge(edit, home, runs[name].succeeded) for name, (edit, home) in jobs.items()}
    after = {name: home.content() for name, (_edit, home) in jobs.items()}
    right = {name: job for name, job in jobs.items() if verdicts[name].status == "right"}
    tool.apply(right, loud=False)
    for name, (_edit, home) in right.items():
        if home.content() != after[name]:
            verdicts[name] = Verdict("wrong", "done, but a second run changes the file again", verdicts[name].harmed)
    for name in touched:
        verdicts[name] = Verdict("wrong", "the check changes the file", verdicts[name].harmed)
    results = []
    for number in range(len(edits)):
        name = f"task-{number}"
        if name not in jobs:
            results.append(Result(Verdict("cannot"), diff=None))
            continue
        values = list(jobs[name][0].values.values())
        run = runs[name]
        results.append(
            Result(
                verdicts[name],
                _count(values, (words.decode(errors="replace") for words in run.arguments)),
                None if diffs is None else _count(values, [diffs[name]]),
                _count(values, [run.output]),
            )
        )
    return results


def _count(values: Iterable[str], texts: Iterable[str]) -> int:
    text = "\0".join(texts)
    return sum(value in text for value in values)
