# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway against an AWS that checks signatures and fails on order, and against a few canned answers of AWS."""

from __future__ import annotations

import dataclasses
import http.server
import ipaddress
import itertools
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.rekey.aws.plugins.doc_fragments.aws import ModuleDocFragment
from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError, InvalidInput, NoAnswer, RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._iam import CONNECTION_OPTIONS, Connection, Iam
from ansible_collections.rekey.aws.plugins.module_utils._model import LastUse
from ansible_collections.rekey.aws.tests.cloud import ADMIN_KEY_ID, ADMIN_SECRET
from ansible_collections.rekey.aws.tests.cloud.client import Cloud

NAMES = (f"user{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud.start() as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def nothing_of_the_callers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def as_admin(cloud: Cloud, **options: Any) -> Connection:
    return Connection(access_key=ADMIN_KEY_ID, secret_key=ADMIN_SECRET, endpoint_url=cloud.url, **options)


@pytest.fixture
def iam(cloud: Cloud) -> Iterator[Iam]:
    yield Iam(as_admin(cloud))
    cloud.faults([])
    cloud.settings(enforce_policies=False, report_seconds=0.0)


@pytest.fixture
def user(cloud: Cloud) -> str:
    name = next(NAMES)
    cloud.create_user(name, keys=[])
    return name


def test_a_keys_whole_life(iam: Iam, user: str) -> None:
    made = iam.create_access_key(user)
    assert iam.list_access_keys(user) == (made.key,)
    assert made.key.active
    assert abs(datetime.now(timezone.utc) - made.key.created) < timedelta(minutes=1)
    assert made.secret_access_key not in repr(made)
    assert iam.access_key_last_used(made.key.id) == LastUse()
    iam.set_access_key_active(user, made.key.id, False)
    assert not iam.list_access_keys(user)[0].active
    assert iam.delete_access_key(user, made.key.id) is True
    assert iam.list_access_keys(user) == ()


def test_keys_are_listed_newest_last(cloud: Cloud, iam: Iam) -> None:
    name = next(NAMES)
    cloud.create_user(name, keys=[{"age_days": 1}, {"age_days": 100}])
    old, new = iam.list_access_keys(name)
    assert old.created < new.created


def test_last_use_tells_when_where_and_by_what(cloud: Cloud, iam: Iam) -> None:
    name = next(NAMES)
    use = {"last_used_days": 2, "last_used_service": "s3", "last_used_region": "eu-central-1"}
    key = cloud.create_user(name, keys=[{"age_days": 9, **use}]).keys[0]
    used = iam.access_key_last_used(key.access_key_id)
    assert (used.service, used.region) == ("s3", "eu-central-1")
    assert used.at
    assert abs(datetime.now(timezone.utc) - timedelta(days=2) - used.at) < timedelta(minutes=1)


def test_tags_are_set_read_and_removed_beside_those_of_others(cloud: Cloud, iam: Iam) -> None:
    name = next(NAMES)
    cloud.create_user(name, keys=[], tags={"team": "blue"})
    iam.tag_user(name, {"rekey:key:AKIA1": "ours 2026-11-24T05:00:00Z"})
    assert iam.list_user_tags(name) == {"team": "blue", "rekey:key:AKIA1": "ours 2026-11-24T05:00:00Z"}
    iam.untag_user(name, ["rekey:key:AKIA1", "never-there"])
    assert iam.list_user_tags(name) == {"team": "blue"}


def test_deleting_a_key_that_is_gone_is_no_error_if_its_user_exists(iam: Iam, user: str) -> None:
    assert iam.delete_access_key(user, "AKIAIOSFODNN7EXAMPLE") is False
    with pytest.raises(AwsError) as caught:
        iam.delete_access_key("nobody", "AKIAIOSFODNN7EXAMPLE")
    assert caught.value.code == "NoSuchEntity"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lose_answer"},
        {"kind": "disconnect"},
        {"kind": "error"},
        {"kind": "error", "code": "ServiceUnavailable"},
        {"kind": "lose_answer", "code": "ServiceFailure", "status": 500},
    ],
)
def test_create_is_sent_once_whatever_comes_of_it(
    cloud: Cloud, user: str, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    iam = Iam(as_admin(cloud, aws_config={"retries": {"mode": "standard", "total_max_attempts": 7}}))
    cloud.faults([{"action": "CreateAccessKey", "user_name": user, **fault}])
    with pytest.raises(NoAnswer) as caught:
        iam.create_access_key(user)
    cloud.faults([])
    assert cloud.calls(user)["CreateAccessKey"] == 1
    assert caught.value.facts["user_name"] == user
    assert "It may or may not have taken effect. If a key was made, nobody has its secret" in caught.value.message


def test_create_gives_up_on_a_slow_answer_and_is_not_sent_again(cloud: Cloud, user: str) -> None:
    iam = Iam(as_admin(cloud, aws_config={"read_timeout": 1}))
    cloud.faults([{"action": "CreateAccessKey", "user_name": user, "kind": "delay", "seconds": 3, "after": True}])
    with pytest.raises(NoAnswer, match=r"ReadTimeoutError|[Rr]ead timeout"):
        iam.create_access_key(user)
    assert cloud.calls(user)["CreateAccessKey"] == 1


@pytest.mark.parametrize("code", ["Throttling", "RequestLimitExceeded", "EntityTemporarilyUnmodifiable"])
def test_a_create_that_aws_put_off_is_sent_again_since_it_had_no_effect(
    cloud: Cloud, iam: Iam, user: str, code: str
) -> None:
    cloud.faults([{"kind": "throttle", "code": code, "action": "CreateAccessKey", "user_name": user, "count": 2}])
    made = iam.create_access_key(user)
    assert cloud.calls(user)["CreateAccessKey"] == 3
    assert iam.list_access_keys(user) == (made.key,)


@pytest.mark.parametrize("fault", [{"kind": "lose_answer"}, {"kind": "error"}, {"kind": "disconnect"}])
def test_other_calls_are_sent_again(cloud: Cloud, iam: Iam, user: str, fault: Any) -> None:
    key = iam.create_access_key(user).key
    cloud.faults([{"action": "UpdateAccessKey", "user_name": user, "count": 1, **fault}])
    iam.set_access_key_active(user, key.id, False)
    assert not iam.list_access_keys(user)[0].active


def test_a_call_that_never_gets_an_answer_ends_and_says_that_it_may_have_worked(
    cloud: Cloud, iam: Iam, user: str
) -> None:
    key = iam.create_access_key(user).key
    cloud.faults([{"action": "DeleteAccessKey", "user_name": user, "kind": "error"}])
    with pytest.raises(NoAnswer, match="may or may not have taken effect"):
        iam.delete_access_key(user, key.id)
    assert cloud.calls(user)["DeleteAccessKey"] == 4


def test_many_threads_share_one_gateway_under_throttling(cloud: Cloud) -> None:
    iam = Iam(as_admin(cloud), concurrency=8)
    names = [next(NAMES) for _number in range(40)]
    cloud.create_users([{"user_name": name, "keys": [{}]} for name in names])
    cloud.faults([{"kind": "throttle", "action": "ListAccessKeys", "probability": 0.3}])
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(iam.list_access_keys, names))
    cloud.faults([])
    assert [len(keys) for keys in lists] == [1] * len(names)


