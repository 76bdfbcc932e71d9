# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a fleet."""

from __future__ import annotations


class FleetError(Exception):
    """The fleet cannot be started or stopped; the message says why and what to do."""


class NoSshd(FleetError):
    """This machine cannot have hosts over SSH; `connection="local"` works without."""
