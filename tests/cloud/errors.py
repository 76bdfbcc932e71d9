# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals in AWS's codes, wording and formats, which differ between the services' protocols."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any, Optional
from xml.sax.saxutils import escape


class BadControl(Exception):
    """The control plane was asked for something that makes no sense; the text says what."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Refusal(Exception):
    """The answer to a call is an AWS error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message

    def answer(self, protocol: str, service: str) -> Answer:
        """The error as the service of this protocol words it."""
        request_id = str(uuid.uuid4())
        code, message = escape(self.code), escape(self.message)
        if protocol == "json":
            document = json.dumps({"__type": self.code, "message": self.message})
            kind = "application/x-amz-json-1.1"
        elif protocol == "s3":
            document = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
            )
            kind = "application/xml"
        else:
            sender = "Sender" if self.status < 500 else "Receiver"
            document = (
                f'<ErrorResponse xmlns="{_NAMESPACES.get(service, "")}">\n'
                f"  <Error>\n    <Type>{sender}</Type>\n    <Code>{code}</Code>\n    <Message>{message}</Message>\n"
                f"  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n"
            )
            kind = "text/xml"
        headers = [("Content-Type", kind), ("x-amzn-RequestId", request_id)]
        if protocol == "json":
            headers.append(("x-amzn-ErrorType", self.code))
        return Answer(self.status, headers, document.encode())


_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}

_INVALID_TOKEN = "The security token included in the request is invalid."
_EXPIRED_TOKEN = "The security token included in the request is expired"
_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)
_MISSING = "Request is missing Authentication Token"
_RATE = "Rate exceeded"
_FAILED = "We encountered an internal error. Please try again."

_REFUSALS: dict[str, dict[str, tuple[int, str, str]]] = {
    "unknown key": {
        "query": (403, "InvalidClientTokenId", _INVALID_TOKEN),
        "json": (400, "UnrecognizedClientException", _INVALID_TOKEN),
        "s3": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
    },
    "wrong token": {
        "query": (403, "InvalidClientTokenId", _INVALID_TOKEN),
        "json": (400, "UnrecognizedClientException", _INVALID_TOKEN),
        "s3": (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
    },
    "expired token": {
        "query": (403, "ExpiredToken", _EXPIRED_TOKEN),
        "json": (400, "ExpiredTokenException", _EXPIRED_TOKEN),
        "s3": (400, "ExpiredToken", "The provided token has expired."),
    },
    "wrong signature": {
        "query": (403, "SignatureDoesNotMatch", _SIGNATURE),
        "json": (400, "InvalidSignatureException", _SIGNATURE),
        "s3": (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."
            " Check your key and signing method.",
        ),
    },
    "unsigned": {
        "query": (403, "MissingAuthenticationToken", _MISSING),
        "json": (400, "MissingAuthenticationTokenException", _MISSING),
        "s3": (403, "AccessDenied", "Access Denied"),
    },
    "throttle": {
        "query": (400, "Throttling", _RATE),
        "json": (400, "ThrottlingException", _RATE),
        "s3": (503, "SlowDown", "Please reduce your request rate."),
    },
    "error": {
        "query": (500, "ServiceFailure", _FAILED),
        "json": (500, "InternalServiceError", _FAILED),
        "s3": (500, "InternalError", _FAILED),
    },
}

_STATUS = {
    "AccessDenied": 403,
    "EntityTemporarilyUnmodifiable": 409,
    "LimitExceeded": 409,
    "NoSuchEntity": 404,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
    "TooManyRequestsException": 429,
    "ValidationError": 400,
}


def refusal(why: str, protocol: str, code: Optional[str] = None, status: Optional[int] = None) -> Refusal:
    """The refusal for a reason (a key of the table above), with another ``code`` or ``status`` where given."""
    usual_status, usual_code, message = _REFUSALS[why][protocol]
    return Refusal(status or _STATUS.get(code or "", usual_status), code or usual_code, message)


def skewed(protocol: str, signed_at: str, now: str, limit: str, late: bool) -> Refusal:
    """The refusal of a signature that is too old (``late``) or not yet valid; times as ``20261124T050000Z``."""
    if protocol == "s3":
        return Refusal(
            403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        )
    if late:
        message = f"Signature expired: {signed_at} is now earlier than {limit} ({now} - 15 min.)"
    else:
        message = f"Signature not yet current: {signed_at} is still later than {limit} ({now} + 15 min.)"
    if protocol == "json":
        return Refusal(400, "InvalidSignatureException", message)
    return Refusal(403, "SignatureDoesNotMatch", message)


def denied(protocol: str, service: str, action: str, caller: str, resource: str, explicit: bool = False) -> Refusal:
    """AccessDenied in AWS's wording; ``caller`` is an ARN, ``resource`` is named as AWS names it."""
    if protocol == "s3":
        return Refusal(403, "AccessDenied", "Access Denied")
    name = f"{service}:{action}"
    why = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {name} action"
    )
    message = f"User: {caller} is not authorized to perform: {name} on resource: {resource} {why}"
    if protocol == "json":
        return Refusal(400, "AccessDeniedException", message)
    return Refusal(403, "AccessDenied", message)


def json_answer(document: Any, status: int = 200) -> Answer:
    """An answer of the control plane."""
    return Answer(status, [("Content-Type", "application/json")], json.dumps(document).encode())
