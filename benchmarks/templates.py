"""Measures what the protection of templates costs in processor time: `python -m benchmarks.templates`.

Calls to AWS are left out: a warm function makes none more than without protection, but for the start of a session, a
speaker's first enrollment and the deletion of either.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bonafide.adapters.protection.cipher import DomainKey
from bonafide.adapters.protection.templates import SealedRow, TemplateProtection
from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.session import MOST_CHUNKS, ChunkEvidence
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.speaker import SpeakerRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIMENSION, ROUNDS = 192, 200
# A chunk of two seconds has two parts in each of its windows.
PARTS = 4
BANDS = (Channel.NARROWBAND, Channel.WIDEBAND)
SPACES = ("former", "newest")


class OpenedKeys:
    """Keys of a warm function: one is open."""

    table = "keys"

    def __init__(self) -> None:
        self._key = DomainKey("key", b"k" * 32)

    def named(self, domain: str, name: str) -> DomainKey:
        """Returns the key."""
        del domain, name
        return self._key

    def current(self, domain: str) -> DomainKey:
        """Returns the key."""
        return self.named(domain, "")


def main() -> None:
    """Runs the measurement and prints the median processor time of each step."""
    keys: Any = OpenedKeys()
    protection = TemplateProtection(keys, writes=True)
    for name, step in {**_of_speakers(protection), **_of_sessions(protection)}.items():
        print(f"{name:58} {_median_ms(step):7.3f} ms")
    made = [_timed(DomainKey("key", bytes([each]) * 32).rotation, "newest", DIMENSION) for each in range(20)]
    print(f"{'the rotation of a domain, made once in an environment':58} {np.median(made):7.3f} ms")


def _of_speakers(protection: TemplateProtection) -> dict[str, Callable[[], object]]:
    made = [Voiceprint.of([_evidence(number, space)]) for number, space in enumerate(SPACES)]
    known = replace(made[0], audio=tuple("a" * 32 for _ in range(32)))
    record = SpeakerRecord("acme", "ann", SpeakerStatus.ENROLLED, NOW, NOW).with_voiceprints(NOW, [known, *made[1:]])
    key = protection.key_of_speaker(record)
    sealed = protection.seal(record, key)
    return {
        "a call: voiceprints of 2 spaces in 2 bands are opened": lambda: protection.open("acme", "ann", key, sealed),
        "an enrollment: the same are sealed": lambda: protection.seal(record, key),
    }


def _of_sessions(protection: TemplateProtection) -> dict[str, Callable[[], object]]:
    form = RecordingFormat(Encoding.MULAW, 8000)
    session = SessionRecord("acme", "one", "ann", None, form, BANDS, NOW, NOW, NOW)
    session = replace(session, key=protection.key_of_session(session, "start"))
    rows = [
        EvidenceRow(ChunkEvidence(n, f"{n:064x}", _evidence(n, "newest")), "b", NOW, NOW) for n in range(MOST_CHUNKS)
    ]
    sealed = [
        SealedRow(f"row {n}", _sealed(protection, session, n, row), row.to_document()) for n, row in enumerate(rows)
    ]
    plain = [(row.to_document(), dict(row.chunk.evidence.embeddings), row.chunk.evidence.parts) for row in rows]
    return {
        "an evaluation: 60 chunks are read without protection": lambda: [
            EvidenceRow.from_document(*each) for each in plain[:60]
        ],
        "a chunk: its evidence in 2 bands is sealed": lambda: _sealed(protection, session, 0, rows[0]),
        "an evaluation: 60 chunks are opened": lambda: protection.open_rows(session, "start", sealed[:60]),
        f"an evaluation: {MOST_CHUNKS} chunks, the most, are opened": lambda: protection.open_rows(
            session, "start", sealed
        ),
    }


def _sealed(protection: TemplateProtection, session: SessionRecord, number: int, row: EvidenceRow) -> bytes:
    sealed = protection.seal_row(session, "start", f"row {number}", row)
    assert sealed
    return sealed


def _evidence(seed: int, space: str) -> Evidence:
    random = np.random.default_rng(seed)
    voices = {band: random.standard_normal(DIMENSION).astype(np.float32) for band in BANDS}
    quality, directions = Quality(-20.0, 0.0, None), (0.1, 0.2, 0.3, 0.4)
    parts = random.standard_normal((PARTS, DIMENSION)).astype(np.float16)
    return Evidence(12.0, Channel.WIDEBAND, voices, quality, space, 1.0, 2.0, directions, parts)


def _median_ms(step: Callable[[], object]) -> float:
    return float(np.median([_timed(step) for _ in range(ROUNDS)]))


def _timed(step: Callable[..., object], *given: object) -> float:
    started = time.process_time()
    step(*given)
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    main()
