"""The load of rehearsals: whom it calls, and whom it lets speak."""

from itertools import islice

import numpy as np

from bonafide_client import bodies
from layers.golden.readers import RATE, Reader, wav
from local.rehearse.traffic import CallMix, calls

NAMES = ("ada", "grace")


def test_a_load_calls_all_domains_and_knows_the_impostors_in_it() -> None:
    voices = {name: np.full(RATE, level, np.float32) for name, level in zip(NAMES, (0.1, 0.2), strict=True)}
    readers = {name: Reader(name, (voice, voice)) for name, voice in voices.items()}
    mix = CallMix(("first", "second"), impostors=30, long=50, short_seconds=1, long_seconds=2)
    spoken = {
        name: [bodies.audio(wav(np.resize(voice, seconds * RATE))) for seconds in (1, 2)]
        for name, voice in voices.items()
    }
    found = list(islice(calls(readers, NAMES, mix), 200))
    assert {each.domain for each in found} == {"first", "second"}
    assert all((each.body["audio"] in spoken[each.claimed]) is each.genuine for each in found)
    assert 30 < sum(not each.genuine for each in found) < 90
    assert 60 < sum(each.body["audio"] in (spoken["ada"][1], spoken["grace"][1]) for each in found) < 140
