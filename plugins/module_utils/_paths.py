# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an OS user's AWS CLI has its two files."""

from __future__ import annotations

import os
import typing as t


def path_of(name: str, given: t.Optional[str], user: t.Optional[str], home: str) -> str:
    """Where the AWS CLI of a user has its ``config`` or ``credentials``; a ``~`` in a given path is that user's home.

    The environment is that of who runs the task, so that it says nothing about another ``user``.
    """
    variable = {"config": "AWS_CONFIG_FILE", "credentials": "AWS_SHARED_CREDENTIALS_FILE"}[name]
    if given is None and user is None and os.environ.get(variable):
        given = os.path.expandvars(os.environ[variable])
    if given is None:
        return os.path.join(home, ".aws", name)
    if given == "~" or given.startswith("~/"):
        return home + given[1:]
    return os.path.abspath(os.path.expanduser(given))
