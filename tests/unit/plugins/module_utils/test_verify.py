# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long AWS is asked about a pair, and what its answers mean."""

from __future__ import annotations

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._errors import VerificationFailed
from ansible_collections.rekey.aws.plugins.module_utils._resolution import Pair
from ansible_collections.rekey.aws.plugins.module_utils._sigv4 import Endpoint, Identity, Refused, Unanswered
from ansible_collections.rekey.aws.plugins.module_utils._verify import doubt, identify, settle

PAIR = Pair("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
WHERE = Endpoint("https://sts.eu-west-1.amazonaws.com", "eu-west-1")
YES = Identity("123456789012", "arn:aws:iam::123456789012:user/service/deploy", "AIDA")
UNKNOWN = Refused("InvalidClientTokenId", 403, 0)
WRONG = Refused("SignatureDoesNotMatch", 403, 2)
EXPIRED = Refused("ExpiredToken", 403)
SLOW = Refused("Throttling", 400)
DOWN = Refused("ServiceUnavailable", 503)
SILENT = Unanswered("Connection refused")
UNTRUSTED = Unanswered("its certificate is not trusted here", lasting=True)
SKEWED = Refused("SignatureDoesNotMatch", 403, -4000)
LATE = Refused("RequestExpired", 400)
DENIED = Refused("AccessDenied", 403)

FRESH = {"accepts": 3, "refusals": None}
SETTLED = {"accepts": 1, "refusals": 3}


class Aws:
    """Gives its answers in turn, the last one for ever, while a clock goes by the waiting alone."""

    def __init__(self, *answers):
        self.answers, self.asked, self.now = list(answers), 0, 0.0

    def __call__(self, seconds):
        assert 1 <= seconds <= 10
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def sleep(self, seconds):
        self.now += seconds

    def settle(self, timeout=60.0, **rules):
        return settle(self, timeout, clock=lambda: self.now, sleep=self.sleep, **rules)


@pytest.mark.parametrize(
    ("rules", "answers", "last", "asked"),
    [
        # A new key: three times in a row, and whatever may pass is waited for.
        (FRESH, [YES], YES, 3),
        (FRESH, [UNKNOWN, WRONG, UNKNOWN, YES], YES, 6),
        (FRESH, [YES, YES, UNKNOWN, YES], YES, 6),
        (FRESH, [YES, SLOW, YES, DOWN, SILENT, YES], YES, 6),
        # What does not pass ends at once.
        (FRESH, [SKEWED], SKEWED, 1),
        (FRESH, [LATE], LATE, 1),
        (FRESH, [EXPIRED], EXPIRED, 1),
        (FRESH, [DENIED], DENIED, 1),
        (FRESH, [UNTRUSTED], UNTRUSTED, 1),
        (FRESH, [YES, YES, DENIED], DENIED, 3),
        # A key that was there: one acceptance is enough, three refusals in a row are final.
        (SETTLED, [YES], YES, 1),
        (SETTLED, [UNKNOWN], UNKNOWN, 3),
        (SETTLED, [WRONG], WRONG, 3),
        (SETTLED, [UNKNOWN, UNKNOWN, YES], YES, 3),
        (SETTLED, [UNKNOWN, SILENT, UNKNOWN, SLOW, UNKNOWN], UNKNOWN, 5),
        (SETTLED, [SILENT, DOWN, SLOW, YES], YES, 4),
    ],
)
def test_answers_are_waited_for_as_long_as_they_may_change(rules, answers, last, asked):
    aws = Aws(*answers)
    assert aws.settle(**rules) == last
    assert aws.asked == asked


@pytest.mark.parametrize("answer", [UNKNOWN, SILENT, SLOW, DOWN])
@pytest.mark.parametrize("rules", [FRESH, SETTLED])
def test_waiting_ends_with_the_time(answer, rules):
    aws = Aws(answer)
    assert aws.settle(**rules) == answer
    assert aws.now < 60
    assert aws.now > 57 or (rules is SETTLED and answer is UNKNOWN)
    assert aws.asked < 45


def test_waits_rise_to_two_seconds_and_no_further():
    aws = Aws(UNKNOWN)
    waits = []
    settle(aws, 30, clock=lambda: aws.now, sleep=lambda seconds: (waits.append(seconds), aws.sleep(seconds)), **FRESH)
    assert waits[0] <= 0.5
    assert waits == sorted(waits)
    assert waits[-1] == 2


def test_accepted_too_few_times_is_not_accepted():
    assert not isinstance(Aws(*[UNKNOWN, YES] * 40).settle(timeout=5, **FRESH), Identity)
    assert isinstance(Aws(YES).settle(timeout=0, **FRESH), Unanswered)


def test_a_time_of_nothing_asks_once():
    for answer, rules in ((UNKNOWN, FRESH), (SILENT, FRESH), (SILENT, SETTLED), (YES, SETTLED)):
        aws = Aws(answer)
        assert aws.settle(timeout=0, **rules) == answer
        assert aws.asked == 1


def test_rule_11_one_refusal_is_no_proof_however_short_the_time():
    aws = Aws(UNKNOWN)
    assert aws.settle(timeout=0, **SETTLED) == UNKNOWN
    assert aws.asked == 3
    assert Aws(UNKNOWN, SILENT).settle(timeout=0, **SETTLED) == SILENT


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (UNKNOWN, "sts.eu-west-1.amazonaws.com said InvalidClientTokenId"),
        (WRONG, "does not belong to this access key id"),
        (SKEWED, "4000 seconds ahead. Set it."),
        (Refused("SignatureDoesNotMatch", 403, 999), "999 seconds behind. Set it."),
        (LATE, "the host's clock is wrong. Set it."),
        (DENIED, "VPC endpoint"),
        (Refused("Strange", 400), "said Strange."),
        (SILENT, "no answer of sts.eu-west-1.amazonaws.com: Connection refused."),
        (UNTRUSTED, "ca_bundle"),
    ],
)
def test_a_refusal_says_what_to_do_and_no_secret(answer, says):
    with pytest.raises(VerificationFailed) as caught:
        identify(answer, PAIR, WHERE, None, None)
    assert says in caught.value.message
    assert PAIR.access_key_id in caught.value.message
    assert PAIR.secret_access_key not in caught.value.message
    assert caught.value.facts["error_code"] == (answer.code if isinstance(answer, Refused) else None)


