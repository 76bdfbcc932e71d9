#!/usr/bin/python
# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_cli_profile
short_description: Manage a profile in the files of the AWS CLI, and prove its access key from the host
version_added: 0.1.0
description:
  - Brings one profile in C(~/.aws/config) and C(~/.aws/credentials) to what is asked, as C(aws configure) does, and
    does what that cannot - remove, unset, check, compare, and try an access key before it is written.
  - Edits the files line by line. Comments, blank lines, line endings and every other profile stay byte for byte. A
    file that the AWS CLI could not read is refused, with its name and line, and left alone.
  - Both files are written beside the old ones, readable by their owner alone, and renamed into place, under a lock.
    A kill at any instant leaves each file whole; any other failure leaves both as they were.
  - Needs Python 3.8 or newer on the host, and nothing else - not the AWS CLI either.
options:
  profile:
    description:
      - The name of the profile, V(default) among them, or of the section that O(section_type) names.
      - The section that the AWS CLI would use is edited, however its header is spelled.
    type: str
    required: true
    aliases: [name]
  state:
    description: Whether the profile has what is asked, or is to be removed.
    type: str
    choices: [present, absent]
    default: present
  section_type:
    description:
      - The kind of section. V(sso-session) and V(services) are in the config file only, and have no access key.
    type: str
    choices: [profile, sso-session, services]
    default: profile
  remove_from:
    description: With O(state=absent), the files from which the profile is removed.
    type: list
    elements: str
    choices: [config, credentials]
    default: [config, credentials]
  access_key_id:
    description:
      - The id of the access key. Without it, the key that the profile has stays.
      - An id other than the one that the profile has needs O(secret_access_key), too.
    type: str
  secret_access_key:
    description: The secret access key. Without it, the secret that the profile has stays.
    type: str
  session_token:
    description:
      - The session token of a temporary key, one whose id begins with V(ASIA).
      - A long-term key has none, so that an old token is removed when one is written.
    type: str
  csv_content:
    description:
      - The access key as the text of a CSV file in place of O(access_key_id) and O(secret_access_key). It may be the
        console's file for a new key, its file for a new user, or the file that C(aws configure import) takes.
      - If it has several users, the one named like O(profile) counts.
    type: str
  update_secret:
    description:
      - With V(on_create), a secret is written only where the profile does not have this access key yet. The secret
        that is there is then not compared.
    type: str
    choices: [always, on_create]
    default: always
  replaces:
    description:
      - The ids of the access keys that may give way to the new one. With this option, even if the list is empty, the
        profile's key is replaced only if it is one of these, or if there is none, or if AWS refuses it from this host
        three times in a row.
      - Any other key is another run's or a person's. It is left alone with everything else in the profile, and the
        task succeeds with RV(left_alone=true) and RV(reason).
      - Without this option, the task's word is enough.
      - Whatever the list says, a wrong secret of the same key is corrected.
    type: list
    elements: str
  region:
    description: The profile's region. Without it, the setting stays as it is.
    type: str
  output:
    description: The profile's output format, such as V(json). Without it, the setting stays as it is.
    type: str
  config:
    description:
      - Any other settings of the profile by name, such as C(role_arn) and C(source_profile). V(null) unsets one.
      - Settings that are nested, such as those under C(s3), are given as a dictionary in the dictionary.
      - Booleans and numbers become what C(aws configure set) writes. Unknown settings are written as they are.
      - Secrets are refused here, since a dictionary cannot be hidden.
    type: dict
    default: {}
  credentials_absent:
    description: Settings to remove from the profile in the credentials file, where they would win over the config file.
    type: list
    elements: str
    default: []
  exclusive:
    description: Whether to remove every setting of the profile that the task does not name, its access key among them.
    type: bool
    default: false
  user:
    description:
      - The OS user whose files are edited. Home, owner and group come from the host's password database.
      - As root, the module works with this user's rights and no others, so that a link in their home leads to nothing
        that they could not write themselves, and so that homes on NFS work. Another user cannot take these rights.
      - Without it, the files are those of the user that runs the task, as their environment has it (C(HOME),
        C(AWS_CONFIG_FILE), C(AWS_SHARED_CREDENTIALS_FILE)).
    type: str
  config_file:
    description:
      - The config file in place of C(~/.aws/config). C(~) is the home of O(user).
      - A path in a place where others can write should only be given together with O(user).
    type: str
  credentials_file:
    description: The credentials file in place of C(~/.aws/credentials), else like O(config_file).
    type: str
  owner:
    description:
      - The user that owns both files, by name or number. Without it, owners stay, and a new file is the user's.
    type: str
  group:
    description: The group of both files, by name or number. Without it, groups stay.
    type: str
  mode:
    description:
      - The mode of the credentials file, in octal and in quotes.
      - Without it, a new one is V('0600'), and of an older one that a key is written to, or that has the key already,
        only the owner's permissions to read and write stay.
    type: raw
  config_mode:
    description:
      - The mode of the config file, in octal and in quotes.
      - Without it, a new one is V('0600'), and the mode of an older one stays, unless it holds a secret.
    type: raw
  directory_mode:
    description: The mode of a folder that has to be made. One that exists stays as it is.
    type: raw
    default: '0700'
  backup:
    description:
      - Whether to keep what each changed file was in a file beside it that its owner alone can read. It holds the old
        secret, and nothing removes it.
    type: bool
    default: false
  follow:
    description:
      - Whether to edit what a symbolic link leads to; the link stays. With V(false), a file that is one is refused.
    type: bool
    default: true
  unsafe_writes:
    description:
      - Whether to overwrite a file in its place where it cannot be replaced, such as one that is mounted into a
        container. A kill may then leave it broken.
    type: bool
    default: false
  verify:
    description:
      - Whether AWS must accept the profile's access key from this host, before anything is written. STS is asked for
        GetCallerIdentity, which needs no permission, in the profile's region.
      - A new key is asked about until AWS has accepted it three times in a row, since it takes a while to spread. For
        a key that the profile has already, one acceptance is enough.
      - If the key is refused, the task fails, and the files stay as they are. With O(state=absent) nothing is asked.
      - The profile's and the environment's endpoint URLs, CA bundle and proxies are used as the AWS CLI uses them.
    type: bool
    default: false
  verify_timeout:
    description: How long to go on asking while AWS does not know a new key or does not answer, in seconds.
    type: float
    default: 60
  verify_account:
    description: The AWS account, in 12 digits, whose key it must be. Needs O(verify=true).
    type: str
  verify_user_name:
    description: The IAM user, without a path, whose key it must be. Needs O(verify=true).
    type: str
