# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With enforcement on, callers may do what their policies allow, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cloud.client import Cloud, Key

from .refusals import refused

_TARGET = "arn:aws:iam::123456789012:user/fleet/web"


def _allow(*actions: str, resource: Any = "*", condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {**statement, **({"Condition": condition} if condition else {})}


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.fixture
def caller(cloud: Cloud, connect: Any) -> Any:
    """Makes an IAM client of a user with these statements; the user ``web`` is there to be acted on."""
    cloud.create_user("web", path="/fleet/", keys=[])
    cloud.settings(enforce_policies=True)

    def make(*statements: dict[str, Any]) -> Any:
        return connect("iam", cloud.create_user("caller", policy=_document(*statements)).keys[0])

    return make


def test_without_enforcement_everybody_may_do_everything(cloud: Cloud, connect: Any) -> None:
    nobody = cloud.create_user("caller").keys[0]
    assert connect("iam", nobody).list_users()["Users"]


def test_a_user_without_policies_may_only_ask_who_it_is(cloud: Cloud, connect: Any) -> None:
    cloud.settings(enforce_policies=True)
    nobody = cloud.create_user("caller").keys[0]
    assert connect("sts", nobody).get_caller_identity()["Arn"].endswith("user/caller")
    assert refused(connect("iam", nobody).list_users) == (
        403,
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/caller is not authorized to perform: iam:ListUsers on resource: "
        "arn:aws:iam::123456789012:user/ because no identity-based policy allows the iam:ListUsers action",
    )
    assert refused(connect("s3", nobody).list_buckets) == (403, "AccessDenied", "Access Denied")
    assert refused(connect("ssm", nobody).describe_parameters)[:2] == (400, "AccessDeniedException")


def test_the_administrator_may_do_everything(cloud: Cloud, connect: Any) -> None:
    cloud.settings(enforce_policies=True)
    assert connect("iam").list_users()["Users"]
    connect("secretsmanager").create_secret(Name="s", SecretString="x")


def test_a_policy_is_for_its_actions_and_resources(caller: Any) -> None:
    iam = caller(_allow("iam:List*", "iam:createaccesskey", resource="arn:aws:iam::*:user/fleet/*"))
    key_id = iam.create_access_key(UserName="web")["AccessKey"]["AccessKeyId"]
    assert iam.list_access_keys(UserName="web")["AccessKeyMetadata"]
    assert refused(iam.delete_access_key, UserName="web", AccessKeyId=key_id)[1] == "AccessDenied"
    assert refused(iam.list_access_keys, UserName="caller")[1] == "AccessDenied"


def test_the_last_use_of_a_key_is_about_its_owner(caller: Any) -> None:
    iam = caller(_allow("iam:*", resource=_TARGET))
    key_id = iam.create_access_key(UserName="web")["AccessKey"]["AccessKeyId"]
    assert iam.get_access_key_last_used(AccessKeyId=key_id)["UserName"] == "web"
    assert refused(iam.get_access_key_last_used, AccessKeyId="AKIAIOSFODNN7EXAMPLE")[1] == "AccessDenied"


def test_an_explicit_deny_wins(caller: Any) -> None:
    iam = caller(_allow("iam:*"), {"Effect": "Deny", "Action": "iam:CreateAccessKey", "Resource": "*"})
    assert iam.list_users()["Users"]
    assert refused(iam.create_access_key, UserName="web")[2].endswith(
        "on resource: user web with an explicit deny in an identity-based policy"
    )


def test_policy_variables_name_the_caller(caller: Any) -> None:
    iam = caller(_allow("iam:*AccessKey*", resource="arn:aws:iam::*:user/${aws:username}"))
    assert iam.list_access_keys()["AccessKeyMetadata"]
    assert refused(iam.list_access_keys, UserName="web")[1] == "AccessDenied"


def test_conditions_restrict_the_tags_that_may_be_set(caller: Any) -> None:
    only_ours = {"ForAllValues:StringLike": {"aws:TagKeys": "rekey:*"}}
    iam = caller(_allow("iam:TagUser", "iam:UntagUser", condition=only_ours))
    iam.tag_user(UserName="web", Tags=[{"Key": "rekey:key:A", "Value": "ours"}])
    iam.untag_user(UserName="web", TagKeys=["rekey:key:A"])
    for keys in (["owner"], ["rekey:key:A", "owner"]):
        tags = [{"Key": key, "Value": "v"} for key in keys]
        assert refused(iam.tag_user, UserName="web", Tags=tags)[1] == "AccessDenied"
        assert refused(iam.untag_user, UserName="web", TagKeys=keys)[1] == "AccessDenied"


def test_conditions_look_at_the_tags_of_the_user_acted_on(cloud: Cloud, caller: Any) -> None:
    iam = caller(_allow("iam:ListAccessKeys", condition={"StringEquals": {"iam:ResourceTag/team": "web"}}))
    assert refused(iam.list_access_keys, UserName="web")[1] == "AccessDenied"
    cloud.create_user("web", tags={"team": "web"}, keys=[])
    iam.list_access_keys(UserName="web")


def test_a_condition_that_does_not_hold_is_no_denial(caller: Any) -> None:
    never = {"StringEquals": {"aws:username": "somebody else"}}
    iam = caller(_allow("iam:ListUsers", condition=never), _allow("iam:ListUsers"))
    assert iam.list_users()["Users"]


def test_a_condition_operator_that_the_cloud_does_not_know_is_no_silent_permission(caller: Any) -> None:
    iam = caller(_allow("iam:ListUsers", condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}))
    status, _code, message = refused(iam.list_users)
    assert status == 500
    assert "DateGreaterThan" in message


