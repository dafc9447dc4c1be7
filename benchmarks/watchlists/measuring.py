"""Measurements of the search of watchlists: one size in one process."""

import io
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np

from benchmarks.templates import OpenedKeys
from bonafide.adapters.watchlists.packs import VoicePacks
from bonafide.adapters.watchlists.sealing import VoiceSealing
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.voices import KnownVoice, KnownVoices, VoiceMatrix

SPACE, BAND, DIMENSION, ROUNDS = "campplus-a60ad57c7847fda0", Channel.NARROWBAND, 192, 40
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEVER = 4e9


class Objects:
    """An S3 client whose objects are in memory."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def put_object(self, **request: Any) -> None:
        """Keeps an object."""
        self._objects[request["Key"]] = bytes(request["Body"])

    def get_object(self, **request: Any) -> dict[str, Any]:
        """Returns an object."""
        return {"Body": io.BytesIO(self._objects[request["Key"]])}


def measured(size: int) -> tuple[float, float, float, float, float]:
    """Returns the median times of a search, a load and a change, ms; and size of vectors and memory of a load, MB."""
    keys: Any = OpenedKeys()
    objects: Any = Objects()
    packs = VoicePacks(objects, "bucket", VoiceSealing(keys))
    packed = packs.write("acme", "key", KnownVoices(size, {(SPACE, BAND): _matrix(size)}))
    keys.named("", "").rotation(SPACE, DIMENSION)
    before = _peak()
    voices = packs.read("acme", packed)
    assert voices is not None
    memory = _peak() - before
    load = _median_ms(lambda: packs.read("acme", packed), 5)
    callers = [_evidence(seed) for seed in range(ROUNDS)]
    voices.search(callers[0], NOW)
    search = float(np.median([_ms(partial(voices.search, caller, NOW)) for caller in callers]))
    added = KnownVoice(("list", "another"), (Voiceprint.of([callers[0]]),), NEVER)
    change = _median_ms(lambda: voices.changed(size + 1, [added]).search(callers[0], NOW), 5)
    return search, load, change, voices.size / 1e6, memory


def _matrix(size: int) -> VoiceMatrix:
    names = [(f"list{number % 7}", f"fraudster-{number:08d}") for number in range(size)]
    vectors = np.random.default_rng(size).standard_normal((size, DIMENSION), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return VoiceMatrix(names, vectors, np.full(size, 10.0, np.float32), np.full(size, NEVER))


def _evidence(seed: int) -> Evidence:
    drawn = np.random.default_rng(seed).standard_normal(DIMENSION)
    vector: FloatVector = np.asarray(drawn / np.linalg.norm(drawn), np.float32)
    return Evidence(8.0, BAND, {BAND: vector}, Quality(-20.0, 0.0, 30.0), SPACE)


def _median_ms(step: Callable[[], object], rounds: int) -> float:
    return float(np.median([_ms(step) for _ in range(rounds)]))


def _ms(step: Callable[[], object]) -> float:
    started = time.process_time()
    step()
    return (time.process_time() - started) * 1000


def _peak() -> float:
    """Returns the most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
