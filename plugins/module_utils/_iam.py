# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway to AWS IAM and STS: the only file that knows the AWS SDK.

Of the SDK only botocore is used, on which boto3 is built, and it is imported when the first call is made: that takes
two thirds of boto3's time, and none where nothing is asked of AWS.
"""

from __future__ import annotations

import gc
import os
import random
import threading
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.rekey.aws.plugins.module_utils._errors import AwsError, InvalidInput, RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, LastUse, NewAccessKey
from ansible_collections.rekey.aws.plugins.module_utils._refusals import NOT_NOW, Request, no_answer, refusal

CONNECTION_OPTIONS: t.Dict[str, t.Dict[str, t.Any]] = {
    "access_key": {"type": "str", "aliases": ["aws_access_key_id", "aws_access_key"], "no_log": False},
    "secret_key": {"type": "str", "aliases": ["aws_secret_access_key", "aws_secret_key"], "no_log": True},
    "session_token": {"type": "str", "aliases": ["aws_session_token"], "no_log": True},
    "profile": {"type": "str", "aliases": ["aws_profile"]},
    "region": {"type": "str", "aliases": ["aws_region"]},
    "endpoint_url": {"type": "str", "aliases": ["aws_endpoint_url"]},
    "aws_ca_bundle": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "aws_config": {"type": "dict"},
    "assume_role_arn": {"type": "str"},
    "assume_role_external_id": {"type": "str"},
    "assume_role_session_name": {"type": "str", "default": "rekey.aws"},
}

_SENDS = 4
_REPORT_POLL_SECONDS = 1.0
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_MISSING = "The AWS SDK is missing: install boto3, or botocore alone, where the task runs. "
_REACH = "Check the network, the proxy, endpoint_url or AWS_ENDPOINT_URL, and region."
_TRUST = "If the authority is one to trust, name its certificate in aws_ca_bundle or AWS_CA_BUNDLE."
_LATE = "not finished within {0:.0f} seconds; run again later"


@dataclass(frozen=True)
class Connection:
    """Whose credentials call AWS, and where. What is none is found as the AWS CLI finds it."""

    access_key: t.Optional[str] = None
    secret_key: t.Optional[str] = field(default=None, repr=False)
    session_token: t.Optional[str] = field(default=None, repr=False)
    profile: t.Optional[str] = None
    region: t.Optional[str] = None
    endpoint_url: t.Optional[str] = None
    aws_ca_bundle: t.Optional[str] = None
    validate_certs: bool = True
    aws_config: t.Optional[t.Mapping[str, t.Any]] = field(default=None, repr=False, hash=False)
    assume_role_arn: t.Optional[str] = None
    assume_role_external_id: t.Optional[str] = field(default=None, repr=False)
    assume_role_session_name: str = "rekey.aws"

    @classmethod
    def from_options(cls, params: t.Mapping[str, t.Any]) -> Connection:
        """The connection that module parameters ask for; others in ``params`` are passed over. Raises InvalidInput."""
        given = {name: params[name] for name in CONNECTION_OPTIONS if params.get(name) not in (None, "")}
        if bool(given.get("access_key")) != bool(given.get("secret_key")):
            raise InvalidInput("access_key and secret_key are a pair: give both, or none.")
        if "session_token" in given and "access_key" not in given:
            raise InvalidInput("session_token belongs to an access_key and its secret_key: give these too.")
        if "profile" in given and "access_key" in given:
            raise InvalidInput("profile and access_key are two ways to say whose credentials to use: give one of them.")
        return cls(**given)


@dataclass(frozen=True)
class Caller:
    """The answer of GetCallerIdentity. ``user_name`` is none where the caller is a role or the root user."""

    account: str
    arn: str
    user_id: str

    @property
    def user_name(self) -> t.Optional[str]:
        kind, _slash, path = self.arn.split(":", 5)[5].partition("/")
        return path.rsplit("/", 1)[-1] if kind == "user" else None


class Iam:
    """IAM through one connection. Calls may come from many threads at once.

    Every call is bounded in time, and sent again by the SDK after throttling, a 5xx or a lost answer, but for
    CreateAccessKey. Each raises AwsError where AWS refuses it, NoAnswer where it may have taken effect unheard, and
    RekeyError where it cannot be sent at all (no credentials, no way to the endpoint).
    """

    def __init__(self, connection: Connection, concurrency: int = 10) -> None:
        """``concurrency``: how many threads will call at once, each with a network connection of its own."""
        self._connection = connection
        self._concurrency = concurrency
        self._lock = threading.RLock()
        self._session: t.Any = None
        self._clients: t.Dict[str, t.Any] = {}

    def list_access_keys(self, user_name: str) -> t.Tuple[AccessKey, ...]:
        """The user's access keys, newest last."""
        pages = self._pages("list_access_keys", {"UserName": user_name})
        keys = [_access_key(entry) for page in pages for entry in page["AccessKeyMetadata"]]
        return tuple(sorted(keys, key=lambda key: (key.created, key.id)))

    def list_user_tags(self, user_name: str) -> t.Dict[str, str]:
        pages = self._pages("list_user_tags", {"UserName": user_name})
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def tag_user(self, user_name: str, tags: t.Mapping[str, str]) -> None:
        """Set these tags; others stay."""
        entries = [{"Key": name, "Value": value} for name, value in tags.items()]
        self._send("tag_user", {"UserName": user_name, "Tags": entries})

    def untag_user(self, user_name: str, names: t.Sequence[str]) -> None:
        """Remove these tags; one that is not there is no error."""
        self._send("untag_user", {"UserName": user_name, "TagKeys": list(names)})

    def create_access_key(self, user_name: str) -> NewAccessKey:
        """Make a key. The call has no token by which AWS knows a repetition, so it is sent once.

        Raises NoAnswer after a timeout, a lost connection or a 5xx: a key may then exist whose secret nobody has.
        """
        made = self._send("create_access_key", {"UserName": user_name}, client="create").get("AccessKey") or {}
        if not made.get("SecretAccessKey"):
            raise no_answer(
                Request("iam:CreateAccessKey", user_name), "IncompleteAnswer", "AWS answered without the key"
            )
        return NewAccessKey(_access_key(made), made["SecretAccessKey"])

    def set_access_key_active(self, user_name: str, access_key_id: str, active: bool) -> None:
        status = "Active" if active else "Inactive"
        self._send("update_access_key", {"UserName": user_name, "AccessKeyId": access_key_id, "Status": status})

    def delete_access_key(self, user_name: str, access_key_id: str) -> bool:
        """Delete a key. False: it was gone already. Raises AwsError (NoSuchEntity) where the user does not exist."""
        try:
            self._send("delete_access_key", {"UserName": user_name, "AccessKeyId": access_key_id})
        except AwsError as error:
            if error.code != "NoSuchEntity":
                raise
            self.list_access_keys(user_name)
            return False
        return True

    def access_key_last_used(self, access_key_id: str) -> LastUse:
        answer = self._send("get_access_key_last_used", {"AccessKeyId": access_key_id})
        used = answer.get("AccessKeyLastUsed") or {}
        if "LastUsedDate" not in used:
            return LastUse()
        return LastUse(at=_utc(used["LastUsedDate"]), service=used.get("ServiceName"), region=used.get("Region"))

    def access_key_quota(self) -> int:
        """How many access keys a user of this account may have."""
        return int(self._send("get_account_summary", {})["SummaryMap"]["AccessKeysPerUserQuota"])

    def caller(self) -> Caller:
        """Whose credentials these are, by the connection's region."""
        answer = self._send("get_caller_identity", {}, client="sts")
        return Caller(account=answer["Account"], arn=answer["Arn"], user_id=answer["UserId"])

    def credential_report(self, timeout: float = 120.0) -> t.Tuple[datetime, str]:
        """When the account's credential report was made (up to four hours ago), and its text, which is CSV.

        AWS makes a new one if the last is older than that; this is waited for, ``timeout`` seconds at most.
        """
        end = time.monotonic() + timeout
        while self._send("generate_credential_report", {}).get("State") != "COMPLETE":
            if time.monotonic() > end:
                raise refusal(Request("iam:GenerateCredentialReport"), "ReportInProgress", _LATE.format(timeout))
            time.sleep(_REPORT_POLL_SECONDS)
        answer = self._send("get_credential_report", {})
        return _utc(answer["GeneratedTime"]), answer["Content"].decode("utf-8")

    def _pages(self, call: str, request: t.Dict[str, t.Any]) -> t.Iterator[t.Dict[str, t.Any]]:
        while True:
            page = self._send(call, request)
            yield page
            if not page.get("IsTruncated"):
                return
            request = dict(request, Marker=page["Marker"])

    def _send(self, call: str, request: t.Dict[str, t.Any], client: str = "iam") -> t.Dict[str, t.Any]:
        sender = self._client(client)
        about = Request(
            "{0}:{1}".format(sender.meta.service_model.service_name, sender.meta.method_to_api_mapping[call]),
            user_name=request.get("UserName"),
            access_key_id=request.get("AccessKeyId"),
        )
        for wait in _WAITS:
            try:
                return _answer(about, getattr(sender, call), request)
            except AwsError as error:
                if error.code not in NOT_NOW:
                    raise
            time.sleep(random.uniform(wait / 2, wait))
        return _answer(about, getattr(sender, call), request)

    def _client(self, name: str) -> t.Any:
        with self._lock, _not_collecting():
            if self._session is None:
                self._session = _session(self._connection, self._concurrency)
            if name not in self._clients:
                self._clients[name] = _new_client(self._session, self._connection, name)
            return self._clients[name]


