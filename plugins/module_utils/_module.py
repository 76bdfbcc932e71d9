# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only glue to AnsibleModule: how an act becomes a result, and an error a failure."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rekey.aws.plugins.module_utils._errors import RekeyError


def run(module: AnsibleModule, act: t.Callable[[AnsibleModule], t.Dict[str, t.Any]]) -> None:
    """End the module with what ``act`` returns, or with its error.

    An exception that nobody expected is told by its type and place alone, since its text may hold a secret.
    """
    try:
        result = act(module)
    except RekeyError as error:
        failure = dict(error.facts, msg=error.message)
    except Exception as error:
        failure = {"msg": "Internal error: {0} at {1}. Please report it.".format(type(error).__name__, _place(error))}
    else:
        module.exit_json(**result)
        return
    # Not within the except: there Ansible would add the exception's own text, where tracebacks are wanted.
    module.fail_json(**failure)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    code = trace.tb_frame.f_code
    return "{0}:{1} in {2}".format(code.co_filename.rsplit("/", 1)[-1], trace.tb_lineno, code.co_name)
