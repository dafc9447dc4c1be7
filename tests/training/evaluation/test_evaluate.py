import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bonafide.audio.waveform import Waveform
from bonafide.biometrics.decision import Decision
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from tests.audio.flac_writer import stream as flac
from tests.audio.wav_writer import chunk, layout, riff, wav
from tests.readings import lasting, reading
from tests.training.conftest import as_wav
from training.evaluation import evaluate, verify
from training.evaluation.evidence import Adjustment, read
from training.evaluation.trials import TrialRecording, enrollments


def recording(speaker: str) -> TrialRecording:
    vector = np.array([1.0, 0.0], np.float32)
    evidence = Evidence(5.0, Channel.NARROWBAND, {Channel.NARROWBAND: vector}, Quality(-20.0, 0.0, None), "space")
    return TrialRecording(speaker, "", evidence, evidence, vector, vector)


def deep(waveform: Waveform, bits: int) -> bytes:
    """What `as_wav` writes, of 24 or 32 bits, or of -32 or -64 as floats."""
    pcm = np.rint(waveform.samples * 32767).astype(np.int32)
    data = {
        24: (pcm << 8).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes(),
        32: (pcm << 16).astype("<i4").tobytes(),
        -32: (pcm / 32768).astype("<f4").tobytes(),
        -64: (pcm / 32768).astype("<f8").tobytes(),
    }[bits]
    form = layout(1 if bits > 0 else 3, rate=waveform.rate, bits=abs(bits))
    return riff(chunk(b"fmt ", form), chunk(b"data", data))


def append(manifest: Path, name: str, content: bytes) -> None:
    (manifest.parent / name).write_bytes(content)
    with manifest.open("a", encoding="utf-8") as file:
        file.write(f"{name},someone,,readings,Apache-2.0,train\n")


def command(monkeypatch: pytest.MonkeyPatch, manifest: Path, out: Path, bundle: Path, *more: str) -> int:
    arguments = ["--task", "verify", "--manifest", str(manifest), "--out", str(out), "--bundle", str(bundle), *more]
    monkeypatch.setattr("sys.argv", ["evaluate", *arguments])
    return evaluate.main()


def test_every_pair_is_scored_and_reported(
    monkeypatch: pytest.MonkeyPatch, manifest: Path, bundle: Path, tmp_path: Path
) -> None:
    assert command(monkeypatch, manifest, tmp_path / "made/out.json", bundle) == 0
    report = json.loads((tmp_path / "made/out.json").read_bytes())
    assert (report["trials"], report["targets"], report["nontargets"]) == (15, 3, 12)
    assert report["comparisons"] == {"wideband": 15}
    assert report["eer"] == report["baseline_cosine_eer"] == 0.0
    assert report["min_cllr"] <= report["cllr"] < 0.3
    assert {"fnmr_at_fmr_1pct", "fnmr_at_fmr_0_1pct", "bundle"} <= set(report)
    assert report["confidence_intervals"]["eer"] == [0.0, 0.0]
    for kind in ("genuine", "impostor"):
        assert sum(report["decisions"][kind][each] for each in Decision) == pytest.approx(1.0)


@pytest.mark.parametrize(("condition", "comparison"), [("telephone", "narrowband"), ("cross", "cross")])
def test_a_condition_is_what_is_compared(manifest: Path, bundle: Path, condition: str, comparison: str) -> None:
    assert verify.evaluate(manifest, bundle, condition, 1)["comparisons"] == {comparison: 15}


