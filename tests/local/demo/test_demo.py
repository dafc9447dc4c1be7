import io
import json
import wave
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bonafide.audio.decode import decode
from bonafide.audio.waveform import Samples
from bonafide_client import ApiResponse
from layers.golden.readers import RATE, Reader, keep, wav
from local.demo import synthetic_voices
from local.demo.report import DemoRow, summary, write
from local.demo.script import Action, DemoStep, Expectation, SyntheticVoice, script
from local.demo.table import DemoTable
from tests.audio.signals import voice

NAMES = ("ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "shy")
READERS = {
    name: Reader(name, (voice(seconds=3.0 if name == "shy" else 9.0, seed=i), voice(seconds=4.0, seed=100 + i)))
    for i, name in enumerate(NAMES)
}
# The steps take seconds to make: one worker makes them.
pytestmark = pytest.mark.xdist_group("demo")


@cache
def steps() -> list[tuple[str, DemoStep]]:
    """All steps, with other sounds for synthetic speech: the program of it takes seconds for each sentence."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(synthetic_voices, "speech", lambda number: voice(seconds=4.0, seed=200 + number))
        return [(section, step) for section, every in script(READERS) for step in every]


def calls() -> list[DemoStep]:
    return [step for _, step in steps() if step.action is Action.CALL]


def response(status: int, document: Mapping[str, Any], milliseconds: float) -> ApiResponse:
    return ApiResponse(status, {}, json.dumps(document).encode(), milliseconds)


def row(
    outcome: str,
    expected: Expectation,
    status: int = 200,
    reasons: tuple[str, ...] = (),
    synthetic: SyntheticVoice | None = None,
) -> DemoRow:
    key = "decision" if status < 400 else "code"
    document = {
        key: outcome,
        "reasons": list(reasons),
        "speaker": {"llr": 4.25, "score": 93.0, "threshold": 0.0},
        "liveness": {"llr": -2.5, "score": 7.6, "threshold": -1.4, "state": "spoof"},
    }
    return DemoRow(
        "calls", DemoStep("genuine", "ann", "ann", expected, synthetic=synthetic), response(status, document, 12.5)
    )


def totals(rows: Sequence[DemoRow]) -> Mapping[str, Any]:
    return {**summary(rows, 1.0), "replay": {"decisions": 165, "equal": 164}}


def test_everybody_but_one_is_enrolled_and_calls_as_themselves() -> None:
    genuine = {
        step.claimed for section, step in steps() if section.startswith("Genuine") and step.domain == "demo-office"
    }
    assert genuine == set(NAMES) - {"shy"}


def test_everybody_enrolled_is_claimed_by_three_others() -> None:
    impostors = [step for section, step in steps() if section.startswith("Impostors: someone")]
    assert all(step.claimed != step.spoke for step in impostors)
    pairs = {(step.claimed, step.spoke) for step in impostors}
    assert len(pairs) == len(impostors) == 3 * (len(NAMES) - 1)


def test_no_impostor_may_be_accepted_and_no_genuine_caller_rejected_on_a_good_line() -> None:
    for section, step in steps():
        if section.startswith("Impostors"):
            assert "ACCEPT" not in step.expected.outcomes
        if section.startswith("Genuine"):
            assert "REJECT" not in step.expected.outcomes


@pytest.mark.parametrize(
    "outcome",
    [
        "PENDING",
        "INCONCLUSIVE",
        "OPTED_OUT",
        "audio_clipped",
        "audio_too_short",
        "audio_too_long",
        "audio_truncated",
        "audio_malformed",
        "speaker_not_found",
        "speaker_not_enrolled",
        "speaker_opted_out",
    ],
)
def test_each_way_to_fail_is_played(outcome: str) -> None:
    assert any(step.expected.outcomes == (outcome,) for _, step in steps())


def test_everybody_enrolled_is_cloned_by_every_system_in_both_bands() -> None:
    clones = [step for _, step in steps() if step.synthetic is SyntheticVoice.CLONE]
    made = {(step.claimed, step.spoke, step.domain) for step in clones}
    assert len(made) == len(clones) == 2 * len(synthetic_voices.COPIERS) * (len(NAMES) - 1)
    assert not any("ACCEPT" in step.expected.outcomes for step in clones if step.spoke == "lpc")


def test_text_to_speech_claims_everybody_in_both_bands_and_may_not_be_accepted() -> None:
    spoken = [step for _, step in steps() if step.synthetic is SyntheticVoice.SPEECH]
    assert len({(step.claimed, step.domain) for step in spoken}) == len(spoken) == 2 * (len(NAMES) - 1)
    assert not any("ACCEPT" in step.expected.outcomes for step in spoken)


@pytest.mark.parametrize("system", synthetic_voices.COPIERS)
def test_a_clone_is_another_waveform_with_the_length_the_level_and_the_spectrum_of_its_original(system: str) -> None:
    original = READERS["ann"].call
    clone = synthetic_voices.copy(system, original)
    assert len(clone) == len(original)
    assert np.mean(np.square(clone)) == pytest.approx(np.mean(np.square(original)), rel=0.05)
    assert abs(np.corrcoef(original, clone)[0, 1]) < 0.9
    assert np.corrcoef(_spectrum(original), _spectrum(clone))[0, 1] > 0.8


def _spectrum(samples: Samples) -> np.ndarray:
    frames = samples[: len(samples) // 512 * 512].reshape(-1, 512)
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(512)))).mean(axis=0)
    return np.log(power[:256].reshape(32, 8).mean(axis=1) + 1e-9)


def test_each_run_makes_the_same_synthetic_speech() -> None:
    again = synthetic_voices.speech.__wrapped__(0)
    assert np.array_equal(synthetic_voices.speech(0), again)
    assert len(again) > 4 * RATE


def test_the_summary_tells_clones_that_a_voice_alone_would_accept_from_genuine_callers() -> None:
    clone = row("STEP_UP", Expectation(("STEP_UP",)), reasons=("VOICE_SYNTHETIC",), synthetic=SyntheticVoice.CLONE)
    totals = summary([row("ACCEPT", Expectation(("ACCEPT",))), clone], 1.0)
    assert totals["genuine"] == {"ACCEPT": 1}
    assert totals["clone"] == totals["clone_with_matching_voice"] == {"STEP_UP": 1}
    assert totals["people"] == 1
    assert clone.record()["liveness"]["llr"] == -2.5


def test_telephone_calls_are_sent_at_8_khz_and_the_others_at_16() -> None:
    kinds = ("Genuine", "Impostors", "Synthetic")
    rates = {section: _rate(step.content) for section, step in steps() if section.startswith(kinds)}
    assert all((rate == 8000) == section.endswith("telephone") for section, rate in rates.items())


def _rate(content: bytes) -> int:
    with wave.open(io.BytesIO(content)) as file:
        return int(file.getframerate())


def test_a_call_is_never_made_with_speech_of_the_enrollment() -> None:
    reader = READERS["ann"]
    sent = next(step for step in calls() if step.claimed == step.spoke == "ann")
    assert np.abs(decode(sent.content).samples - reader.clips[-1]).max() < 1e-4
    assert len(reader.enrollment) == 9 * RATE


def test_requests_name_the_speaker_and_enrollments_carry_consent() -> None:
    _, enrollment = steps()[0]
    body = enrollment.body()
    assert enrollment.path == "/v1/domains/demo-office/speakers/ann/enrollments"
    assert body
    assert body["consent"]["receipt_id"] == "demo-ann"


def test_an_expectation_holds_on_its_outcome_and_reason_only() -> None:
    expected = Expectation(("ACCEPT", "STEP_UP"), ("VOICE_MATCH", "AUDIO_QUIET"))
    assert row("STEP_UP", expected, reasons=("VOICE_MATCH", "AUDIO_NOISY")).held
    assert not row("ACCEPT", expected, reasons=("VOICE_UNCERTAIN",)).held
    assert not row("REJECT", expected, reasons=("VOICE_MATCH",)).held
    assert row("audio_empty", Expectation(("audio_empty",)), status=422).held


def test_an_unexpected_answer_is_not_held() -> None:
    broken = DemoRow("calls", DemoStep("genuine", "ann", "ann", Expectation(("ACCEPT",))), response(502, {}, 1.0))
    assert broken.outcome == "502"
    assert not broken.held


def test_a_clone_that_was_let_in_is_marked_though_it_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    let_in = row("ACCEPT", Expectation(("ACCEPT", "STEP_UP")), synthetic=SyntheticVoice.CLONE)
    for each in (let_in, row("ACCEPT", Expectation(("ACCEPT",))), row("REJECT", Expectation(("ACCEPT",)))):
        DemoTable().row(each)
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["!", "\u2713", "\u2717"]


def test_the_report_has_each_row_with_its_expectation(tmp_path: Path) -> None:
    rows = [row("ACCEPT", Expectation(("ACCEPT",))), row("REJECT", Expectation(("ACCEPT",)))]
    totals = summary(rows, 1.0)
    write(tmp_path / "demo" / "report.json", rows, totals)
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert (report["summary"]["held"], report["summary"]["failed"]) == (1, 1)
    assert report["summary"]["genuine"] == {"ACCEPT": 1, "REJECT": 1}
    assert [entry["held"] for entry in report["rows"]] == [True, False]
    assert report["rows"][0]["llr"] == 4.25
    assert report["rows"][1]["expected"] == {"outcomes": ["ACCEPT"], "reasons": []}


def test_the_table_is_plain_when_nobody_watches(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [row("ACCEPT", Expectation(("ACCEPT",))), row("REJECT", Expectation(("ACCEPT",), ("VOICE_MATCH",)))]
    table = DemoTable()
    table.heading("Genuine")
    for each in rows:
        table.row(each)
    table.closing(totals(rows), tmp_path)
    printed = capsys.readouterr().out
    assert "\033" not in printed
    assert "expected ACCEPT because of VOICE_MATCH" in printed
    assert "1 of 2 expectations held" in printed


def test_the_summary_begins_with_genuine_callers_and_attacks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    clone, anything = SyntheticVoice.CLONE, Expectation(("ACCEPT", "STEP_UP"))
    rows = [row(outcome, anything) for outcome in ("ACCEPT", "ACCEPT", "STEP_UP")]
    rows += [row(outcome, anything, synthetic=clone) for outcome in ("ACCEPT", "STEP_UP")]
    DemoTable().closing(totals(rows), tmp_path)
    genuine, attacks, *rest = capsys.readouterr().out.strip().splitlines()
    assert genuine == "Genuine callers: 2 of 3 accepted, 1 asked for another proof, 0 inconclusive, 0 rejected"
    assert (
        attacks == "Attacks accepted: 1 of 2 (impostors 0 of 0, text to speech 0 of 0, clones 1 of 2, replays 0 of 0)"
    )
    assert not any("held" in line and "1 attacks were accepted" not in line for line in rest)


def test_expectations_stand_alone_only_if_no_attack_was_accepted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rejected = row("REJECT", Expectation(("REJECT",)), synthetic=SyntheticVoice.SPEECH)
    DemoTable().closing(totals([row("ACCEPT", Expectation(("ACCEPT",))), rejected]), tmp_path)
    lines = capsys.readouterr().out.strip().splitlines()
    assert (
        lines[1] == "Attacks accepted: 0 of 1 (impostors 0 of 0, text to speech 0 of 1, clones 0 of 0, replays 0 of 0)"
    )
    assert lines[2] == "Regression check: 2 of 2 expectations held"


def test_what_readers_say_is_there_to_be_sent_by_hand(tmp_path: Path) -> None:
    keep([READERS["ann"]], tmp_path / "speech")
    written = {path.name: len(decode(path.read_bytes()).samples) for path in (tmp_path / "speech").iterdir()}
    assert written == {"ann-enrol.wav": 9 * RATE, "ann-call.wav": 4 * RATE}


def test_a_written_file_is_read_back_to_the_sample() -> None:
    pcm = decode(wav(READERS["bob"].call)).samples
    assert np.abs(pcm - READERS["bob"].call).max() <= 0.5 / 32768 + 1e-7
