"""Producers and consumers of the audio stream are released independently: what was ever published is read for good."""

import json
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]

from bonafide.contracts.events import VERSIONS, parse, schema, write
from bonafide.errors import InvalidInput
from bonafide.records.stream import ChunkRecord, EndRecord, Origin
from local.contracts.schemas import target, text
from tests.services.parts import MORNING

FIXTURES = sorted((Path(__file__).parent / "events").glob("*.json"))
CHUNK: dict[str, Any] = json.loads((Path(__file__).parent / "events/chunk-v1.json").read_text())
ENDED: dict[str, Any] = json.loads((Path(__file__).parent / "events/ended-v1.json").read_text())
PUBLISHED = Draft202012Validator(json.loads(target(1).read_text()))
HEADERS = Draft202012Validator(json.loads(target(2).read_text()))
FRAMED = (Path(__file__).parent / "events/chunk-v2.bin").read_bytes()
HEADER: dict[str, Any] = json.loads((Path(__file__).parent / "events/chunk-v1.json").read_text()) | {"version": 2}
del HEADER["content"]
AUDIO = b"\0\0\0"


def written(event: Mapping[str, Any], /, **changes: Any) -> bytes:
    return json.dumps({**event, **changes}).encode()


def without(event: Mapping[str, Any], field: str) -> bytes:
    return json.dumps({name: value for name, value in event.items() if name != field}).encode()


def framed(header: bytes, content: bytes = AUDIO, *, length: int | None = None) -> bytes:
    return struct.pack(">BH", 2, len(header) if length is None else length) + header + content


@pytest.mark.parametrize("version", VERSIONS)
def test_the_published_schema_is_the_one_of_the_code(version: int) -> None:
    assert target(version).read_text() == text(version), "run `make openapi`"
    Draft202012Validator.check_schema(schema(version))


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_events_of_old_and_of_later_producers_are_read(fixture: Path) -> None:
    event = parse(fixture.read_bytes())
    given_ = json.loads(fixture.read_text())
    assert isinstance(event, ChunkRecord if given_["type"] == "audio.chunk" else EndRecord)
    read = json.loads(write(event, 1))
    assert read["version"] == 1
    shared = given_.keys() & {*CHUNK, *ENDED, "request_id", "trace"} - {"ended_at"}
    assert {name: read[name] for name in shared} == {name: given_[name] for name in shared}
    PUBLISHED.validate(given_)


def test_what_is_written_here_keeps_to_what_is_published() -> None:
    chunk = write(ChunkRecord("acme", "call-1", 0, AUDIO), 1)
    ended = write(EndRecord("acme", "call-1", 12, MORNING))
    assert json.loads(chunk) == CHUNK
    assert parse(ended) == parse(written(ENDED))
    for event in (chunk, ended):
        PUBLISHED.validate(json.loads(event))


def test_every_event_leads_back_to_the_requests_that_it_comes_from() -> None:
    origin = Origin("request-1", "Root=1-6a1d7a40-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1")
    chunk, ended = ChunkRecord("acme", "call-1", 0, AUDIO, origin), EndRecord("acme", "call-1", 1, MORNING, origin)
    for record in (chunk, ended):
        PUBLISHED.validate(json.loads(write(record, 1)))
        assert parse(write(record, 1)) == record
    assert parse(write(chunk)) == chunk
    assert parse(write(ended)) == ended


def test_a_chunk_is_sent_as_its_bytes_behind_a_header() -> None:
    assert write(ChunkRecord("acme", "call-1", 0, AUDIO)) == FRAMED
    length = struct.unpack_from(">BH", FRAMED)[1]
    header = FRAMED[3 : 3 + length]
    assert json.loads(header) == HEADER
    HEADERS.validate(json.loads(header))
    assert FRAMED[3 + length :] == AUDIO


def test_a_chunk_of_any_released_version_is_read_as_the_same() -> None:
    assert parse(FRAMED) == parse(written(CHUNK)) == ChunkRecord("acme", "call-1", 0, AUDIO)


def test_four_seconds_of_wideband_audio_are_a_quarter_smaller_than_in_base64() -> None:
    chunk = ChunkRecord("acme", "call-1", 0, bytes(2 * 16000 * 4))
    assert len(write(chunk)) < 0.76 * len(write(chunk, 1))
    assert len(write(chunk)) < 2 * 16000 * 4 + 600


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=64), st.integers(0, 7199))
def test_any_bytes_are_read_as_they_were_written(content: bytes, number: int) -> None:
    for version in VERSIONS:
        record = ChunkRecord("acme", "call-1", number, content)
        assert parse(write(record, version)) == record


def test_fields_that_a_later_header_has_change_nothing() -> None:
    assert parse(framed(written(HEADER, later={"a": 1}))) == parse(FRAMED)


@pytest.mark.parametrize("unreadable", [1, ["request-1"], {}, "r" * 257])
def test_bytes_are_not_lost_because_their_origin_cannot_be_read(unreadable: Any) -> None:
    assert parse(framed(written(HEADER, request_id=unreadable, trace=unreadable))) == parse(FRAMED)


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


@pytest.mark.parametrize(
    "data",
    [
        b"\x02",
        b"\x02\0",
        FRAMED[:20],
        framed(written(HEADER), length=65535),
        framed(written(HEADER), length=5),
        framed(written(HEADER, version=1)),
        framed(written(HEADER, version=3)),
        framed(without(HEADER, "version")),
        framed(written(HEADER, type="session.ended")),
        framed(written(HEADER, chunk=7200)),
        framed(written(HEADER, session="../session")),
        framed(without(HEADER, "domain")),
        b"\x03" + FRAMED[1:],
    ],
)
def test_a_frame_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(data)
    assert refusal.value.code == "event_invalid"
    assert refusal.value.subject


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
