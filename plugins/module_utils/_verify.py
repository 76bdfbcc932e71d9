# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether AWS accepts a pair from this host: how often to ask, and what the answers mean."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.rekey.aws.plugins.module_utils._errors import VerificationFailed
from ansible_collections.rekey.aws.plugins.module_utils._profile import Pair
from ansible_collections.rekey.aws.plugins.module_utils._sigv4 import (
    Answer,
    Endpoint,
    Identity,
    Refused,
    Unanswered,
    ask,
)

# What STS says of a pair that is wrong, and also of a right one that has not spread yet.
_UNKNOWN_PAIR = ("InvalidClientTokenId", "SignatureDoesNotMatch")
_ALLOWED_SKEW = 240  # seconds; AWS allows 300

_ADVICE = {
    "InvalidClientTokenId": "The key does not exist, is inactive or is of another partition, or the account has not "
    "enabled the region.",
    "SignatureDoesNotMatch": "The secret access key does not belong to this access key id.",
    "ExpiredToken": "The temporary credentials have expired.",
    "AccessDenied": "A policy of the VPC endpoint or of the organization may deny it here.",
}

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 2.0  # seconds
_WAIT_AFTER_ACCEPTED = 0.1
_LONGEST_REQUEST = 10.0


def settle(
    once: t.Callable[[float], Answer],
    timeout: float,
    accepts: int,
    refusals: t.Optional[int],
    clock: t.Callable[[], float] = time.monotonic,
    sleep: t.Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask until the answer is sure, or ``timeout`` seconds are over; the last answer.

    Sure is: accepted ``accepts`` times in a row, the pair refused ``refusals`` times in a row (none: that is never
    sure, since a new key is refused until it has spread), or any refusal that asking again does not change. ``once``
    is told how long it may take. A pair that was accepted too few times in a row is not returned as accepted.
    """
    end = clock() + timeout
    accepted = refused = 0
    wait = _FIRST_WAIT
    while True:
        answer = once(max(1.0, min(_LONGEST_REQUEST, end - clock())))
        if isinstance(answer, Identity):
            accepted, refused = accepted + 1, 0
            if accepted >= accepts:
                return answer
            pause = _WAIT_AFTER_ACCEPTED
        else:
            if _is_lasting(answer):
                return answer
            if _refuses_pair(answer):
                accepted, refused = 0, refused + 1
                if refused == refusals:
                    return answer
            pause, wait = wait, min(_LONGEST_WAIT, wait * 1.5)
        if clock() + pause >= end and not (refusals and _refuses_pair(answer)):  # one refusal is no proof
            if isinstance(answer, Identity):
                return Unanswered(f"accepted {accepted} times in a row, not {accepts}, in the time")
            return answer
        sleep(pause)


def question(pair: Pair, where: Endpoint, timeout: float, fresh: bool) -> Answer:
    """What AWS says of ``pair`` from this host, as far as ``timeout`` seconds make it sure.

    A ``fresh`` pair may still be spreading: it is asked about until it is accepted three times in a row. Of another
    one acceptance is enough, and three refusals in a row are final.
    """
    accepts, refusals = (3, None) if fresh else (1, 3)
    return settle(lambda seconds: ask(pair, where, seconds), timeout, accepts, refusals)


def identify(
    answer: Answer, pair: Pair, where: Endpoint, account: t.Optional[str], user_name: t.Optional[str]
) -> Identity:
    """Whose an accepted pair is. Raises VerificationFailed, also where it is not of the ``account`` and user wanted."""
    if not isinstance(answer, Identity):
        raise VerificationFailed(
            f"AWS did not accept access key {pair.access_key_id} from this host: {_explain(answer, where)}",
            error_code=answer.code if isinstance(answer, Refused) else None,
        )
    kind, _slash, name = answer.arn.split(":", 5)[-1].partition("/")
    for what, wanted, found in (
        ("account", account, answer.account),
        ("user", user_name, name.rsplit("/", 1)[-1] if kind == "user" else None),
    ):
        if wanted is not None and wanted != found:
            raise VerificationFailed(
                f"Access key {pair.access_key_id} is {answer.arn}'s, not of {what} {wanted}.",
                identity=answer._asdict(),
            )
    return answer


def doubt(answer: Answer, where: Endpoint) -> t.Optional[str]:
    """Why a pair may be in good use, as the end of a sentence; none if AWS says that the pair is none."""
    if isinstance(answer, Identity):
        return "AWS accepts it from this host."
    return None if _refuses_pair(answer) else f"may work: {_explain(answer, where)}"


def _explain(answer: t.Union[Refused, Unanswered], where: Endpoint) -> str:
    """What happened and what to do, in sentences."""
    if isinstance(answer, Unanswered):
        advice = " Install the CA's certificate, or name it with ca_bundle." if answer.lasting else ""
        return f"no answer of {where.host}: {answer.reason}.{advice}"
    if _clock_is_off(answer):
        return f"{where.host} said {answer.code} since the host's clock is {_off_by(answer.skew)}. Set it."
    return f"{where.host} said {answer.code}. {_ADVICE.get(answer.code, '')}".rstrip()


def _refuses_pair(answer: Answer) -> bool:
    """Whether STS says of the pair itself that it is none, rather than of the request, the clock or its own health."""
    if not isinstance(answer, Refused) or _is_busy(answer) or _clock_is_off(answer):
        return False
    return answer.code in _UNKNOWN_PAIR or answer.code == "ExpiredToken"


def _is_lasting(answer: t.Union[Refused, Unanswered]) -> bool:
    if isinstance(answer, Unanswered):
        return answer.lasting
    return not _is_busy(answer) and (answer.code not in _UNKNOWN_PAIR or _clock_is_off(answer))


def _is_busy(answer: Refused) -> bool:
    return answer.status >= 500 or answer.status == 429 or answer.code.startswith(("Throttling", "RequestThrottled"))


def _clock_is_off(answer: Refused) -> bool:
    if answer.code in ("RequestExpired", "RequestTimeTooSkewed"):
        return True
    return answer.code == "SignatureDoesNotMatch" and abs(answer.skew or 0) > _ALLOWED_SKEW


def _off_by(skew: t.Optional[int]) -> str:
    if skew is None:
        return "wrong"
    return f"{abs(skew)} seconds {'behind' if skew > 0 else 'ahead'}"
