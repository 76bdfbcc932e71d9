# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a call is signed with a secret: Signature Version 4, computed again with botocore's own code."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from typing import Any

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .call import Call, Signature
from .errors import refusal, skewed

_FORMAT = "%Y%m%dT%H%M%SZ"
_TOLERANCE = datetime.timedelta(minutes=15)


def check_signature(call: Call, secret: str, now: datetime.datetime) -> None:
    """Pass silently if the call is signed with ``secret`` at about ``now`` (UTC).

    Raises Refusal otherwise, as the service of the call would.
    """
    signature = call.signature
    assert signature
    headers = {name: call.header(name) for name in signature.signed_headers}
    if (
        not re.fullmatch(r"\d{8}T\d{6}Z", signature.signed_at)
        or signature.signed_at[:8] != signature.date
        or "host" not in headers
        or None in headers.values()
        or not _body_is_signed(call)
    ):
        raise refusal("wrong signature", call.protocol)
    _check_time(call, signature, now)
    uri = re.sub(r"[?&]X-Amz-Signature=[^&]*", "", call.uri)
    request = AWSRequest(call.method, f"http://{call.header('Host')}{uri}", headers=headers, data=call.body)
    request.context["timestamp"] = signature.signed_at
    auth = _auth(call.protocol == "s3", signature.expires is not None)(
        Credentials(signature.key_id, secret), signature.service, signature.region
    )
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    if not hmac.compare_digest(expected.encode(), signature.signature.encode()):
        raise refusal("wrong signature", call.protocol)


def _auth(s3: bool, presigned: bool) -> Any:
    if presigned:
        return S3SigV4QueryAuth if s3 else SigV4QueryAuth
    return S3SigV4Auth if s3 else SigV4Auth


def _check_time(call: Call, signature: Signature, now: datetime.datetime) -> None:
    made_at = datetime.datetime.strptime(signature.signed_at, _FORMAT).replace(tzinfo=datetime.timezone.utc)
    good_for = _TOLERANCE if signature.expires is None else datetime.timedelta(seconds=signature.expires)
    for late, limit in ((True, now - good_for), (False, now + _TOLERANCE)):
        if made_at < limit if late else made_at > limit:
            raise skewed(call.protocol, signature.signed_at, now.strftime(_FORMAT), limit.strftime(_FORMAT), late)


def _body_is_signed(call: Call) -> bool:
    """Whether the hash that a call states in place of its body, if it does, is the body's.

    Unsigned and chunk-signed uploads (of S3) state no hash.
    """
    stated = call.header("X-Amz-Content-SHA256")
    if stated is None or not re.fullmatch(r"[0-9a-f]{64}", stated):
        return stated is None or call.protocol == "s3"
    return hmac.compare_digest(stated, hashlib.sha256(call.body).hexdigest())
