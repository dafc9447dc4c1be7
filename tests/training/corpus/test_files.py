"""Files of the corpus, their lists, and their split."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.audio.signals import voice
from training.corpus.assemble import rows
from training.corpus.files import (
    CorpusFile,
    copy_of,
    load,
    originals,
    originals_at_full_scale,
    read_list,
    write,
    write_list,
)
from training.corpus.split import CONF, CorpusSplit

SPLIT = CorpusSplit(held_out_speakers=0.5, held_out_families=["held"], measured_only=[])


def recording(name: str, **fields: str) -> CorpusFile:
    made = CorpusFile(name, "bonafide", "", "", "reader", "g", "train", "CC0-1.0", "made", 16000)
    return replace(made, **fields)  # type: ignore[arg-type]


def test_a_file_is_written_at_a_common_peak_and_found_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "collected"
    kept = write(folder, recording("a.wav"), voice())
    assert kept.path == "collected/a.wav"
    assert kept.seconds == pytest.approx(len(voice()) / 16000)
    assert np.abs(load(folder, kept)).max() == pytest.approx(0.5, abs=1e-3)
    assert load(folder, kept) == pytest.approx(voice() * (0.5 / np.abs(voice()).max()), abs=1e-4)


def test_what_is_listed_is_recalled_and_only_wideband_human_speech_is_copied(tmp_path: Path) -> None:
    folder = tmp_path / "collected"
    files = [recording("a.wav"), recording("b.wav", label="spoof", family="f", system="s")]
    narrow = replace(recording("c.wav"), rate=8000)
    kept = [write(folder, each, voice()) for each in [*files, narrow]]
    write_list(folder, kept[::-1])
    assert read_list(folder) == kept
    assert originals(folder) == kept[:1]
    assert [len(each) for each in originals_at_full_scale(folder, 100)] == [len(voice())]
    assert originals_at_full_scale(folder, 10**9) == []


def test_a_copy_keeps_the_speaker_and_names_what_it_copies(tmp_path: Path) -> None:
    original = write(tmp_path / "collected", recording("a.wav"), voice())
    copy = write(tmp_path / "copies", copy_of(original, "held", "machine"), voice())
    assert (copy.path, copy.source) == ("copies/machine_a.wav", "collected/a.wav")
    assert (copy.speaker, copy.label, copy.family, copy.system) == ("reader", "spoof", "held", "machine")


def test_neither_a_speaker_nor_a_family_is_on_two_sides(tmp_path: Path) -> None:
    people = [write(tmp_path / "c", recording(f"{name}.wav", speaker=name), voice()) for name in "abcdefgh"]
    copies = [
        write(tmp_path / "s", copy_of(each, family, f"{family}-machine"), voice())
        for each in people
        for family in ("held", "trained")
    ]
    alone = write(tmp_path / "v", recording("v.wav", label="spoof", family="held", speaker="tts", system="t"), voice())
    listed = list(rows(tmp_path, [*people, *copies, alone], SPLIT))
    for kind in ("speaker", "family"):
        sides = {(getattr(row, kind), row.split) for row in listed if getattr(row, kind)}
        assert len(sides) == len({name for name, _ in sides})
    assert {row.split for row in listed} == {"train", "test"}
    assert len(listed) == 8 + 8 + 1
    assert all(SPLIT.fits(row.family, row.speaker) for row in listed if row.source != "made")


def test_the_split_of_the_configuration_is_read() -> None:
    split = CorpusSplit.read(CONF)
    assert split.of_family("festival") == "test"
    assert split.of_family("hifi-gan") == "train"
