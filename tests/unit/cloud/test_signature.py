# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls are accepted for their signature, and refused as each service refuses."""

from __future__ import annotations

import datetime
import re
import unittest.mock
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.cloud.client import Cloud, Key

from .refusals import refused

_CALLS = {
    "sts": lambda client: client.get_caller_identity,
    "iam": lambda client: client.list_users,
    "s3": lambda client: client.list_buckets,
    "secretsmanager": lambda client: client.list_secrets,
    "ssm": lambda client: client.describe_parameters,
}
_UNKNOWN = {
    "sts": (403, "InvalidClientTokenId"),
    "iam": (403, "InvalidClientTokenId"),
    "s3": (403, "InvalidAccessKeyId"),
    "secretsmanager": (400, "UnrecognizedClientException"),
    "ssm": (400, "UnrecognizedClientException"),
}
_WRONG = {
    "sts": (403, "SignatureDoesNotMatch"),
    "iam": (403, "SignatureDoesNotMatch"),
    "s3": (403, "SignatureDoesNotMatch"),
    "secretsmanager": (400, "InvalidSignatureException"),
    "ssm": (400, "InvalidSignatureException"),
}


@pytest.mark.parametrize("service", _CALLS)
def test_a_signed_call_is_accepted(connect: Any, key: Key, service: str) -> None:
    assert _CALLS[service](connect(service, key))()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("service", _CALLS)
def test_an_unknown_key_is_refused(connect: Any, service: str) -> None:
    client = connect(service, Key("AKIAIOSFODNN7EXAMPLE", "x" * 40))
    assert refused(_CALLS[service](client))[:2] == _UNKNOWN[service]


@pytest.mark.parametrize("service", _CALLS)
def test_an_inactive_key_is_refused(iam: Any, connect: Any, key: Key, service: str) -> None:
    iam.update_access_key(UserName="deploy", AccessKeyId=key.access_key_id, Status="Inactive")
    assert refused(_CALLS[service](connect(service, key)))[:2] == _UNKNOWN[service]


@pytest.mark.parametrize("service", _CALLS)
def test_a_deleted_key_is_refused(iam: Any, connect: Any, key: Key, service: str) -> None:
    iam.delete_access_key(UserName="deploy", AccessKeyId=key.access_key_id)
    assert refused(_CALLS[service](connect(service, key)))[:2] == _UNKNOWN[service]


@pytest.mark.parametrize("service", _CALLS)
def test_a_wrong_secret_is_refused(connect: Any, key: Key, service: str) -> None:
    client = connect(service, Key(key.access_key_id, key.secret_access_key[::-1]))
    assert refused(_CALLS[service](client))[:2] == _WRONG[service]


def test_an_inactive_key_with_a_wrong_secret_looks_like_an_unknown_one(iam: Any, connect: Any, key: Key) -> None:
    iam.update_access_key(UserName="deploy", AccessKeyId=key.access_key_id, Status="Inactive")
    client = connect("sts", Key(key.access_key_id, "x" * 40))
    assert refused(client.get_caller_identity)[1] == "InvalidClientTokenId"


def test_a_reactivated_key_is_accepted_again(iam: Any, connect: Any, key: Key) -> None:
    for status in ("Inactive", "Active"):
        iam.update_access_key(UserName="deploy", AccessKeyId=key.access_key_id, Status=status)
    assert connect("sts", key).get_caller_identity()["Arn"].endswith("user/deploy")


def test_get_caller_identity_tells_whose_key_signed(cloud: Cloud, connect: Any) -> None:
    user = cloud.create_user("build", path="/ci/")
    identity = connect("sts", user.keys[0]).get_caller_identity()
    assert (identity["Arn"], identity["UserId"], identity["Account"]) == (
        "arn:aws:iam::123456789012:user/ci/build",
        user.user_id,
        "123456789012",
    )
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", user.user_id)


def test_temporary_credentials_work_with_their_own_token_only(connect: Any) -> None:
    given = connect("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/ops", RoleSessionName="nightly")
    pair = Key(given["Credentials"]["AccessKeyId"], given["Credentials"]["SecretAccessKey"])
    token = given["Credentials"]["SessionToken"]
    identity = connect("sts", pair, token).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/ops/nightly"
    assert connect("iam", pair, token).list_access_keys(UserName="admin")["AccessKeyMetadata"]
    for wrong in (token[:-1] + "!", None):
        assert refused(connect("sts", pair, wrong).get_caller_identity)[:2] == (403, "InvalidClientTokenId")
        assert refused(connect("s3", pair, wrong).list_buckets)[:2] == (400, "InvalidToken")


