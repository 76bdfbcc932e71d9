#!/usr/bin/python
# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_access_key_rotation
short_description: Begin and retire rotations of IAM access keys for many users at once
version_added: 0.1.0
description:
  - The two ends of a rotation that lie in AWS. V(begin) chooses the key that each user's consumers are to hold, and
    creates one where none is good enough. V(retire) moves each replaced key one safe step towards its end -
    draining, inactive, deleted - once all consumers are proven to work with its successor.
  - Between the two, M(rekey.aws.aws_cli_profile) writes and verifies the key on the hosts. The role
    P(rekey.aws.rotate#role) does all three, and is the usual way to use this module.
  - No state is kept in a file. It is derived, each time, from AWS - the user's keys, their dates and last use, and
    tags on the user named C(rekey:...) - and from what the consumers hold. So a run that was killed is mended by
    running it again.
  - In the role, O(users) and the run are filled in by the action plugin of the same name from the inventory and
    from what the hosts answered.
  - A key that this collection did not create and that no consumer held is foreign, and is never deactivated or
    deleted.
options:
  phase:
    description:
      - Which end of the rotation.
      - V(rollback) takes retiring back - it switches every retired key on again that is not deleted yet, stops the
        draining of others, and leaves them to you from then on.
    type: str
    required: true
    choices: [begin, retire, rollback]
  run:
    description: The run that this call belongs to. When it is missing, a new run starts.
    type: dict
    suboptions:
      id:
        description: The run's id, of letters and digits. It names the run's intent in AWS.
        type: str
        required: true
      started:
        description: When the run started, such as V(2026-11-24T05:00:00Z).
        type: str
        required: true
  users:
    description: The IAM users whose keys are rotated, with all that use their keys.
    type: list
    elements: dict
    default: []
    suboptions:
      user_name:
        description: The IAM user.
        type: str
        required: true
      at_hand:
        description: Ids of keys whose secret the caller has.
        type: list
        elements: str
        default: []
      consumers:
        description: Every profile that uses the user's key, those that were not reached included.
        type: list
        elements: dict
        required: true
        suboptions:
          host:
            description: The host's name in the inventory.
            type: str
            required: true
          profile:
            description: The profile.
            type: str
            default: default
          os_user:
            description: Whose files they are.
            type: str
          in_run:
            description: Whether the host takes part in this run, that is, lies within its limit.
            type: bool
            default: true
          read:
            description: Whether the profile was read in this run.
            type: bool
            default: false
          held:
            description: The access key id that the profile has.
            type: str
          previous:
            description: The access key id that it had before this run.
            type: str
          verified:
            description: Whether AWS accepted the key from that host in this run.
            type: bool
            default: false
          wrong_secret:
            description: Whether AWS knows the id, but not with the secret that the profile has.
            type: bool
            default: false
          lacking:
            description: Whether the profile needs a key whose secret the run did not have.
            type: bool
            default: false
          at:
            description: When it was read, such as V(2026-11-24T05:00:00Z).
            type: str
          reason:
            description: Why it was not read or not verified.
            type: str
            default: ''
      policies:
        description:
          - The operator's word on this user. Where several are given, a user is rotated as soon as one asks for it,
            and its old key retired as late as one asks.
        type: list
        elements: dict
        default: []
        suboptions:
          max_age:
            description: A key older than this is due, such as V(90d).
            type: str
            default: 90d
          force:
            description:
              - V(true), or a time. Keys made before this run, or before that time, are due whatever their age.
            type: str
            default: 'false'
          grace:
            description:
              - How long a replaced key must have been unused, after every consumer was verified on its successor,
                before it is deactivated. V(0) says that only the inventory uses the key, and deactivates it in the
                same run.
            type: str
            default: 1d
          delete_after:
            description: How long a deactivated key is kept before it is deleted. V(0) deletes it at once.
            type: str
            default: 7d
          orphan_after:
            description:
              - How old a key must be that a run created, and whose secret nobody has, before it is removed. A run
                writes a new key to hosts only while it is younger than half of this.
            type: str
            default: 6h
          verify:
            description: Whether only consumers count from which AWS accepted the key.
            type: bool
            default: true
          replace_inactive:
            description: Whether a foreign key that is inactive may be deleted, to free its slot.
            type: bool
            default: false
          adopt:
            description: Whether foreign keys older than the one in use are taken for replaced keys.
            type: bool
            default: false
  concurrency:
    description: How many users are worked on at once.
    type: int
    default: 10
extends_documentation_fragment:
  - rekey.aws.aws
  - rekey.aws.attributes
  - rekey.aws.attributes.actiongroup_aws
attributes:
  check_mode:
    support: full
    details: The same plan is made and returned, and nothing is done.
  diff_mode:
    support: none
    details: What is done is returned as RV(users[].steps).
  idempotent:
    support: full
  platform:
    support: full
notes:
  - RV(users[].secret_access_key) is the secret of a new key. Run V(begin) with C(no_log=true).
seealso:
  - module: rekey.aws.iam_access_key
  - module: rekey.aws.aws_cli_profile
author:
  - rekey.aws contributors (@rekey)
"""

EXAMPLES = r"""
- name: Create a new key for a user whose key is older than 90 days
  rekey.aws.iam_access_key_rotation:
    phase: begin
    users:
      - user_name: deploy
        consumers:
          - host: web1
            read: true
            held: AKIAIOSFODNN7EXAMPLE
            verified: true
            at: '2026-11-24T05:00:00Z'
  no_log: true
  register: begin

- name: See what would be retired
  rekey.aws.iam_access_key_rotation:
    phase: retire
    users:
      - user_name: deploy
        consumers:
          - host: web1
  check_mode: true
"""

RETURN = r"""
run:
  description: The run, to be given to the calls that follow.
  returned: always
  type: dict
  sample: {id: 6f1c0a52, started: '2026-11-24T05:00:00Z'}
users:
  description: One entry a user, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    user_name:
      description: The IAM user.
      returned: always
      type: str
    status:
      description:
        - V(settled) - nothing is left to do. V(waiting) - it goes on by itself in a later run. V(blocked) -
          somebody must decide. V(failed) - AWS refused something.
      returned: always
      type: str
    message:
      description: Why, and what to do.
      returned: always
      type: str
    until:
      description: When waiting ends, if time alone ends it.
      returned: always
      type: str
    steps:
      description: What was done, in order; in check mode, what would be.
      returned: always
      type: list
      elements: str
    access_key_id:
      description: The key that all consumers are brought to.
      returned: always
      type: str
    secret_access_key:
      description: Its secret, if it was created by this call.
      returned: O(phase=begin), and a key was created
      type: str
    replaces:
      description: Ids of the keys that it replaces on hosts.
      returned: O(phase=begin)
      type: list
      elements: str
    read:
      description: Whose profiles must be read before it can be decided - V(nobody), V(anybody) or V(everybody).
      returned: O(phase=begin)
      type: str
    held_before:
      description: Whether a consumer held the key before this call.
      returned: O(phase=begin)
      type: bool
    line:
      description: All of it in one line for an operator.
      returned: O(phase=retire) and O(phase=rollback)
      type: str
    missing:
      description:
        - The consumers that are not proven to work with the key, each with its O(users[].consumers[].host),
          profile and the reason.
      returned: O(phase=retire)
      type: list
      elements: dict
    verified:
      description: How many consumers are proven to work with the key.
      returned: O(phase=retire)
      type: int
    consumers:
      description: How many consumers there are.
      returned: O(phase=retire)
      type: int
    keys:
      description: The ids of the user's keys; with O(phase=retire), each with its mark.
      returned: O(phase=begin) and O(phase=retire)
      type: raw
    previous_access_key_ids:
      description: The keys that consumers held before, or still hold.
      returned: O(phase=retire)
      type: list
      elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rekey.aws.plugins.module_utils import _policy
from ansible_collections.rekey.aws.plugins.module_utils._iam import CONNECTION_OPTIONS
from ansible_collections.rekey.aws.plugins.module_utils._module import run
from ansible_collections.rekey.aws.plugins.module_utils._phases import carry_out

CONSUMER = {
    "host": {"type": "str", "required": True},
    "profile": {"type": "str", "default": "default"},
    "os_user": {"type": "str"},
    "in_run": {"type": "bool", "default": True},
    "read": {"type": "bool", "default": False},
    "held": {"type": "str"},
    "previous": {"type": "str"},
    "verified": {"type": "bool", "default": False},
    "wrong_secret": {"type": "bool", "default": False},
    "lacking": {"type": "bool", "default": False},
    "at": {"type": "str"},
    "reason": {"type": "str", "default": ""},
}
USER = {
    "user_name": {"type": "str", "required": True},
    "at_hand": {"type": "list", "elements": "str", "default": []},
    "consumers": {"type": "list", "elements": "dict", "required": True, "options": CONSUMER},
    "policies": {"type": "list", "elements": "dict", "default": [], "options": _policy.OPTIONS},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "phase": {"type": "str", "required": True, "choices": ["begin", "retire", "rollback"]},
            "run": {
                "type": "dict",
                "options": {"id": {"type": "str", "required": True}, "started": {"type": "str", "required": True}},
            },
            "users": {"type": "list", "elements": "dict", "default": [], "options": USER},
            "concurrency": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    run(module, lambda module: carry_out(module.params, module.check_mode))


if __name__ == "__main__":
    main()
