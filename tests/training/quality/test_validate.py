"""Faults are planted in sound material; each is found by the rule that should, which names row, column and value."""

import hashlib
import json
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.corpus.draw import channels_of
from training.corpus.rows import CorpusRow, DataError, read, write
from training.corpus.split import CONF, configuration
from training.quality.cues import balance
from training.quality.expectations import DataExpectations, DataViolation
from training.quality.validate import main, validate

RATE = 16000
EXPECTED = DataExpectations.read()
CONFIGURATION = configuration(CONF)


def noise(seed: int, lead_ms: int = 0, rate: int = RATE) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    loud = generator.normal(0, generator.uniform(500, 4000), int(rate * generator.uniform(0.6, 0.9)))
    return np.concatenate([generator.normal(0, 5, lead_ms * rate // 1000), loud]).clip(-32768, 32767)


def low_passed(samples: NDArray[np.float64], hertz: float) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(samples)
    spectrum[int(hertz / RATE * len(samples)) :] = 0
    return np.fft.irfft(spectrum, len(samples))


@dataclass
class Material:
    """A corpus of 24 files of each class on both sides of the split."""

    folder: Path
    rows: list[CorpusRow]

    def put(self, path: str, samples: NDArray[np.float64], rate: int = RATE, **fields: Any) -> None:
        """Writes a file, and brings its row up to date or adds one."""
        with wave.open(str(self.folder / path), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(np.rint(samples).astype("<i2").tobytes())
        found = {"sha256": self.sha256(path), "rate": rate, "seconds": len(samples) / rate, **fields}
        known = next((row for row in self.rows if row.path == path), None)
        if known:
            self.change(path, **found)
        else:
            self.rows.append(replace(self.rows[0], path=path, source=path, **found))

    def change(self, path: str, **fields: Any) -> None:
        """Changes columns of a row."""
        self.rows = [replace(row, **fields) if row.path == path else row for row in self.rows]

    def samples(self, path: str) -> NDArray[np.float64]:
        """Reads a file."""
        with wave.open(str(self.folder / path), "rb") as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)

    def sha256(self, path: str) -> str:
        """Digests a file."""
        return hashlib.sha256((self.folder / path).read_bytes()).hexdigest()

    def found(self) -> set[tuple[str, str, str]]:
        """Returns rule, path and column of each violation."""
        manifest = self.folder / "manifest.csv"
        write(manifest, self.rows)
        violations = validate(manifest, None, EXPECTED, CONFIGURATION).violations
        return {(each.rule, each.path, each.column) for each in violations}


@pytest.fixture
def material(tmp_path: Path) -> Material:
    made = Material(tmp_path, [])
    for number, label in enumerate(("bonafide", "spoof")):
        (tmp_path / label).mkdir()
        for index in range(24):
            split = ("train", "test")[index % 2]
            family = f"family {split}" if label == "spoof" else ""
            path = f"{label}/{index}.wav"
            row = CorpusRow(
                path=path,
                label=label,
                family=family,
                system=family,
                speaker=f"{split} {index % 6}",
                group="g",
                split=split,
                use="train",
                licence="CC0-1.0",
                source=path,
                sha256="",
                rate=RATE,
                seconds=0.0,
            )
            made.rows.append(row)
            made.put(path, noise(100 * number + index, lead_ms=7 * index % 60))
    return made


def test_sound_material_has_no_violations(material: Material) -> None:
    assert material.found() == set()
    assert read(material.folder / "manifest.csv") == sorted(material.rows, key=lambda row: row.path)


FIRST = "bonafide/0.wav"
COLUMNS: list[tuple[str, dict[str, Any], str, str]] = [
    ("bonafide/0.wav", {"use": "eval"}, "use", "use"),
    ("bonafide/1.wav", {"licence": "CC-BY-NC-4.0"}, "licence", "licence"),
    ("bonafide/2.wav", {"licence": ""}, "licence", "licence"),
    ("bonafide/3.wav", {"label": "human"}, "label", "label"),
    ("bonafide/4.wav", {"label": "spoof"}, "label", "family"),
    ("bonafide/5.wav", {"split": "dev", "speaker": "alone"}, "split", "split"),
    ("bonafide/6.wav", {"speaker": ""}, "value", "speaker"),
    ("bonafide/7.wav", {"seconds": 99.0}, "seconds", "seconds"),
    ("bonafide/8.wav", {"rate": 44100}, "rate", "rate"),
    ("bonafide/9.wav", {"rate": 8000}, "file", "rate"),
    ("bonafide/10.wav", {"sha256": "0" * 64}, "file", "sha256"),
    ("bonafide/12.wav", {"speaker": "test 1"}, "speaker leak", "speaker"),
    ("spoof/0.wav", {"family": "family test"}, "family leak", "family"),
]
# What else one of them breaks.
FOLLOWING = {("file", f"bonafide/{index}.wav", column) for index, column in ((7, "seconds"), (8, "rate"))}


def test_every_wrong_column_is_found_by_its_rule_and_no_other_row_is_named(material: Material) -> None:
    for path, fields, _, _ in COLUMNS:
        material.change(path, **fields)
    assert material.found() == {(rule, path, column) for path, _, rule, column in COLUMNS} | FOLLOWING


def clipped(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(samples, -samples.std() / 2, samples.std() / 2)


SIGNALS: list[tuple[Callable[[NDArray[np.float64]], NDArray[np.float64]], str, str]] = [
    (lambda samples: samples * 0, "silence", "samples"),
    (lambda samples: np.concatenate([samples[:800], np.zeros(len(samples) - 800)]), "silence", "silence"),
    (lambda samples: samples / np.abs(samples).max() * 60, "level", "level_db"),
    (lambda samples: samples / samples.std() * 20000, "level", "level_db"),
    (clipped, "clipping", "clipping"),
]


def test_every_bad_signal_is_found_by_its_rule(material: Material) -> None:
    for index, (damage, _, _) in enumerate(SIGNALS):
        material.put(f"bonafide/{index}.wav", np.clip(damage(material.samples(f"bonafide/{index}.wav")), -32768, 32767))
    planted = {(rule, f"bonafide/{index}.wav", column) for index, (_, rule, column) in enumerate(SIGNALS)}
    # A level that is too high is clipped as well.
    assert material.found() - {("clipping", "bonafide/3.wav", "clipping")} == planted


def test_a_file_that_was_cut_short_or_is_missing_is_found(material: Material) -> None:
    file = material.folder / "bonafide/2.wav"
    file.write_bytes(file.read_bytes()[:-2000])
    material.change("bonafide/2.wav", sha256=material.sha256("bonafide/2.wav"))
    (material.folder / "bonafide/4.wav").unlink()
    assert material.found() >= {("file", "bonafide/2.wav", "seconds"), ("file", "bonafide/4.wav", "sha256")}


DISGUISES: list[tuple[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = [
    ("duplicate", lambda samples: samples),
    ("near duplicate", lambda samples: samples * 0.7),
    ("near duplicate", lambda samples: np.concatenate([np.zeros(333), samples[1000:-500] * -1.3])),
]


def test_a_recording_under_another_name_is_found_whatever_its_gain_and_ends(material: Material) -> None:
    planted = set()
    for index, (rule, disguise) in enumerate(DISGUISES):
        samples = np.clip(disguise(material.samples(f"bonafide/{4 * index}.wav")), -32768, 32767)
        material.put(f"copy-{index}.wav", samples, speaker="train 9", split="train")
        planted.add((rule, f"copy-{index}.wav", "samples"))
    assert material.found() == planted


def test_a_copy_by_synthesis_may_hold_samples_of_the_recording_that_it_names(material: Material) -> None:
    part = np.concatenate([material.samples("bonafide/4.wav")[:9000], noise(999)])
    material.put("spoof/4.wav", part, source="bonafide/4.wav")
    assert material.found() == set()


def give_spoofs(material: Material, change: Callable[[int, NDArray[np.float64]], NDArray[np.float64]]) -> None:
    for index in range(24):
        material.put(f"spoof/{index}.wav", change(index, material.samples(f"spoof/{index}.wav")))


CUES: list[tuple[Callable[[int, NDArray[np.float64]], NDArray[np.float64]], str]] = [
    (lambda index, samples: low_passed(samples, 5000), "band_hz"),
    (lambda index, samples: samples / samples.std() * 6000, "level_db"),
    (lambda index, samples: noise(300 + index, lead_ms=25), "leading_ms"),
]


@pytest.mark.parametrize(("change", "trait"), CUES)
def test_a_trait_that_gives_the_label_away_is_found_with_its_rows(
    material: Material, change: Callable[[int, NDArray[np.float64]], NDArray[np.float64]], trait: str
) -> None:
    give_spoofs(material, change)
    found = {(rule, column) for rule, path, column in material.found() if "spoof/0.wav" in path}
    assert ("label cue", trait) in found


def test_a_rate_that_only_one_class_has_is_found(material: Material) -> None:
    for index in range(24):
        material.put(f"spoof/{index}.wav", noise(index + 500, rate=8000), rate=8000)
    assert ("label cue", "rate") in {(rule, column) for rule, _, column in material.found()}


def test_a_side_without_a_class_is_found(material: Material) -> None:
    material.rows = [row for row in material.rows if (row.split, row.label) != ("test", "spoof")]
    assert ("split", "", "share of spoof in test") in material.found()


def test_a_channel_that_one_class_went_through_more_than_the_other_is_found() -> None:
    (violation,) = balance({"telephone": (0, 10), "wide": (20, 20)}, EXPECTED.label)
    assert violation == DataViolation(
        "balance",
        "",
        "share of bona fide in channel telephone",
        "0%",
        "40% as over all channels, within 15%",
    )


def test_narrowband_recordings_go_through_narrowband_channels_only(material: Material) -> None:
    drawn = channels_of(replace(material.rows[0], rate=8000), CONFIGURATION["crops"])
    assert {channel.rate for channel in drawn} == {8000}


def test_a_recording_for_calibration_is_checked_too(material: Material) -> None:
    calibration = material.folder / "calibration.csv"
    calibration.write_text("path,speaker,source,licence,use\na.wav,x,s,Apache-2.0,eval\nb.wav,x,s,CC-BY-ND-4.0,train\n")
    write(material.folder / "manifest.csv", material.rows)
    report = validate(material.folder / "manifest.csv", calibration, EXPECTED, CONFIGURATION)
    assert [(each.rule, each.path) for each in report.violations] == [("use", "a.wav"), ("licence", "b.wav")]


def test_a_violation_fails_the_command_which_names_it_and_writes_a_report(
    material: Material, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    material.change(FIRST, use="eval")
    write(material.folder / "manifest.csv", material.rows)
    given = ["validate", "--manifest", str(material.folder / "manifest.csv"), "--out", str(material.folder / "out")]
    monkeypatch.setattr(sys, "argv", given)
    assert main() == 1
    assert f"use: {FIRST}: use is 'eval', expected train" in capsys.readouterr().err
    assert json.loads((material.folder / "out/report.json").read_bytes())["passed"] is False
    assert "expected" in (material.folder / "out/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "message"),
    [("path,label\nx.wav,spoof\n", "not a manifest"), (None, "line 2: rate is 'fast', expected a number")],
)
def test_a_table_that_is_no_manifest_is_refused_by_line_and_column(
    material: Material, table: str | None, message: str
) -> None:
    manifest = material.folder / "manifest.csv"
    write(manifest, [replace(material.rows[0], rate="fast")])  # type: ignore[arg-type]
    if table:
        manifest.write_text(table)
    with pytest.raises(DataError, match=message):
        read(manifest)
