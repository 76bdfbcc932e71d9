# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal of AWS says what was asked, about whom, and what to do."""

from __future__ import annotations

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._refusals import Request, no_answer, refusal

CREATE = Request("iam:CreateAccessKey", user_name="deploy")
DELETE = Request("iam:DeleteAccessKey", user_name="deploy", access_key_id="AKIAIOSFODNN7EXAMPLE")
LAST_USED = Request("iam:GetAccessKeyLastUsed", access_key_id="AKIAIOSFODNN7EXAMPLE")


@pytest.mark.parametrize(
    ("request_", "code", "said", "way_out"),
    [
        (
            CREATE,
            "AccessDenied",
            "not authorized",
            "Grant the caller iam:CreateAccessKey on arn:aws:iam::*:user/deploy.",
        ),
        (CREATE, "AccessDenied", "with an explicit deny in a policy", "AWSCompromisedKeyQuarantine"),
        (LAST_USED, "AccessDenied", "", "AWS says the same of a key that does not exist."),
        (
            Request("iam:GenerateCredentialReport"),
            "AccessDenied",
            "",
            "Grant the caller iam:GenerateCredentialReport on *.",
        ),
        (
            Request("sts:AssumeRole", role_arn="arn:aws:iam::1:role/x"),
            "AccessDenied",
            "",
            "Grant the caller sts:AssumeRole on arn:aws:iam::1:role/x.",
        ),
        (DELETE, "NoSuchEntity", "", "Check the name"),
        (Request("iam:TagUser", user_name="deploy"), "LimitExceeded", "", "50 tags"),
        (CREATE, "Throttling", "Rate exceeded", "Run again later."),
        (CREATE, "ExpiredToken", "", "The temporary credentials have expired"),
        (CREATE, "InvalidClientTokenId", "", "check which credentials are in use"),
        (CREATE, "SignatureDoesNotMatch", "", "The secret is not that of the access key id"),
    ],
)
def test_a_refusal_says_the_way_out(request_: Request, code: str, said: str, way_out: str) -> None:
    error = refusal(request_, code, said)
    assert way_out in error.message
    assert said in error.message
    assert error.message.startswith(f"{request_}: AWS refused it with {code}")
    assert error.code == code


def test_facts_name_call_user_and_key() -> None:
    assert refusal(DELETE, "NoSuchEntity", "").facts == {
        "error_code": "NoSuchEntity",
        "action": "iam:DeleteAccessKey",
        "user_name": "deploy",
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    }
    assert str(DELETE) == "iam:DeleteAccessKey for key AKIAIOSFODNN7EXAMPLE of user deploy"


def test_a_lost_answer_is_only_a_question_where_something_may_have_changed() -> None:
    assert "may or may not" in no_answer(DELETE, "ReadTimeoutError", "Read timeout").message
    assert "nobody has its secret" in no_answer(CREATE, "ReadTimeoutError", "Read timeout").message
    assert "may or may not" not in no_answer(LAST_USED, "ReadTimeoutError", "Read timeout").message
