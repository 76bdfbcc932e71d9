# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts a cloud and steers it, from tests and the demo. The standard library alone."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from . import ADMIN_KEY_ID, ADMIN_SECRET


@dataclasses.dataclass(frozen=True)
class Key:
    """A pair as the cloud told it."""

    access_key_id: str
    secret_access_key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class User:
    """An IAM user that `Cloud.create_user` made, with the keys that it got there."""

    user_name: str
    user_id: str
    arn: str
    keys: List[Key]


class Cloud:
    """A running cloud, by its address. Every method raises RuntimeError with the cloud's words where it refuses."""

    def __init__(self, url: str) -> None:
        self.url = url

    @classmethod
    @contextlib.contextmanager
    def start(cls, python: str = sys.executable, **settings: Any) -> Iterator["Cloud"]:
        """A cloud of its own, with these settings, until the block ends. ``python`` needs moto."""
        command = [python, str(Path(__file__).resolve().parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                url = process.stdout.readline().strip()
                if not url:
                    raise RuntimeError(f"the cloud did not start: {python} ended with {process.wait()}")
                cloud = cls(url)
                if settings:
                    cloud.settings(**settings)
                yield cloud
            finally:
                process.terminate()

    def settings(self, **changes: Any) -> Dict[str, Any]:
        """Change settings (`cloud.settings.Settings` has their names and meaning); returns all of them."""
        if changes:
            return dict(self._ask("PUT", "settings", changes))
        return dict(self._ask("GET", "settings"))

    def faults(self, faults: List[Dict[str, Any]]) -> None:
        """Set the faults (`cloud.settings.Fault` has their fields); an empty list ends them."""
        self._ask("PUT", "faults", faults)

    def faults_left(self) -> List[Dict[str, Any]]:
        """The faults that still spoil calls."""
        return list(self._ask("GET", "faults"))

    def calls(self, user_name: Optional[str] = None) -> Dict[str, int]:
        """How often each action was called; with ``user_name``, by requests that name this user."""
        counts = self._ask("GET", "calls")
        return dict(counts["calls"] if user_name is None else counts["by_user"].get(user_name, {}))

    def journal(self, first: int = 0) -> List[Dict[str, Any]]:
        """The calls in order (`cloud.journal.Record`), from number ``first`` on."""
        return list(self._ask("GET", f"journal?first={first}"))

    def clear_journal(self) -> None:
        """Forget the calls, and with them the counts."""
        self._ask("DELETE", "journal")

    def create_user(self, user_name: str, **details: Any) -> User:
        """Make a user, or give one that exists more keys (beyond the quota, too).

        ``keys``: a list of dicts with any of ``age_days``, ``status``, ``last_used_days``, ``last_used_service``,
        ``last_used_region``; without it, one new key. ``tags``: a dict. ``policy``: an IAM policy document.
        ``path``, ``account_id``.
        """
        return _user(self._ask("POST", "users", {"user_name": user_name, **details}))

    def create_users(self, users: List[Dict[str, Any]]) -> List[User]:
        """The same for many, in one request."""
        return [_user(user) for user in self._ask("POST", "users", users)]

    def age(self, user_name: str, days: float, **details: Any) -> None:
        """Move a user's times into the past: its keys' creation and last use, and ISO times in its tags' values.

        ``key_id``: only this key's. ``what``: some of ``created``, ``used``, ``tags``. ``account_id``.
        """
        self._ask("POST", "age", {"user_name": user_name, "days": days, **details})

    def state(self, account_id: Optional[str] = None) -> Dict[str, Any]:
        """The users by name: ``arn``, ``user_id``, ``tags``, ``keys`` (id, status, dates, true last use)."""
        return dict(self._ask("GET", "state" + (f"?account_id={account_id}" if account_id else "")))

    def reset(self) -> None:
        """Everything as at the start."""
        self._ask("POST", "reset")

    def environ(
        self,
        access_key_id: str = ADMIN_KEY_ID,
        secret_access_key: str = ADMIN_SECRET,
        session_token: Optional[str] = None,
        region: str = "us-east-1",
    ) -> Dict[str, str]:
        """The environment that points SDKs and the AWS CLI here, as the administrator or with another pair."""
        environ = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": access_key_id,
            "AWS_SECRET_ACCESS_KEY": secret_access_key,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if session_token:
            environ["AWS_SESSION_TOKEN"] = session_token
        return environ

    def _ask(self, method: str, path: str, document: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_cloud/{path}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"the cloud refuses {method} {path}: {json.load(error)['error']}") from None


def _user(document: Dict[str, Any]) -> User:
    return User(**{**document, "keys": [Key(**key) for key in document["keys"]]})
