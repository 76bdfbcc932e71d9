# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathers, for both ends of a rotation, who uses each IAM user's key, and hands on the secrets that the run has.

It runs once for all hosts: the consumers of the whole inventory count, also those outside limit, batch or reach.
"""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.rekey.aws.plugins.module_utils import _fleet
from ansible_collections.rekey.aws.plugins.module_utils._errors import RekeyError
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
            twice = _fleet.reached_twice(self._begun) if self._task.args["phase"] == "retire" else frozenset()
            result["users"] += [
                _fleet.refusal(user["user_name"], account) for user in users if user["user_name"] in twice
            ]
            users = [user for user in users if user["user_name"] not in twice]
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
        self._disputed: set[str] = set()  # ids for which two hosts have two secrets: at least one is wrong
        self._run: Values | None = None
        self._begun: dict[tuple[str, str], Values] = {}
        task, variables = self._task, self._task.get_variable_manager()
        in_run = frozenset(task_vars["ansible_play_hosts_all"])
        begun: dict[int, Values] = {}
        broken: list[tuple[str, str, set[str]]] = []
        for host in self._hosts(task_vars):
            # _hosts and _hosts_all: without them each call would list all hosts of the play.
            own = variables.get_vars(
                play=task.play, host=host, task=task, include_hostvars=False, _hosts=[host.name], _hosts_all=[host.name]
            )
            templar = self._templar.copy_with_new_env(available_variables=own)
            registered = own.get(_fleet.OUTCOME)
            named: set[str] = set()
            try:
                credentials = templar.template(own["__rotate_consumers"])
                named = {_fleet.identity(credential)[0] for credential in credentials}
                policy = _fleet.policy({name: templar.template(own[f"rotate_{name}"]) for name in _fleet.POLICY})
                connection = dict(templar.template(own["rotate_aws"]) or {})
                account = _fleet.account_name(connection)
                uses = _fleet.uses(host.name, host.name in in_run, credentials, account, policy, registered)
            except (AnsibleError, RekeyError, AttributeError, KeyError, TypeError, ValueError) as error:
                broken.append((host.name, f"its variables cannot be read: {_fleet.first_line(error)}", named))
                continue
            self._connections[account] = connection
            self._uses += uses
            for outcome in registered.get("results", ()) if isinstance(registered, dict) else ():
                consumer = outcome.get("consumer") or {}
                if not consumer.get("wrong_secret"):
                    self._keep(consumer.get("held"), outcome)
            if isinstance(own.get(_fleet.BEGIN), dict):
                begun[id(own[_fleet.BEGIN])] = own[_fleet.BEGIN]
        for begin in begun.values():
            self._run = begin.get("run") or self._run
            for entry in begin.get("users", ()):
                self._keep(entry.get("access_key_id"), entry)
                self._begun[entry["user_name"], entry["account"]] = entry
        for access_key_id in self._disputed:
            del self._secrets[access_key_id]
        if broken and not self._uses:
            raise AnsibleActionFail("; ".join(f"{host}: {reason}" for host, reason, _named in broken))
        # Such a host may use the key of any user, unless it says of which.
        self._uses += [
            _fleet.Use(user_name, account, Consumer(host, in_run=host in in_run, reason=reason))
            for host, reason, named in broken
            for user_name, account in {(use.user_name, use.account) for use in self._uses}
            if not named or user_name in named
        ]

    def _hosts(self, task_vars: Values) -> list[t.Any]:
        """The hosts of the play's pattern, and all others whose own variables say that they use a key."""
        task, variables = self._task, self._task.get_variable_manager()
        find = functools.partial(variables._inventory.get_hosts, ignore_limits=True, ignore_restrictions=True)
        hosts = find(self._templar.template(task_vars.get("rotate_consumers") or task.play.hosts))
        known = {host.name for host in hosts}
        saying = {"rotate_user_name", "rotate_credentials"} - set(variables.extra_vars)
        for host in find("all") if saying else ():
            if host.name not in known and saying & set(variables.get_vars(host=host, include_hostvars=False)):
                hosts.append(host)
        return list(hosts)

    def _keep(self, access_key_id: str | None, source: t.Mapping[str, t.Any]) -> None:
        secret = source.get("secret_access_key")
        if access_key_id and secret and self._secrets.setdefault(access_key_id, secret) != secret:
            self._disputed.add(access_key_id)

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