def test_a_refusal_names_the_permission_to_grant(cloud: Cloud, user: str) -> None:
    caller = cloud.create_user(next(NAMES)).keys[0]
    cloud.settings(enforce_policies=True)
    iam = Iam(Connection(caller.access_key_id, caller.secret_access_key, endpoint_url=cloud.url))
    with pytest.raises(AwsError) as caught:
        iam.create_access_key(user)
    cloud.settings(enforce_policies=False)
    assert caught.value.code == "AccessDenied"
    assert f"Grant the caller iam:CreateAccessKey on arn:aws:iam::*:user/{user}." in caught.value.message
    assert caller.secret_access_key not in caught.value.message


def test_wrong_and_unknown_keys_of_the_caller_are_told_apart(cloud: Cloud) -> None:
    wrong = "Not/The/Secret/Of/This/Key/At/All/012345"
    with pytest.raises(
        AwsError, match=r"SignatureDoesNotMatch.* The secret is not that of the access key id"
    ) as caught:
        Iam(Connection(ADMIN_KEY_ID, wrong, endpoint_url=cloud.url)).caller()
    assert wrong not in str(caught.value.facts) + caught.value.message
    with pytest.raises(AwsError, match=r"InvalidClientTokenId.* does not know the access key"):
        Iam(Connection("AKIAIOSFODNN7EXAMPLE", wrong, endpoint_url=cloud.url)).list_access_keys("somebody")


