# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile brought to what a task asks: read, plan, have AWS accept the pair, and only then write."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.rekey.aws.plugins.module_utils import _files
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput, RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._pair import Step, step
from ansible_collections.rekey.aws.plugins.module_utils._paths import path_of
from ansible_collections.rekey.aws.plugins.module_utils._profile import Change, Files, Pair, plan
from ansible_collections.rekey.aws.plugins.module_utils._request import Request

if t.TYPE_CHECKING:
    from ansible_collections.rekey.aws.plugins.module_utils._sigv4 import Answer, Endpoint, Identity

Result = t.Dict[str, t.Any]
Answers = t.Dict[t.Tuple[Pair, "Endpoint"], "Answer"]

_ATTEMPTS = 100


def apply(request: Request, check: bool) -> Result:
    """Bring the profile to what is asked, and tell it as the module's results. With ``check`` nothing is written.

    Raises RekeyError, whose facts tell the pair that the profile holds.
    """
    if request.asks_aws:
        # Costly, so only for who needs it; and now, since whose rights are taken next cannot read our files.
        from ansible_collections.rekey.aws.plugins.module_utils import _verify  # noqa: F401
    with _files.acting_as(request.user) as home:
        config = path_of("config", request.config_file, request.user, home)
        credentials = path_of("credentials", request.credentials_file, request.user, home)
        answers: Answers = {}
        for _attempt in range(_ATTEMPTS):
            try:
                return _Attempt(request, config, credentials, check, answers).result()
            except _files.ChangedMeanwhile:
                continue
    raise FileFault(f"{credentials} is being changed faster than it can be written.", path=credentials)


