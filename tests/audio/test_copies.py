"""Whether a recording is found again in another one, whatever was done to it, and other speech is not."""

import base64
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from bonafide.audio.copies import MOST_SOUGHT_SECONDS, copied, looped, thinned
from bonafide.audio.fingerprint import BANDS, FRAME_SECONDS, Fingerprint
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Samples, Waveform
from layers.golden.readers import load

RATE = 16000

# The first 3 s of the second passage, before noise was taken off and with a mean over 9 frames and 5 bands.
KEPT_BY_THE_RELEASE_BEFORE = (
    "cmX|8K~lm%5PW6$fu!&Z?0{$8UJ|abiQy=Q=vkt8wG^!KYLy@08}>}1Q>p6R>7JS1i31!M)mm!jfz1wIVF%=J2PuHeyJr{30|!3`"
    "ZsAMM`wft4-2lPrpAZetp;|APUjgg}B&ri&B0lxR3ZV^T*zXZ*U@K0Vdm?=_5tstZXkQW4zem*CXCK8dfwMV@Ps!3$ylPdks5c(;"
    "H9~9iMs92V=3#HTtjC?yb{{*P!l4Ys4DLbeZwq-<giE6eE{3V`c|pgFygb=`VlIJk?_(XhKGo^d>wA~pHAM+r_x%&$o|)%9MDZNT"
    "s1Dx5hgbu5d~HKq8Oyn>6Y>j?ATE#DheTp6KY_Y|n;M@&x5S9%n))s-dz^LY|9qduus<ZOt3S=UJsr~*W4_beuy!;1j{|i3vZaz~"
    "p<CCn`st&(_`_dT)Id!"
)


@pytest.fixture(scope="module")
def passages() -> list[Samples]:
    """Passages of one reader, 3 s or longer each."""
    reader = max(load().values(), key=lambda reader: len(reader.clips))
    return [clip for clip in reader.clips if len(clip) >= 3 * RATE]


def fingerprint(samples: Samples, rate: int = RATE) -> Fingerprint:
    return Fingerprint.of(samples, rate, np.ones(len(samples), np.bool_))


def noisy(samples: Samples) -> Samples:
    hiss = np.random.default_rng(1).standard_normal(len(samples)).astype(np.float32)
    return np.asarray(samples + hiss * np.sqrt(np.mean(np.square(samples)) / 10**0.5), np.float32)


