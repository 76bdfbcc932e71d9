# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that were read on the host, and so are unknown to ``no_log``, kept out of whatever a module shows."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22
    register_secret = None

_SHORTEST = 16  # characters: masking every occurrence of less would tear up what is no secret


def hider(module: AnsibleModule) -> t.Callable[[str], None]:
    """What makes ``module`` mask a secret wherever it would show."""

    def hide(secret: str) -> None:
        if len(secret) < _SHORTEST:
            return
        module.no_log_values.add(secret)
        if register_secret:
            register_secret(secret)

    return hide
