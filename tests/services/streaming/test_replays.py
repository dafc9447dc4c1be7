"""Audio of a session that was used before: noticed while it arrives, and in the decision."""

from collections import Counter
from dataclasses import replace

import numpy as np

from bonafide.audio.copies import copied
from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.decision import Decision, Reason
from bonafide.contracts.events import parse
from bonafide.ports.fingerprints import HeardRecording
from bonafide.records.domain import Retention
from bonafide.services.shared.replays import READ_AGAIN, Replays
from tests.services.parts import Observed
from tests.streamed import DOMAIN, Deployment, Script, telephone

FIRST, SECOND = Script("one", "grace", "grace"), Script("two", "grace", "grace")


def watching() -> Deployment:
    """A deployment whose domain asks whether audio was used before."""
    line = Deployment()
    (domain,) = line.domains._domains.values()
    line.domains.put_domain(domain.next(retention=Retention(30, keep_audio=False)))
    line.start(FIRST, SECOND)
    return line


def play(line: Deployment, script: Script, *, end: bool = True) -> None:
    for event in script.events if end else script.events[:-1]:
        line.scoring.handle(parse(event), line.now)


def heard(line: Deployment) -> list[HeardRecording]:
    return list(line.fingerprints.heard(DOMAIN, "grace", 9))


def test_audio_that_another_session_had_is_noticed_while_it_arrives_and_in_the_decision() -> None:
    line = watching()
    play(line, FIRST)
    assert Reason.AUDIO_REPLAYED not in line.final("one")["reasons"]
    play(line, SECOND, end=False)
    first = line.calls.evaluate(DOMAIN, "two")
    assert (first.decision is Decision.ACCEPT, Reason.AUDIO_REPLAYED in first.reasons) == (False, True)
    assert len(heard(line)) == 1, "nothing is written while audio arrives"
    play(line, SECOND)
    assert line.final("two")["facts"]["alerts"] == ["AUDIO_REPLAYED"]
    assert line.final("two")["decision"] != "ACCEPT"
    assert len(heard(line)) == 2


def test_a_session_is_no_copy_of_itself_however_often_it_is_closed() -> None:
    line = watching()
    play(line, FIRST)
    record = line.sessions.session(DOMAIN, "one")
    assert record
    line.sessions.put_session(record.next(decision_id=None))
    line.judge.settle(replace(record, version=record.version + 1, decision_id=None))
    assert "AUDIO_REPLAYED" not in line.final("one")["reasons"]
    assert line.calls.evaluate(DOMAIN, "one").decision_id == record.decision_id


def test_a_recording_is_found_in_a_session_that_had_it_in_chunks() -> None:
    line = watching()
    play(line, FIRST)
    (known,) = heard(line)
    whole = telephone("grace")[1]
    samples = whole.samples[: 6 * whole.rate]
    assert copied(Fingerprint.of(samples, whole.rate, np.ones(len(samples), np.bool_)), [known.fingerprint])


def test_evaluations_read_what_was_heard_of_the_speaker_now_and_then() -> None:
    line = watching()
    asked: Counter[str] = Counter()
    store = Observed(line.fingerprints, lambda when, call: asked.update([call] if when == "before" else []))
    judge = line.judge
    judge._replays = Replays(store, clock=lambda: line.now)
    play(line, FIRST, end=False)
    record = line.sessions.session(DOMAIN, "one")
    assert record
    for _ in range(20):
        judge.evaluate(record)
    assert asked == {"heard": 1}
    line.now += READ_AGAIN
    judge.evaluate(record)
    assert asked == {"heard": 2}


def test_the_fingerprint_of_a_chunk_goes_with_its_evidence() -> None:
    line = watching()
    play(line, FIRST, end=False)
    rows = line.rows("one")
    assert all(each.fingerprint and len(each.fingerprint.cells) == 75 for each in rows)