def test_no_credentials_says_how_to_give_them(cloud: Cloud) -> None:
    with pytest.raises(RekeyError, match=r"no AWS credentials were found\. Give the options access_key and secret_key"):
        Iam(Connection(endpoint_url=cloud.url)).list_access_keys("somebody")


def test_an_unreachable_endpoint_is_named() -> None:
    iam = Iam(Connection(ADMIN_KEY_ID, ADMIN_SECRET, endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(RekeyError, match=r"http://127\.0\.0\.1:9/.*Check the network") as caught:
        iam.create_access_key("somebody")
    assert not isinstance(caught.value, NoAnswer)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "nix"}, "profile \\(nix\\) could not be found"),
        ({"endpoint_url": "nix"}, "Invalid endpoint: nix"),
        ({"aws_config": {"nix": 1}}, "aws_config: .*'nix'"),
        ({"aws_config": {"retries": {"nix": 1}}}, "aws_config: .*nix"),
    ],
)
def test_a_wrong_connection_says_what_is_wrong(options: Any, words: str) -> None:
    with pytest.raises(RekeyError, match=words):
        Iam(Connection(**options)).list_access_keys("somebody")


def test_a_missing_sdk_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(RekeyError, match=r"install boto3.*botocore.*Python"):
        Iam(Connection()).list_access_keys("somebody")


def test_the_sdk_is_not_imported_before_aws_is_asked() -> None:
    code = (
        "import sys; from ansible_collections.rekey.aws.plugins.module_utils._iam import Connection, Iam; "
        "Iam(Connection.from_options({})); sys.exit('botocore' in sys.modules or 'boto3' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode
        == 0
    )


def test_the_caller_is_told_by_account_and_name(cloud: Cloud) -> None:
    name = next(NAMES)
    key = cloud.create_user(name, path="/team/blue/").keys[0]
    caller = Iam(Connection(key.access_key_id, key.secret_access_key, endpoint_url=cloud.url)).caller()
    assert (caller.account, caller.user_name) == ("123456789012", name)


def test_a_role_is_assumed_for_all_calls(cloud: Cloud, user: str) -> None:
    arn = "arn:aws:iam::123456789012:role/rotator"
    iam = Iam(as_admin(cloud, assume_role_arn=arn, assume_role_session_name="nightly"))
    assert iam.caller().arn == "arn:aws:sts::123456789012:assumed-role/rotator/nightly"
    assert iam.caller().user_name is None
    assert iam.list_access_keys(user) == ()


def test_a_role_that_may_not_be_assumed_is_named(cloud: Cloud) -> None:
    cloud.faults([{"kind": "deny", "action": "AssumeRole"}])
    arn = "arn:aws:iam::123456789012:role/rotator"
    with pytest.raises(AwsError, match=f"Grant the caller sts:AssumeRole on {arn}"):
        Iam(as_admin(cloud, assume_role_arn=arn)).caller()
    cloud.faults([])


