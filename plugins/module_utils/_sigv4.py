# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One signed STS request, GetCallerIdentity, with the standard library alone.

It needs no permission and no policy of the user's can deny it, so that an answer says just one thing: whether AWS
accepts this pair, from this host, now.
"""

from __future__ import annotations

import codecs
import hashlib
import hmac
import http.client
import re
import ssl
import time
import typing as t
import urllib.request
from email.utils import parsedate_to_datetime
from html import unescape
from urllib.parse import quote, urlsplit

from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._profile import Pair

codecs.lookup("idna")  # sockets load it late, when the rights to read it may be gone

# Region prefix -> DNS suffix, where it is not amazonaws.com: the partitions of botocore's endpoints.json.
_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
)
_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_LONGEST_ANSWER = 64 * 1024  # bytes; a real one has under 1 KiB


class Endpoint(t.NamedTuple):
    """Where STS is asked: ``url``, the ``region`` that the signature names, and a file of CA certificates or none."""

    url: str
    region: str
    ca_bundle: t.Optional[str] = None

    @property
    def host(self) -> str:
        """As the Host header has it, which is signed."""
        return urlsplit(self.url).netloc.rsplit("@", 1)[-1]


class Identity(t.NamedTuple):
    """STS accepted the pair: whose it is."""

    account: str
    arn: str
    user_id: str


class Refused(t.NamedTuple):
    """STS answered with an error. ``skew``: by how many seconds its clock is ahead of the host's, where it told it.

    STS's own message is left out: after a wrong signature it repeats the request, session token included.
    """

    code: str
    status: int
    skew: t.Optional[int] = None


class Unanswered(t.NamedTuple):
    """No answer of STS. ``lasting`` if asking again cannot help."""

    reason: str
    lasting: bool = False


Answer = t.Union[Identity, Refused, Unanswered]


def endpoint(settings: t.Mapping[str, t.Any], service_url: t.Optional[str], environ: t.Mapping[str, str]) -> Endpoint:
    """STS for a profile with these settings, as the AWS SDKs' reference guide has it ("Service-specific endpoints").

    ``service_url`` is what the profile's ``services`` section says for STS. Without a URL it is the regional endpoint,
    in the profile's region, else the environment's, else us-east-1. Raises InvalidInput for a region or URL that is
    none.
    """
    region = settings.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    if not re.match(r"[a-z0-9-]+\Z", region):
        raise InvalidInput(f"region: {region!r} is not the name of a region. Example: eu-central-1")
    ignore = environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") or settings.get("ignore_configured_endpoint_urls")
    urls = (
        environ.get("AWS_ENDPOINT_URL_STS"),
        environ.get("AWS_ENDPOINT_URL"),
        service_url,
        settings.get("endpoint_url"),
    )
    url = next((url for url in urls if url and str(ignore).lower() != "true"), None) or _regional(region)
    if not re.match(r"https?://[^/?#\s]+", url) or re.search(r"[\s?#]", url):
        raise InvalidInput(
            f"endpoint_url: STS cannot be asked at {url!r}. Example: https://sts.eu-central-1.amazonaws.com"
        )
    return Endpoint(url, region, environ.get("AWS_CA_BUNDLE") or settings.get("ca_bundle") or None)


def _regional(region: str) -> str:
    suffix = next((suffix for prefix, suffix in _SUFFIXES if region.startswith(prefix)), "amazonaws.com")
    return f"https://sts.{region}.{suffix}"


def ask(pair: Pair, where: Endpoint, timeout: float) -> Answer:
    """Ask STS once whose ``pair`` is. Waits ``timeout`` seconds at most for each step of the connection.

    Proxies are taken from the environment, as the AWS CLI takes them; redirects are not followed. Raises InvalidInput
    where the CA bundle cannot be read.
    """
    now = time.time()
    request = urllib.request.Request(where.url, data=_BODY, headers=headers(pair, where, now), method="POST")
    opener = urllib.request.OpenerDirector()  # bare: build_opener's would follow redirects and raise on a refusal
    opener.add_handler(urllib.request.ProxyHandler())
    if where.url.startswith("https"):
        opener.add_handler(urllib.request.HTTPSHandler(context=_trust(where.ca_bundle)))
    else:
        opener.add_handler(urllib.request.HTTPHandler())
    try:
        with opener.open(request, timeout=timeout) as response:
            body = response.read(_LONGEST_ANSWER).decode("utf-8", "replace")
            return _understand(response.status, body, _skew(response.headers.get("Date"), now))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _unanswered(error)


def headers(pair: Pair, where: Endpoint, now: float) -> t.Dict[str, str]:
    """The request's headers with its signature, version 4 (IAM User Guide, "Create a signed AWS API request").

    ``now`` is in seconds since the epoch.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    signed = {"Content-Type": _FORM, "Host": where.host, "X-Amz-Date": stamp}
    if pair.session_token:
        signed["X-Amz-Security-Token"] = pair.session_token
    names = ";".join(sorted(name.lower() for name in signed))
    lines = "".join(f"{name.lower()}:{signed[name]}\n" for name in sorted(signed, key=str.lower))
    path = quote(urlsplit(where.url).path or "/", safe="/~")
    canonical = "\n".join(("POST", path, "", lines, names, hashlib.sha256(_BODY).hexdigest()))
    scope = (stamp[:8], where.region, "sts", "aws4_request")
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()))
    key = ("AWS4" + pair.secret_access_key).encode()
    for part in (*scope, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = "/".join((pair.access_key_id, *scope))
    signed["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    return signed


def _trust(ca_bundle: t.Optional[str]) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or error
        raise InvalidInput(f"ca_bundle: the CA certificates in {ca_bundle} cannot be read: {reason}.") from error


def _understand(status: int, body: str, skew: t.Optional[int]) -> Answer:
    account, arn, user_id, code = (_element(name, body) for name in ("Account", "Arn", "UserId", "Code"))
    if status == 200 and account and arn and user_id:
        return Identity(account, arn, user_id)
    if code and status >= 400:
        return Refused(code, status, skew)
    if status >= 500 or status == 429:
        return Refused(f"HTTP {status}", status, skew)
    return Unanswered(f"HTTP status {status} with a text that is no answer of STS (a proxy's?)")


def _element(name: str, body: str) -> t.Optional[str]:
    found = re.search(f"<{name}>([^<]+)</{name}>", body)
    return unescape(found.group(1)).strip() if found else None


def _skew(date: t.Optional[str], now: float) -> t.Optional[int]:
    try:
        return round(parsedate_to_datetime(date).timestamp() - now) if date else None
    except (TypeError, ValueError):
        return None


def _unanswered(error: Exception) -> Unanswered:
    cause = getattr(error, "reason", error)  # urllib wraps what the socket said
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unanswered(f"its certificate is not trusted here: {cause.verify_message}", lasting=True)
    if isinstance(cause, OSError):
        return Unanswered(cause.strerror or str(cause) or type(cause).__name__)
    return Unanswered(type(cause).__name__)  # the text of others may hold a header
