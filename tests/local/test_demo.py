import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest

from bonafide.audio.decode import decode
from local.demo.client import Reply
from local.demo.readers import RATE, Reader, wav
from local.demo.report import Row, Table, summary, write
from local.demo.script import Action, Expectation, Step, script
from tests.audio.signals import voice

NAMES = ("ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "shy")
READERS = {
    name: Reader(name, (voice(seconds=3.0 if name == "shy" else 9.0, seed=i), voice(seconds=4.0, seed=100 + i)))
    for i, name in enumerate(NAMES)
}
STEPS = [(section, step) for section, steps in script(READERS) for step in steps]
CALLS = [step for _, step in STEPS if step.action is Action.CALL]


def row(outcome: str, expected: Expectation, status: int = 200, reasons: tuple[str, ...] = ()) -> Row:
    key = "decision" if status < 400 else "code"
    document = {key: outcome, "reasons": list(reasons), "speaker": {"llr": 4.25, "score": 93.0, "threshold": 0.0}}
    return Row("calls", Step("genuine", "ann", "ann", expected), Reply(status, document, 12.5))


def test_everybody_but_one_is_enrolled_and_calls_as_themselves() -> None:
    genuine = {
        step.claimed for section, step in STEPS if section.startswith("Genuine") and step.domain == "demo-office"
    }
    assert genuine == set(NAMES) - {"shy"}


def test_everybody_enrolled_is_claimed_by_three_others() -> None:
    impostors = [step for section, step in STEPS if section.startswith("Impostors: someone")]
    assert all(step.claimed != step.spoke for step in impostors)
    pairs = {(step.claimed, step.spoke) for step in impostors}
    assert len(pairs) == len(impostors) == 3 * (len(NAMES) - 1)


def test_no_impostor_may_be_accepted_and_no_genuine_caller_rejected_on_a_good_line() -> None:
    for section, step in STEPS:
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
    assert any(step.expected.outcomes == (outcome,) for _, step in STEPS)


def test_telephone_calls_are_sent_at_8_khz_and_the_others_at_16() -> None:
    rates = {section: _rate(step.content) for section, step in STEPS if section.startswith(("Genuine", "Impostors"))}
    assert all((rate == 8000) == section.endswith("telephone") for section, rate in rates.items())


def _rate(content: bytes) -> int:
    with wave.open(io.BytesIO(content)) as file:
        return int(file.getframerate())


def test_a_call_is_never_made_with_speech_of_the_enrolment() -> None:
    reader = READERS["ann"]
    sent = next(step for step in CALLS if step.claimed == step.spoke == "ann")
    assert np.abs(decode(sent.content).samples - reader.clips[-1]).max() < 1e-4
    assert len(reader.enrolment) == 9 * RATE


def test_requests_name_the_speaker_and_enrolments_carry_consent() -> None:
    _, enrolment = STEPS[0]
    body = enrolment.body()
    assert enrolment.path == "/v1/domains/demo-office/speakers/ann/enrollments"
    assert body
    assert body["consent"]["receipt_id"] == "demo-ann"


def test_an_expectation_holds_on_its_outcome_and_reason_only() -> None:
    expected = Expectation(("ACCEPT", "STEP_UP"), "VOICE_MATCH")
    assert row("STEP_UP", expected, reasons=("VOICE_MATCH", "AUDIO_NOISY")).held
    assert not row("ACCEPT", expected, reasons=("VOICE_UNCERTAIN",)).held
    assert not row("REJECT", expected, reasons=("VOICE_MATCH",)).held
    assert row("audio_empty", Expectation(("audio_empty",)), status=422).held


def test_an_unexpected_answer_is_not_held() -> None:
    broken = Row("calls", Step("genuine", "ann", "ann", Expectation(("ACCEPT",))), Reply(502, {}, 1.0))
    assert broken.reply.outcome == "502"
    assert not broken.held


def test_the_report_has_each_row_with_its_expectation(tmp_path: Path) -> None:
    rows = [row("ACCEPT", Expectation(("ACCEPT",))), row("REJECT", Expectation(("ACCEPT",)))]
    totals = summary(rows, 1.0)
    write(tmp_path / "demo" / "report.json", rows, totals)
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert (report["summary"]["held"], report["summary"]["failed"]) == (1, 1)
    assert report["summary"]["genuine"] == {"ACCEPT": 1, "REJECT": 1}
    assert [entry["held"] for entry in report["rows"]] == [True, False]
    assert report["rows"][0]["llr"] == 4.25
    assert report["rows"][1]["expected"] == {"outcomes": ["ACCEPT"], "reason": None}


def test_the_table_is_plain_when_nobody_watches(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [row("ACCEPT", Expectation(("ACCEPT",))), row("REJECT", Expectation(("ACCEPT",), "VOICE_MATCH"))]
    table = Table()
    table.heading("Genuine")
    for each in rows:
        table.row(each)
    table.closing(summary(rows, 1.0), tmp_path)
    printed = capsys.readouterr().out
    assert "\033" not in printed
    assert "expected ACCEPT because of VOICE_MATCH" in printed
    assert "1 of 2 expectations held" in printed


def test_a_written_file_is_read_back_to_the_sample() -> None:
    pcm = decode(wav(READERS["bob"].call)).samples
    assert np.abs(pcm - READERS["bob"].call).max() <= 0.5 / 32768 + 1e-7
