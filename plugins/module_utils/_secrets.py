# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in a module's results that ``no_log`` does not know of, kept out of what Ansible shows."""

from __future__ import annotations

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22

    def register_secret(value: str) -> str:
        """Core cannot mask what is not an option's value."""
        return value


__all__ = ["register_secret"]
