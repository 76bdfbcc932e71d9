# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to each call, in order: it is written down, checked, perhaps spoiled, and answered by moto."""

from __future__ import annotations

import datetime
import io
import json
import re
import threading
import time
import traceback
from typing import Any, Optional

from moto.iam.models import iam_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from . import ACCOUNT_ID, ADMIN_KEY_ID, ADMIN_NAME, ADMIN_SECRET
from .call import Call, read_call
from .errors import Answer, Refusal, refusal
from .journal import Journal, Record
from .keyring import Entry, Keyring, Views
from .moto_mended import add_key, mend
from .policy import check_allowed, denied_by_fault
from .report import Reports, answer_reports
from .settings import Fault, Faults, Settings
from .signature import check_signature


class Front:
    """The whole AWS, without HTTP."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.faults = Faults()
        self.journal = Journal()
        self.keyring = Keyring(self.settings)
        self.views = Views()
        self._reports = Reports(self.settings, self.keyring)
        self.lock = threading.RLock()
        """Held while moto's data change: moto is not made for threads."""
        self._moto = DomainDispatcherApplication(create_backend_app)
        mend(self.settings, self.keyring, self.views)
        answer_reports(self._reports)
        self.reset()

    def reset(self) -> None:
        """Begin anew: default settings, no faults, no calls, and nobody but the administrator."""
        with self.lock:
            moto_api_backend.reset()
            self.settings.update(vars(Settings()))
            self.faults.set([])
            self.journal.clear()
            self.keyring.clear()
            self.views.clear()
            self._reports.clear()
            admin = iam_backends[ACCOUNT_ID]["aws"].create_user("us-east-1", ADMIN_NAME)
            admin.put_policy(
                "all",
                json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}),
            )
            add_key(admin, self.keyring, pair=(ADMIN_KEY_ID, ADMIN_SECRET))
            self.views.settle(admin, {})

    def answer(self, environ: dict[str, Any], body: bytes) -> Optional[Answer]:
        """What AWS answers; None: it closes the connection without a word."""
        call = read_call(environ, body)
        user_name = self._user_name(call)
        record = self.journal.open(call.service, call.action, call.region, user_name, call.key_id)
        if self.settings.latency_ms:
            time.sleep(self.settings.latency_ms / 1000)
        try:
            answer = self._answer(call, record)
        except Refusal as error:
            answer = error.answer(call.protocol, call.service)
        except Exception as error:
            traceback.print_exc()
            failed = Refusal(500, "InternalFailure", f"the cloud is at fault: {type(error).__name__}: {error}")
            answer = failed.answer(call.protocol, call.service)
        record.status = answer.status if answer else None
        record.outcome = _outcome(answer)
        return answer

    def _answer(self, call: Call, record: Record) -> Optional[Answer]:
        caller = self._authenticate(call)
        if self.settings.enforce_policies and caller:
            check_allowed(call, caller, self.keyring)
        fault = self.faults.take(call.action, record.user_name)
        record.fault = fault.kind if fault else None
        if fault and not fault.after:
            if fault.kind == "disconnect":
                return None
            self._spoil(fault, call, caller)
        with self.lock:
            answer = self._ask_moto(call)
        if fault and fault.kind == "lose_answer":
            if fault.code is None:
                return None
            raise refusal("error", call.protocol, fault.code, fault.status)
        if fault and fault.after:
            self._spoil(fault, call, caller)
        return answer

    def _authenticate(self, call: Call) -> Optional[Entry]:
        """Who signed the call; None for a call that needs no signature."""
        if call.signature is None:
            if call.public:
                return None
            raise refusal("unsigned", call.protocol)
        entry = self.keyring.authenticate(call.signature.key_id, call.signature.token, call.region, call.protocol)
        check_signature(call, entry.key.secret_access_key, datetime.datetime.now(datetime.timezone.utc))
        self.keyring.used(entry, call.service, call.region)
        return entry

    def _spoil(self, fault: Fault, call: Call, caller: Optional[Entry]) -> None:
        if fault.kind == "delay":
            time.sleep(fault.seconds)
        elif fault.kind == "deny":
            raise denied_by_fault(call, caller, self.keyring)
        elif fault.kind in ("throttle", "error"):
            raise refusal(fault.kind, call.protocol, fault.code, fault.status)

    def _user_name(self, call: Call) -> Optional[str]:
        """The IAM user that a call names, or whose key it does."""
        entry = self.keyring.present(call.params.get("AccessKeyId"))
        return call.user_name or (entry.user.name if entry and entry.user else None)

    def _ask_moto(self, call: Call) -> Answer:
        environ = {**call.environ, "wsgi.input": io.BytesIO(call.body), "CONTENT_LENGTH": str(len(call.body))}
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        parts, status, headers = run_wsgi_app(self._moto, environ)
        return Answer(int(status.split()[0]), list(headers), b"".join(parts))


def _outcome(answer: Optional[Answer]) -> str:
    if answer is None:
        return "no answer"
    if answer.status < 400:
        return "OK"
    match = re.search(rb"<Code>([^<]+)</Code>|\"__type\": ?\"(?:[^\"]*#)?([^\"]+)\"", answer.body)
    return (match[1] or match[2]).decode() if match else f"HTTP {answer.status}"