@pytest.mark.parametrize(
    ("account", "user_name", "arn", "good"),
    [
        (None, None, YES.arn, True),
        ("123456789012", "deploy", YES.arn, True),
        ("123456789012", None, "arn:aws:iam::123456789012:root", True),
        ("210987654321", None, YES.arn, False),
        (None, "other", YES.arn, False),
        (None, "service/deploy", YES.arn, False),
        (None, "root", "arn:aws:iam::123456789012:root", False),
        (None, "deploy", "arn:aws:sts::123456789012:assumed-role/role/deploy", False),
        (None, "deploy", "arn:aws-cn:iam::123456789012:user/deploy", True),
    ],
)
def test_a_key_must_be_whose_it_is_said_to_be(account, user_name, arn, good):
    answer = Identity("123456789012", arn, "AIDA")
    if good:
        assert identify(answer, PAIR, WHERE, account, user_name) == answer
    else:
        with pytest.raises(VerificationFailed, match=arn) as caught:
            identify(answer, PAIR, WHERE, account, user_name)
        assert caught.value.facts["identity"]["arn"] == arn


@pytest.mark.parametrize(
    ("answer", "gives_way"),
    [
        (UNKNOWN, True),
        (WRONG, True),
        (EXPIRED, True),
        (YES, False),
        (SILENT, False),
        (UNTRUSTED, False),
        (SLOW, False),
        (DOWN, False),
        (SKEWED, False),
        (LATE, False),
        (DENIED, False),
        (Refused("SomethingNew", 403), False),
    ],
)
def test_rule_11_only_a_pair_that_aws_calls_none_gives_way(answer, gives_way):
    assert (doubt(answer, WHERE) is None) == gives_way
