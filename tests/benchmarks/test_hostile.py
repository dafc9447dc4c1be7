"""Hostile recordings and bodies: the same ones for a seed, of all kinds, and never more than the decoder can bear."""

import time
import tracemalloc
from collections import Counter
from itertools import islice
from random import Random

import pytest

from benchmarks.hostile.audio import OddAudio, odd_audio
from benchmarks.hostile.run import hostile_requests
from bonafide.audio.decode import decode
from bonafide.errors import InvalidInput
from tests.audio.signals import tone

SPEECH = tone(440, seconds=4)


def recordings(seed: int, count: int) -> list[OddAudio]:
    return list(islice(odd_audio(Random(seed), SPEECH), count))


def outcome(audio: OddAudio) -> str:
    form = {"rate" if name == "sample_rate" else name: value for name, value in audio.form.items()}
    try:
        decode(audio.content, **form)
    except InvalidInput as error:
        return error.code
    return "decoded"


def test_hostile_recordings_are_decoded_or_refused_in_bounded_memory_and_time() -> None:
    outcomes: Counter[str] = Counter()
    longest = 0.0
    sent = recordings(7, 120)
    tracemalloc.start()
    for audio in sent:
        started = time.process_time()
        outcomes[outcome(audio)] += 1
        longest = max(longest, time.process_time() - started)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {"decoded", "audio_malformed", "audio_truncated", "audio_too_long"} <= outcomes.keys()
    assert outcomes["decoded"] > 10
    # A minute at 48 kHz is 12 MB in single precision; the decoder holds several forms of it.
    assert peak < 150e6
    assert longest < 5


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_makes_the_same_requests(seed: int) -> None:
    once, again = (
        [(each.method, each.target, each.media_type) for each in islice(hostile_requests(seed, SPEECH), 40)]
        for _ in range(2)
    )
    assert once == again


def test_requests_are_of_every_kind() -> None:
    names = Counter(each.name for each in islice(hostile_requests(3, SPEECH), 300))
    assert {"right", "text", "twice", "deep", "many", "bytes", "encoding"} < names.keys()
    assert {
        "wav header",
        "wav chunks",
        "flac header",
        "flac frames",
        "damaged wav",
        "damaged flac",
        "raw",
    } < names.keys()
