# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call as it came over HTTP: what it asks for and how it is signed."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from typing import Any, Mapping, Optional
from urllib.parse import parse_qsl, urlsplit

_SCOPE = r"(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request"
_SIGNED = re.compile(
    rf"AWS4-HMAC-SHA256\s+Credential={_SCOPE},\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>\S+)$"
)
_PUBLIC = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


@dataclasses.dataclass(frozen=True)
class Signature:
    """What a request says about its own signature (Signature Version 4), in a header or in its URL."""

    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    signed_at: str
    token: Optional[str]
    expires: Optional[int] = None
    """Of a presigned URL: for how many seconds it is good."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One request for AWS."""

    environ: Mapping[str, Any]
    method: str
    uri: str
    body: bytes
    signature: Optional[Signature]
    params: Mapping[str, str]
    action: str
    service: str
    region: str
    protocol: str
    """``query`` (IAM, STS), ``json`` or ``s3``: decides how errors look."""

    @property
    def path(self) -> str:
        return urlsplit(self.uri).path

    @property
    def key_id(self) -> Optional[str]:
        return self.signature.key_id if self.signature else None

    @property
    def user_name(self) -> Optional[str]:
        """The IAM user that the request names."""
        return self.params.get("UserName") if self.service == "iam" else None

    @property
    def public(self) -> bool:
        """Whether AWS answers it without a signature."""
        return self.action in _PUBLIC or self.path.startswith("/latest/")

    def header(self, name: str) -> Optional[str]:
        """A header's value, by its name in any case."""
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        return None if value is None else str(value)


def read_call(environ: dict[str, Any], body: bytes) -> Call:
    """The call that a WSGI environment and a body make."""
    uri = environ["RAW_URI"]
    query = dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))
    signature = _read_signature(environ, query)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    content_type = environ.get("CONTENT_TYPE", "")
    params: dict[str, str] = {}
    if target or content_type.startswith("application/x-amz-json"):
        params = _json_params(body)
    elif content_type.startswith("application/x-www-form-urlencoded"):
        params = {**query, **dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))}
    elif "Action" in query:
        params = query
    action = params.get("Action") if "Version" in params else None
    if signature:
        service, region = signature.service, signature.region
    else:
        service, region = ("sts" if action else "s3"), "us-east-1"
    if service == "iam" or region == "aws-global":
        region = "us-east-1"
    if action:
        protocol = "query"
    elif service == "s3":
        protocol = "s3"
    else:
        protocol = "json"
    return Call(
        environ=environ,
        method=environ["REQUEST_METHOD"],
        uri=uri,
        body=body,
        signature=signature,
        params=params,
        action=action or target.rpartition(".")[2] or _rest_action(service, environ, body),
        service=service,
        region=region,
        protocol=protocol,
    )


def _read_signature(environ: Mapping[str, Any], query: Mapping[str, str]) -> Optional[Signature]:
    match = _SIGNED.match(environ.get("HTTP_AUTHORIZATION", ""))
    if match:
        return Signature(
            key_id=match["key"],
            date=match["date"],
            region=match["region"],
            service=match["service"],
            signed_headers=tuple(match["headers"].split(";")),
            signature=match["signature"],
            signed_at=environ.get("HTTP_X_AMZ_DATE", ""),
            token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN"),
        )
    match = re.fullmatch(_SCOPE, query.get("X-Amz-Credential", ""))
    if match and query.get("X-Amz-Expires", "").isdecimal():
        return Signature(
            key_id=match["key"],
            date=match["date"],
            region=match["region"],
            service=match["service"],
            signed_headers=tuple(query.get("X-Amz-SignedHeaders", "").split(";")),
            signature=query.get("X-Amz-Signature", ""),
            signed_at=query.get("X-Amz-Date", ""),
            token=query.get("X-Amz-Security-Token"),
            expires=int(query["X-Amz-Expires"]),
        )
    return None


def _json_params(body: bytes) -> dict[str, str]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return {name: value for name, value in document.items() if isinstance(value, str)}


def _rest_action(service: str, environ: dict[str, Any], body: bytes) -> str:
    """The action's name for services that tell it by method and path only."""
    from moto.core.request import Request
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import NotFound

    try:
        router = get_service_router(service)
        return str(router.match(Request({**environ, "wsgi.input": io.BytesIO(body)}))[0].name)
    except (NotFound, NotImplementedError, LookupError, ValueError):
        return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