@contextmanager
def _not_collecting() -> t.Iterator[None]:
    """What the SDK loads is much, and none of it garbage: looking for some takes a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _session(connection: Connection, concurrency: int) -> t.Any:
    """A botocore session that has the connection's credentials and region. It calls AWS only to assume a role."""
    try:
        import botocore.config
        import botocore.session
    except ImportError as error:
        raise RekeyError(_MISSING + missing_required_lib("botocore", reason="to call AWS")) from error
    session = botocore.session.Session()
    if connection.profile:
        session.set_config_variable("profile", connection.profile)
    with _told(Request("Connecting to AWS")):
        # AWS_REGION comes first in the AWS CLI, and botocore does not read it.
        region = connection.region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
        session.set_config_variable("region", region or "us-east-1")
    config = botocore.config.Config(
        connect_timeout=10,
        read_timeout=30,
        # Where the rate is limited, adaptive is not faster, and where single calls are refused, it is six times slower.
        retries={"mode": "standard", "total_max_attempts": _SENDS},
        max_pool_connections=concurrency,
    )
    try:
        config = config.merge(botocore.config.Config(**connection.aws_config or {}))
    except (TypeError, ValueError, botocore.exceptions.BotoCoreError) as error:
        raise InvalidInput("aws_config: {0}.".format(_line(error))) from None
    session.set_default_client_config(config)
    if connection.access_key and connection.secret_key:
        session.set_credentials(connection.access_key, connection.secret_key, connection.session_token)
    if connection.assume_role_arn:
        session.set_credentials(*_assumed(session, connection, connection.assume_role_arn))
    return session