def test_says_what_it_skipped_cut_or_found_no_speech_in(manifest: Path, bundle: Path) -> None:
    append(manifest, "corrupt.wav", b"RIFF but no more")
    append(manifest, "stereo.wav", wav(np.zeros((16000, 2), np.int16)))
    append(manifest, "empty.wav", wav(np.zeros(0, np.int16)))
    append(manifest, "broken.wav", deep(reading(), 24)[:-1])
    append(manifest, "silent.wav", as_wav(Waveform(np.zeros(16000, np.float32), 16000)))
    append(manifest, "long.wav", as_wav(lasting(reading(), 61.0)))
    report = verify.evaluate(manifest, bundle, "native", 1)["recordings"]
    assert report["skipped"] == {
        "audio_channel_required": 1,
        "audio_malformed": 1,
        "audio_too_short": 1,
        "audio_truncated": 1,
    }
    assert (report["listed"], report["used"]) == (12, 8)
    assert (report["cut_to_60_seconds"], report["without_speech"]) == (1, 1)


def test_what_is_short_or_has_more_bits_is_scored_all_the_same(manifest: Path, bundle: Path) -> None:
    append(manifest, "short.wav", as_wav(replace(reading(), samples=reading().samples[:4000])))
    append(manifest, "deep.wav", deep(reading(), 24))
    found = verify.evaluate(manifest, bundle, "telephone", 1)
    report = found["recordings"]
    assert (report["padded_to_half_a_second"], report["cut_to_60_seconds"]) == (1, 0)
    assert (report["used"], report["skipped"], found["trials"]) == (8, {}, 28)


@pytest.mark.parametrize("bits", [24, 32, -32, -64])
def test_a_recording_of_more_bits_is_read_as_one_of_16(tmp_path: Path, bits: int) -> None:
    (tmp_path / "deep.wav").write_bytes(deep(reading(), bits))
    (tmp_path / "plain.wav").write_bytes(as_wav(reading()))
    (found, changes), (plain, none) = read(tmp_path / "deep.wav"), read(tmp_path / "plain.wav")
    assert np.array_equal(found.samples, plain.samples)
    assert not changes | none


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_a_short_recording_is_followed_by_silence(tmp_path: Path, name: str) -> None:
    pcm = np.arange(1, 1001, dtype=np.int16)
    (tmp_path / "short").write_bytes(wav(pcm, 8000) if name == "wav" else flac(pcm, 8000))
    found, changes = read(tmp_path / "short")
    assert changes == {Adjustment.PADDED}
    assert len(found.samples) == 4000
    assert np.array_equal(found.samples[:1000] * 32768, pcm)
    assert not found.samples[1000:].any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("path,who\n", "speaker"),
        ("path,speaker\n", "no recordings"),
        ("path,speaker\ngone.wav,me\n", "gone.wav"),
    ],
)
def test_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    content: str | None,
    message: str,
) -> None:
    manifest = tmp_path / "manifest.csv"
    if content is not None:
        manifest.write_text(content, encoding="utf-8")
    assert command(monkeypatch, manifest, tmp_path / "out.json", tmp_path) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--task", "tandem"], "SPOOF="),
        (["--task", "verify", "--spoof", "clips.csv"], "SPOOF="),
        (["--task", "spoof", "--condition", "cross"], "native and telephone"),
        (["--out", ""], "OUT="),
    ],
)
def test_says_which_arguments_do_not_go_together(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, more: list[str], message: str
) -> None:
    with pytest.raises(SystemExit):
        command(monkeypatch, tmp_path / "m.csv", tmp_path / "out.json", tmp_path, *more)
    assert message in capsys.readouterr().err


def test_each_pair_of_recordings_is_one_trial() -> None:
    made = enrollments([recording("a"), recording("a"), recording("b")], 1)
    assert [list(each.tests) for each in made] == [[1, 2], [2]]


def test_each_run_of_a_speakers_recordings_is_enrolled_and_tested_with_all_others() -> None:
    made = enrollments([recording(speaker) for speaker in "aaaab"], 3)
    assert [each.speaker for each in made] == ["a"] * 4
    assert [list(each.tests) for each in made] == [[3, 4], [0, 4], [1, 4], [2, 4]]
    assert all(template.recordings == 3 for each in made for template in each.voiceprint.templates.values())
