# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What compliance rules have to say of a user's access keys: facts in, findings out, nothing asked.

A rule's controls and their numbers are those of the AWS Security Hub user guide, of the AWS Config rules that it names
(https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html), and of the CIS Amazon Web Services
Foundations Benchmark.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.rekey.aws.plugins.module_utils._model import LastUse

ROOT = "<root_account>"


@dataclass(frozen=True)
class KeyFacts:
    """What is known of one access key.

    ``id`` is none where only the credential report was read. ``last_use`` is none where AWS could not be asked.
    """

    user_name: str
    id: t.Optional[str]
    active: bool
    created: datetime
    last_use: t.Optional[LastUse]


@dataclass(frozen=True)
class Limits:
    """From when on an active key is too old, and from when on it counts as unused."""

    max_age: timedelta = timedelta(days=90)
    unused_after: timedelta = timedelta(days=45)


@dataclass(frozen=True)
class Rule:
    """A rule, what to do about a key that breaks it, and the controls that ask for it: each from how many days on."""

    id: str
    title: str
    remedy: str
    controls: t.Tuple[t.Tuple[str, int], ...]


@dataclass(frozen=True)
class Finding:
    """A key that breaks a rule since ``age``, counted as the rule counts it."""

    rule: Rule
    key: KeyFacts
    age: timedelta

    @property
    def controls(self) -> t.Tuple[str, ...]:
        """The controls that this key breaks; an operator's limit may be stricter than theirs."""
        return tuple(name for name, days in self.rule.controls if self.age > timedelta(days=days))


def _cis(days: int, until_4: str, **later: str) -> t.Tuple[t.Tuple[str, int], ...]:
    numbers = dict.fromkeys(("1.4", "1.5", "2.0", "3.0", "4.0"), until_4)
    numbers.update((version[1:] + ".0", number) for version, number in later.items())
    return tuple(("CIS AWS Foundations {0} {1}".format(version, number), days) for version, number in numbers.items())


KEY_AGE = Rule(
    "key_age",
    "An active access key is older than the limit",
    "Replace it: rekey.aws.rotate does so without an outage.",
    (
        ("Security Hub IAM.3", 90),
        ("AWS Config access-keys-rotated", 90),
        *_cis(90, "1.14", v5="1.13", v6="2.13", v7="2.12"),
    ),
)
UNUSED = Rule(
    "unused",
    "An active access key has not been used for long",
    "Deactivate it, and delete it when nobody has missed it.",
    (
        ("Security Hub IAM.22", 45),
        ("Security Hub IAM.8", 90),
        ("AWS Config iam-user-unused-credentials-check", 90),
        *_cis(45, "1.12", v5="1.11", v6="2.11", v7="2.11"),
    ),
)
NEVER_USED = Rule(
    "never_used",
    "An active access key has no recorded use since it was made",
    "Deactivate it, and delete it when nobody has missed it: some uses are not tracked.",
    UNUSED.controls,
)
TWO_ACTIVE = Rule(
    "two_active",
    "A user has more than one active access key",
    "Finish the rotation that is under way, or deactivate the key that nothing uses.",
    _cis(0, "1.13", v5="1.12", v6="2.12"),
)
ROOT_KEY = Rule(
    "root_key",
    "The root user has an access key",
    "Sign in as the root user and delete it.",
    (
        ("Security Hub IAM.4", 0),
        ("AWS Config iam-root-access-key-check", 0),
        *_cis(0, "1.4", v5="1.3", v6="2.3", v7="2.4"),
    ),
)


def findings(keys: t.Sequence[KeyFacts], limits: Limits, now: datetime) -> t.Tuple[Finding, ...]:
    """The findings about one user's keys, key by key."""
    found: t.List[Finding] = []
    active = [key for key in keys if key.active]
    for key in keys:
        age = now - key.created
        if key.user_name == ROOT:
            found.append(Finding(ROOT_KEY, key, age))
        if not key.active:
            continue
        if age > limits.max_age:
            found.append(Finding(KEY_AGE, key, age))
        if key.last_use and key.last_use.at and now - key.last_use.at > limits.unused_after:
            found.append(Finding(UNUSED, key, now - key.last_use.at))
        if key.last_use and not key.last_use.at and age > limits.unused_after:
            found.append(Finding(NEVER_USED, key, age))
        if len(active) > 1:
            found.append(Finding(TWO_ACTIVE, key, age))
    return tuple(found)
