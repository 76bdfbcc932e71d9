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

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})$"
)
_PUBLIC = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


@dataclasses.dataclass(frozen=True)
class Signature:
    """What an ``Authorization`` header of Signature Version 4 says."""

    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


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
    signature = _read_signature(environ.get("HTTP_AUTHORIZATION", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    content_type = environ.get("CONTENT_TYPE", "")
    query = urlsplit(uri).query
    params: dict[str, str] = {}
    if target or content_type.startswith("application/x-amz-json"):
        params = _json_params(body)
    elif content_type.startswith("application/x-www-form-urlencoded"):
        params = dict(parse_qsl(f"{query}&{body.decode('utf-8', 'replace')}", keep_blank_values=True))
    elif "Action=" in query:
        params = dict(parse_qsl(query, keep_blank_values=True))
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


def _read_signature(header: str) -> Optional[Signature]:
    match = _SIGNED.match(header)
    if not match:
        return None
    return Signature(
        key_id=match["key"],
        date=match["date"],
        region=match["region"],
        service=match["service"],
        signed_headers=tuple(match["headers"].split(";")),
        signature=match["signature"],
    )


def _json_params(body: bytes) -> dict[str, str]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return {name: value for name, value in document.items() if isinstance(value, str)}


def _rest_action(service: str, environ: dict[str, Any], body: bytes) -> str:
    """The action's name for services that tell it by method and path only."""
    from moto.core.request import Request
    from moto.core.routing import NotFound, get_service_router

    try:
        router = get_service_router(service)
        return str(router.match(Request({**environ, "wsgi.input": io.BytesIO(body)}))[0].name)
    except (NotFound, NotImplementedError, LookupError, ValueError):
        return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