def test_a_role_of_another_account_acts_on_that_account(cloud: Cloud, connect: Any) -> None:
    cloud.create_user("theirs", account_id="210987654321")
    given = connect("sts").assume_role(RoleArn="arn:aws:iam::210987654321:role/ops", RoleSessionName="nightly")
    pair = Key(given["Credentials"]["AccessKeyId"], given["Credentials"]["SecretAccessKey"])
    there = connect("iam", pair, given["Credentials"]["SessionToken"])
    assert [user["UserName"] for user in there.list_users()["Users"]] == ["theirs"]
    assert refused(connect("iam").list_access_keys, UserName="theirs")[1] == "NoSuchEntity"
    assert list(cloud.state(account_id="210987654321")) == ["theirs"]


def _send(
    cloud: Cloud, key: Key, service: str = "sts", minutes: int = 0, body: bytes | None = None, sign: bool = True
) -> tuple[int, str]:
    """Send a call signed ``minutes`` from now (GetCallerIdentity, or ListBuckets), or ``body`` under its signature."""
    s3 = service == "s3"
    data = b"" if s3 else b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = {} if s3 else {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("GET" if s3 else "POST", cloud.url + "/", headers=headers, data=data)
    auth = (S3SigV4Auth if s3 else SigV4Auth)(
        Credentials(key.access_key_id, key.secret_access_key), service, "us-east-1"
    )
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    with unittest.mock.patch("botocore.auth.get_current_datetime", return_value=at):
        auth.add_auth(request)
    if not sign:
        del request.headers["Authorization"]
    sent = (data if body is None else body) or None
    real = urllib.request.Request(cloud.url + "/", sent, dict(request.headers.items()), method=request.method)
    try:
        with urllib.request.urlopen(real, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_signature_is_good_for_a_quarter_of_an_hour(cloud: Cloud, key: Key) -> None:
    for minutes in (-14, 14):
        assert _send(cloud, key, minutes=minutes)[0] == 200
    status, text = _send(cloud, key, minutes=-16)
    assert status == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in text
    assert re.search(r"Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(.* - 15 min\.\)", text)
    status, text = _send(cloud, key, minutes=16)
    assert "Signature not yet current: " in text
    for minutes in (-16, 16):
        status, text = _send(cloud, key, "s3", minutes=minutes)
        assert (status, "<Code>RequestTimeTooSkewed</Code>" in text) == (403, True)


def test_a_body_that_was_not_signed_is_refused(cloud: Cloud, key: Key) -> None:
    status, text = _send(cloud, key, body=b"Action=GetCallerIdentity&Version=2011-06-15&Extra=1")
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)


def test_a_call_without_a_signature_is_refused(cloud: Cloud, key: Key) -> None:
    status, text = _send(cloud, key, sign=False)
    assert (status, "<Code>MissingAuthenticationToken</Code>" in text) == (403, True)
    status, text = _send(cloud, key, "s3", sign=False)
    assert (status, "<Code>AccessDenied</Code>" in text) == (403, True)


def test_the_query_error_is_in_the_format_of_the_service(cloud: Cloud) -> None:
    status, text = _send(cloud, Key("AKIAIOSFODNN7EXAMPLE", "x" * 40))
    assert status == 403
    assert text.startswith('<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">')
    assert "<Type>Sender</Type>" in text
    assert "<Message>The security token included in the request is invalid.</Message>" in text


def test_a_presigned_url_is_good_until_it_expires(cloud: Cloud, connect: Any, key: Key) -> None:
    s3 = connect("s3", key, signature_version="s3v4")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="a b/ü", Body=b"text")
    arguments = {"Params": {"Bucket": "presigned", "Key": "a b/ü"}, "ExpiresIn": 60}
    url = s3.generate_presigned_url("get_object", **arguments)
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"text"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), timeout=10)
    assert caught.value.code == 403


def test_objects_of_every_kind_of_name_can_be_stored_and_read(connect: Any, key: Key) -> None:
    s3 = connect("s3", key)
    s3.create_bucket(Bucket="objects")
    for name in ("plain", "with space", "ümlaut/~tilde", "a+b&c=d", "dots/../up", "per%cent"):
        s3.put_object(Bucket="objects", Key=name, Body=name.encode(), Metadata={"under_score": "kept"})
        answer = s3.get_object(Bucket="objects", Key=name)
        assert (answer["Body"].read(), answer["Metadata"]) == (name.encode(), {"under_score": "kept"})
        assert s3.head_object(Bucket="objects", Key=name)["ContentLength"] == len(name.encode())


def test_the_account_is_read_from_a_key_id_though_the_key_is_unknown(cloud: Cloud, connect: Any) -> None:
    theirs = cloud.create_user("theirs", account_id="210987654321").keys[0].access_key_id
    cloud.reset()
    assert connect("sts").get_access_key_info(AccessKeyId=theirs)["Account"] == "210987654321"
