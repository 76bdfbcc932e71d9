# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a caller's IAM policies allow: which policies count, and what a call is about.

moto's own evaluation takes a statement whose condition does not hold for a denial, and looks at neither the
resource of IAM's calls nor policy variables; so only its store of policies is used here.
Source: "Policy evaluation logic" in the IAM User Guide, and the Service Authorization Reference.
"""

from __future__ import annotations

import json
import re
from typing import Any, Mapping, Optional
from urllib.parse import unquote

from moto.iam import models as iam

from .call import Call
from .errors import Refusal, denied
from .keyring import Entry, Keyring
from .moto_mended import tags_of
from .policy_language import Context, decide, several, statements_of

_S3_ACTIONS = {
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "UploadPart": "PutObject",
}
_OWN_BY_DEFAULT = ("CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "UpdateAccessKey")


def check_allowed(call: Call, caller: Entry, keyring: Keyring) -> None:
    """Pass silently if the caller's policies allow the call. Raises Refusal (AccessDenied) otherwise."""
    if (call.service, call.action) == ("sts", "GetCallerIdentity"):
        return
    action = _S3_ACTIONS.get(call.action, call.action) if call.protocol == "s3" else call.action
    resource = _resource(call, caller, keyring)
    context = _context(call, caller)
    statements = [one for document in _policies(caller) for one in statements_of(document)]
    decision = decide(statements, f"{call.service}:{action}", resource, context)
    if call.action == "AssumeRole":
        if decision == "Deny" or not _trusts(resource, caller, context, allowed=decision == "Allow"):
            raise Refusal(
                403,
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {resource}",
            )
    elif decision != "Allow":
        raise _denied(call, caller, resource, explicit=decision == "Deny")


def denied_by_fault(call: Call, caller: Optional[Entry], keyring: Keyring) -> Refusal:
    """The refusal of a caller who lacks the permission for a call."""
    if caller is None:
        return denied(call.protocol, call.service, call.action, "anonymous", "*")
    return _denied(call, caller, _resource(call, caller, keyring), explicit=False)


def _denied(call: Call, caller: Entry, resource: str, explicit: bool) -> Refusal:
    named = re.fullmatch(r"arn:aws:iam::\d+:(user|role|group)/(?:.*/)?([^/]+)", resource)
    words = f"{named[1]} {named[2]}" if named and call.service == "iam" else resource
    return denied(call.protocol, call.service, call.action, caller.arn, words, explicit)


def _trusts(role_arn: str, caller: Entry, context: Context, allowed: bool) -> bool:
    """Whether a role lets the caller assume it.

    Trust in an account needs the caller's own policies to allow it too (``allowed``); trust in the very caller does
    not, inside an account.
    """
    account = role_arn.split(":")[4] if role_arn.count(":") > 4 else ""
    roles = iam.iam_backends[account]["aws"].roles.values() if account else ()
    document = next((role.assume_role_policy_document for role in roles if role.arn == role_arn), None)
    if document is None:
        return False

    def said_of(*principals: str) -> Optional[str]:
        named = [one for one in statements_of(json.loads(document)) if set(principals) & set(_principals(one))]
        return decide(named, "sts:AssumeRole", None, context)

    everybody = (caller.arn, f"arn:aws:iam::{caller.account_id}:root", caller.account_id, "*")
    in_person = account == caller.account_id and said_of(caller.arn) == "Allow"
    return said_of(*everybody) == "Allow" and (allowed or in_person)


def _principals(statement: Mapping[str, Any]) -> tuple[str, ...]:
    principal = statement.get("Principal", {})
    return ("*",) if principal == "*" else several(principal.get("AWS", ()))


def _policies(caller: Entry) -> list[Mapping[str, Any]]:
    """The documents of a caller's policies: inline, attached, and of a user's groups."""
    backend = iam.iam_backends[caller.account_id]["aws"]
    holders: list[Any] = []
    if caller.user:
        holders = [caller.user, *(group for group in backend.groups.values() if caller.user in group.users)]
    elif caller.session:
        holders = [role for role in backend.roles.values() if role.arn == caller.session.role_arn]
    documents = []
    for holder in holders:
        documents += list(holder.policies.values())
        for policy in holder.managed_policies.values():
            documents += [version.document for version in policy.versions if version.is_default]
    return [json.loads(document) for document in documents]


def _resource(call: Call, caller: Entry, keyring: Keyring) -> str:
    """The ARN that a call is about, or ``*``."""
    params, account = call.params, caller.account_id
    if call.service == "iam":
        backend = iam.iam_backends[account]["aws"]
        user_name = params.get("UserName")
        if call.action == "GetAccessKeyLastUsed":
            owner = keyring.present(params.get("AccessKeyId"))
            return owner.arn if owner else "*"
        if user_name:
            user = backend.users.get(user_name)
            return user.arn if user else f"arn:aws:iam::{account}:user/{user_name}"
        if call.action in _OWN_BY_DEFAULT:
            return caller.arn
        if call.action == "ListUsers":
            return f"arn:aws:iam::{account}:user/"
        for name, kind in (("RoleName", "role"), ("GroupName", "group")):
            if name in params:
                return f"arn:aws:iam::{account}:{kind}/{params[name]}"
        return params.get("PolicyArn", "*")
    if call.service == "sts":
        return params.get("RoleArn", "*")
    if call.service == "s3":
        return f"arn:aws:s3:::{unquote(call.path).lstrip('/') or '*'}"
    if call.service == "secretsmanager":
        secret = params.get("SecretId", params.get("Name", "*"))
        return secret if secret.startswith("arn:") else _arn(call, account, f"secret:{secret}-AbCdEf")
    if call.service == "ssm" and "Name" in params:
        return _arn(call, account, f"parameter/{params['Name'].lstrip('/')}")
    return "*"


def _arn(call: Call, account: str, name: str) -> str:
    return f"arn:aws:{call.service}:{call.region}:{account}:{name}"


def _context(call: Call, caller: Entry) -> Context:
    """The condition keys that are known about a call, by their names in lower case."""
    context: dict[str, tuple[str, ...]] = {
        "aws:principalarn": (caller.arn,),
        "aws:principalaccount": (caller.account_id,),
        "aws:requestedregion": (call.region,),
        "aws:securetransport": ("true",),
        "aws:sourceip": ("127.0.0.1",),
    }
    if caller.user:
        context["aws:username"] = (caller.user.name,)
        context["aws:userid"] = (caller.user.id,)
    for name in ("ExternalId", "RoleSessionName"):
        if name in call.params:
            context[f"sts:{name.lower()}"] = (call.params[name],)
    tags = {
        value: call.params.get(name[: -len("Key")] + "Value", "")
        for name, value in call.params.items()
        if re.fullmatch(r"Tags\.member\.\d+\.Key", name)
    }
    untagged = [value for name, value in call.params.items() if re.fullmatch(r"TagKeys\.member\.\d+", name)]
    if tags or untagged:
        context["aws:tagkeys"] = (*tags, *untagged)
    context.update({f"aws:requesttag/{key}".lower(): (value,) for key, value in tags.items()})
    user = iam.iam_backends[caller.account_id]["aws"].users.get(call.user_name or "")
    for key, value in (tags_of(user) if user else {}).items():
        context[f"aws:resourcetag/{key}".lower()] = context[f"iam:resourcetag/{key}".lower()] = (value,)
    return context
