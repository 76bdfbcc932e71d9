# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of an account's credential report, read.

Its columns: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html. It names a
user's first two keys by number, not by id, and may be four hours old.
"""

from __future__ import annotations

import csv
import io
import typing as t
from datetime import datetime

from ansible_collections.rekey.aws.plugins.module_utils._errors import RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._findings import KeyFacts
from ansible_collections.rekey.aws.plugins.module_utils._model import LastUse


def parse(text: str) -> t.Dict[str, t.Tuple[KeyFacts, ...]]:
    """The keys of every user that has any, by user name. Raises RekeyError where the text is not such a report."""
    users: t.Dict[str, t.Tuple[KeyFacts, ...]] = {}
    try:
        for row in csv.DictReader(io.StringIO(text)):
            keys = tuple(filter(None, (_key(row, number) for number in (1, 2))))
            if keys:
                users[row["user"]] = keys
    except (KeyError, ValueError, csv.Error) as error:
        raise RekeyError("The account's credential report cannot be read: {0!r}".format(error)) from None
    return users


def _key(row: t.Mapping[str, str], number: int) -> t.Optional[KeyFacts]:
    column = "access_key_{0}_".format(number)
    created = _moment(row[column + "last_rotated"])
    if created is None:
        return None
    used = _moment(row[column + "last_used_date"])
    last_use = LastUse(used, row[column + "last_used_service"], row[column + "last_used_region"]) if used else LastUse()
    return KeyFacts(row["user"], None, row[column + "active"].lower() == "true", created, last_use)


def _moment(cell: str) -> t.Optional[datetime]:
    if cell in ("", "N/A", "no_information", "not_supported"):
        return None
    return datetime.fromisoformat(cell.replace("Z", "+00:00"))