@pytest.mark.parametrize(
    ("option", "environment", "region"),
    [
        ("eu-west-1", {"AWS_REGION": "eu-west-2"}, "eu-west-1"),
        (None, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-2"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
        (None, {}, "us-east-1"),
    ],
)
def test_sts_is_asked_in_the_region_that_the_aws_cli_would_ask_in(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, option: Any, environment: Any, region: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Iam(as_admin(cloud, region=option)).caller()
    assert cloud.journal()[-1]["region"] == region


def test_a_profile_wins_over_the_environment(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        f"[mine]\naws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n"
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert Iam(Connection(profile="mine", endpoint_url=cloud.url)).caller().user_name == "admin"


def test_a_credential_report_is_waited_for(cloud: Cloud, iam: Iam, user: str) -> None:
    cloud.settings(report_seconds=1.5)
    made, text = iam.credential_report()
    assert abs(datetime.now(timezone.utc) - made) < timedelta(minutes=1)
    assert f"\n{user},arn:aws:iam::123456789012:user/{user}," in text.replace("\r", "")


def test_a_credential_report_that_is_never_ready_ends_the_wait(cloud: Cloud, iam: Iam) -> None:
    cloud.settings(report_seconds=600, report_max_age_seconds=0)
    with pytest.raises(AwsError, match="ReportInProgress: not finished within 1 seconds"):
        iam.credential_report(timeout=1)
    cloud.settings(report_max_age_seconds=4 * 3600)


def test_options_make_a_connection_and_no_secret_is_shown() -> None:
    options = {"access_key": "AKIA", "secret_key": "s3cr3t", "session_token": "t0k3n", "region": "", "user_name": "x"}
    connection = Connection.from_options({"validate_certs": False, **options})
    assert (connection.access_key, connection.region, connection.validate_certs) == ("AKIA", None, False)
    assert "s3cr3t" not in repr(connection)
    assert "t0k3n" not in repr(connection)


@pytest.mark.parametrize(
    "options",
    [
        {"access_key": "AKIA"},
        {"secret_key": "s3cr3t"},
        {"session_token": "t0k3n"},
        {"profile": "x", "access_key": "AKIA", "secret_key": "s3cr3t"},
    ],
)
def test_half_and_double_credentials_are_refused(options: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        Connection.from_options(options)
    assert "s3cr3t" not in caught.value.message


def test_the_documented_connection_options_are_the_real_ones() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    checked = ("type", "default", "aliases")
    assert {name: {key: option[key] for key in checked if key in option} for name, option in documented.items()} == {
        name: {key: option[key] for key in checked if key in option} for name, option in CONNECTION_OPTIONS.items()
    }


class Canned:
    """An endpoint that gives these answers, one a request, as ``status, body``."""

    def __init__(self, *answers: Any) -> None:
        self.requests: list[bytes] = []
        left, requests = list(answers), self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                requests.append(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = left.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._scheme = "http"

    def behind_tls(self, certificate: Path) -> Canned:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https"
        return self

    @property
    def connection(self) -> Connection:
        url = f"{self._scheme}://127.0.0.1:{self._server.server_port}"
        return Connection("AKIA", "s3cr3t", session_token="t0k3n", endpoint_url=url)

    def __enter__(self) -> Iam:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return Iam(self.connection)

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()


def keys_page(key_id: str, more: str) -> str:
    return (
        "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member>"
        f"<AccessKeyId>{key_id}</AccessKeyId><Status>Active</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate>"
        f"</member></AccessKeyMetadata>{more}</ListAccessKeysResult></ListAccessKeysResponse>"
    )


def test_a_list_in_several_pages_is_read_whole() -> None:
    first = keys_page("AKIA1", "<IsTruncated>true</IsTruncated><Marker>more</Marker>")
    canned = Canned((200, first), (200, keys_page("AKIA2", "<IsTruncated>false</IsTruncated>")))
    with canned as iam:
        assert [key.id for key in iam.list_access_keys("somebody")] == ["AKIA1", "AKIA2"]
    assert b"Marker=more" in canned.requests[1]
    assert all(b"UserName=somebody" in request for request in canned.requests)


def test_the_request_that_aws_repeats_after_a_wrong_signature_is_not_told() -> None:
    message = (
        "The request signature we calculated does not match the signature you provided.\n\n"
        "The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:t0k3n'"
    )
    error = (
        f"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
    with Canned((403, error)) as iam, pytest.raises(AwsError, match="does not match the signature") as caught:
        iam.list_access_keys("somebody")
    assert "t0k3n" not in caught.value.message + str(caught.value.facts)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not XML at all",
        "<CreateAccessKeyResponse></CreateAccessKeyResponse>",
        "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><AccessKeyId>AKIA1</AccessKeyId>"
        "<Status>Active</Status></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>",
    ],
)
def test_an_answer_without_the_new_key_counts_as_no_answer(body: str) -> None:
    canned = Canned((200, body), (200, body))
    with canned as iam, pytest.raises(NoAnswer):
        iam.create_access_key("somebody")
    assert len(canned.requests) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(signed.public_bytes(Encoding.PEM) + private)
    return path


def test_a_certificate_that_is_not_trusted_ends_it_and_aws_ca_bundle_mends_it(certificate: Path) -> None:
    page = keys_page("AKIA1", "<IsTruncated>false</IsTruncated>")
    canned = Canned((200, page)).behind_tls(certificate)
    with canned as iam:
        with pytest.raises(RekeyError, match="name its certificate in aws_ca_bundle") as caught:
            iam.create_access_key("somebody")
        assert not isinstance(caught.value, NoAnswer)
        assert canned.requests == []
        trusting = dataclasses.replace(canned.connection, aws_ca_bundle=str(certificate))
        assert [key.id for key in Iam(trusting).list_access_keys("somebody")] == ["AKIA1"]
