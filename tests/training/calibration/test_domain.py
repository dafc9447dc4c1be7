"""Fits of domains on made-up comparisons whose best calibration is known, and one on recordings."""

import csv
import wave
from pathlib import Path

import numpy as np
import pytest

from bonafide.audio.waveform import Waveform
from bonafide.biometrics.scoring import Curve
from layers.golden.readers import load
from training.calibration.domain.calibrate import fitted_condition, main
from training.calibration.domain.fit import DomainTrials, bounded, corrected, fit, folds
from training.calibration.domain.lines import LINES
from training.evaluation.metrics import Trials, cllr, min_cllr

CURVE = Curve(slope=20.0, level=0.7, half_seconds=1.5, lowest=-6.5, highest=9.7)


def a_line(speakers: int, seed: int, *, scale: float = 1.0, shift: float = 0.0, apart: float = 3.0) -> DomainTrials:
    """Comparisons of speakers with two recordings each, whose best correction is known.

    Their true LLRs are normal with means of +-apart^2 / 2 and the variance apart^2, the same for both kinds.
    """
    generator = np.random.default_rng(seed)
    first, second = np.triu_indices(2 * speakers, 1)
    enrolled, tested = first // 2, second // 2
    targets = enrolled == tested
    truth = np.where(targets, 0.5, -0.5) * apart**2 + apart * generator.standard_normal(len(targets))
    attenuation = generator.uniform(0.7, 0.95, len(targets))
    return DomainTrials((truth - shift * attenuation) / scale, attenuation, targets, enrolled, tested)


def losses(speakers: int, seed: int, **line: float) -> tuple[float, float, float]:
    """Cllr of a fit, of the global calibration, and the least, on other speakers of the line."""
    correction = fit(a_line(speakers, seed, **line), CURVE)
    rest = a_line(150, seed + 1000, **line)
    plain = Trials.of(bounded(rest.llr, CURVE.lowest, CURVE.highest), rest.targets)
    return cllr(Trials.of(corrected(correction, rest), rest.targets)), cllr(plain), min_cllr(plain)


LINES_OF_DOMAINS = [{}, {"scale": 0.6}, {"shift": 3.0}, {"scale": 0.7, "shift": -3.0}, {"apart": 2.5, "shift": 2.0}]


@pytest.mark.parametrize("line", LINES_OF_DOMAINS, ids=str)
def test_with_50_speakers_little_is_lost_and_with_5_nothing_gets_worse(line: dict[str, float]) -> None:
    with_50 = np.array([losses(50, seed, **line) for seed in range(4)])
    with_5 = np.array([losses(5, seed, **line) for seed in range(4)])
    assert (with_50[:, 0] - with_50[:, 2]).max() < 0.05
    assert (with_5[:, 0] - with_5[:, 1]).max() < 0.01


def test_what_the_global_calibration_gets_wrong_is_found_with_speakers_enough() -> None:
    found = fit(a_line(200, 1, scale=0.6, shift=2.0), CURVE)
    assert found.scale == pytest.approx(0.6, rel=0.15)
    assert found.shift == pytest.approx(2.0, abs=0.6)


def test_the_fewer_speakers_the_nearer_to_the_global_calibration() -> None:
    shifts = [abs(fit(a_line(count, 3, shift=4.0), CURVE).shift) for count in (2, 5, 10, 20, 50, 100)]
    assert shifts == sorted(shifts)
    assert shifts[0] < 0.2
    assert shifts[-1] > 3.0


def test_kinds_that_do_not_overlap_make_no_boundless_curve() -> None:
    found = fit(a_line(60, 4, apart=12.0), CURVE)
    found.check()
    assert CURVE.lowest <= found.lowest < 0.0 < found.highest <= CURVE.highest


def test_repeating_a_speakers_comparisons_changes_next_to_nothing() -> None:
    once = a_line(20, 5, shift=3.0)
    columns = (once.llr, once.attenuation, once.targets, once.enrolled, once.tested)
    often = DomainTrials(*(np.tile(column, 10) for column in columns))  # type: ignore[arg-type]
    assert fit(often, CURVE).shift == pytest.approx(fit(once, CURVE).shift, abs=0.02)


def test_no_speaker_is_in_both_parts_of_a_fold() -> None:
    parts = list(folds(a_line(30, 6)))
    assert len(parts) == 5
    for rest, held in parts:
        assert not {*rest.enrolled, *rest.tested} & {*held.enrolled, *held.tested}


def test_the_figures_of_a_fit_are_of_speakers_that_it_did_not_see() -> None:
    fitted = fitted_condition(a_line(60, 7, shift=3.0), CURVE)
    assert fitted
    correction, evidence = fitted
    assert (evidence.speakers, evidence.genuine) == (60, 60)
    assert evidence.min_cllr <= evidence.cllr < evidence.global_cllr
    assert correction.shift > 1.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two readers of the golden calls, each with two recordings."""
    rows = []
    for name, person in list(load().items())[:2]:
        for number, samples in enumerate((person.enrollment, person.call)):
            path = tmp_path / f"{name}-{number}.wav"
            with wave.open(str(path), "wb") as file:
                file.setparams((1, 2, 16000, 0, "NONE", ""))
                file.writeframes((samples[: 4 * 16000] * 32767).astype("<i2").tobytes())
            rows.append({"path": path.name, "speaker": name, "role": ("enrollment", "call")[number]})
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "speaker", "role"])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_two_speakers_get_no_calibration_of_their_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "calibration.json"
    argv = ["calibrate", "--domain", "acme", "--manifest", str(folder / "manifest.csv"), "--out", str(out)]
    monkeypatch.setattr("sys.argv", argv)
    assert main() == 2
    assert "no condition has enough speakers" in capsys.readouterr().err
    assert not out.exists()


def test_every_line_gives_speech_of_its_length_back() -> None:
    person = next(iter(load().values()))
    waveform = Waveform(person.call[:32000], 16000)
    for name, line in LINES.items():
        sent = line(waveform, np.random.default_rng(1))
        assert sent.seconds == pytest.approx(2.0, abs=0.03), name
        assert np.isfinite(sent.samples).all()
