# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS's refusals mean to an operator: error code in, a message with a way out.

The codes are those of the IAM and STS API references ("Errors" of each action and "Common error types").
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError, NoAnswer

# Refusals that say "not now". A call so refused had no effect: any can be sent again, CreateAccessKey too.
NOT_NOW = frozenset(
    {
        "ConcurrentModification",
        "EntityTemporarilyUnmodifiable",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_CREDENTIALS = {
    "ExpiredToken": "The temporary credentials have expired: sign in again, or give new ones.",
    "ExpiredTokenException": "The temporary credentials have expired: sign in again, or give new ones.",
    "InvalidClientTokenId": "AWS does not know the access key that signed the call, or it is inactive or of another "
    "partition: check which credentials are in use.",
    "SignatureDoesNotMatch": "The secret is not that of the access key id: check which credentials are in use.",
    "RequestExpired": "The clock of the machine that runs the task is wrong: set it.",
    "OptInRequired": "The account is not signed up for this service.",
}


@dataclass(frozen=True)
class Request:
    """A call, as far as a person must know it. ``action`` is as in a policy: ``iam:CreateAccessKey``."""

    action: str
    user_name: t.Optional[str] = None
    access_key_id: t.Optional[str] = None
    role_arn: t.Optional[str] = None

    def __str__(self) -> str:
        about = [
            "{0} {1}".format(noun, value)
            for noun, value in (("key", self.access_key_id), ("user", self.user_name), ("role", self.role_arn))
            if value
        ]
        return "{0} for {1}".format(self.action, " of ".join(about)) if about else self.action

    @property
    def facts(self) -> t.Dict[str, str]:
        facts = {"action": self.action, "user_name": self.user_name, "access_key_id": self.access_key_id}
        return {name: value for name, value in facts.items() if value}

    @property
    def only_reads(self) -> bool:
        return self.action.split(":")[-1].startswith(("Get", "List", "Generate"))

    @property
    def resource(self) -> str:
        """The resource to name in a policy that allows this call."""
        if self.role_arn:
            return self.role_arn
        return "arn:aws:iam::*:user/{0}".format(self.user_name) if self.user_name else "*"


def refusal(request: Request, code: str, message: str) -> AwsError:
    """The error for a call that AWS refused, and that so had no effect.

    Only the first line of AWS's ``message`` is told: after a wrong signature, the others repeat the signed request,
    session token included.
    """
    said = message.strip().split("\n", 1)[0].rstrip(".")
    told = "{0}: AWS refused it with {1}{2}.".format(request, code, ": " + said if said else "")
    return AwsError(" ".join(filter(None, (told, _way_out(request, code, said)))), error_code=code, **request.facts)


def no_answer(request: Request, code: str, what: str) -> NoAnswer:
    """The error for a call that may have taken effect: ``what`` happened instead of an answer."""
    parts = ["{0}: {1}.".format(request, what.strip().rstrip("."))]
    if not request.only_reads:
        parts.append("It may or may not have taken effect.")
    if request.action == "iam:CreateAccessKey":
        parts.append("If a key was made, nobody has its secret: look at the user's keys before making another.")
    return NoAnswer(" ".join(parts), error_code=code, **request.facts)


def _way_out(request: Request, code: str, said: str) -> str:
    if code in _DENIED:
        return _permission(request, said)
    if code == "NoSuchEntity":
        return "Check the name, and that the credentials are for the user's account."
    if code == "LimitExceeded" and request.action == "iam:TagUser":
        return "A user has 50 tags at most: remove one that nothing uses."
    if code in NOT_NOW:
        return "It was tried several times; nothing was done by it. Run again later."
    return _CREDENTIALS.get(code, "")


def _permission(request: Request, said: str) -> str:
    if request.action == "iam:GetAccessKeyLastUsed":
        return "Grant iam:GetAccessKeyLastUsed on *. AWS says the same of a key that does not exist."
    if "explicit deny" in said:
        return (
            "A policy denies it explicitly, so that no grant helps: see the caller's policies, permissions boundary "
            "and service control policies. If AWSCompromisedKeyQuarantine is among them, AWS has found a key of the "
            "caller in public: follow the case that AWS Support opened, replace that key, and only then detach it."
        )
    return "Grant the caller {0} on {1}.".format(request.action, request.resource)
