#!/usr/bin/python
# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_access_key_info
short_description: Tell what is known of IAM access keys, and which compliance rules they break
version_added: 0.1.0
description:
  - Lists the access keys of one IAM user, of some, or of the whole account, with age, status and last use, and names
    those that are too old, unused, or too many. Secrets cannot be had.
  - For the account, one credential report tells all but the ids. Users that it gives a reason to look at are then read
    key by key, so that an account of thousands of users takes few calls.
options:
  user_name:
    description: The IAM user, without a path. The task fails where AWS refuses to tell about this user.
    type: str
    aliases: [username]
  user_names:
    description:
      - Several IAM users. What AWS refuses to tell about one of them is in RV(errors), and does not keep the task from
        the others. It fails only if none could be read.
      - Without this and without O(user_name), the whole account, the root user included.
    type: list
    elements: str
  max_age:
    description: From which age on an active key is a finding. A number and its unit, V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 90d
  unused_after:
    description: After how long without use an active key is a finding, written like O(max_age).
    type: str
    default: 45d
  concurrency:
    description: How many users are read at once.
    type: int
    default: 10
extends_documentation_fragment:
  - rekey.aws.aws
  - rekey.aws.attributes
  - rekey.aws.attributes.info_module
  - rekey.aws.attributes.actiongroup_aws
attributes:
  platform:
    support: full
notes:
  - Needs C(iam:ListAccessKeys) on the users and C(iam:GetAccessKeyLastUsed) on C(*). For the account also
    C(iam:GenerateCredentialReport) and C(iam:GetCredentialReport) on C(*).
  - AWS records uses with a delay of up to hours, and does not track all. A missing record does not prove that a key is
    unused.
  - The credential report may be four hours old. It dates a key from when it was made or last changed, and knows two
    keys of a user.
seealso:
  - module: rekey.aws.iam_access_key
  - name: Security Hub controls for IAM
    description: The controls that findings name.
    link: https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html
author:
  - rekey.aws contributors (@rekey)
"""

EXAMPLES = r"""
- name: One user's keys
  rekey.aws.iam_access_key_info:
    user_name: deploy
  delegate_to: localhost
  register: deploy

- name: The account's keys that are older than 60 days or otherwise stand out
  rekey.aws.iam_access_key_info:
    max_age: 60d
  delegate_to: localhost
  register: account

- name: Name them
  ansible.builtin.debug:
    msg: "{{ item.user_name }} {{ item.access_key_id }} - {{ item.title }} ({{ item.days }} days). {{ item.remedy }}"
  loop: "{{ account.findings }}"
  loop_control:
    label: "{{ item.user_name }} {{ item.rule }}"
"""

RETURN = r"""
access_keys:
  description: The keys, by user, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    user_name:
      description: The IAM user, or V(<root_account>).
      returned: always
      type: str
      sample: deploy
    access_key_id:
      description: The key's id; none where the credential report alone was read, which has no ids.
      returned: always
      type: str
      sample: AKIAIOSFODNN7EXAMPLE
    status:
      description: V(Active) or V(Inactive).
      returned: always
      type: str
      sample: Active
    create_date:
      description: When it was made.
      returned: always
      type: str
      sample: '2026-11-24T05:00:00Z'
    age_days:
      description: Its age in whole days.
      returned: always
      type: int
      sample: 100
    last_use:
      description:
        - V(recorded), V(none_recorded) (never used, or in ways that AWS does not track), or V(unknown) where AWS
          refused to tell.
      returned: always
      type: str
      sample: recorded
    last_used_date:
      description: When it was last used.
      returned: always; none without a recorded use
      type: str
      sample: '2026-11-24T05:00:00Z'
    last_used_service:
      description: With which service.
      returned: always; none without a recorded use
      type: str
      sample: s3
    last_used_region:
      description: In which region.
      returned: always; none without a recorded use
      type: str
      sample: eu-central-1
findings:
  description: The rules that keys break.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description:
        - V(key_age), V(unused), V(never_used), V(two_active) or V(root_key).
      returned: always
      type: str
      sample: key_age
    title:
      description: What is wrong, in words.
      returned: always
      type: str
      sample: An active access key is older than the limit
    user_name:
      description: The IAM user, or V(<root_account>).
      returned: always
      type: str
      sample: deploy
    access_key_id:
      description: The key's id; none for the root user's.
      returned: always
      type: str
      sample: AKIAIOSFODNN7EXAMPLE
    days:
      description: For how many days the key is unused (V(unused)), or its age.
      returned: always
      type: int
      sample: 100
    controls:
      description: The controls of public standards that the key breaks. O(max_age) may be stricter than they are.
      returned: always
      type: list
      elements: str
      sample: [Security Hub IAM.3, CIS AWS Foundations 5.0 1.13]
    remedy:
      description: What to do.
      returned: always
      type: str
      sample: 'Replace it: rekey.aws.rotate does so without an outage.'
errors:
  description: What AWS refused to tell, each with C(msg), C(action), C(error_code), C(user_name) and C(access_key_id).
  returned: success
  type: list
  elements: dict
report_date:
  description: When AWS made the credential report.
  returned: the whole account was asked for
  type: str
  sample: '2026-11-24T05:00:00Z'
"""

from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rekey.aws.plugins.module_utils import _duration
from ansible_collections.rekey.aws.plugins.module_utils._findings import Limits
from ansible_collections.rekey.aws.plugins.module_utils._iam import CONNECTION_OPTIONS, Connection, Iam
from ansible_collections.rekey.aws.plugins.module_utils._module import run
from ansible_collections.rekey.aws.plugins.module_utils._survey import Surveyor, told


def act(module: AnsibleModule) -> dict:
    params = module.params
    limits = Limits(*(_duration.parse(name, params[name]) for name in ("max_age", "unused_after")))
    names = [params["user_name"]] if params["user_name"] else params["user_names"]
    surveyor = Surveyor(Iam(Connection.from_options(params), params["concurrency"]), params["concurrency"])
    now = datetime.now(timezone.utc)
    return told(surveyor.account(limits, now) if names is None else surveyor.users(names), limits, now)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "user_name": {"type": "str", "aliases": ["username"]},
            "user_names": {"type": "list", "elements": "str"},
            "max_age": {"type": "str", "default": "90d"},
            "unused_after": {"type": "str", "default": "45d"},
            "concurrency": {"type": "int", "default": 10},
        },
        mutually_exclusive=[("user_name", "user_names")],
        supports_check_mode=True,
    )
    run(module, act)


if __name__ == "__main__":
    main()
