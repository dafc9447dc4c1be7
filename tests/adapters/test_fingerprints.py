"""One contract for fingerprints of recordings, kept by the table and by its twin in memory."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bonafide.adapters.dynamodb.fingerprints import DynamoFingerprintStore
from bonafide.adapters.memory.fingerprints import MemoryFingerprintStore
from bonafide.audio.fingerprint import BANDS, Fingerprint
from bonafide.ports.fingerprints import FingerprintStore, HeardRecording, UseKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Kept:
    """A store, the clock that it reads, and a domain of the test's own."""

    store: FingerprintStore
    at: list[datetime]
    domain: str = field(default_factory=lambda: f"domain-{uuid.uuid4()}")

    def use(self, name: str, speaker: str = "ann", minute: int = 0, audio: str = "a" * 32) -> HeardRecording:
        cells = np.random.default_rng(minute).integers(-7, 8, (25, BANDS), np.int8)
        at = NOW + timedelta(minutes=minute)
        times = at, at + timedelta(days=30)
        return HeardRecording(
            self.domain, speaker, UseKind.CALL, name, audio, Fingerprint(cells), "first", *times, call_id="7"
        )

    def heard(self, speaker: str = "ann", limit: int = 9) -> list[str]:
        return names(self.store.heard(self.domain, speaker, limit))


def names(found: Sequence[HeardRecording]) -> list[str]:
    return [each.name for each in found]


@pytest.fixture(params=["memory", "aws"])
def kept(request: pytest.FixtureRequest) -> Kept:
    at = [NOW]
    if request.param == "memory":
        return Kept(MemoryFingerprintStore(lambda: at[0]), at)
    state = request.getfixturevalue("state")
    return Kept(DynamoFingerprintStore(state.dynamodb, state.name("Fingerprints"), lambda: at[0]), at)


def test_recordings_of_a_speaker_are_read_contributions_first_and_then_the_newest_calls(kept: Kept) -> None:
    for minute, name in enumerate(("one", "two", "three")):
        kept.store.put(kept.use(name, minute=minute))
    kept.store.put(replace(kept.use("made-of"), kind=UseKind.ENROLLMENT, expires_at=None, call_id=None))
    kept.store.put(kept.use("other", speaker="bob"))
    assert kept.heard() == ["made-of", "three", "two", "one"]
    assert kept.heard(limit=2) == ["made-of", "three"]
    assert kept.heard("ann-2") == []


def test_a_recording_is_read_as_it_was_stored(kept: Kept) -> None:
    stored = replace(kept.use("one"), brief=True)
    kept.store.put(stored)
    (read,) = kept.store.heard(kept.domain, "ann", 9)
    assert np.array_equal(read.fingerprint.cells, stored.fingerprint.cells)
    attributes = [each.name for each in fields(HeardRecording) if each.name != "fingerprint"]
    assert [getattr(read, name) for name in attributes] == [getattr(stored, name) for name in attributes]


def test_what_is_over_counts_no_more_though_it_is_not_deleted_yet(kept: Kept) -> None:
    kept.store.put(kept.use("one"))
    assert kept.store.claim(kept.use("one")) is False
    assert kept.store.claim(kept.use("two", speaker="bob")) is True
    kept.at[0] = NOW + timedelta(days=30)
    assert kept.heard() == []
    assert kept.store.claim(kept.use("two", speaker="bob", minute=50)) is False


def test_samples_belong_to_their_first_use_in_the_domain(kept: Kept) -> None:
    first, second = kept.use("one"), kept.use("two", speaker="bob")
    assert kept.store.claim(first) is False
    assert kept.store.claim(first) is False, "the same use again"
    assert kept.store.claim(second) is True
    assert kept.store.claim(replace(second, domain=f"{kept.domain}-2")) is False
    kept.store.forget(second)
    assert kept.store.claim(second) is True, "who lost has nothing to give up"
    kept.store.forget(first)
    assert kept.store.claim(second) is False


def test_nothing_is_left_of_a_speaker_or_of_a_domain(kept: Kept) -> None:
    uses = [kept.use(f"use-{each}", minute=each, audio=f"{each:032x}") for each in range(5)]
    for each in uses:
        kept.store.claim(each)
        kept.store.put(each)
    kept.store.claim(kept.use("other", speaker="bob", audio="f" * 32))
    kept.store.forget_speaker(kept.domain, "ann")
    assert kept.heard() == []
    assert [kept.store.claim(replace(each, name="new")) for each in uses] == [False] * 5
    assert kept.store.claim(kept.use("new", audio="f" * 32)) is True
    kept.store.forget_claims(kept.domain)
    assert kept.store.claim(kept.use("new", audio="f" * 32)) is False
