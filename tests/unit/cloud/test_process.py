# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cloud as a process: it says when it is ready, ends when it should, and is fast enough for its use."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import ADMIN_KEY_ID, ADMIN_SECRET
from tests.cloud.client import Cloud, Key

_TESTS = Path(__file__).parents[2]
_WAYS = {
    "python -m cloud": ([sys.executable, "-m", "cloud"], {"PYTHONPATH": str(_TESTS)}),
    "python tests/cloud": ([sys.executable, str(_TESTS / "cloud")], {}),
}


def _start(*options: str, way: str = "python tests/cloud") -> subprocess.Popen[str]:
    command, more = _WAYS[way]
    environ = {**os.environ, **more}
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, env=environ, cwd="/")


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize("way", _WAYS)
def test_it_prints_its_address_when_it_is_ready_and_ends_on_sigterm(way: str, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with _start("--port", "0", "--ready-file", str(ready), way=way) as process:
        url = _first_line(process)
        with urllib.request.urlopen(f"{url}/_cloud/settings", timeout=10) as answer:
            assert answer.status == 200
        assert url.startswith("http://127.0.0.1:")
        assert ready.read_text() == f"{url}\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_it_ends_after_its_time() -> None:
    with _start("--max-seconds", "0.5") as process:
        assert _first_line(process)
        assert process.wait(5) == 0


def test_it_ends_with_the_process_that_started_it() -> None:
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, {str(_TESTS / 'cloud')!r}], stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline().strip(), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        pid, url = _first_line(parent).split()
        assert url
        parent.kill()
    _wait_for_end(int(pid))


def test_it_ends_with_the_process_it_is_told_to_watch() -> None:
    with subprocess.Popen(["sleep", "60"]) as watched, _start("--parent", str(watched.pid)) as process:
        assert _first_line(process)
        watched.kill()
        watched.wait()
        assert process.wait(5) == 0


def _wait_for_end(pid: int) -> None:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} lives on")


def test_its_help_tells_the_administrators_pair() -> None:
    text = subprocess.run(
        [sys.executable, str(_TESTS / "cloud"), "--help"], capture_output=True, text=True, check=False
    ).stdout
    assert f"AWS_ACCESS_KEY_ID={ADMIN_KEY_ID}" in text
    assert f"AWS_SECRET_ACCESS_KEY={ADMIN_SECRET}" in text


def test_it_starts_with_settings_and_ends_with_its_block() -> None:
    since = time.monotonic()
    with Cloud.start(propagation_seconds=3) as cloud:
        assert time.monotonic() - since < 2.5 * _slowness()
        assert cloud.settings()["propagation_seconds"] == 3
    with pytest.raises(OSError, match="refused"):
        cloud.settings()


def _slowness() -> float:
    """How much slower than an idle machine this one is now, for limits in seconds: 1 or more."""
    since = time.perf_counter()
    sum(number * number for number in range(1_000_000))
    return max(1.0, (time.perf_counter() - since) / 0.06, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_a_hundred_callers_at_once_are_answered_in_a_second_and_a_half(cloud: Cloud, connect: Any) -> None:
    client = connect("sts", max_pool_connections=100)
    client.get_caller_identity()
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        since = time.monotonic()
        answers = list(pool.map(lambda _: client.get_caller_identity()["Account"], range(100)))
        took = time.monotonic() - since
    assert answers == ["123456789012"] * 100
    assert took < 1.5 * _slowness()


def _seconds(iam: Any, key: Key) -> float:
    """How long the calls about one user's keys take together."""
    since = time.perf_counter()
    iam.list_access_keys(UserName="first")
    iam.get_access_key_last_used(AccessKeyId=key.access_key_id)
    iam.list_user_tags(UserName="first")
    iam.get_user()
    return time.perf_counter() - since


def test_five_thousand_users_do_not_slow_it_down(cloud: Cloud, connect: Any) -> None:
    with Cloud.start() as crowded:
        crowded.create_users([{"user_name": f"u{number}", "keys": [{}, {}]} for number in range(5000)])
        rounds: list[tuple[Any, Key, list[float]]] = []
        for one in (cloud, crowded):
            key = one.create_user("first").keys[0]
            rounds.append((connect("iam", key, endpoint_url=one.url), key, []))
        # In turns, so that whatever else the machine does slows both.
        for _turn in range(40):
            for iam, key, times in rounds:
                times.append(_seconds(iam, key))
        few, many = (min(times) for iam, key, times in rounds)
        assert many < 1.5 * few
        iam = rounds[1][0]
        iam.generate_credential_report()
        assert iam.get_credential_report()["Content"].count(b"\n") == 5003
