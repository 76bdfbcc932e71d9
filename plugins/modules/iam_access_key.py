#!/usr/bin/python
# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_access_key
short_description: Create, activate, deactivate and delete access keys of an IAM user
version_added: 0.1.0
description:
  - Sees to it that an IAM user has a working access key, or that a given key is active, inactive, or gone.
  - AWS tells the secret of a key once, when the key is made. Let O(store) save it, or take it from
    RV(secret_access_key) in the same play.
  - The call that makes a key is sent once. Where its answer is lost, the task fails, names any key that has appeared
    since, and does not make another.
  - To replace keys that are in use on hosts, use the role P(rekey.aws.rotate#role), which does it without an outage.
options:
  user_name:
    description: The IAM user, without a path.
    type: str
    required: true
    aliases: [username]
  state:
    description:
      - With V(present) and without O(id), the user has at least O(key_count) active access keys afterwards. One is
        made if it is lacking.
      - With V(present) and O(id), that key must exist, and is as O(active) says afterwards.
      - With V(absent), the key O(id) is gone afterwards. A key that is in use is deleted too. Deactivating it for some
        days first shows whether anything still needs it.
    type: str
    choices: [present, absent]
    default: present
  id:
    description: The id of an existing access key. Required with O(state=absent).
    type: str
  active:
    description: Whether the key O(id) is active. Without it, its status is left alone.
    type: bool
    aliases: [enabled]
  key_count:
    description:
      - How many active access keys the user has at least, where O(id) is not given. Inactive ones do not count.
      - A task makes one key, so that a user without any cannot be given two by a single task.
      - AWS lets a user have two keys, inactive ones included, unless it was asked for more.
    type: int
    default: 1
  store:
    description:
      - Where to save a key that this task makes. The secret is then not returned.
      - Whether it can be saved is found out before the key is made. If saving fails all the same, the new key, whose
        secret nobody has, is deleted again.
    type: dict
    suboptions:
      type:
        description: The kind of store. V(csv) is a file on the host that the task runs on.
        type: str
        choices: [csv]
        default: csv
      path:
        description:
          - The file. It must not exist, since it may hold a secret that cannot be had again, and its folder must exist.
          - It is readable by its owner alone, and appears whole or not at all.
        type: path
        required: true
      format:
        description:
          - V(console) writes what the IAM console offers for download, the columns C(Access key ID) and
            C(Secret access key).
          - V(import) puts C(User Name) before them, as C(aws configure import --csv file://PATH) wants it.
        type: str
        choices: [console, import]
        default: console
extends_documentation_fragment:
  - rekey.aws.aws
  - rekey.aws.attributes
  - rekey.aws.attributes.actiongroup_aws
attributes:
  check_mode:
    support: full
    details:
      - Fails where the task would, because the user has no slot left for a key or it could not be saved. How many
        keys the account allows is asked with C(iam:GetAccountSummary); without that permission, it counts as two.
  diff_mode:
    support: full
    details: Shows the ids of the user's keys and their status.
  idempotent:
    support: full
  platform:
    support: full
notes:
  - Needs C(iam:ListAccessKeys) on the user, and for what is to be done C(iam:CreateAccessKey), C(iam:UpdateAccessKey)
    or C(iam:DeleteAccessKey). With O(store), grant the last one too, for a key that cannot be saved.
  - Without O(store), give the task C(no_log=true), since its result holds the secret of a key that it makes.
seealso:
  - module: rekey.aws.iam_access_key_info
  - module: rekey.aws.aws_cli_profile
  - module: rekey.aws.iam_access_key_rotation
author:
  - rekey.aws contributors (@rekey)
"""

EXAMPLES = r"""
- name: The user has an access key, saved where only I can read it if it is made now
  rekey.aws.iam_access_key:
    user_name: deploy
    store:
      type: csv
      path: "{{ lookup('ansible.builtin.env', 'HOME') }}/keys/deploy.csv"
      format: import
  delegate_to: localhost

- name: The user has an access key
  rekey.aws.iam_access_key:
    user_name: deploy
  delegate_to: localhost
  no_log: true
  register: deploy_key

- name: Nothing uses this key any more, as far as we know
  rekey.aws.iam_access_key:
    user_name: deploy
    id: AKIAIOSFODNN7EXAMPLE
    active: false
  delegate_to: localhost

- name: Nobody has missed it
  rekey.aws.iam_access_key:
    user_name: deploy
    id: AKIAIOSFODNN7EXAMPLE
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
access_key:
  description: The key O(id); without it the newest active one, which is the new one if one was made.
  returned: O(state=present), and no key would have to be made in check mode
  type: dict
  contains:
    user_name:
      description: The IAM user.
      returned: always
      type: str
      sample: deploy
    access_key_id:
      description: The key's id.
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
access_keys:
  description: All keys of the user afterwards, newest last, each like RV(access_key).
  returned: success
  type: list
  elements: dict
secret_access_key:
  description: The secret of a key that this task made.
  returned: a key was made and O(store) is not given
  type: str
  sample: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
store:
  description: Where the key that this task made was saved.
  returned: a key was made and saved
  type: dict
  sample: {type: csv, path: /home/me/keys/deploy.csv}
error_code:
  description: What AWS refused the call with.
  returned: AWS refused a call
  type: str
  sample: NoSuchEntity
action:
  description: The call that AWS refused, as a policy names it.
  returned: AWS refused a call
  type: str
  sample: iam:ListAccessKeys
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rekey.aws.plugins.module_utils._csv_store import CONSOLE, IMPORT, CsvStore
from ansible_collections.rekey.aws.plugins.module_utils._iam import CONNECTION_OPTIONS, Connection, Iam
from ansible_collections.rekey.aws.plugins.module_utils._module import run
from ansible_collections.rekey.aws.plugins.module_utils._provision import Wish, provision

STORE = {
    "type": {"type": "str", "choices": ["csv"], "default": "csv"},
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": [CONSOLE, IMPORT], "default": CONSOLE},
}


def act(module: AnsibleModule) -> dict:
    params = module.params
    wish = Wish(
        user_name=params["user_name"],
        id=params["id"],
        present=params["state"] == "present",
        active=params["active"],
        key_count=params["key_count"],
    )
    store = CsvStore(params["store"]["path"], params["store"]["format"]) if params["store"] else None
    result = provision(Iam(Connection.from_options(params)), wish, store, module.check_mode)
    if not module._diff:
        del result["diff"]
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "user_name": {"type": "str", "required": True, "aliases": ["username"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "id": {"type": "str"},
            "active": {"type": "bool", "aliases": ["enabled"]},
            "key_count": {"type": "int", "default": 1, "no_log": False},
            "store": {"type": "dict", "options": STORE},
        },
        required_if=[("state", "absent", ["id"])],
        mutually_exclusive=[("id", "store")],
        supports_check_mode=True,
    )
    run(module, act)


if __name__ == "__main__":
    main()
