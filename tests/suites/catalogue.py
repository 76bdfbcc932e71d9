# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The suites: each a function that makes checks, in the order in which they are started, the longest first."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from suites.places import ROOT, tracked_files
from suites.run import Outcome, Run

SSH = ("sshd", "ssh", "ssh-keygen")  # without which there are no hosts to reach


def sanity(run: Run) -> None:
    """ansible-test sanity, with nothing ignored"""
    # ansible-test would load this script from the internet.
    bootstrap = Path.home() / ".ansible/test/cache/get_pip_24_2.py"
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tests/suites/get_pip.py", bootstrap)
    copy = run.collection()
    run.tests("ansible-test", lambda: _read_sanity(run.log), "ansible-test", "sanity", "--color", "no", cwd=copy)


def _read_sanity(log: Path) -> Iterator[Outcome]:
    text = log.read_text()
    failed = re.findall(r"^FATAL: The \d+ sanity test\(s\) listed below .*\n((?:.+\n)+)", text, re.MULTILINE)
    names = {name.replace(" on Python", "") for block in failed for name in block.splitlines()}
    for name, version in re.findall(r'^Running sanity test "(.+)"(?: on Python (\S+))?$', text, re.MULTILINE):
        broken = name in names or f"{name} {version}" in names
        yield Outcome(f"{name} {version}".strip(), "failed" if broken else "passed")
    skipped = re.findall(
        r'^WARNING: Skipping sanity test "(.+)" on Python (\S+) because it (.+)\.$', text, re.MULTILINE
    )
    for name, version, reason in dict.fromkeys(skipped):  # a warning is said once more at the end
        yield Outcome(f"{name} {version}", "skipped", f"Python {version} {reason}")


def integration(run: Run) -> None:
    """ansible-test integration: the modules in playbooks, against the cloud"""
    missing = _missing("ssh-keygen") or (
        "ansible-test does not run from a path with blanks" if " " in str(ROOT) else ""
    )
    copy = run.collection()
    for target in sorted((copy / "tests/integration/targets").iterdir()):
        if "hidden" not in (target / "aliases").read_text().split():
            words = ["ansible-test", "integration", "--color", "no", target.name]
            run.command(target.name, *words, cwd=copy, missing=missing)


def end_to_end(run: Run) -> None:
    """the playbooks on real hosts, against the cloud"""
    run.pytest("tests/end_to_end", "-n", "2", missing=_missing(*SSH))


def demo(run: Run) -> None:
    """the demo, as talkative as it can be: it looks by itself for secrets in what it prints"""
    run.command("demo -vvv", "python", "tests/demo", "-vvv")


def molecule(run: Run) -> None:
    """the scenarios of extensions/molecule"""
    missing = _missing(*SSH) or _missing_aws_cli()
    for scenario in sorted(path.parent.name for path in ROOT.glob("extensions/molecule/*/molecule.yml")):
        ephemeral = f"MOLECULE_EPHEMERAL_DIRECTORY={run.work / scenario}"
        run.command(scenario, "env", ephemeral, "molecule", "test", "--scenario-name", scenario, missing=missing)


def _missing(*programs: str) -> str:
    lacking = [program for program in programs if not shutil.which(program)]
    return f"this machine has no {' and no '.join(lacking)}" if lacking else ""


def _missing_aws_cli() -> str:
    outcome = subprocess.run([sys.executable, ROOT / "tests/awscli"], capture_output=True, text=True, check=False)
    return outcome.stderr.strip() if outcome.returncode else ""


def unit(run: Run) -> None:
    """each part by itself"""
    run.pytest("tests/unit", "-n", "2")


def lint(run: Run) -> None:
    """what reads the code without running it"""
    run.judge("licences", _unlicensed())
    run.command("ruff", "ruff", "check")
    run.command("mypy", "mypy", "-p", "ansible_collections.rekey.aws.plugins.module_utils")
    copy = run.collection()
    run.command("ansible-lint", "ansible-lint", "--nocolor", "--offline", cwd=copy)
    run.command("antsibull-changelog", "antsibull-changelog", "lint", cwd=copy)
    run.command("antsibull-changelog generate", "antsibull-changelog", "generate", cwd=copy)
    changelog = (copy / "CHANGELOG.md").read_text()
    run.judge("CHANGELOG.md", "" if changelog == (ROOT / "CHANGELOG.md").read_text() else "is not what generate makes")


def _unlicensed() -> str:
    made = ("CHANGELOG.md", "changelogs/changelog.yaml")  # antsibull-changelog's own
    lacking = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if not str(path.relative_to(ROOT)).startswith(("COPYING", "LICENSES/", *made))
        and b"SPDX-License-Identifier: " not in path.read_bytes()[:1000]
    ]
    return f"no SPDX-License-Identifier in {', '.join(lacking)}" if lacking else ""


def docs(run: Run) -> None:
    """what ansible-doc and the documentation site show"""
    copy = run.collection()
    for kind, names in (
        ("module", (path.stem for path in (copy / "plugins/modules").glob("[!_]*.py"))),
        ("role", (path.name for path in (copy / "roles").iterdir())),
    ):
        for name in sorted(names):
            run.command(f"ansible-doc {name}", "ansible-doc", "--type", kind, f"rekey.aws.{name}")
    run.command("antsibull-docs", "antsibull-docs", "lint-collection-docs", "--plugin-docs", copy)


def galaxy(run: Run) -> None:
    """the artefact, built and imported as Galaxy would"""
    copy = run.collection()
    if run.command("build", "ansible-galaxy", "collection", "build", "--output-path", run.work, cwd=copy):
        (artefact,) = run.work.glob("rekey-aws-*.tar.gz")
        run.command("galaxy-importer", "python", "-m", "galaxy_importer.main", artefact, cwd=run.work)


SUITES: dict[str, Callable[[Run], None]] = {
    suite.__name__: suite for suite in (end_to_end, unit, sanity, integration, molecule, demo, docs, lint, galaxy)
}
