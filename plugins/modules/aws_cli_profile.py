#!/usr/bin/python
# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documented in aws_cli_profile.yml, for this file is sent to every host.

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rekey.aws.plugins.module_utils import _apply, _module, _request, _secrets


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "profile": {"type": "str", "required": True, "aliases": ["name"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "section_type": {"type": "str", "choices": ["profile", "sso-session", "services"], "default": "profile"},
            "remove_from": {
                "type": "list",
                "elements": "str",
                "choices": ["config", "credentials"],
                "default": ["config", "credentials"],
            },
            "access_key_id": {"type": "str"},
            "secret_access_key": {"type": "str", "no_log": True},
            "session_token": {"type": "str", "no_log": True},
            "csv_content": {"type": "str", "no_log": True},
            "update_secret": {
                "type": "str",
                "choices": ["always", "on_create"],
                "default": "always",
                "no_log": False,
            },
            "replaces": {"type": "list", "elements": "str"},
            "region": {"type": "str"},
            "output": {"type": "str"},
            "config": {"type": "dict", "default": {}},
            "credentials_absent": {"type": "list", "elements": "str", "default": []},
            "exclusive": {"type": "bool", "default": False},
            "user": {"type": "str"},
            "config_file": {"type": "str"},
            "credentials_file": {"type": "str"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw"},
            "config_mode": {"type": "raw"},
            "directory_mode": {"type": "raw", "default": "0700"},
            "backup": {"type": "bool", "default": False},
            "follow": {"type": "bool", "default": True},
            "unsafe_writes": {"type": "bool", "default": False},
            "verify": {"type": "bool", "default": False},
            "verify_timeout": {"type": "float", "default": 60},
            "verify_account": {"type": "str"},
            "verify_user_name": {"type": "str"},
        },
        mutually_exclusive=[("csv_content", "access_key_id"), ("csv_content", "secret_access_key"), ("user", "owner")],
        supports_check_mode=True,
    )
    _module.run(module, _act)


def _act(module: AnsibleModule) -> _apply.Result:
    for secret in _request.misplaced_secrets(module.params):
        module.no_log_values.add(_secrets.register_secret(secret))
    result = _apply.apply(_request.from_options(module.params), module.check_mode)
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if not module._diff:
        result.pop("diff", None)
    return result


if __name__ == "__main__":
    main()
