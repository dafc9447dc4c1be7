import hashlib
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.corpus.checks import CorpusRow, DataError, check, read, unbalanced, write

RATE = 16000
type Material = tuple[Path, list[CorpusRow]]


def sound(path: Path, seed: int, lead_ms: int) -> None:
    generator = np.random.default_rng(seed)
    quiet = np.zeros(lead_ms * RATE // 1000)
    tone = generator.normal(0, generator.uniform(500, 4000), int(RATE * generator.uniform(0.6, 0.9)))
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.concatenate([quiet, tone.clip(-32768, 32767)]).astype("<i2").tobytes())


def listed(folder: Path, name: str, index: int) -> CorpusRow:
    path = f"{name}/{index}.wav"
    with wave.open(str(folder / path), "rb") as file:
        seconds = file.getnframes() / RATE
    split = ("train", "validation")[index % 2]
    family = f"family {split}" if name == "spoof" else ""
    digest = hashlib.sha256((folder / path).read_bytes()).hexdigest()
    speaker = f"{split} {index % 6}"
    return CorpusRow(
        path=path,
        label=name,
        family=family,
        system=family,
        speaker=speaker,
        group="g",
        split=split,
        use="train",
        licence="CC0-1.0",
        source="made",
        sha256=digest,
        rate=RATE,
        seconds=seconds,
    )


@pytest.fixture
def material(tmp_path: Path) -> Material:
    rows = []
    for number, name in enumerate(("bonafide", "spoof")):
        for index in range(24):
            sound(tmp_path / name / f"{index}.wav", 100 * number + index, lead_ms=7 * index % 60)
            rows.append(listed(tmp_path, name, index))
    write(tmp_path / "manifest.csv", rows)
    return tmp_path / "manifest.csv", rows


def changed(rows: list[CorpusRow], index: int, **fields: Any) -> list[CorpusRow]:
    return [replace(row, **fields) if number == index else row for number, row in enumerate(rows)]


def test_accepts_material_without_defects_and_reads_what_was_written(material: Material) -> None:
    path, rows = material

    check(path.parent, rows)

    assert read(path) == sorted(rows, key=lambda row: row.path)


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda rows: changed(rows, 0, speaker="validation 1"), "speaker validation 1 .*bonafide/0.wav"),
        (lambda rows: changed(rows, 24, family="family validation"), "family family validation .*spoof/0.wav"),
        (lambda rows: changed(rows, 24, label="bonafide"), "spoof/0.wav: is labeled bonafide"),
        (lambda rows: changed(rows, 3, label="spoof"), "bonafide/3.wav: is labeled spoof"),
        (lambda rows: changed(rows, 5, use="eval"), "bonafide/5.wav: .*measuring only"),
        (lambda rows: changed(rows, 5, licence=""), "bonafide/5.wav: has no licence"),
        (lambda rows: changed(rows, 7, seconds=9.0), "bonafide/7.wav: .*truncated"),
        (lambda rows: [*rows, replace(rows[1], path="bonafide/none.wav")], "bonafide/none.wav: is missing"),
    ],
)
def test_names_the_row_of_a_defect(
    material: Material, plant: Callable[[list[CorpusRow]], list[CorpusRow]], message: str
) -> None:
    path, rows = material

    with pytest.raises(DataError, match=message):
        check(path.parent, plant(rows))


def test_names_a_file_that_was_cut_short(material: Material) -> None:
    path, rows = material
    file = path.parent / rows[2].path
    file.write_bytes(file.read_bytes()[:-2000])

    with pytest.raises(DataError, match=r"bonafide/2.wav: .*truncated"):
        check(path.parent, rows)


def test_names_samples_that_are_listed_twice(material: Material) -> None:
    path, rows = material
    copy = path.parent / "bonafide/copy.wav"
    copy.write_bytes((path.parent / rows[4].path).read_bytes())

    with pytest.raises(DataError, match=r"bonafide/copy.wav: holds the samples of bonafide/4.wav"):
        check(path.parent, [*rows, replace(rows[4], path="bonafide/copy.wav")])


def test_names_rows_of_a_class_that_starts_with_a_constant_silence(material: Material) -> None:
    path, rows = material
    for index in range(24):
        sound(path.parent / f"spoof/{index}.wav", 200 + index, lead_ms=25)
    again = [
        listed(path.parent, "spoof", index) if row.label == "spoof" else row
        for index, row in zip([*range(24), *range(24)], rows, strict=True)
    ]

    with pytest.raises(DataError, match=r"leading_ms is 25 in most of spoof: spoof/0.wav"):
        check(path.parent, again)


def test_names_channels_that_one_class_went_through_more_than_the_other() -> None:
    labels = ["bonafide", "spoof"] * 20 + ["spoof"] * 10
    channels = ["wide"] * 40 + ["telephone"] * 10

    assert unbalanced(labels, channels) == [
        "channel telephone: 0% bona fide, 40% over all channels",
    ]


def test_refuses_a_table_that_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,label\nx.wav,spoof\n")

    with pytest.raises(DataError, match="not a manifest"):
        read(tmp_path / "manifest.csv")
