# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an OS user's AWS CLI files hold, as the results of aws_cli_profile_info."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.rekey.aws.plugins.module_utils import _files
from ansible_collections.rekey.aws.plugins.module_utils._paths import path_of
from ansible_collections.rekey.aws.plugins.module_utils._profile import Files, Profile, read

Result = t.Dict[str, t.Any]


def inspect(user: t.Optional[str], options: t.Mapping[str, t.Any]) -> Result:
    """The profiles of one user, or without a name of who runs the task. Raises InvalidInput and FileFault."""
    with _files.acting_as(user) as home:
        config, credentials = (
            _files.read(path_of(name, options[name + "_file"], user, home)) for name in ("config", "credentials")
        )
    profiles, faults = read(Files(config.content, credentials.content, config.path, credentials.path))
    wanted = options["profiles"]
    return {
        "user": user,
        "config_file": config.path,
        "credentials_file": credentials.path,
        "config_mode": _mode(config),
        "credentials_mode": _mode(credentials),
        "profiles": [
            _told(profile, options["secrets"]) for profile in profiles if wanted is None or profile.name in wanted
        ],
        "faults": [asdict(fault) for fault in faults],
    }


def _mode(file: _files.File) -> t.Optional[str]:
    return None if file.mode is None else f"{file.mode:04o}"


def _told(profile: Profile, secrets: bool) -> Result:
    pair = profile.pair
    told: Result = {
        "name": profile.name,
        "kind": profile.kind,
        "access_key_id": pair.access_key_id if pair else None,
        "config": dict(profile.settings),
        "shadowed": list(profile.shadowed),
        "in_config": profile.in_config,
        "in_credentials": profile.in_credentials,
    }
    if secrets:
        told["secret_access_key"] = pair.secret_access_key if pair else None
        told["session_token"] = pair.session_token if pair else None
    return told
