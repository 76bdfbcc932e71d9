# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements decide as IAM's policy language says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cloud.policy_language import decide

_RESOURCE = "arn:aws:iam::1:user/web"
_CONTEXT = {"aws:username": ("Web",), "aws:tagkeys": ("rekey:a", "owner"), "aws:securetransport": ("true",)}


def _allow(**elements: Any) -> dict[str, Any]:
    resource = {} if "NotResource" in elements else {"Resource": "*"}
    action = {} if "NotAction" in elements else {"Action": "*"}
    return {"Effect": "Allow", **action, **resource, **elements}


@pytest.mark.parametrize(
    ("elements", "applies"),
    [
        ({}, True),
        ({"Action": "iam:TagUser"}, True),
        ({"Action": "IAM:taguser"}, True),
        ({"Action": ["iam:List*", "iam:Tag????"]}, True),
        ({"Action": "iam:Tag???"}, False),
        ({"NotAction": "iam:Tag*"}, False),
        ({"NotAction": "iam:List*"}, True),
        ({"Resource": "arn:aws:iam::*:user/we?"}, True),
        ({"Resource": "arn:aws:iam::1:user/Web"}, False),
        ({"Resource": "arn:aws:iam::1:user/${aws:username}"}, False),
        ({"Resource": "arn:aws:iam::1:user/${aws:unknown}"}, False),
        ({"NotResource": "arn:aws:iam::1:user/*"}, False),
        ({"Condition": {"StringEquals": {"aws:username": "Web"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:UserName": ["x", "Web"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:username": "web"}}}, False),
        ({"Condition": {"StringEqualsIgnoreCase": {"aws:username": "web"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:username": ["x", "Web"]}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:unknown": "x"}}}, True),
        ({"Condition": {"StringEquals": {"aws:unknown": "x"}}}, False),
        ({"Condition": {"StringEqualsIfExists": {"aws:unknown": "x"}}}, True),
        ({"Condition": {"StringLike": {"aws:username": "W?b"}}}, True),
        ({"Condition": {"StringNotLike": {"aws:username": "W*"}}}, False),
        ({"Condition": {"ForAllValues:StringLike": {"aws:TagKeys": "rekey:*"}}}, False),
        ({"Condition": {"ForAllValues:StringLike": {"aws:TagKeys": ["rekey:*", "owner"]}}}, True),
        ({"Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": "rekey:*"}}}, True),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:unknown": "x"}}}, True),
        ({"Condition": {"ForAnyValue:StringEquals": {"aws:unknown": "x"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": True}}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, False),
        ({"Condition": {"Null": {"aws:unknown": "true"}}}, True),
        ({"Condition": {"Null": {"aws:username": "true"}}}, False),
        ({"Condition": {"StringEquals": {"aws:username": "Web", "aws:unknown": "x"}}}, False),
    ],
    ids=str,
)
def test_a_statement_applies_to_what_its_elements_say(elements: dict[str, Any], applies: bool) -> None:
    decision = decide([_allow(**elements)], "iam:TagUser", _RESOURCE, _CONTEXT)
    assert decision == ("Allow" if applies else None)


def test_a_deny_wins_in_any_order() -> None:
    deny = {**_allow(), "Effect": "Deny"}
    for statements in ([deny, _allow()], [_allow(), deny]):
        assert decide(statements, "iam:TagUser", _RESOURCE, _CONTEXT) == "Deny"


def test_an_unknown_operator_is_never_passed_over() -> None:
    statement = _allow(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}})
    with pytest.raises(NotImplementedError, match="NumericLessThan"):
        decide([statement], "iam:TagUser", _RESOURCE, _CONTEXT)