extends_documentation_fragment:
  - rekey.aws.attributes
attributes:
  check_mode:
    support: full
    details: Nothing is written, not even a lock. With O(verify=true), AWS is asked all the same.
  diff_mode:
    support: full
    details: The diff names the settings of this profile; in place of a secret it says whether it changed.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
notes:
  - No secret is ever returned or shown, old ones and those of other profiles included. Secrets that are given in the
    playbook need C(no_log) only where something else would show them, such as a loop's label.
seealso:
  - module: rekey.aws.aws_cli_profile_info
  - module: rekey.aws.iam_access_key
  - name: Configuration and credential file settings in the AWS CLI
    description: All settings of a profile.
    link: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
author:
  - rekey.aws contributors (@rekey-aws)
"""

EXAMPLES = r"""
- name: Give the user deploy a profile that AWS is proven to accept from this host
  rekey.aws.aws_cli_profile:
    profile: backup
    user: deploy
    access_key_id: "{{ backup_key.access_key.id }}"
    secret_access_key: "{{ backup_key.secret_access_key }}"
    region: eu-central-1
    verify: true
    verify_user_name: backup
  become: true

- name: Use a role in place of keys
  rekey.aws.aws_cli_profile:
    profile: reports
    region: eu-central-1
    config:
      role_arn: arn:aws:iam::123456789012:role/reports
      credential_source: Ec2InstanceMetadata
      duration_seconds: 3600

