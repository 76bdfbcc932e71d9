# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real AWS CLI v2 reads what was written, refuses what is called a fault, and itself writes the same in easy cases.

``REKEY_AWS_CLI`` names another ``aws`` to ask, such as Debian's.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._profile import Change, Files, plan, read
from ansible_collections.rekey.aws.tests.awscli import fetch


class Cli:
    """The AWS CLI with two files of its own. Each start takes more than half a second: ask several things at once."""

    def __init__(self, executable: str, folder: Path) -> None:
        self._executable = executable
        self.paths = [folder / "config", folder / "credentials"]
        self._environment = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "AWS_CONFIG_FILE": str(self.paths[0]),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.paths[1]),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, *texts: str | bytes | None) -> None:
        for path, text in zip(self.paths, texts, strict=False):
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_bytes(text.encode() if isinstance(text, str) else text)

    def files(self) -> Files:
        data = [path.read_bytes() if path.exists() else None for path in self.paths]
        return Files(*data, *map(str, self.paths))

    def change(self, change: Change) -> None:
        made = plan(change, self.files())
        for path, data in zip(self.paths, (made.config, made.credentials), strict=True):
            if data is not None:
                path.write_bytes(data)

    def configure(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [self._executable, "configure", *words]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)

    def get(self, *questions: tuple[str, str]) -> list[str]:
        """The values of (profile, setting)."""
        with ThreadPoolExecutor(2) as pool:
            answers = pool.map(lambda asked: self.configure("get", asked[1], "--profile", asked[0]), questions)
            return [answer.stdout.rstrip("\n") for answer in answers]


@pytest.fixture(scope="session")
def executable() -> str:
    try:
        return os.environ.get("REKEY_AWS_CLI") or str(fetch.aws())
    except fetch.NoAwsCli as error:
        pytest.skip(str(error))


@pytest.fixture
def cli(executable: str, tmp_path: Path) -> Cli:
    return Cli(executable, tmp_path)


CONFIG = """\
# all kinds of headers
[DEFAULT]
cli_pager = less
[default]
region = one
[profile default]
  region = two
  [profile "a b"]   # a comment
  region : three # and no comment
[profile 'it is'] ; a comment
Region=four
  [profile no]
[profile x]
region = five
s3 =
  # of the block
  max_concurrent_requests = 20

  addressing_style=path
[sso-session s]
[ profile no2 ]
[profile   wide  ]
[profilefoo odd]
[profile it's]
"""
CREDENTIALS = (
    "[x]\r\naws_access_key_id:AKIA\r\naws_secret_access_key = s\r\nregion = six\r\n[only]\r\n[profile only2]\r\n"
)


def test_lists_the_profiles_that_the_aws_cli_lists(cli: Cli) -> None:
    cli.put(CONFIG, CREDENTIALS)
    listed = cli.configure("list-profiles").stdout.splitlines()
    profiles, faults = read(cli.files())
    assert (sorted(profile.name for profile in profiles), faults) == (sorted(listed), ())
    assert {"a b", "it is", "odd", "only", "profile only2"} < set(listed)


def test_reads_the_values_that_the_aws_cli_reads(cli: Cli) -> None:
    cli.put(CONFIG, CREDENTIALS)
    asked = [
        *[(name, "region") for name in ("default", "a b", "it is", "x", "only")],
        *[("x", "s3.addressing_style"), ("x", "aws_access_key_id"), ("wide", "cli_pager")],
    ]
    settings = {profile.name: profile.settings for profile in read(cli.files())[0]}
    ours = []
    for name, setting in asked:
        block, _dot, entry = setting.partition(".")
        value = settings[name].get(block, "")
        ours.append(value[entry] if entry and not isinstance(value, str) else value)
    assert ours == cli.get(*asked)
    assert ours[:3] == ["two", "three # and no comment", "four\n[profile no]"]


def test_the_aws_cli_reads_what_was_written(cli: Cli) -> None:
    cli.put(CONFIG, CREDENTIALS)
    before = cli.get(("a b", "region"), ("only", "region"))
    cli.change(Change("default", region="uno"))
    cli.change(Change("x", access_key_id="AKIANEW", secret_access_key="new", region="dos"))
    cli.change(Change("x", config={"s3": {"addressing_style": None, "use_accelerate_endpoint": "true"}}))
    cli.change(Change("new 'one'", access_key_id="AKIAONE", secret_access_key="new", region="tres # quatro"))
    cli.change(Change("it is", state="absent"))
    assert cli.get(
        *[("default", "region"), ("x", "region"), ("x", "aws_access_key_id")],
        *[("x", "s3.addressing_style"), ("x", "s3.use_accelerate_endpoint"), ("x", "s3.max_concurrent_requests")],
        *[("new 'one'", "region"), ("new 'one'", "aws_access_key_id"), ("it is", "region")],
        *[("a b", "region"), ("only", "region")],
    ) == ["uno", "dos", "AKIANEW", "", "true", "20", "tres # quatro", "AKIAONE", "", *before]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (b"\xef\xbb\xbf[default]\nregion = a\n", 1),
        (b"[default]\nregion = a\nRegion = b\n", 3),
        (b"[default]\nregion\n", 2),
        (b"[default]\ns3 =\n  region\n", 3),
        (b"[default]\n# caf\xe9\n", 2),
    ],
)
def test_the_aws_cli_refuses_what_is_called_a_fault(config: bytes, line: int, cli: Cli) -> None:
    cli.put(config)
    assert "Unable to parse config file" in cli.configure("list-profiles").stderr
    assert [fault.line for fault in read(cli.files())[1]] == [line]


EASY = {
    "a new profile": (None, None, Change("x", region="a"), ["region", "a"]),
    "a new default profile": (None, None, Change("default", region="a"), ["region", "a"]),
    "a name with a blank": ("[default]\n", None, Change("a b", region="a"), ["region", "a"]),
    "a setting": ("# c\n[profile x]\nregion = b\n[default]\n", None, Change("x", region="a"), ["region", "a"]),
    "a new setting": ("[profile x]\nregion = b\n\n[default]\n", None, Change("x", output="a"), ["output", "a"]),
    "a second file": (None, "[x]\n", Change("x", region="a"), ["region", "a"]),
    "a new block": ("[profile x]\n", None, Change("x", config={"s3": {"a": "b"}}), ["s3.a", "b"]),
    "a nested entry": (
        "[profile x]\ns3 =\n    a = c\n    d = e\n",
        None,
        Change("x", config={"s3": {"a": "b"}}),
        ["s3.a", "b"],
    ),
    "a token": (
        None,
        "[x]\naws_access_key_id = ASIA\naws_secret_access_key = s\n",
        Change("x", session_token="t"),
        ["aws_session_token", "t"],
    ),
}


@pytest.mark.parametrize(("config", "credentials", "change", "words"), EASY.values(), ids=EASY)
def test_writes_what_aws_configure_set_writes_in_easy_cases(
    config: str | None, credentials: str | None, change: Change, words: list[str], cli: Cli
) -> None:
    cli.put(config, credentials)
    cli.change(change)
    ours = cli.files()
    cli.put(config, credentials)
    assert cli.configure("set", *words, "--profile", change.name).returncode == 0
    theirs = cli.files()
    assert (ours.config, ours.credentials) == (theirs.config, theirs.credentials)
