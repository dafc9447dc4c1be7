"""The export of what is held on a person says all, and gives nothing biometric away."""

from dataclasses import replace

import pytest

from bonafide.adapters.memory.sessions import MemorySessionStore
from bonafide.contracts.privacy.export import export_view
from bonafide.errors import NotFound
from bonafide.records.session import SessionRecord
from bonafide.services.export import Export
from tests.adapters.test_sessions import a_session
from tests.services.parts import MORNING, World, speech


def test_an_export_has_everything_but_numbers_that_stand_for_the_voice_and_audio() -> None:
    world, sessions = World(), MemorySessionStore()
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=5.0)
    world.enroll(speech("ann"), expires_at=MORNING.replace(year=2027))
    decision = world.authenticate(speech("ann"))
    for speaker in ("ann", "bob"):
        sessions.put_session(replaced(speaker))
    export = Export(world.store, world._recordings, sessions, world.decisions, lambda: MORNING.replace(hour=9))
    shown = export_view(export.of("acme", "ann"))
    assert shown.speaker.consent
    assert [each.decision_id for each in shown.decisions] == [decision.decision_id]
    assert [each.session_id for each in shown.sessions] == ["session-ann"]
    assert sorted(name.partition("/")[0] for name in shown.recordings) == ["authentications", "enrollments"]
    assert [each.speech_seconds for each in shown.voiceprints] == [shown.speaker.total_speech_seconds]
    assert [each.speech_seconds for each in shown.contributions] == [shown.speaker.total_speech_seconds]
    assert not {"embedding", "templates", "embedding_directions"} & {*_names(shown.model_dump(mode="json"))}


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
        Export(world.store, world._recordings, MemorySessionStore(), world.decisions).of("acme", "nobody")
