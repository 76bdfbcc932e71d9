# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IAM policies allow a caller, for the parts of IAM's policy language that the tests use.

moto's own evaluation takes a statement whose condition does not hold for a denial, and looks at neither the
resource of IAM's calls nor policy variables; so only its store of policies is used here.
Source of the rules: "Policy evaluation logic" and "IAM JSON policy elements" in the IAM User Guide, and the Service
Authorization Reference for which resource a call is about.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, Iterable, Mapping, Optional
from urllib.parse import unquote

from moto.iam import models as iam

from .call import Call
from .errors import Refusal, denied
from .keyring import Entry, Keyring
from .moto_mended import tags_of

Context = Mapping[str, "tuple[str, ...]"]

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
    decision = _decide(_policies(caller), f"{call.service}:{action}", resource, context)
    if call.action == "AssumeRole":
        _check_trust(call, caller, resource, context, decision)
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


def _check_trust(call: Call, caller: Entry, role_arn: str, context: Context, decision: Optional[str]) -> None:
    """Who may assume a role is said by both sides; inside an account, a trust in the very caller is enough."""
    match = re.fullmatch(r"arn:aws:iam::(\d+):role/.*", role_arn)
    roles = iam.iam_backends[match[1]]["aws"].roles.values() if match else ()
    role = next((role for role in roles if role.arn == role_arn), None)
    trust = None
    if role and decision != "Deny":
        document = json.loads(role.assume_role_policy_document)
        for principal in (caller.arn, f"arn:aws:iam::{caller.account_id}:root", caller.account_id, "*"):
            named = [one for one in _statements(document) if principal in _principals(one)]
            said = _decide_statements(named, "sts:AssumeRole", None, context)
            if said == "Deny":
                trust = None
                break
            if said == "Allow" and (decision == "Allow" or principal == caller.arn):
                trust = said
    if trust is None:
        raise Refusal(
            403,
            "AccessDenied",
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
        )


def _principals(statement: Mapping[str, Any]) -> tuple[str, ...]:
    principal = statement.get("Principal", {})
    return ("*",) if principal == "*" else _several(principal.get("AWS", ()))


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


def _decide(documents: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context) -> Optional[str]:
    statements = [one for document in documents for one in _statements(document)]
    return _decide_statements(statements, action, resource, context)


def _decide_statements(
    statements: Iterable[Mapping[str, Any]], action: str, resource: Optional[str], context: Context
) -> Optional[str]:
    """``Deny`` if a statement says so, else ``Allow`` if one does, else None."""
    effects = {
        one["Effect"]
        for one in statements
        if _concerns(one, "Action", action.lower(), {}, fold=True)
        and (resource is None or _concerns(one, "Resource", resource, context))
        and _conditions_hold(one.get("Condition", {}), context)
    }
    return "Deny" if "Deny" in effects else "Allow" if effects else None


def _concerns(statement: Mapping[str, Any], element: str, value: str, context: Context, fold: bool = False) -> bool:
    negated = f"Not{element}" in statement
    patterns = _several(statement[f"Not{element}" if negated else element])
    return negated != any(_like(pattern.lower() if fold else pattern, value, context) for pattern in patterns)


@dataclasses.dataclass(frozen=True)
class _Operator:
    """A condition operator without its ``Not``."""

    wildcards: bool = False
    fold: bool = False


_OPERATORS = {
    "StringEquals": _Operator(),
    "StringEqualsIgnoreCase": _Operator(fold=True),
    "StringLike": _Operator(wildcards=True),
    "ArnEquals": _Operator(wildcards=True),
    "ArnLike": _Operator(wildcards=True),
    "Bool": _Operator(fold=True),
}


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _condition_holds(operator, context.get(key.lower()), _several(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _condition_holds(name: str, values: Optional[tuple[str, ...]], wanted: tuple[str, ...], context: Context) -> bool:
    if name == "Null":
        return (values is None) == (wanted == ("true",))
    quantifier, _, name = name.rpartition(":")
    if name.endswith("IfExists"):
        name = name[: -len("IfExists")]
        if values is None:
            return True
    negated = "Not" in name
    operator = _OPERATORS.get(name.replace("Not", ""))
    if operator is None:
        raise NotImplementedError(f"the cloud does not know the condition operator {name}")
    if values is None:
        return quantifier == "ForAllValues" or (negated and not quantifier)

    def fits(value: str) -> bool:
        for pattern in wanted:
            if operator.fold:
                pattern, value = pattern.lower(), value.lower()
            if _like(pattern, value, context) if operator.wildcards else _filled(pattern, context) == value:
                return not negated
        return negated

    return all(map(fits, values)) if quantifier == "ForAllValues" else any(map(fits, values))


def _like(pattern: str, value: str, context: Context) -> bool:
    filled = _filled(pattern, context)
    if filled is None:
        return False
    regex = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in filled)
    return re.fullmatch(regex, value, re.DOTALL) is not None


def _filled(pattern: str, context: Context) -> Optional[str]:
    """A pattern with its policy variables replaced; None if one of them is unknown, which matches nothing."""
    names = re.findall(r"\$\{([^}]+)\}", pattern)
    if any(name.lower() not in context for name in names):
        return None
    return re.sub(r"\$\{([^}]+)\}", lambda match: context[match[1].lower()][0], pattern)


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _several(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in values)
