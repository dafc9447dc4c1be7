"""Producers and consumers of the audio stream are released independently: what was ever published is read for good."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]

from bonafide.contracts.events import parse, schema, write
from bonafide.errors import InvalidInput
from bonafide.records.stream import AudioChunk, Origin, SessionEnd
from local.contracts.schemas import TARGET, text
from tests.services.parts import MORNING

FIXTURES = sorted((Path(__file__).parent / "events").glob("*.json"))
CHUNK: dict[str, Any] = json.loads((Path(__file__).parent / "events/chunk-v1.json").read_text())
ENDED: dict[str, Any] = json.loads((Path(__file__).parent / "events/ended-v1.json").read_text())
PUBLISHED = Draft202012Validator(json.loads(TARGET.read_text()))


def written(event: Mapping[str, Any], /, **changes: Any) -> bytes:
    return json.dumps({**event, **changes}).encode()


def without(event: Mapping[str, Any], field: str) -> bytes:
    return json.dumps({name: value for name, value in event.items() if name != field}).encode()


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert TARGET.read_text() == text(), "run `make openapi`"
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_events_of_old_and_of_later_producers_are_read(fixture: Path) -> None:
    event = parse(fixture.read_bytes())
    given_ = json.loads(fixture.read_text())
    assert isinstance(event, AudioChunk if given_["type"] == "audio.chunk" else SessionEnd)
    read = json.loads(write(event))
    assert read["version"] == 1
    shared = given_.keys() & {*CHUNK, *ENDED, "request_id", "trace"} - {"ended_at"}
    assert {name: read[name] for name in shared} == {name: given_[name] for name in shared}
    PUBLISHED.validate(given_)


def test_what_is_written_here_keeps_to_what_is_published() -> None:
    chunk = write(AudioChunk("acme", "call-1", 0, "AAAA"))
    ended = write(SessionEnd("acme", "call-1", 12, MORNING))
    assert json.loads(chunk) == CHUNK
    assert parse(ended) == parse(written(ENDED))
    for event in (chunk, ended):
        PUBLISHED.validate(json.loads(event))


def test_every_event_leads_back_to_the_requests_that_it_comes_from() -> None:
    origin = Origin("request-1", "Root=1-6a1d7a40-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1")
    for record in (
        AudioChunk("acme", "call-1", 0, "AAAA", origin),
        SessionEnd("acme", "call-1", 1, MORNING, origin),
    ):
        PUBLISHED.validate(json.loads(write(record)))
        assert parse(write(record)) == record


@pytest.mark.parametrize("unreadable", [1, ["request-1"], {}, "r" * 257])
def test_audio_is_not_lost_because_its_origin_cannot_be_read(unreadable: Any) -> None:
    assert parse(written(CHUNK, request_id=unreadable, trace=unreadable)) == parse(written(CHUNK))


BROKEN = {
    "of a later version": written(CHUNK, version=2),
    "of no version": written(CHUNK, version=None),
    "of an unknown type": written(CHUNK, type="audio.video"),
    "without a type": without(CHUNK, "type"),
    "without a domain": without(CHUNK, "domain"),
    "without a session": without(CHUNK, "session"),
    "without a number": without(CHUNK, "chunk"),
    "without audio": without(CHUNK, "content"),
    "with a negative number": written(CHUNK, chunk=-1),
    "with a number that no session has": written(CHUNK, chunk=7200),
    "with a number that is none": written(CHUNK, chunk="first"),
    "with a name that leads elsewhere": written(CHUNK, session="../session"),
    "with a name that holds the separator": written(CHUNK, domain="acme#other"),
    "with more chunks than a session has": written(ENDED, chunks=7201),
    "without a count": without(ENDED, "chunks"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_event_is_refused_that_is(what: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(BROKEN[what])
    assert refusal.value.code == "event_invalid"
    assert refusal.value.subject
    with pytest.raises(ValidationError):
        PUBLISHED.validate(json.loads(BROKEN[what]))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(written(ENDED, ended_at="2026-03-01T08:00:00"))
    assert refusal.value.subject == "session.ended.ended_at"


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"1", b'"', b"\xff\xfe", b"{" * 100_000, b"[" * 100_000])
def test_what_is_no_event_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(data)
    assert refusal.value.code == "event_invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from([CHUNK, ENDED]), st.dictionaries(st.sampled_from(sorted({*CHUNK, *ENDED})), JSON, max_size=3))
def test_any_other_value_in_any_field_is_read_or_refused(event: dict[str, Any], changes: dict[str, Any]) -> None:
    with suppress(InvalidInput):
        parse(written(event, **changes))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.sampled_from([CHUNK, ENDED]),
    st.dictionaries(st.text(min_size=1, max_size=12).filter(lambda name: name not in {*CHUNK, *ENDED}), JSON),
)
def test_fields_that_come_later_change_nothing(event: dict[str, Any], later: dict[str, Any]) -> None:
    assert parse(written(event, **later)) == parse(written(event))
