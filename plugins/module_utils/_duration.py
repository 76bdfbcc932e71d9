# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A length of time as people write it in options: ``90d``, ``12h``, ``30m``, ``45s``, ``2w``, ``0``."""

from __future__ import annotations

import re
from datetime import timedelta

from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse(option: str, text: str) -> timedelta:
    """What ``text`` means. Raises InvalidInput, which names the ``option`` that it was given to."""
    match = re.fullmatch(r"\s*([0-9]{1,6})\s*([smhdw]?)\s*", text)
    if not match or not (match.group(2) or int(match.group(1)) == 0):
        raise InvalidInput(
            "{0}: {1!r} is not a length of time. Give a number and its unit (s, m, h, d, w): 90d.".format(option, text)
        )
    return timedelta(**{_UNITS[match.group(2) or "s"]: int(match.group(1))})
