# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One real cloud a session; each test finds it as at its start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config

from tests.cloud import ADMIN_KEY_ID, ADMIN_SECRET
from tests.cloud.client import Cloud, Key

_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)


class Connect(Protocol):
    """Makes a boto3 client that sends every request once, as the administrator unless given a key."""

    def __call__(
        self,
        service: str,
        key: Key | None = None,
        token: str | None = None,
        region: str = "us-east-1",
        endpoint_url: str | None = None,
        **config: Any,
    ) -> Any: ...


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture(scope="session")
def running() -> Iterator[Cloud]:
    with Cloud.start() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.reset()
    return running


@pytest.fixture
def connect(cloud: Cloud) -> Connect:
    def make(
        service: str,
        key: Key | None = None,
        token: str | None = None,
        region: str = "us-east-1",
        endpoint_url: str | None = None,
        **config: Any,
    ) -> Any:
        pair = key or Key(ADMIN_KEY_ID, ADMIN_SECRET)
        new_client: Any = boto3.client
        return new_client(
            service,
            endpoint_url=endpoint_url or cloud.url,
            region_name=region,
            aws_access_key_id=pair.access_key_id,
            aws_secret_access_key=pair.secret_access_key,
            aws_session_token=token,
            config=_ONCE.merge(Config(**config)),
        )

    return make


@pytest.fixture
def iam(connect: Connect) -> Any:
    return connect("iam")


@pytest.fixture
def key(cloud: Cloud) -> Key:
    """The one key of the user ``deploy``, made just now and known everywhere."""
    return cloud.create_user("deploy").keys[0]
