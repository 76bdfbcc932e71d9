# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in the documentation, made of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .measure import Result
from .tasks import Edit

Results = Mapping[str, Sequence[Result]]

_HEAD = """\
<!--
Copyright (c) 2026 rekey.aws contributors
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later

Written by `python tests/comparison`. Do not edit.
-->

# Edits of AWS CLI files, by tool

The same tasks, done by three tools to files of their own, and judged by a program. Nothing here is written by hand: to
repeat it, on Linux on x86_64, `./run lint` once (it sets up the Python packages), then

    .cache/venv/bin/python tests/comparison

which writes this page anew. The tasks and the files are in `tests/comparison/tasks.py`, and how each tool is asked in
`tests/comparison/tools.py`.
"""

_HOW = """\
## How it is judged

* **right**: botocore then reads what was asked, and of every other profile what it read before; links and modes are as
  the task says; no byte is harmed; a second run leaves the files as they are. Where botocore cannot read the file to
  begin with, and on a full disk, to refuse and to leave every byte is right, too.
* **wrong**: anything else, with the first fault that was found.
* **refused**: the tool failed and left every byte, though the task could be done.
* **cannot**: the tool has no command for it.
* Which of several writers at once wins is chance: a tool without a lock may come out right by luck.
* **Bytes harmed**: the bytes of those lines that the task is not about and that are not there afterwards, byte for byte
  and in order.
* **Secrets**: how many secrets of the task's files (new, old, and other profiles') could be read in the *arguments* of
  a process while it ran (all command lines are read every 10 ms), in the *diff* (`--check --diff`), and in the *output*
  at its most talkative (`-vvv`; `--debug` for the AWS CLI). A dash: it has no diff, or cannot do the task.

## How each tool is asked

* `aws configure set`: one call a setting.
* `ini_file`: one loop item a setting, with `no_log: true` where the task has a secret, as Ansible's documentation asks;
  this hides the whole diff, too. `modify_inactive_option: false`, `follow: true` and mode 0600 for credentials, which
  its documentation offers. The section is named as the AWS documentation spells it, since a task for a fleet cannot
  know each file's spelling. An entry of a nested block is added in the value of the block's setting, and removed by its
  own name. The module does not claim to know AWS files: blocks, names of profiles and tokens are its user's concern.
  Its documentation says that it adds a missing last newline, and that it drops a byte order mark.
* `aws_cli_profile`: one task a profile, without `no_log`.
"""


def page(date: str, versions: Sequence[str], edits: Sequence[Edit], results: Results, key: Results) -> str:
    tools = list(results)
    parts = [_HEAD, f"Measured on {date} with {', '.join(versions)}.\n"]
    parts.append("## Results\n")
    parts.append(_table(["Task", *(f"`{tool}`" for tool in tools)], _verdicts(edits, results)))
    parts.append("## Bytes harmed\n")
    parts.append("Tasks that are not here: none by any tool.\n")
    parts.append(_table(["Task", *(f"`{tool}`" for tool in tools)], _harm(edits, results)))
    parts.append("## Secrets seen\n")
    parts.append("Arguments / diff / output. Tasks that are not here: their files hold no secret.\n")
    parts.append(_table(["Task", *(f"`{tool}`" for tool in tools)], _leaks(edits, results)))
    parts.append(
        "Other ways to give a key, at the task `A key beside another's`: `aws configure import` takes it from a CSV\n"
        "file, and the examples of `ini_file` have no `no_log`.\n"
    )
    parts.append(
        _table(
            ["Way", "Result", "Arguments", "Diff", "Output"],
            [
                [f"`{tool}`", _verdict(result), str(result.arguments), _number(result.diff), str(result.output)]
                for tool, (result,) in key.items()
            ],
        )
    )
    parts.append("## The tasks\n")
    parts.append("\n".join(f"* **{edit.name}.** {edit.about}" for edit in edits) + "\n")
    parts.append(_HOW)
    return "\n".join(parts)


def _verdicts(edits: Sequence[Edit], results: Results) -> list[list[str]]:
    rows = [[edit.name, *map(_verdict, row)] for edit, *row in zip(edits, *results.values(), strict=True)]
    total = [str(sum(r.verdict.status == "right" for r in column)) for column in results.values()]
    return [*rows, [f"Right, of {len(edits)}", *total]]


def _verdict(result: Result) -> str:
    verdict = result.verdict
    return f"{verdict.status}: {verdict.reason}" if verdict.reason else verdict.status


def _harm(edits: Sequence[Edit], results: Results) -> list[list[str]]:
    return [
        [edit.name, *("-" if r.verdict.status == "cannot" else str(r.verdict.harmed) for r in row)]
        for edit, *row in zip(edits, *results.values(), strict=True)
        if any(r.verdict.harmed for r in row)
    ]


def _leaks(edits: Sequence[Edit], results: Results) -> list[list[str]]:
    return [
        [
            edit.name,
            *("-" if r.verdict.status == "cannot" else f"{r.arguments} / {_number(r.diff)} / {r.output}" for r in row),
        ]
        for edit, *row in zip(edits, *results.values(), strict=True)
        if edit.drawn().values
    ]


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
