# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception of this collection and its few kinds.

They are raised low, where the cause is known, and become ``fail_json`` in one place (``_module.run``). A message says
what was wrong, where (user, key id, host, file and line) and what to do; it never holds a secret.
"""

from __future__ import annotations

import typing as t


class RekeyError(Exception):
    """Something that a person must read: ``message`` for them, ``facts`` for what reads results.

    ``facts`` become return values beside ``msg``: ids, codes, paths; never a secret.
    """

    def __init__(self, message: str, **facts: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class InvalidInput(RekeyError):
    """The task asks for something that cannot be."""


class FileFault(RekeyError):
    """A file cannot be read, understood or written. Facts: ``path`` and, for a fault of its text, ``line`` (from 1)."""


class VerificationFailed(RekeyError):
    """AWS did not accept a pair from here. Facts: ``error_code`` as STS gave it, or none where there was no answer."""


class AwsError(RekeyError):
    """AWS refused a call. Facts: ``error_code``, ``action`` and, where known, ``user_name`` and ``access_key_id``."""

    @property
    def code(self) -> str:
        return str(self.facts.get("error_code") or "")


class NoAnswer(AwsError):
    """A call was sent and no answer came: it may or may not have taken effect."""
