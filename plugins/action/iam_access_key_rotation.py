# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathers, for both ends of a rotation, who uses each IAM user's key, and hands on the secrets that the run has.

It runs once for all hosts: the consumers of the whole inventory count, also those outside limit, batch or reach.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.rekey.aws.plugins.module_utils import _fleet
from ansible_collections.rekey.aws.plugins.module_utils._facts import Consumer

Values = dict[str, t.Any]


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core tells no types
    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: Values | None = None) -> Values:
        result: Values = super().run(tmp, task_vars)
        if "users" in self._task.args:
            result.update(self._execute_module(task_vars=task_vars))
            return result
        strategy = self._task.play.strategy
        if strategy.rsplit(".", 1)[-1] in ("free", "host_pinned"):
            raise AnsibleActionFail(f"strategy {strategy} would run this once per host; use linear.")
        self._gather(task_vars or {})
        if not self._uses:
            raise AnsibleActionFail("No host says whose key it uses: set rotate_user_name or rotate_credentials.")
        result.update(changed=False, users=[], run=self._run)
        for account, connection in self._connections.items():
            users = _fleet.users(self._uses, account, self._secrets)
            if users:
                self._ask(result, account, connection, users, task_vars or {})
        if self._task.args["phase"] == "begin":
            result["hosts_to_read"] = _fleet.hosts_to_read(self._uses, result["users"])
            return result
        result["hosts_again"] = _fleet.hosts_again(self._uses, result["users"])
        result["failures"] = _fleet.failures(self._uses, result["users"])
        result["lines"] = [entry["line"] for entry in result["users"]]
        return result

    def _gather(self, task_vars: Values) -> None:
        """Read every host's consumers and what this run found on it, with role defaults and play variables applied."""
        self._uses: list[_fleet.Use] = []
        self._connections: dict[str, Values] = {}
        self._secrets: dict[str, str] = {}
        self._run: Values | None = None
        self._begun: dict[tuple[str, str], Values] = {}
        task, variables = self._task, self._task.get_variable_manager()
        pattern = self._templar.template(task_vars.get("rotate_consumers") or task.play.hosts)
        in_run = frozenset(task_vars["ansible_play_hosts_all"])
        begun: dict[int, Values] = {}
        broken: dict[str, str] = {}
        for host in variables._inventory.get_hosts(pattern, ignore_limits=True, ignore_restrictions=True):
            # _hosts and _hosts_all: without them each call would list all hosts of the play.
            own = variables.get_vars(
                play=task.play, host=host, task=task, include_hostvars=False, _hosts=[host.name], _hosts_all=[host.name]
            )
            templar = self._templar.copy_with_new_env(available_variables=own)
            try:
                credentials = templar.template(own["__rotate_consumers"])
                policy = {name: templar.template(own[f"rotate_{name}"]) for name in _fleet.POLICY}
                connection = templar.template(own["rotate_aws"])
            except AnsibleError as error:
                broken[host.name] = f"its variables cannot be read: {_fleet.first_line(error)}"
                continue
            account = _fleet.account_name(connection)
            self._connections[account] = connection
            registered = own.get(_fleet.OUTCOME)
            self._uses += _fleet.uses(host.name, host.name in in_run, credentials, account, policy, registered)
            for outcome in registered.get("results", ()) if isinstance(registered, dict) else ():
                self._keep(outcome.get("consumer", {}).get("held"), outcome)
            if isinstance(own.get(_fleet.BEGIN), dict):
                begun[id(own[_fleet.BEGIN])] = own[_fleet.BEGIN]
        for begin in begun.values():
            self._run = begin.get("run") or self._run
            for entry in begin.get("users", ()):
                self._keep(entry.get("access_key_id"), entry)
                self._begun[entry["user_name"], entry["account"]] = entry
        self._uses += [
            _fleet.Use(user_name, account, Consumer(host, in_run=host in in_run, reason=reason))
            for host, reason in broken.items()
            for user_name, account in {(use.user_name, use.account) for use in self._uses}
        ]

    def _keep(self, access_key_id: str | None, source: t.Mapping[str, t.Any]) -> None:
        if access_key_id and source.get("secret_access_key"):
            self._secrets[access_key_id] = source["secret_access_key"]

    def _ask(self, result: Values, account: str, connection: Values, users: list[Values], task_vars: Values) -> None:
        """Have the module do the phase for the users of one connection, and add what it did to the result."""
        arguments = {**self._task.args, **connection, "users": users, **({"run": self._run} if self._run else {})}
        answer = self._execute_module(module_args=arguments, task_vars=task_vars)
        if answer.get("failed") or "users" not in answer:
            # It failed for each of these users, and for nobody else.
            message = str(answer.get("msg") or "the module gave no answer")
            for user in users:
                line = f"{user['user_name']}: failed: {message}"
                result["users"].append(
                    {
                        "user_name": user["user_name"],
                        "account": account,
                        "status": "failed",
                        "message": message,
                        "line": line,
                    }
                )
            return
        result["changed"] = result["changed"] or answer["changed"]
        result["run"] = self._run = answer["run"]
        for entry in answer["users"]:
            secret = self._secrets.get(entry["access_key_id"])
            if secret and self._task.args["phase"] == "begin":
                entry["secret_access_key"] = secret
            if self._task.args["phase"] == "retire":
                entry = _fleet.with_begin(entry, self._begun.get((entry["user_name"], account)))
            result["users"].append({**entry, "account": account})
