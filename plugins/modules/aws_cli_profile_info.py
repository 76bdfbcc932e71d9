#!/usr/bin/python
# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_cli_profile_info
short_description: Tell what the profiles in the files of the AWS CLI hold
version_added: 0.1.0
description:
  - Reads C(~/.aws/config) and C(~/.aws/credentials) of one OS user or of several as the AWS CLI does, and tells what
    each profile is, which access key it holds, which settings hide others, and why the AWS CLI would refuse a file.
  - Secrets are left out unless they are asked for.
  - Needs Python 3.8 or newer on the host, and nothing else - not the AWS CLI either.
options:
  users:
    description:
      - The OS users whose files are read. Homes come from the host's password database. As root, the files of each are
        read with that user's rights and no others.
      - Without it, the files are those of the user that runs the task, as their environment has it (C(HOME),
        C(AWS_CONFIG_FILE), C(AWS_SHARED_CREDENTIALS_FILE)).
    type: list
    elements: str
  profiles:
    description: The names of the profiles to tell of. Without it, all. One that does not exist is left out.
    type: list
    elements: str
  config_file:
    description: The config file in place of C(~/.aws/config). C(~) is the home of each of O(users).
    type: str
  credentials_file:
    description: The credentials file in place of C(~/.aws/credentials), else like O(config_file).
    type: str
  secrets:
    description:
      - Whether to return secret access keys and session tokens, too. Set C(no_log=true) on the task then, for before
        ansible-core 2.22 nothing else hides them.
    type: bool
    default: false
extends_documentation_fragment:
  - rekey.aws.attributes
  - rekey.aws.attributes.info_module
attributes:
  platform:
    platforms: posix
    support: full
seealso:
  - module: rekey.aws.aws_cli_profile
author:
  - rekey.aws contributors (@rekey-aws)
"""

EXAMPLES = r"""
- name: See what the deploy user's AWS CLI has
  rekey.aws.aws_cli_profile_info:
    users: [deploy]
  become: true
  register: aws_cli

- name: Name the profiles with a static access key
  ansible.builtin.debug:
    msg: >-
      {{ aws_cli.users[0].profiles | selectattr('kind', 'equalto', 'static')
         | items2dict(key_name='name', value_name='access_key_id') }}

- name: Fetch one profile's pair
  rekey.aws.aws_cli_profile_info:
    profiles: [backup]
    secrets: true
  no_log: true
  register: backup
"""

RETURN = r"""
users:
  description: What was found, one entry for each of O(users), or one for the user that runs the task.
  returned: success
  type: list
  elements: dict
  contains:
    user:
      description: The OS user, or null for the one that runs the task.
      type: str
      sample: deploy
    config_file:
      description: The path of the config file.
      type: str
      sample: /home/deploy/.aws/config
    credentials_file:
      description: The path of the credentials file.
      type: str
      sample: /home/deploy/.aws/credentials
    config_mode:
      description: The mode of the config file in octal, or null if there is no such file.
      type: str
      sample: "0600"
    credentials_mode:
      description: The mode of the credentials file in octal, or null if there is no such file.
      type: str
      sample: "0600"
    profiles:
      description: The profiles, those of the config file first.
      type: list
      elements: dict
      contains:
        name:
          description: The profile's name.
          type: str
          sample: backup
        kind:
          description:
            - How the AWS CLI authenticates with this profile - V(static), V(role), V(sso), V(login), V(process),
              V(web_identity), or V(none).
            - An access key in a profile of another kind than V(static) is seldom used.
          type: str
          sample: static
        access_key_id:
          description: The id of the profile's static access key, or null.
          type: str
          sample: AKIAIOSFODNN7EXAMPLE
        config:
          description: The profile's settings that are not secret, as the AWS CLI reads them from both files.
          type: dict
          sample: {region: eu-central-1}
        shadowed:
          description: The settings of the config file that the credentials file overrides with another value.
          type: list
          elements: str
        in_config:
          description: Whether the config file has the profile.
          type: bool
        in_credentials:
          description: Whether the credentials file has the profile.
          type: bool
        secret_access_key:
          description: The secret access key, or null.
          returned: when O(secrets=true)
          type: str
        session_token:
          description: The session token, or null.
          returned: when O(secrets=true)
          type: str
    faults:
      description: Why the AWS CLI would refuse a file. It then works with no profile at all.
      type: list
      elements: dict
      contains:
        path:
          description: The file.
          type: str
          sample: /home/deploy/.aws/credentials
        line:
          description: The line, from 1.
          type: int
        message:
          description: What is wrong. It quotes nothing of the file.
          type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rekey.aws.plugins.module_utils import _inspect, _module, _secrets


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "str"},
            "profiles": {"type": "list", "elements": "str"},
            "config_file": {"type": "str"},
            "credentials_file": {"type": "str"},
            "secrets": {"type": "bool", "default": False, "no_log": False},
        },
        supports_check_mode=True,
    )
    _module.run(module, _act)


def _act(module: AnsibleModule) -> _inspect.Result:
    users = module.params["users"]
    found = [_inspect.inspect(user, module.params) for user in ([None] if users is None else users)]
    for profile in (profile for entry in found for profile in entry["profiles"]):
        for secret in (profile.get("secret_access_key"), profile.get("session_token")):
            if secret:
                _secrets.register_secret(secret)
    return {"changed": False, "users": found}


if __name__ == "__main__":
    main()
