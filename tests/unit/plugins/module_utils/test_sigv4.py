# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our one STS request against botocore's, and against servers that answer as they should not."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import threading
import time
from email.utils import formatdate

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._profile import Pair
from ansible_collections.rekey.aws.plugins.module_utils._sigv4 import (
    Endpoint,
    Identity,
    Refused,
    Unanswered,
    ask,
    endpoint,
    headers,
)

PAIR = Pair("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
ACCEPTED = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::123456789012:user/a&amp;b/deploy</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{0}</Code><Message>no</Message></Error></ErrorResponse>"


@given(
    secret=st.text(min_size=1, max_size=60),
    token=st.one_of(st.none(), st.text("abcDEF/+=09", min_size=1)),
    region=st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1"]),
    url=st.sampled_from(
        ["https://sts.eu-central-1.amazonaws.com", "http://127.0.0.1:4566/", "https://vpce-1.example.net/a b/~c"]
    ),
    now=st.integers(0, 4_000_000_000),
)
def test_signature_is_botocores(secret, token, region, url, now):
    pair, where = Pair("AKIAIOSFODNN7EXAMPLE", secret, token), Endpoint(url, region)
    ours = headers(pair, where, now)
    theirs = botocore.awsrequest.AWSRequest(
        "POST", url, headers={"Content-Type": ours["Content-Type"]}, data=b"Action=GetCallerIdentity&Version=2011-06-15"
    )
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(pair.access_key_id, secret, token), "sts", region)
    stamp = time.strftime(botocore.auth.SIGV4_TIMESTAMP, time.gmtime(now))
    theirs.context["timestamp"] = stamp
    theirs.headers["X-Amz-Date"] = stamp
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    assert ours["Authorization"].endswith("Signature=" + signature)
    assert "Credential={0}, ".format(signer.scope(theirs)) in ours["Authorization"]


def test_every_region_of_botocore_has_the_same_endpoint():
    session = botocore.session.get_session()
    seen = 0
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("sts", partition):
            if region.startswith("aws-"):
                continue
            client = session.create_client("sts", region, aws_access_key_id="a", aws_secret_access_key="b")
            assert endpoint({"region": region}, None, {}).url == client.meta.endpoint_url
            seen += 1
    assert seen > 30


