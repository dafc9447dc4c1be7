"""One contract for the shadow's audio and results, kept by AWS's adapters and their twins in memory."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.dynamodb.monitoring.shadow import DynamoShadowResults
from bonafide.adapters.memory.shadow import MemoryShadowAudio, MemoryShadowResults
from bonafide.adapters.shadow_audio import S3ShadowAudio
from bonafide.ports.shadow import ShadowAudio, ShadowResults, WaitingAudio
from bonafide.records.shadow import ShadowResult, ShadowScores

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "aws"])
def audio(request: pytest.FixtureRequest) -> ShadowAudio:
    if request.param == "memory":
        return MemoryShadowAudio()
    state = request.getfixturevalue("state")
    return S3ShadowAudio(state.s3, state.name("Audio"))


@pytest.fixture(params=["memory", "aws"])
def results(request: pytest.FixtureRequest) -> ShadowResults:
    if request.param == "memory":
        return MemoryShadowResults()
    state = request.getfixturevalue("state")
    return DynamoShadowResults(state.dynamodb, state.name("Sessions"))


@pytest.fixture
def name() -> str:
    return f"domain-{uuid.uuid4()}"


def test_audio_waits_until_it_is_deleted(audio: ShadowAudio, name: str) -> None:
    audio.put(name, "decision-1", b"speech")
    (waiting,) = [each for each in audio.waiting(1000) if each.domain == name]
    assert (waiting.decision_id, audio.read(waiting)) == ("decision-1", b"speech")
    assert datetime.now(UTC) - waiting.put_at < timedelta(minutes=1)
    audio.put(name, "decision-2", b"chunk", "12-abcd")
    (chunk,) = [each for each in audio.waiting(1000) if each.domain == name and each.part]
    assert (chunk.decision_id, chunk.number, waiting.number, audio.read(chunk)) == ("decision-2", 12, None, b"chunk")
    audio.delete([waiting, chunk])
    audio.delete([waiting])
    audio.delete([])
    assert [each for each in audio.waiting(1000) if each.domain == name] == []
    assert audio.read(waiting) is None
    assert audio.read(WaitingAudio(name, "other", NOW)) is None


def result(domain: str, number: int) -> ShadowResult:
    scores: dict[str, Any] = {"decision": "ACCEPT", "speaker_llr": 5.25, "liveness_llr": None, "milliseconds": 201.5}
    champion = ShadowScores(bundle="a" * 64, **scores)
    challenger = replace(champion, bundle="b" * 64, decision=None, speaker_llr=None)
    at = NOW + timedelta(minutes=number)
    return ShadowResult(domain, f"decision-{number}", at, "wideband", 4.75, champion, challenger)


def test_the_newest_results_are_read_in_their_order(results: ShadowResults, name: str) -> None:
    made = [result(name, number) for number in range(4)]
    for each in (made[2], made[0], made[3], made[1], made[1]):
        results.put(each, NOW + timedelta(days=400))
    results.put(result(f"{name}-other", 1), NOW + timedelta(days=400))
    assert list(results.results(name, NOW, 10)) == made
    assert list(results.results(name, NOW + timedelta(minutes=1), 2)) == made[2:]
