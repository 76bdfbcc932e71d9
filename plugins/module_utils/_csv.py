# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair out of a CSV file of AWS, in each of its forms.

The console's file for a new key has ``Access key ID,Secret access key``; its file for a new user has these among other
columns, ``User name`` first; ``aws configure import`` takes ``User Name`` and these.
"""

from __future__ import annotations

import csv

from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._profile import Pair

_USER, _ID, _SECRET = "user name", "access key id", "secret access key"


def pair(text: str, profile: str) -> Pair:
    """The pair in a CSV file; of several users, that of the user named like the profile, as ``aws configure import``.

    Raises InvalidInput, which shows nothing of the file.
    """
    lines = csv.reader(text.lstrip("\ufeff").splitlines(), skipinitialspace=True)
    rows = [[cell.strip() for cell in row] for row in lines if any(cell.strip() for cell in row)]
    names = [name.lower() for name in rows[0]] if rows else []
    if _ID not in names or _SECRET not in names:
        raise InvalidInput(
            "csv_content: the first line does not name the columns 'Access key ID' and 'Secret access key'. "
            "Give the file as AWS made it."
        )
    found = [dict(zip(names, row)) for row in rows[1:]]
    if len(found) > 1:
        found = [row for row in found if row.get(_USER) == profile]
    if len(found) != 1:
        raise InvalidInput(
            f"csv_content: it needs one line below the first, or one for a user named {profile!r}; it has {len(found)}."
        )
    access_key_id, secret = found[0].get(_ID), found[0].get(_SECRET)
    if not access_key_id or not secret:
        raise InvalidInput("csv_content: the line has no access key id, or no secret access key.")
    return Pair(access_key_id, secret)
