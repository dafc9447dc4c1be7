"""The export of what is held on a person says all, and gives nothing biometric away."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from bonafide.adapters.memory.sessions import MemorySessionStore
from bonafide.audio.fingerprint import BANDS, Fingerprint
from bonafide.contracts.privacy.export import export_view
from bonafide.errors import NotFound
from bonafide.ports.fingerprints import HeardRecording, UseKind
from bonafide.records.session import SessionRecord
from bonafide.services.export import Export
from tests.adapters.test_sessions import a_session
from tests.services.parts import MORNING, World, speech

LATER = MORNING.replace(hour=9)


def test_an_export_has_everything_but_numbers_that_stand_for_the_voice_and_audio() -> None:
    world, sessions = World(), MemorySessionStore()
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=5.0)
    world.enroll(speech("ann"), expires_at=MORNING.replace(year=2027))
    decision = world.authenticate(speech("ann"), call={"caller_number": "+12025550143", "device": "phone-1"})
    for speaker in ("ann", "bob"):
        sessions.put_session(replaced(speaker))
    world.authenticate(speech("bob", 8))
    world.resets.reset("acme", "ann", None, "asked for", None)
    world.now += timedelta(seconds=1)
    world.authenticate(speech("bob", 8, level=0.21))
    heard = (UseKind.CALL, UseKind.ENROLLMENT)
    for number, kind in enumerate(heard):
        world.fingerprints.put(heard_recording(kind, MORNING + timedelta(minutes=number)))
    shown = export_view(export(world, sessions).of("acme", "ann"))
    assert [(each.kind, each.at.minute) for each in shown.fingerprints] == [("enrollment", 1), ("call", 0)]
    assert sorted(each.kind for each in shown.known_calls) == ["device", "number"]
    assert "2025550143" not in shown.model_dump_json()
    assert shown.failed_attempts == [world.now]
    assert [each.reason for each in shown.attempt_resets] == ["asked for"]
    assert (shown.last_used_at, shown.answers) == (MORNING, 7)
    assert shown.speaker.consent
    assert decision.decision_id in [each.decision_id for each in shown.decisions]
    assert [each.session_id for each in shown.sessions] == ["session-ann"]
    assert {name.partition("/")[0] for name in shown.recordings} == {"authentications", "enrollments"}
    assert [each.speech_seconds for each in shown.voiceprints] == [shown.speaker.total_speech_seconds]
    assert [each.speech_seconds for each in shown.contributions] == [shown.speaker.total_speech_seconds]
    assert not {"embedding", "templates", "embedding_directions"} & {*_names(shown.model_dump(mode="json"))}


def export(world: World, sessions: MemorySessionStore) -> Export:
    stores = world.store, world._recordings, sessions, world.decisions, world.fingerprints, world.attempts
    answers = {("acme", "ann"): 7}
    return Export(*stores, world.calls, lambda *who: answers.get(who, 0), lambda: LATER)


def heard_recording(kind: UseKind, at: datetime) -> HeardRecording:
    cells = Fingerprint(np.ones((25, BANDS), np.int8))
    return HeardRecording("acme", "ann", kind, str(kind), "", cells, "", at)


def _names(document: object) -> list[str]:
    if isinstance(document, dict):
        return [*document, *(name for each in document.values() for name in _names(each))]
    return [name for each in document for name in _names(each)] if isinstance(document, list) else []


def replaced(speaker: str) -> SessionRecord:
    return replace(a_session("acme", f"session-{speaker}"), speaker=speaker, started_at=MORNING, expires_at=MORNING)


def test_nothing_is_exported_of_who_is_not_there() -> None:
    world = World()
    world.put_domain()
    with pytest.raises(NotFound):
        export(world, MemorySessionStore()).of("acme", "nobody")
