# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task does about a user's keys, as a table of what is there and what is wished."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey
from ansible_collections.rekey.aws.plugins.module_utils._provision import Create, Delete, SetActive, Step, Wish, decide


def key(name: str, active: bool = True) -> AccessKey:
    return AccessKey(name, active, datetime(2026, 1, 1, tzinfo=timezone.utc))


ON, OFF = key("AKIAON"), key("AKIAOFF", active=False)


@pytest.mark.parametrize(
    ("wish", "keys", "step"),
    [
        ({}, [], Create()),
        ({}, [ON], None),
        ({}, [OFF], Create()),
        ({}, [OFF, ON], None),
        ({"active": True}, [ON], None),
        ({"key_count": 2}, [ON], Create()),
        ({"key_count": 2}, [ON, OFF], Create()),
        ({"key_count": 2}, [ON, key("AKIAON2")], None),
        ({"id": "AKIAON"}, [ON, OFF], None),
        ({"id": "AKIAOFF"}, [ON, OFF], None),
        ({"id": "AKIAOFF", "active": True}, [ON, OFF], SetActive("AKIAOFF", True)),
        ({"id": "AKIAON", "active": True}, [ON, OFF], None),
        ({"id": "AKIAON", "active": False}, [ON, OFF], SetActive("AKIAON", False)),
        ({"id": "AKIAOFF", "active": False}, [ON, OFF], None),
        ({"id": "AKIAON", "present": False}, [ON, OFF], Delete("AKIAON")),
        ({"id": "AKIAGONE", "present": False}, [ON, OFF], None),
    ],
)
def test_the_step_that_brings_the_keys_to_what_is_wished(wish: Any, keys: list[AccessKey], step: Step | None) -> None:
    assert decide(Wish("deploy", **wish), keys) == step


@pytest.mark.parametrize(
    ("wish", "keys", "words"),
    [
        ({"id": "AKIAGONE"}, [ON, OFF], "no access key AKIAGONE. It has: AKIAON (active, made 2026-01-01), AKIAOFF ("),
        ({"id": "AKIAGONE"}, [], "It has: none."),
        ({"active": False}, [ON], "active: false needs the id"),
        ({"present": False}, [ON], "state: absent needs the id"),
        ({"key_count": 0}, [ON], "key_count must be at least 1"),
        ({"key_count": 2}, [OFF], "lacks 2 active access keys"),
    ],
)
def test_what_cannot_be_is_refused(wish: Any, keys: list[AccessKey], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide(Wish("deploy", **wish), keys)
    assert words in caught.value.message
