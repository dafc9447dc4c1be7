"""Measures what the signals of a call cost: processor time, and calls to DynamoDB. `python -m benchmarks.calls`.

DynamoDB is answered from memory, so that only the function's own work is timed: with counters that have three calls
each, and with all as full as they can be. An environment reads the domain's calls once in 30 s, and those of a session
once in 30 s of it.
"""

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import boto3
import numpy as np
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from bonafide.adapters.memory.callers import MemoryCallerHashes
from bonafide.adapters.risk.dynamodb import DynamoCallStore
from bonafide.adapters.risk.items import block_of, pack, short
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.risk.facts import CallFacts, CallReference
from bonafide.biometrics.risk.velocity import MOST_MARKS, MOST_SAMPLED, SURGE_BLOCK, CallMark
from bonafide.contracts.risk.calls import CallDetails
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.speaker import SpeakerRecord, lifetime
from bonafide.services.shared.risk.calls import MOST_KNOWN, CallRisks, hashed_call, subject_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOMAIN = DomainRecord("acme", Policy(), Retention(), NOW, NOW, version=1)
SPEAKER = SpeakerRecord("acme", "ann", SpeakerStatus.ENROLLED, NOW, NOW)
CLAIMED = ("ann", SPEAKER)
ROUNDS = 300
JSON = "application/x-amz-json-1.0"
CALL = {
    "caller_number": "+12025550143",
    "dialed_number": "+18005550100",
    "attestation": "A",
    "verstat": "TN-Validation-Passed",
    "carrier": "Example Wireless",
    "line_type": "mobile",
    "device": "d" * 64,
    "channel": "c" * 64,
    "claimed_country": "US",
    "sip_headers": {name: f"<sip:+12025550143@10.0.0.1;user=phone>;tag={name}" for name in ("From", "To", "Diversion")},
}


class Answers:
    """DynamoDB whose sets have so many marks: answers every request, and counts them."""

    def __init__(self, size: int) -> None:
        self.calls = Counter[str]()
        marks = [base64.b64encode(pack(_mark(number))).decode() for number in range(MOST_MARKS)][:size]
        self._set = {"marks": {"BS": marks}}
        known = {f"{kind}_{number:032x}": {"S": "2026-01-01"} for kind in CallReference for number in range(MOST_KNOWN)}
        self._known = {**known, "expires_at": {"N": "9999999999"}}
        sample = {"marks": {"BS": marks[:MOST_SAMPLED]}}
        last = block_of(int(NOW.timestamp()), SURGE_BLOCK)
        blocks = [f"{short(lifetime(DOMAIN))}#{last - age:09d}#{rank}" for age in range(8) for rank in range(4)]
        self._sample = {"Items": [{"owner": {"S": "acme#domain"}, "item": {"S": item}, **sample} for item in blocks]}

    def answer(self, request: Any, **_: Any) -> Any:
        """Takes botocore's event before a request is sent."""
        action = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.calls[action] += 1
        body = json.dumps(self._body(action, json.loads(request.body))).encode()
        raw: Any = type("Raw", (), {"stream": lambda *_, **__: iter((body,)), "close": lambda _: None})()
        return AWSResponse(request.url, 200, HTTPHeaders.from_dict({"content-type": JSON}), raw)

    def _body(self, action: str, asked: Any) -> Any:
        if action == "Query":
            return self._sample
        if action == "BatchGetItem":
            keys = asked["RequestItems"]["calls"]["Keys"]
            return {"Responses": {"calls": [{**key, **self._item(key["item"]["S"])} for key in keys]}}
        return {}

    def _item(self, name: str) -> Any:
        if name.endswith("known"):
            return self._known
        return {} if name.endswith("fraud") else self._set


def main() -> None:
    """Runs the measurement and prints processor times, and how often DynamoDB is called."""
    hashes = MemoryCallerHashes()
    facts = hashed_call(hashes, "acme", CallDetails.model_validate(CALL).to_record())
    assert facts
    _print("the request: validated, headers read, hashed", Answers(0), lambda _: _hashed(hashes))
    for size, filled in ((3, "three calls"), (MOST_MARKS, "full sets")):
        answers = Answers(size)
        quiet = CallRisks(DynamoCallStore(_client(answers), "calls"), lambda: NOW)
        quiet.assess(DOMAIN, CLAIMED, facts, "first")
        names = count()
        _print(f"{filled}: an evaluation that reads its session", answers, partial(_other, quiet, facts, names))
        _print(f"{filled}: one that also reads the domain", answers, partial(_assess, facts=facts))
        _print(f"{filled}: one within 30 s of the former", answers, partial(_again, quiet, facts))
    _print("a final decision: counted, five references remembered", Answers(3), partial(_count, facts=facts))


def _print(name: str, answers: Answers, step: Callable[[Any], object]) -> None:
    client, before = _client(answers), answers.calls.copy()
    times = [_timed(partial(step, client)) for _ in range(ROUNDS)]
    calls = {action: round(number / ROUNDS) for action, number in (answers.calls - before).items()}
    print(f"{name:55} median {np.median(times):6.2f} ms, p95 {np.quantile(times, 0.95):6.2f} ms  {calls}")


def _client(answers: Answers) -> Any:
    client = boto3.client("dynamodb", "eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
    client.meta.events.register("before-send.dynamodb", answers.answer)
    return client


def _hashed(hashes: MemoryCallerHashes) -> object:
    return hashed_call(hashes, "acme", CallDetails.model_validate(CALL).to_record())


def _other(risks: CallRisks, facts: CallFacts, names: Iterator[int], _: Any) -> object:
    return risks.assess(DOMAIN, CLAIMED, facts, str(next(names)), lately=True)


def _assess(client: Any, facts: CallFacts) -> object:
    return CallRisks(DynamoCallStore(client, "calls"), lambda: NOW).assess(DOMAIN, CLAIMED, facts, "one", lately=True)


def _again(risks: CallRisks, facts: CallFacts, _: Any) -> object:
    return risks.assess(DOMAIN, CLAIMED, facts, "1", lately=True)


def _count(client: Any, facts: CallFacts) -> None:
    store = DynamoCallStore(client, "calls")
    subject, mark = subject_of(DOMAIN, SPEAKER, facts), _mark(1)
    store.count(subject, mark, mark)
    store.remember(subject, facts.references.items(), NOW)


def _mark(number: int) -> CallMark:
    return CallMark(
        int((NOW - timedelta(minutes=number)).timestamp()), f"{number * 7919 + 1:016x}", f"{number + 1:08x}"
    )


def _timed(step: Callable[[], object]) -> float:
    begin = time.process_time()
    step()
    return (time.process_time() - begin) * 1000


if __name__ == "__main__":
    main()
