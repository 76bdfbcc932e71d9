# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from AWS about access keys, as plain values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class AccessKey:
    """An IAM user's access key as ListAccessKeys tells it.

    ``created`` is an aware datetime in UTC.
    """

    id: str
    active: bool
    created: datetime


@dataclass(frozen=True)
class NewAccessKey:
    """The answer of CreateAccessKey: the only time that AWS tells the secret, which no ``repr`` shows."""

    key: AccessKey
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class LastUse:
    """The answer of GetAccessKeyLastUsed.

    ``at`` is none where AWS has no record: never used, or not tracked. That a call failed is not said here: it is
    *unknown*, for which whoever asked has none instead of a ``LastUse``.
    """

    at: t.Optional[datetime] = None
    service: t.Optional[str] = None
    region: t.Optional[str] = None