- name: Tune transfers, and unset what is no longer wanted
  rekey.aws.aws_cli_profile:
    profile: default
    output: json
    config:
      cli_pager: null
      s3:
        max_concurrent_requests: 20
        addressing_style: null

- name: Check that the key in the file works from here
  rekey.aws.aws_cli_profile:
    profile: default
    verify: true
    verify_account: "123456789012"

- name: Take a key as the console gave it
  rekey.aws.aws_cli_profile:
    profile: default
    csv_content: "{{ lookup('ansible.builtin.file', 'accessKeys.csv') }}"

- name: Replace a key, but only if it is the one that is known to be older
  rekey.aws.aws_cli_profile:
    profile: default
    access_key_id: AKIAIOSFODNN7EXAMPLE
    secret_access_key: "{{ new_secret }}"
    replaces: [AKIAI44QH8DHBEXAMPLE]
    verify: true

- name: Describe an IAM Identity Center session for several profiles
  rekey.aws.aws_cli_profile:
    section_type: sso-session
    name: company
    config:
      sso_start_url: https://company.awsapps.com/start
      sso_region: eu-central-1
      sso_registration_scopes: sso:account:access

- name: Remove a profile from both files
  rekey.aws.aws_cli_profile:
    profile: former
    state: absent
"""

RETURN = r"""
profile:
  description: The profile's name.
  returned: always
  type: str
  sample: backup
config_file:
  description: The path of the config file.
  returned: always
  type: str
  sample: /home/deploy/.aws/config
credentials_file:
  description: The path of the credentials file.
  returned: always
  type: str
  sample: /home/deploy/.aws/credentials
access_key_id:
  description:
    - The id of the access key that the profile has after the task, on failure too, or null. In check mode, the one it
      would have.
  returned: always
  type: str
  sample: AKIAIOSFODNN7EXAMPLE
previous_access_key_id:
  description: The id of the access key that the profile had before the task, or null.
  returned: always
  type: str
  sample: AKIAI44QH8DHBEXAMPLE
verified:
  description: Whether AWS accepted the access key that the profile has after the task from this host, in this task.
  returned: always
  type: bool
left_alone:
  description: Whether the profile was left as it was since its key must not be replaced. See O(replaces).
  returned: always
  type: bool
reason:
  description: Why the profile was left alone.
  returned: when it was
  type: str
  sample: The profile holds AKIAI44QH8DHBEXAMPLE, which is not among those that may be replaced, and AWS accepts it from
    this host.
identity:
  description: Whose the access key is.
  returned: when AWS accepted it
  type: dict
  contains:
    account:
      description: The AWS account.
      type: str
      sample: "123456789012"
    arn:
      description: The ARN of the user.
      type: str
      sample: arn:aws:iam::123456789012:user/service/backup
    user_id:
      description: The unique id of the user.
      type: str
      sample: AIDACKCEVSQ6C2EXAMPLE
error_code:
  description: How AWS refused the access key, or null if there was no answer.
  returned: when O(verify) fails
  type: str
  sample: InvalidClientTokenId
created:
  description: Whether the profile was in neither file before.
  returned: success, unless left alone
  type: bool
keys_changed:
  description: The names of the settings that were changed or added, nested ones as in V(s3.max_concurrent_requests).
  returned: success, unless left alone
  type: list
  elements: str
  sample: [aws_access_key_id, aws_secret_access_key]
keys_removed:
  description: The names of the settings that were removed.
  returned: success, unless left alone
  type: list
  elements: str
config:
  description: The profile's settings after the task that are not secret, as the AWS CLI reads them.
  returned: success, unless left alone
  type: dict
  sample: {aws_access_key_id: AKIAIOSFODNN7EXAMPLE, region: eu-central-1}
backup_files:
  description: The paths of the backups that were made.
  returned: success, unless left alone
  type: list
  elements: str
"""

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
