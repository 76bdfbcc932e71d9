# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the key that begin chose into the module's arguments, so that no task of a rotation ever holds a secret.

A task that sets the variable ``rotate_key_of`` to an IAM user asks for it, as those of the role do; any other is run as
it is. What was found on the host is added to the result as ``consumer``.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.rekey.aws.plugins.module_utils import _duration, _fleet
from ansible_collections.rekey.aws.plugins.module_utils._marks import format_time, parse_time
from ansible_collections.rekey.aws.plugins.module_utils._plan import NOBODY, WOULD_BE_NEW

Values = dict[str, t.Any]
_INFO = "rekey.aws.aws_cli_profile_info"
# What the info module takes of the options, to find the same files.
_WHERE = ("config_file", "credentials_file")


class ActionModule(NormalAction):  # type: ignore[misc]  # ansible-core tells no types
    def run(self, tmp: str | None = None, task_vars: Values | None = None) -> Values:
        if not task_vars or "rotate_key_of" not in task_vars:
            return t.cast(Values, super().run(tmp, task_vars))
        self._vars = task_vars
        user_name = str(self._var("rotate_key_of"))
        entry = self._entry(user_name)
        result: Values = {}
        if self._var("rotate_reading") or not entry.get("access_key_id") or entry.get("read") != NOBODY:
            result = self._read(secrets=bool(self._var("rotate_reading")))
        else:
            result = self._write(entry)
        os_user = self._task.args.get("user") or None
        consumer = {"user_name": user_name, "profile": self._task.args["profile"], "os_user": os_user, "at": _now()}
        if result.get("failed"):
            consumer["reason"] = _fleet.first_line(result.get("module_stderr") or result.get("msg"))
        result["consumer"] = {**consumer, **result.get("consumer", {})}
        return result

    def _var(self, name: str) -> t.Any:
        return self._templar.template(self._vars[name]) if name in self._vars else None

    def _entry(self, user_name: str) -> Values:
        begin = self._vars.get(_fleet.BEGIN)
        if not isinstance(begin, dict) or "users" not in begin:
            raise AnsibleActionFail("begin did not run before: nothing is known of the key to write.")
        account = _fleet.account_name(self._var("rotate_aws") or {})
        self._started = begin["run"]["started"] if begin.get("run") else _now()
        matching = (e for e in begin["users"] if e["user_name"] == user_name and e["account"] == account)
        return dict(next(matching, {}))

    def _read(self, secrets: bool) -> Values:
        """See what the profile holds; the host is not changed."""
        arguments = {name: self._task.args[name] for name in _WHERE if name in self._task.args}
        if self._task.args.get("user"):
            arguments["users"] = [self._task.args["user"]]
        arguments.update(profiles=[self._task.args["profile"]], secrets=secrets)
        answer: Values = self._execute_module(module_name=_INFO, module_args=arguments, task_vars=self._vars)
        if answer.get("failed") or answer.get("unreachable"):
            return answer
        for fault in (fault for user in answer["users"] for fault in user["faults"]):
            return {"failed": True, "msg": f"{fault['path']} line {fault['line']}: {fault['message']}"}
        profile = next((p for user in answer["users"] for p in user["profiles"]), {})
        held = profile.get("access_key_id")
        consumer = {"read": True, "held": held, "lacking": not secrets, "wrong_secret": held in self._refused()}
        result = {"changed": False, "consumer": consumer}
        if profile.get("secret_access_key"):
            result["secret_access_key"] = profile["secret_access_key"]
        return result

    def _refused(self) -> set[str]:
        """The ids of which this host was found to have a wrong secret, in this run."""
        registered = self._vars.get(_fleet.OUTCOME)
        results = registered.get("results", ()) if isinstance(registered, dict) else ()
        found = (result.get("consumer") or {} for result in results)
        return {consumer["held"] for consumer in found if consumer.get("wrong_secret")}

    def _write(self, entry: Values) -> Values:
        arguments = dict(self._task.args)
        secret = entry.get("secret_access_key")
        if entry["access_key_id"] == WOULD_BE_NEW:
            return self._would_write(entry)
        if secret:
            self._refuse_if_old(entry)
            arguments.update(
                access_key_id=entry["access_key_id"], secret_access_key=secret, replaces=list(entry["replaces"])
            )
        answer: Values = self._execute_module(module_args=arguments, task_vars=self._vars)
        if answer.get("unreachable"):
            return answer
        held = answer.get("access_key_id")
        right = held == entry["access_key_id"]
        verified = right and bool(answer.get("verified")) and not answer.get("failed")
        consumer = {
            "read": "access_key_id" in answer,
            "held": held,
            "previous": answer.get("previous_access_key_id"),
            "verified": verified,
            "wrong_secret": right and answer.get("error_code") == "SignatureDoesNotMatch",
            "reason": ""
            if verified
            else _fleet.first_line(answer.get("reason") or answer.get("msg") or "not verified"),
        }
        if not secret and not verified and (not right or consumer["wrong_secret"]):
            # Not a failure of the host yet: the run goes again with the secret from a host that has it.
            consumer["lacking"] = True
            answer = {
                "changed": bool(answer.get("changed")),
                "msg": "It has not got its user's key; read for a second round.",
            }
        answer["consumer"] = consumer
        return answer

    def _would_write(self, entry: Values) -> Values:
        """In a check, a key that begin would create would be here after this task."""
        result = self._read(secrets=False)
        if result.get("consumer"):
            had = result["consumer"]["held"]
            if had and had not in entry["replaces"]:
                words = (
                    f"holds {had}, which is not among those that may be replaced, and is left alone if AWS accepts it"
                )
                result["consumer"].update(lacking=False, reason=words)
                return result
            result["consumer"] = {"read": True, "held": WOULD_BE_NEW, "previous": had, "verified": True}
            result.update(changed=True, msg="It would get the new key.")
        return result

    def _refuse_if_old(self, entry: Values) -> None:
        """Rule 10: a key that nobody held may by now be an orphan to another run."""
        if entry["held_before"]:
            return
        life = _duration.parse("rotate_orphan_after", str(self._var("rotate_orphan_after"))) / 2
        if datetime.now(timezone.utc) - parse_time(self._started) > max(life, timedelta(minutes=1)):
            raise AnsibleActionFail(
                f"This run started at {self._started}, too long ago to bring out a new key (see rotate_orphan_after). "
                "Run again."
            )


def _now() -> str:
    return format_time(datetime.now(timezone.utc))
