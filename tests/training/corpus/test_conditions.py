"""Simulated lines: form, repeatability, and that each does what its name says."""

from functools import cache

import numpy as np
import pytest

from bonafide.audio.waveform import Samples, Waveform
from tests.audio.signals import tone, voice
from tests.readings import call, lasting, reading
from training.corpus.conditions.activity import active_frames, active_rms
from training.corpus.conditions.loss import drawn_losses
from training.corpus.conditions.native import library_path
from training.corpus.conditions.raising import RAISERS
from training.corpus.conditions.registry import all_conditions
from training.corpus.filters import rms
from training.corpus.packages import PackageError

NARROW, WIDE = 8000, 16000
OTHERS = tuple(Waveform(voice(WIDE, 2.0, seed), WIDE) for seed in range(1, 6))
CONDITIONS = all_conditions(OTHERS)
# Conditions by the pinned package that their codec comes from; only Debian 12 has these versions.
NEEDS = {
    "libvo-amrwbenc0": ("amr-wb-6.6", "amr-wb-12.65", "amr-wb-23.85"),
    "libgsm1": ("gsm",),
    "libspeex1": ("speex",),
    "libbcg729-0": ("g729", "loss-3-g729", "loss-5-g729", "loss-10-g729"),
}
ALL = [(name, rate) for name, condition in CONDITIONS.items() for rate in condition.rates]


@cache
def there(package: str) -> bool:
    try:
        return library_path(package).exists()
    except PackageError:
        return False


def sent(name: str, samples: Samples, rate: int, seed: int = 1) -> Samples:
    absent = [package for package, names in NEEDS.items() if name in names and not there(package)]
    absent += [package for package in NEEDS if name == "tandem" and not there(package)]
    if absent:
        pytest.skip(f"this system's registry does not have {absent[0]}")
    return CONDITIONS[name].send(samples, rate, np.random.default_rng(seed))


def speech(rate: int, seconds: float = 2.0) -> Samples:
    return lasting(reading() if rate == WIDE else call(), seconds).samples


def decibels(first: Samples, second: Samples) -> float:
    return float(20 * np.log10(rms(first) / rms(second)))


def distance(name: str, rate: int) -> float:
    """Signal over the error of coding, dB."""
    return decibels(speech(rate), sent(name, speech(rate), rate) - speech(rate))


@pytest.mark.parametrize(("name", "rate"), ALL)
def test_keeps_length_and_form_and_only_its_generator_decides(name: str, rate: int) -> None:
    original = np.concatenate([voice(rate, 0.8), voice(rate, 0.5) * np.float32(0.005)])
    first, same = (sent(name, original.copy(), rate) for _ in range(2))
    assert len(first) == len(original) + round(CONDITIONS[name].seconds_before * rate)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.abs(first).max() <= 1
    assert np.array_equal(first, same)
    assert not np.array_equal(first[-len(original) :], original) or CONDITIONS[name].group == "before"


def test_refuses_a_rate_that_it_does_not_apply_to() -> None:
    with pytest.raises(ValueError, match="gsm applies to"):
        CONDITIONS["gsm"].send(voice(), WIDE, np.random.default_rng(1))


def test_leaves_out_what_needs_other_people_where_there_are_none() -> None:
    assert {name for name in CONDITIONS if name not in all_conditions()} == {
        *(f"{kind}-{level}" for kind in ("babble", "agent") for level in (10, 15, 20)),
        "babble-10-rnnoise",
    }


@pytest.mark.parametrize("dbfs", [45, 35, 25, 12])
def test_a_level_is_the_active_level(dbfs: int) -> None:
    assert 20 * np.log10(active_rms(sent(f"level-{dbfs}", voice(), WIDE), WIDE)) == pytest.approx(-dbfs, abs=0.5)


def test_a_level_beyond_full_scale_clips() -> None:
    assert np.mean(np.abs(sent("level-6", voice(), WIDE)) > 0.9999) > 0.005


@pytest.mark.parametrize("offset", [0.01, 0.1])
def test_an_offset_is_a_constant(offset: float) -> None:
    assert np.abs(sent(f"offset-{offset}", voice(), WIDE) - voice()) == pytest.approx(offset, abs=1e-4)


@pytest.mark.parametrize("hertz", [50, 60])
def test_hum_lies_at_the_frequency_of_the_mains(hertz: int) -> None:
    added = sent(f"hum-{hertz}", voice(), WIDE) - voice()
    spectrum = np.abs(np.fft.rfft(added))
    assert np.argmax(spectrum) == pytest.approx(hertz * len(added) / WIDE, abs=1)
    assert 20 * np.log10(active_rms(voice(), WIDE) / rms(added)) == pytest.approx(10, abs=0.3)


@pytest.mark.parametrize("kind", ["babble", "street", "echo", "agent"])
@pytest.mark.parametrize("below", [10, 20])
def test_what_surrounds_the_voice_is_as_far_below_it_as_the_name_says(kind: str, below: int) -> None:
    added = sent(f"{kind}-{below}", voice(), WIDE) - voice()
    assert 20 * np.log10(active_rms(voice(), WIDE) / rms(added)) == pytest.approx(below, abs=0.5)