COPIES: dict[str, Callable[[Samples], Fingerprint]] = {
    "as it is": fingerprint,
    "30 dB lower": lambda samples: fingerprint(samples * np.float32(10**-1.5)),
    "on a telephone line": lambda samples: fingerprint(to_narrowband(Waveform(samples, RATE)).samples, 8000),
    "in noise of 5 dB": lambda samples: fingerprint(noisy(samples)),
    "from its middle on": lambda samples: fingerprint(samples[len(samples) // 3 + 77 :]),
    "backwards": lambda samples: fingerprint(samples[::-1]),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_is_found_among_other_recordings_of_the_speaker(passages: list[Samples], copy: str) -> None:
    known = [thinned(fingerprint(each)) for each in passages]
    for each in passages[:2]:
        assert copied(COPIES[copy](each), known)


def test_other_passages_of_the_speaker_are_no_copies(passages: list[Samples]) -> None:
    known = [thinned(fingerprint(each)) for each in passages]
    for number, each in enumerate(passages):
        assert not copied(fingerprint(each), known[:number] + known[number + 1 :])


def test_a_copy_is_found_inside_a_longer_recording_and_a_longer_one_by_what_it_holds(passages: list[Samples]) -> None:
    first, second, third = (fingerprint(each) for each in passages[:3])
    both = Fingerprint.joined([first, second])
    assert copied(both, [thinned(second)])
    assert copied(second, [thinned(both)])
    assert not copied(both, [thinned(third)])


def test_a_part_that_is_repeated_is_found(passages: list[Samples]) -> None:
    for each in passages[:2]:
        second = each[len(each) // 2 :][:RATE]
        assert looped(fingerprint(np.tile(second, 8)))
        assert looped(fingerprint(np.tile(each[RATE : 3 * RATE + 123], 3)))


def test_speech_does_not_repeat_itself(passages: list[Samples]) -> None:
    assert not any(looped(fingerprint(each)) for each in [*passages, np.concatenate(passages[:4])])


@pytest.mark.parametrize("seconds", [0.01, 0.3, 5.0])
def test_silence_and_tones_are_copies_of_nothing(seconds: float) -> None:
    time = np.arange(int(seconds * RATE)) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    for samples in (tone, np.zeros_like(tone)):
        alike = fingerprint(samples)
        assert not copied(alike, [thinned(alike)])
        assert not looped(alike)


def test_what_is_not_speech_does_not_count(passages: list[Samples]) -> None:
    """Music that every call begins with is in every call."""
    music, own, other = passages[:3]
    calls = [np.concatenate([music, each]) for each in (own, other)]
    spoken = [np.arange(len(call)) >= len(music) for call in calls]
    heard = [Fingerprint.of(call, RATE, mask) for call, mask in zip(calls, spoken, strict=True)]
    assert not copied(heard[0], [thinned(heard[1])])
    assert copied(fingerprint(calls[0]), [thinned(fingerprint(calls[1]))])


def test_a_fingerprint_is_small_and_read_as_it_was_written(passages: list[Samples]) -> None:
    made = fingerprint(np.concatenate(passages))
    written = thinned(made).to_bytes()
    assert len(written) < 150 * len(made.cells) * 0.02
    assert np.array_equal(Fingerprint.from_bytes(written).cells, thinned(made).cells)
    assert Fingerprint.from_bytes(Fingerprint(np.zeros((0, BANDS), np.int8)).to_bytes()).cells.shape == (0, BANDS)


def test_a_recording_is_found_that_the_release_before_kept(passages: list[Samples]) -> None:
    kept = Fingerprint.from_bytes(base64.b85decode(KEPT_BY_THE_RELEASE_BEFORE))
    first, second = passages[:2]
    for copy in ("as it is", "on a telephone line", "in noise of 5 dB"):
        assert copied(COPIES[copy](second), [kept])
    assert not copied(fingerprint(first), [kept])


def heard_for(seconds: float, seed: int, share: float = 0.6) -> Fingerprint:
    """Makes a fingerprint of random cells, of which such a share is speech."""
    chance = np.random.default_rng(seed)
    frames = round(seconds / FRAME_SECONDS)
    cells = chance.integers(-3, 4, (frames, BANDS), np.int8)
    return Fingerprint(cells * np.repeat(chance.random(frames // 50 + 1) < share, 50)[:frames, None])


def test_memory_stays_small_with_as_many_and_as_long_recordings_as_are_read() -> None:
    """A function has 512 MB, of which the search may take little: with 200 recordings of a minute, and a session."""
    known = [thinned(heard_for(60.0, seed)) for seed in range(200)]
    session = heard_for(1.5 * MOST_SOUGHT_SECONDS, 200, 0.1)
    tracemalloc.start()
    try:
        assert not copied(session, known)
        assert not looped(session)
        assert tracemalloc.get_traced_memory()[1] < 32e6
    finally:
        tracemalloc.stop()


def test_more_than_is_compared_is_left_out_from_the_end_of_the_known_and_the_beginning_of_the_new() -> None:
    first, last = (heard_for(60.0, seed) for seed in range(2))
    between = [thinned(Fingerprint(np.zeros_like(first.cells))) for _ in range(19)]
    assert copied(first, [thinned(first), *between, thinned(last)])
    assert not copied(last, [thinned(first), *between, thinned(last)])
    silence = Fingerprint(np.zeros((round(MOST_SOUGHT_SECONDS / FRAME_SECONDS), BANDS), np.int8))
    assert not copied(Fingerprint.joined([first, silence]), [thinned(first)])
    assert copied(Fingerprint.joined([silence, first]), [thinned(first)])