def test_attached_and_group_policies_count(cloud: Cloud, iam: Any, connect: Any, key: Key) -> None:
    cloud.settings(enforce_policies=True)
    own = connect("iam", key)
    document = json.dumps(_document(_allow("iam:ListUsers")))
    arn = iam.create_policy(PolicyName="list", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="deploy", PolicyArn=arn)
    own.list_users()
    iam.detach_user_policy(UserName="deploy", PolicyArn=arn)
    assert refused(own.list_users)[1] == "AccessDenied"
    iam.create_group(GroupName="listers")
    iam.put_group_policy(GroupName="listers", PolicyName="list", PolicyDocument=document)
    iam.add_user_to_group(GroupName="listers", UserName="deploy")
    own.list_users()


def test_a_role_is_assumed_by_whom_it_trusts_and_may_what_its_policies_allow(
    cloud: Cloud, iam: Any, connect: Any
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "word"}},
    }
    role = iam.create_role(RoleName="ops", AssumeRolePolicyDocument=json.dumps(_document(trust)))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="ops", PolicyName="list", PolicyDocument=json.dumps(_document(_allow("iam:ListUsers")))
    )
    cloud.settings(enforce_policies=True)
    allowed = cloud.create_user("allowed", policy=_document(_allow("sts:AssumeRole", resource=role))).keys[0]
    other = cloud.create_user("other").keys[0]
    names = {"RoleArn": role, "RoleSessionName": "nightly"}
    assert refused(connect("sts", other).assume_role, **names, ExternalId="word") == (
        403,
        "AccessDenied",
        f"User: arn:aws:iam::123456789012:user/other is not authorized to perform: sts:AssumeRole on resource: {role}",
    )
    assert refused(connect("sts", allowed).assume_role, **names)[1] == "AccessDenied"
    given = connect("sts", allowed).assume_role(**names, ExternalId="word")["Credentials"]
    session = connect("iam", Key(given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])
    assert session.list_users()["Users"]
    assert refused(session.list_roles)[1] == "AccessDenied"


def test_a_role_that_trusts_the_very_caller_needs_no_policy_of_the_caller(
    cloud: Cloud, iam: Any, connect: Any, key: Key
) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": cloud.state()["deploy"]["arn"]}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="ops", AssumeRolePolicyDocument=json.dumps(_document(trust)))["Role"]["Arn"]
    cloud.settings(enforce_policies=True)
    names = {"RoleArn": role, "RoleSessionName": "nightly"}
    assert connect("sts", key).assume_role(**names)["AssumedRoleUser"]
    other = cloud.create_user("other").keys[0]
    assert refused(connect("sts", other).assume_role, **names)[1] == "AccessDenied"
    assert refused(connect("sts", key).assume_role, **{**names, "RoleArn": role + "-not"})[1] == "AccessDenied"


def test_secrets_and_parameters_and_objects_have_their_arns(cloud: Cloud, connect: Any) -> None:
    cloud.settings(enforce_policies=True)
    key = cloud.create_user(
        "caller",
        policy=_document(
            _allow("secretsmanager:*", resource="arn:aws:secretsmanager:us-east-1:123456789012:secret:rekey/*"),
            _allow("ssm:PutParameter", resource="arn:aws:ssm:*:*:parameter/rekey/*"),
            _allow("s3:PutObject", resource="arn:aws:s3:::bucket/own/*"),
        ),
    ).keys[0]
    secrets, ssm, s3 = (connect(service, key) for service in ("secretsmanager", "ssm", "s3"))
    arn = secrets.create_secret(Name="rekey/web", SecretString="x")["ARN"]
    assert secrets.get_secret_value(SecretId="rekey/web")["ARN"] == arn
    secrets.describe_secret(SecretId=arn)
    assert refused(secrets.create_secret, Name="other", SecretString="x")[1] == "AccessDeniedException"
    ssm.put_parameter(Name="/rekey/web", Value="x", Type="SecureString")
    assert refused(ssm.put_parameter, Name="/other", Value="x", Type="String")[1] == "AccessDeniedException"
    connect("s3").create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="own/file", Body=b"x")
    assert refused(s3.put_object, Bucket="bucket", Key="file", Body=b"x")[1] == "AccessDenied"