def _assumed(session: t.Any, connection: Connection, role_arn: str) -> t.Tuple[str, str, str]:
    request = {"RoleArn": role_arn, "RoleSessionName": connection.assume_role_session_name}
    if connection.assume_role_external_id:
        request["ExternalId"] = connection.assume_role_external_id
    sts = _new_client(session, connection, "sts")
    granted = _answer(Request("sts:AssumeRole", role_arn=role_arn), sts.assume_role, request)["Credentials"]
    return granted["AccessKeyId"], granted["SecretAccessKey"], granted["SessionToken"]


def _new_client(session: t.Any, connection: Connection, name: str) -> t.Any:
    from botocore.config import Config

    once = Config(retries={"mode": "standard", "total_max_attempts": 1}) if name == "create" else None
    with _told(Request("Connecting to AWS")):
        try:
            return session.create_client(
                "sts" if name == "sts" else "iam",
                config=once,
                endpoint_url=connection.endpoint_url,
                verify=(connection.aws_ca_bundle or None) if connection.validate_certs else False,
            )
        except ValueError as error:
            raise RekeyError("Connecting to AWS: {0}.".format(_line(error))) from None


def _answer(about: Request, call: t.Callable[..., t.Any], request: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    with _told(about):
        answer: t.Dict[str, t.Any] = call(**request)
        return answer


@contextmanager
def _told(about: Request) -> t.Iterator[None]:
    """Turn what botocore raises into this collection's errors."""
    from botocore import exceptions as sdk
    from botocore.parsers import ResponseParserError

    try:
        yield
    except sdk.ClientError as error:
        said = error.response.get("Error") or {}
        code, message = said.get("Code") or "an unknown code", said.get("Message") or ""
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 and code not in NOT_NOW:
            raise no_answer(about, code, "AWS had an error of its own, {0}".format(code)) from None
        raise refusal(about, code, message) from None
    except sdk.NoCredentialsError:
        raise RekeyError(
            "{0}: no AWS credentials were found. Give the options access_key and secret_key, or profile, or set "
            "AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the task.".format(about)
        ) from None
    except (sdk.EndpointConnectionError, sdk.ConnectTimeoutError, sdk.ProxyConnectionError) as error:
        raise RekeyError("{0}: {1}. {2}".format(about, _line(error), _REACH), **about.facts) from None
    except sdk.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise no_answer(about, "SSLError", _line(error)) from None
        raise RekeyError("{0}: {1}. {2}".format(about, _line(error), _TRUST), **about.facts) from None
    except (sdk.ConnectionError, sdk.HTTPClientError, sdk.IncompleteReadError, ResponseParserError) as error:
        raise no_answer(about, type(error).__name__, _line(error)) from None
    except sdk.BotoCoreError as error:
        raise RekeyError("{0}: {1}.".format(about, _line(error)), **about.facts) from None
    except RekeyError:
        raise
    except Exception as error:  # botocore stumbles over an answer that is not what AWS sends
        raise no_answer(about, type(error).__name__, "the answer cannot be understood") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _access_key(entry: t.Mapping[str, t.Any]) -> AccessKey:
    return AccessKey(id=entry["AccessKeyId"], active=entry["Status"] == "Active", created=_utc(entry["CreateDate"]))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc)
