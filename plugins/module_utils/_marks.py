# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The marks that rotations leave in AWS, as tags on the IAM user: what they say, and how they are written.

``rekey:key:<id>`` is ``ours <time>``, ``draining <time>`` or ``retired <time>``; ``rekey:intent:<run>`` is
``<time> <id> …``, the key ids that stood before. Tag names take 128 characters and values 256, of letters, digits,
blanks and ``_.:/=+-@`` (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timezone

KEY = "rekey:key:"
INTENT = "rekey:intent:"

OURS = "ours"
DRAINING = "draining"
RETIRED = "retired"

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Mark:
    """What a rotation knows of a key: one of ``OURS``, ``DRAINING``, ``RETIRED``, and since when (UTC)."""

    state: str
    since: datetime


@dataclass(frozen=True)
class Intent:
    """That run ``run`` was about to create a key at ``at`` (UTC), when the keys ``before`` stood."""

    run: str
    at: datetime
    before: t.FrozenSet[str]


@dataclass(frozen=True)
class Marks:
    """All marks of one IAM user."""

    keys: t.Mapping[str, Mark] = field(default_factory=dict)
    intents: t.Tuple[Intent, ...] = ()

    def of(self, access_key_id: str) -> t.Optional[str]:
        """The state that the mark of a key says, or none."""
        mark = self.keys.get(access_key_id)
        return mark.state if mark else None


def format_time(moment: datetime) -> str:
    """A moment as the marks and the results write it: UTC, whole seconds, ``2026-11-24T05:00:00Z``."""
    return moment.astimezone(timezone.utc).strftime(_TIME)


def parse_time(text: str) -> datetime:
    """The opposite of ``format_time``. Raises ``ValueError``."""
    return datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc)


def parse(tags: t.Mapping[str, str]) -> Marks:
    """The marks among a user's tags.

    A tag of ours that cannot be read (somebody edited it) says nothing: its key counts as foreign, and is left alone.
    """
    keys: t.Dict[str, Mark] = {}
    intents: t.List[Intent] = []
    for name, value in tags.items():
        words = value.split()
        try:
            if name.startswith(KEY):
                state, since = words
                if state in (OURS, DRAINING, RETIRED):
                    keys[name[len(KEY) :]] = Mark(state, parse_time(since))
            elif name.startswith(INTENT):
                intents.append(Intent(name[len(INTENT) :], parse_time(words[0]), frozenset(words[1:])))
        except (ValueError, IndexError):
            continue
    return Marks(keys, tuple(sorted(intents, key=lambda intent: intent.at)))


def key_tag(access_key_id: str, mark: Mark) -> t.Tuple[str, str]:
    """The tag that says ``mark`` of a key: its name and its value."""
    return KEY + access_key_id, "{0} {1}".format(mark.state, format_time(mark.since))


def intent_tag(intent: Intent) -> t.Tuple[str, str]:
    """The tag that says an intent: its name and its value."""
    return INTENT + intent.run, " ".join([format_time(intent.at), *sorted(intent.before)])