class _Attempt:
    """On the files as they are now. The ``answers`` of AWS are kept from one attempt to the next."""

    def __init__(self, request: Request, config: str, credentials: str, check: bool, answers: Answers) -> None:
        self._request = request
        self._check = check
        self._answers = answers
        self._config = _files.read(config, request.follow)
        self._credentials = _files.read(credentials, request.follow)
        if self._config.target == self._credentials.target:
            raise InvalidInput(f"config_file and credentials_file are the same file: {self._config.target}.")
        self._texts = Files(self._config.content, self._credentials.content, config, credentials)
        self._plan = plan(request.change, self._texts)
        self._held = self._plan.previous

    def result(self) -> Result:
        held = self._held.access_key_id if self._held else None
        result: Result = {
            "changed": False,
            "profile": self._request.change.name,
            "config_file": self._config.path,
            "credentials_file": self._credentials.path,
            "access_key_id": held,
            "previous_access_key_id": held,
            "verified": False,
            "left_alone": False,
        }
        try:
            reason = self._why_left_alone()
            if reason:
                return dict(result, left_alone=True, reason=reason, verified=self._holds_the_wanted_id_rightly())
            identity = self._identity()
            written = self._write()
        except RekeyError as error:
            error.facts = dict(result, **error.facts)
            raise
        if identity:
            result.update(verified=True, identity=identity._asdict())
        pair = self._plan.pair
        return dict(result, access_key_id=pair.access_key_id if pair else None, **written)

    def _why_left_alone(self) -> t.Optional[str]:
        """Why the held pair must not be replaced, if so."""
        if self._held is None or step(self._held, self._plan.pair, self._request.replaces) is not Step.ASK:
            return None
        from ansible_collections.rekey.aws.plugins.module_utils._verify import doubt

        works = doubt(self._ask(self._held), self._where())
        if works is None:
            return None
        return (
            f"The profile holds {self._held.access_key_id}, which is not among those that may be replaced, and {works}"
        )

    def _holds_the_wanted_id_rightly(self) -> bool:
        """Whether the pair that was left alone is the wanted one but for a secret that is right on this side."""
        from ansible_collections.rekey.aws.plugins.module_utils._sigv4 import Identity

        held, wanted = self._held, self._plan.pair
        if held is None or wanted is None or held.access_key_id != wanted.access_key_id:
            return False
        return isinstance(self._ask(held), Identity)

    def _identity(self) -> t.Optional[Identity]:
        """Whose the pair is, where it is to be verified."""
        wanted, pair = self._request.verification, self._plan.pair
        if wanted is None or self._request.change.state == "absent":
            return None
        if pair is None:
            raise InvalidInput(
                f"verify: profile {self._request.change.name!r} has no access key of its own in "
                f"{self._credentials.path}, and the task gives none."
            )
        from ansible_collections.rekey.aws.plugins.module_utils._verify import identify

        return identify(self._ask(pair), pair, self._where(), wanted.account, wanted.user_name)

    def _ask(self, pair: Pair) -> Answer:
        from ansible_collections.rekey.aws.plugins.module_utils._verify import question

        key = (pair, self._where())
        if key not in self._answers:
            self._answers[key] = question(*key, timeout=self._request.verify_timeout, fresh=pair != self._held)
        return self._answers[key]

    def _where(self) -> Endpoint:
        from ansible_collections.rekey.aws.plugins.module_utils._sigv4 import endpoint

        settings, sts = self._plan.settings, None
        services = settings.get("services")
        if isinstance(services, str):
            sts = plan(Change(services, section_type="services"), self._texts).settings.get("sts")
        return endpoint(settings, sts.get("endpoint_url") if isinstance(sts, dict) else None, os.environ)

    def _write(self) -> Result:
        made = self._plan
        private = made.credentials is not None or self._request.change.asks_for_pair
        both = (
            self._replacement(self._config, made.config, self._request.config_mode, made.secret_in_config),
            self._replacement(self._credentials, made.credentials, self._request.mode, private),
        )
        replacements = [item for item in both if item]
        if made.credentials_first:
            replacements.reverse()
        backups: t.List[str] = []
        if self._check:
            for item in replacements:
                _files.check_replaceable(item.file, self._request.manner)
        else:
            _files.sweep((self._config, self._credentials))
            if replacements:
                backups = _files.replace(replacements, (self._config, self._credentials), self._request.manner)
        return {
            "changed": bool(replacements),
            "created": made.created,
            "keys_changed": list(made.keys_changed),
            "keys_removed": list(made.keys_removed),
            "config": dict(made.settings),
            "backup_files": backups,
            "warnings": list(made.warnings),
            "diff": {
                "before_header": self._request.change.name,
                "after_header": self._request.change.name,
                "before": made.before + "".join(_attributes(item, "before") for item in replacements),
                "after": made.after + "".join(_attributes(item, "after") for item in replacements),
            },
        }

    def _replacement(
        self, file: _files.File, content: t.Optional[bytes], mode: t.Optional[int], private: bool
    ) -> t.Optional[_files.Replacement]:
        """What becomes of a file; none if it stays as it is."""
        if content is None and (file.content is None or self._request.change.state == "absent"):
            return None
        if mode is None:
            mode = 0o600 if file.mode is None else file.mode & 0o600 if private else file.mode
        uid, gid = self._owner(file)
        if content is None and (mode, uid, gid) == (file.mode, file.uid, file.gid):
            return None
        return _files.Replacement(file, file.content or b"" if content is None else content, mode, uid, gid)

    def _owner(self, file: _files.File) -> t.Tuple[int, int]:
        """The owners that a file shall have: those that were asked for, else its user's, else the present ones."""
        uid, gid = file.uid, file.gid
        if self._request.user is not None:
            uid = os.geteuid()
            gid = gid if gid in os.getgroups() else os.getegid()
        if self._request.uid is not None:
            uid = self._request.uid
        if self._request.gid is not None:
            gid = self._request.gid
        return -1 if uid is None else uid, -1 if gid is None else gid


def _attributes(item: _files.Replacement, when: str) -> str:
    """What `replace` does to a file's mode and owners, as lines of a diff."""
    was = item.file
    if was.mode is None:
        return ""
    lines = (("mode", oct(was.mode), oct(item.mode)), ("owner", was.uid, item.uid), ("group", was.gid, item.gid))
    return "".join(
        f"{name} of {was.path}: {before if when == 'before' else after}\n"
        for name, before, after in lines
        if before != after
    )