@pytest.mark.parametrize(
    ("settings", "service_url", "environ", "url"),
    [
        ({}, None, {}, "https://sts.us-east-1.amazonaws.com"),
        ({}, None, {"AWS_DEFAULT_REGION": "eu-west-1"}, "https://sts.eu-west-1.amazonaws.com"),
        ({"region": "eu-west-2"}, None, {"AWS_REGION": "eu-west-1"}, "https://sts.eu-west-2.amazonaws.com"),
        ({"endpoint_url": "http://p"}, None, {}, "http://p"),
        ({"endpoint_url": "http://p"}, "http://s", {}, "http://s"),
        ({"endpoint_url": "http://p"}, "http://s", {"AWS_ENDPOINT_URL": "http://e"}, "http://e"),
        ({}, None, {"AWS_ENDPOINT_URL": "http://e", "AWS_ENDPOINT_URL_STS": "http://es"}, "http://es"),
        (
            {"endpoint_url": "http://p"},
            "http://s",
            {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://sts.us-east-1.amazonaws.com",
        ),
        (
            {"endpoint_url": "http://p", "ignore_configured_endpoint_urls": "True"},
            None,
            {},
            "https://sts.us-east-1.amazonaws.com",
        ),
    ],
)
def test_endpoint_is_found_in_the_order_of_the_sdks(settings, service_url, environ, url):
    assert endpoint(settings, service_url, environ).url == url


def test_ca_bundle_of_the_environment_goes_before_the_profiles():
    assert endpoint({"ca_bundle": "/p"}, None, {}).ca_bundle == "/p"
    assert endpoint({"ca_bundle": "/p"}, None, {"AWS_CA_BUNDLE": "/e"}).ca_bundle == "/e"


@pytest.mark.parametrize("region", ["evil.example/", "eu central", "EU-WEST-1", "eu-west-1\n", "a@b"])
def test_region_cannot_choose_another_host(region):
    with pytest.raises(InvalidInput, match="region"):
        endpoint({"region": region}, None, {})


@pytest.mark.parametrize(
    "url", ["ftp://a", "file:///etc/passwd", "sts.amazonaws.com", "http://", "http://a/?x=1", "http://a\nHost: b"]
)
def test_endpoint_url_that_is_none_is_refused(url):
    with pytest.raises(InvalidInput, match="endpoint_url"):
        endpoint({"endpoint_url": url}, None, {})


@pytest.fixture
def serve(monkeypatch):
    """A server that gives the answers it is told; calls it saw are in ``calls``."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(status, body, response_headers=(), tls=None):
        calls = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                calls.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response_only(status)
                for name, value in response_headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST

            def log_message(self, *args):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        url = "{0}://127.0.0.1:{1}".format("https" if tls else "http", server.server_port)
        return Endpoint(url, "us-east-1"), calls

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_accepted_pair_has_an_identity(serve):
    where, calls = serve(200, ACCEPTED)
    assert ask(PAIR, where, 5) == Identity("123456789012", "arn:aws:iam::123456789012:user/a&b/deploy", "AIDA")
    assert calls[0][1]["Host"] == where.host


def test_refusal_has_its_code_and_the_skew_of_the_clocks(serve):
    where, _calls = serve(
        403, ERROR.format("SignatureDoesNotMatch"), [("Date", formatdate(time.time() + 600, usegmt=True))]
    )
    answer = ask(PAIR, where, 5)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.status) == ("SignatureDoesNotMatch", 403)
    assert 597 <= answer.skew <= 603


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (503, "down", Refused("HTTP 503", 503)),
        (429, "", Refused("HTTP 429", 429)),
        (200, "<html>log in to the hotel's network</html>", "HTTP status 200"),
        (404, "not here", "HTTP status 404"),
        (200, ACCEPTED.replace("123456789012</Account>", "</Account>"), "HTTP status 200"),
    ],
)
def test_text_that_is_not_of_sts_is_no_acceptance(serve, status, body, expected):
    where, _calls = serve(status, body)
    answer = ask(PAIR, where, 5)
    assert answer == expected if isinstance(expected, Refused) else answer.reason.startswith(expected)


def test_redirect_is_not_followed(serve):
    elsewhere, calls = serve(200, ACCEPTED)
    where, _calls = serve(302, "", [("Location", elsewhere.url)])
    assert isinstance(ask(PAIR, where, 5), Unanswered)
    assert not calls


def test_nobody_listening_is_no_answer():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = ask(PAIR, Endpoint("http://127.0.0.1:{0}".format(unused.getsockname()[1]), "us-east-1"), 5)
    assert answer == Unanswered("Connection refused")


def test_server_that_never_answers_is_given_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        answer = ask(PAIR, Endpoint("http://127.0.0.1:{0}".format(silent.getsockname()[1]), "us-east-1"), 0.3)
    assert isinstance(answer, Unanswered)
    assert not answer.lasting
    assert time.monotonic() - started < 3


def test_proxy_of_the_environment_is_used(serve, monkeypatch):
    proxy, calls = serve(200, ACCEPTED)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", proxy.url)
    assert isinstance(ask(PAIR, Endpoint("http://sts.invalid/", "us-east-1"), 5), Identity)
    assert calls[0][0] == "http://sts.invalid/"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sts"],
            *["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key", "-out", folder / "cert"],
        ],
        check=True,
        capture_output=True,
    )
    return folder


def test_certificate_is_checked_against_the_ca_bundle(serve, certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "cert", certificate / "key")
    where, calls = serve(200, ACCEPTED, tls=tls)
    answer = ask(PAIR, where, 5)
    assert isinstance(answer, Unanswered)
    assert answer.lasting
    assert not calls
    assert isinstance(ask(PAIR, Endpoint(where.url, where.region, str(certificate / "cert")), 5), Identity)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_ca_bundle_is_named(tmp_path, content):
    path = tmp_path / "bundle.pem"
    if content:
        path.write_text(content)
    with pytest.raises(InvalidInput, match=r"ca_bundle.*bundle\.pem"):
        ask(PAIR, Endpoint("https://127.0.0.1:1", "us-east-1", str(path)), 5)


@pytest.mark.parametrize("token", ["line\nbreak-SECRET", "caf\u00e9\u4e2d-SECRET"])
def test_token_that_no_header_can_carry_is_not_shown(serve, token):
    where, _calls = serve(200, ACCEPTED)
    answer = ask(Pair("AKIA", "secret-SECRET", token), where, 5)
    assert isinstance(answer, Unanswered)
    assert "SECRET" not in repr(answer)