def test_an_echo_is_the_voice_and_comes_later() -> None:
    added = sent("echo-10", voice(), WIDE) - voice()
    assert rms(added[: WIDE // 20]) < 0.05 * rms(added)


@pytest.mark.parametrize("name", ["music-before", "ringing-before"])
@pytest.mark.parametrize("rate", [NARROW, WIDE])
def test_what_is_heard_before_ends_where_the_speech_begins(name: str, rate: int) -> None:
    out = sent(name, voice(rate), rate)
    front = out[: -len(voice(rate))]
    assert len(front) == 8 * rate
    assert np.array_equal(out[len(front) :], voice(rate))
    assert abs(20 * np.log10(active_rms(front, rate) / active_rms(voice(rate), rate))) < 7


def test_losses_come_in_bursts_and_as_often_as_the_name_says() -> None:
    lost = drawn_losses(50_000, 0.1, np.random.default_rng(3))
    bursts = np.sum(np.diff(lost.astype(int)) == 1)
    assert lost.mean() == pytest.approx(0.1, abs=0.02)
    assert 1.5 <= lost.sum() / bursts <= 4


def test_a_loss_is_silent_and_concealment_goes_on_with_the_voice() -> None:
    steady = tone(120, NARROW, 2.0)
    silent, concealed = (sent(name, steady, NARROW) for name in ("loss-10", "loss-10-concealed"))
    packets = silent.reshape(-1, 160)
    assert 0 < np.mean(~packets.any(axis=1)) < 0.4
    assert rms(concealed - steady) < 0.7 * rms(silent - steady)


def test_the_decoder_of_g729_conceals_what_is_lost() -> None:
    assert distance("loss-10-g729", NARROW) < distance("g729", NARROW)


def test_discontinuous_transmission_leaves_speech_and_drops_pauses() -> None:
    samples = speech(NARROW, 5.0)
    muted, comfort = (sent(name, samples, NARROW) for name in ("dtx-muted", "dtx-comfort"))
    pauses = np.repeat(~active_frames(samples, NARROW), 160) & (muted == 0)
    assert np.array_equal(muted[muted != 0], samples[muted != 0])
    assert 0.02 < pauses.mean() < 0.6
    assert abs(decibels(comfort[pauses], samples[pauses])) < 6


@pytest.mark.parametrize(("name", "least"), [("gating-mild", 6), ("gating-strong", 15), ("rnnoise", 12)])
def test_suppression_takes_noise_away_and_leaves_the_voice(name: str, least: float) -> None:
    samples = speech(WIDE, 4.0)
    white = np.random.default_rng(5).standard_normal(WIDE)
    hiss = np.asarray(white * active_rms(samples, WIDE) / 10, np.float32)
    noisy = np.concatenate([hiss, samples + np.resize(hiss, len(samples))])
    out = sent(name, noisy, WIDE)
    assert decibels(hiss[WIDE // 4 : -WIDE // 4], out[WIDE // 4 : WIDE - WIDE // 4]) > least
    assert np.corrcoef(out[WIDE:], samples)[0, 1] > 0.6


def test_strong_gates_take_more_than_mild_ones() -> None:
    for kind in ("gating", "gating-adaptive"):
        mild, strong = (rms(sent(f"{kind}-{name}", speech(NARROW), NARROW)) for name in ("mild", "strong"))
        assert strong < mild < rms(speech(NARROW))


@pytest.mark.parametrize(
    ("low", "high", "rate"),
    [
        ("opus-6", "opus-24", WIDE),
        ("mp3-16", "mp3-32", WIDE),
        ("amr-wb-6.6", "amr-wb-23.85", WIDE),
        ("amr-4.75", "amr-7.4", NARROW),
        ("tandem", "gsm", NARROW),
    ],
)
def test_fewer_bits_keep_less_of_the_speech(low: str, high: str, rate: int) -> None:
    assert distance(low, rate) < distance(high, rate) - 0.3


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        (name, rate)
        for name, rate in ALL
        if CONDITIONS[name].group in {"amr", "amr-wb", "g722", "gsm", "speex", "g723.1"}
    ],
)
def test_a_codec_comes_without_delay(name: str, rate: int) -> None:
    original, out = speech(rate), sent(name, speech(rate), rate)
    spectrum = np.conj(np.fft.rfft(original, 2 * len(original))) * np.fft.rfft(out, 2 * len(original))
    late = int(np.argmax(np.fft.irfft(spectrum)))
    assert min(late, 2 * len(original) - late) <= rate // 2000


def test_a_cheap_resampler_leaves_images_of_the_band() -> None:
    def images(raiser: str) -> float:
        raised = RAISERS[raiser](speech(NARROW), NARROW, WIDE)
        power = np.abs(np.fft.rfft(raised)) ** 2
        return float(power[int(len(power) * 0.55) :].sum() / power.sum())

    assert images("nearest") > 3 * images("linear") > 30 * images("polyphase") > 30 * images("fft")
    assert all(len(raiser(speech(NARROW), NARROW, 22050)) == 44100 for raiser in RAISERS.values())
