"""Requests that nobody should send: the same ones each time."""

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.audio.flac_writer import stream
from tests.audio.signals import pcm, tone
from tests.audio.wav_writer import chunk, extensible, layout, riff, wav
from tests.readings import lasting, reading

DOMAIN, SPEAKER, STRANGER = "hostile", "ann", "eve"
PERSON = f"/v1/domains/{DOMAIN}/speakers/{SPEAKER}"
CALL = f"{PERSON}/authentications"
ENROL = f"/v1/domains/{DOMAIN}/speakers/{STRANGER}/enrollments"
JSON = (b"Content-Type: application/json",)
CONSENT = {"receipt_id": "receipt", "given_at": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class Odd:
    """One request, and what of it must never come back or be written down."""

    name: str
    method: str
    target: bytes
    body: bytes = b""
    headers: tuple[bytes, ...] = JSON
    secret: str = ""


def recordings() -> Iterator[Odd]:
    """Audio that is damaged, lies about itself, or is none."""
    sounds = [(name, {"content": base64.b64encode(content).decode(), **form}) for name, content, form in _sounds()]
    texts = [(f"base64: {name}", {"content": text}) for name, text in _base64()]
    for number, (name, audio) in enumerate([*sounds, *texts, *_forms()]):
        # Every other one is a call, and the rest enrol somebody.
        target, consent = (CALL, {}) if number % 2 else (ENROL, {"consent": CONSENT})
        yield Odd(
            name, "POST", target.encode(), json.dumps({"audio": audio, **consent}).encode(), secret=_secret(audio)
        )


def _secret(audio: dict[str, Any]) -> str:
    """Some of the audio that cannot be there by chance."""
    content = str(audio.get("content", ""))
    piece = content[len(content) // 2 :][:40]
    return piece if len(content) > 400 and len(set(piece)) > 8 else ""


type File = tuple[str, bytes, dict[str, Any]]


def _sounds() -> Iterator[File]:
    yield from _files()
    yield from _raw()


def _files() -> Iterator[File]:
    sound = pcm(lasting(reading(), 1.0).samples)
    whole = wav(sound)
    compressed = stream(sound[:9000])
    for name, content, encoding in (("wav", whole, "wav"), ("flac", compressed, "flac")):
        for where, damaged in _damaged(content):
            yield f"{name} {where}", damaged, {"encoding": encoding}
        for other in ("wav", "flac", "pcm_s16le", "alaw", "mulaw"):
            yield f"{name} as {other}", content, {"encoding": other, "sample_rate": 16000}
    for name, header in _lies():
        yield f"header: {name}", header + whole[44:], {}
    for name, content in _structures(whole[44:]):
        yield f"structure: {name}", content, {}
    for magic in (b"ID3\x04", b"OggS", b"\xff\xfb\x90\x64", b"PK\x03\x04", b"\x89PNG\r\n", b"<html>", b"%PDF-1.7"):
        yield f"magic {magic!r}", magic + whole[44:2000], {}


def _damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    source = np.random.default_rng(7)
    for position in source.integers(0, len(content), 25):
        yield f"cut at {position}", content[:position]
    for number in range(40):
        damaged = bytearray(content)
        for position in source.integers(0, 60 if number < 30 else len(content), 1 + number % 4):
            damaged[position] = source.integers(0, 256)
        yield f"damage {number}", bytes(damaged)


def _lies() -> Iterator[tuple[str, bytes]]:
    def header(fmt: bytes, data: int = 32000, size: int = 32036) -> bytes:
        return b"RIFF" + struct.pack("<I", size) + b"WAVE" + chunk(b"fmt ", fmt) + b"data" + struct.pack("<I", data)

    for rate in (0, 1, 7999, 11025, 48001, 96000, 2**32 - 1):
        yield f"rate {rate}", header(layout(rate=rate))
    for channels in (0, 2, 8, 9, 255, 65535):
        yield f"channels {channels}", header(layout(channels=channels))
    for bits in (0, 1, 8, 12, 24, 32, 64, 65535):
        yield f"bits {bits}", header(layout(bits=bits))
    for tag in (0, 2, 3, 6, 7, 17, 49, 85, 255, 0xFFFE, 0xFFFF):
        yield f"format {tag}", header(layout(tag=tag))
        yield f"extensible format {tag}", header(extensible(tag=tag))
    for size in (0, 1, 3, 31999, 32001, 2**31, 2**32 - 1):
        yield f"data size {size}", header(layout(), data=size)
        yield f"file size {size}", header(layout(), size=size)
    for align in (0, 1, 3, 65535):
        yield f"alignment {align}", header(layout(align=align))
    yield "another tail", header(extensible(tail=b"x" * 14))


def _structures(data: bytes) -> Iterator[tuple[str, bytes]]:
    fmt, sound = chunk(b"fmt ", layout()), chunk(b"data", data)
    yield "no format", riff(sound)
    yield "no data", riff(fmt)
    yield "format after data", riff(sound, fmt)
    yield "two formats", riff(fmt, fmt, sound)
    yield "two data", riff(fmt, sound, sound)
    yield "short format", riff(chunk(b"fmt ", layout()[:8]), sound)
    yield "big endian", riff(fmt, sound, magic=b"RIFX")
    yield "64 bits", riff(fmt, sound, magic=b"RF64")
    yield "another form", riff(fmt, sound, form=b"AVI ")
    yield "a thousand chunks", riff(*[chunk(b"junk", b"x")] * 1000, fmt, sound)
    yield "a chunk that claims the world", riff(chunk(b"junk", b"", 2**32 - 1), fmt, sound)
    yield "inside itself", riff(chunk(b"data", riff(fmt, sound)), fmt)
    yield "not a number", riff(chunk(b"fmt ", layout(tag=3, bits=32)), chunk(b"data", b"\x00\x00\xc0\x7f" * 9000))
    yield "empty", b""
    yield "one byte", b"R"


def _raw() -> Iterator[File]:
    noise = np.random.default_rng(3).integers(0, 256, 16000, np.uint8).tobytes()
    square = np.tile(np.array([32767, -32768], "<i2"), 8000).tobytes()
    sounds = {
        "noise": noise,
        "zeros": bytes(16000),
        "ones": b"\xff" * 16000,
        "square": square,
        "click": bytes(8000) + b"\xff\x7f" + bytes(7998),
        "ultrasound": pcm(tone(7990, level=0.99)).tobytes(),
        "odd length": noise[:15999],
        "nothing": b"",
        "one sample": b"\x01\x02",
        "just too short": noise[:3998],
    }
    for encoding in ("pcm_s16le", "alaw", "mulaw"):
        for name, content in sounds.items():
            yield f"{encoding} {name}", content, {"encoding": encoding, "sample_rate": 8000}
        yield f"{encoding} without a rate", noise, {"encoding": encoding}
        yield f"{encoding} of another channel", noise, {"encoding": encoding, "sample_rate": 8000, "channel": 1}
    yield "a whole minute", noise * 30, {"encoding": "mulaw", "sample_rate": 8000}
    yield "more than a minute", noise * 30 + b"x", {"encoding": "mulaw", "sample_rate": 8000}


def _base64() -> Iterator[tuple[str, str]]:
    good = base64.b64encode(wav(pcm(tone(440)))).decode()
    yield "line breaks", "\n".join(good[start : start + 76] for start in range(0, 7600, 76))
    yield "spaces", " " + good + " "
    yield "no padding", good.rstrip("=") + "A"
    yield "padding in between", good[:4000] + "==" + good[4000:]
    yield "too much padding", good + "===="
    yield "url alphabet", good.replace("/", "_").replace("+", "-") + "-_-_"
    yield "data url", "data:audio/wav;base64," + good
    yield "quoted", f'"{good}"'
    for text in (
        "=",
        "====",
        "A",
        "AB",
        "ABC",
        "A===",
        "AAAA",
        "....",
        "\u0000",
        "ÄÖÜß",
        "\uff21\uff41\uff1d\uff1d",
        "😀" * 300,
        "A" * 4001,
    ):
        yield text[:8], text


def _forms() -> Iterator[tuple[str, dict[str, Any]]]:
    good = base64.b64encode(wav(pcm(tone(440)))).decode()
    yield "neither content nor upload", {}
    yield "both", {"content": good, "upload": "x"}
    yield "unknown field", {"content": good, "gain": 3}
    for rate in (8000, 48000, 7999, 48001, 16000.5, "16000", 10**30):
        yield f"stated rate {rate}", {"content": good, "sample_rate": rate}
    for channel in (0, 1, 7, 8, -1, 0.5, "0", 10**30):
        yield f"channel {channel}", {"content": good, "channel": channel}
    for upload in (
        "",
        " ",
        ".",
        "..",
        f"../{DOMAIN}",
        "/",
        "a/b",
        "%2e%2e/x",
        "\u0000",
        "\n",
        "é",
        "😀",
        "a" * 256,
        "?",
        "#",
    ):
        yield f"upload {upload[:9]!r}", {"upload": upload}
    encodings: tuple[Any, ...] = ("", "WAV", "mp3", "opus", "wav\u0000", "pcm", None, 1, [])
    for encoding in encodings:
        yield f"encoding {encoding!r}", {"content": good, "encoding": encoding}


BODIES = {
    "blank": b" ",
    "null": b"null",
    "true": b"true",
    "number": b"0",
    "text": b'""',
    "list": b"[]",
    "list of objects": b"[{}]",
    "empty object": b"{}",
    "unclosed": b"{",
    "closed only": b"}",
    "two objects": b"{}{}",
    "trailing comma": b'{"policy":{},}',
    "comment": b"{}//",
    "single quotes": b"{'policy':{}}",
    "deep lists": b"[" * 50_000,
    "deep and closed": b"[" * 5000 + b"]" * 5000,
    "deep objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep enough to parse": b'{"audio":' + b"[" * 100 + b"]" * 100 + b"}",
    "not a number": b'{"policy":{"impostor_prior":NaN}}',
    "infinity": b'{"policy":{"impostor_prior":Infinity}}',
    "minus infinity": b'{"policy":{"impostor_prior":-Infinity}}',
    "overflow": b'{"policy":{"impostor_prior":1e999}}',
    "huge integer": b'{"retention":{"decision_days":' + b"9" * 400 + b"}}",
    "huger integer": b'{"retention":{"decision_days":' + b"9" * 5000 + b"}}",
    "huge fraction": b'{"policy":{"impostor_prior":0.' + b"1" * 5000 + b"}}",
    "minus zero": b'{"policy":{"impostor_prior":-0}}',
    "same key twice": b'{"policy":{"impostor_prior":2},"policy":{"impostor_prior":3}}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": "{}".encode("utf-16"),
    "utf-32": "{}".encode("utf-32"),
    "invalid utf-8": b'{"\xff\xfe":"\xc3\x28"}',
    "overlong utf-8": b'{"\xc0\xaf":1}',
    "lone surrogate": b'{"audio":"\\ud800"}',
    "surrogates reversed": b'{"\\udc00\\ud800":1}',
    "escaped null": b'{"a\\u0000b":"\\u0000"}',
    "null byte": b'{"a\x00b":1}',
    "control characters": b'{"a\x01\x1f":1}',
    "right to left": '{"\u202e\u2066":1}'.encode(),
    "prototype": b'{"__proto__":{"x":1},"constructor":{},"__class__":{}}',
    "long key": b'{"' + b"k" * 100_000 + b'":1}',
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(5000)) + b"}",
    "form": b"policy=1&audio=2",
    "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
}
TARGETS = {
    "domain": ("PUT", f"/v1/domains/{DOMAIN}-2"),
    "enrolment": ("POST", ENROL),
    "authentication": ("POST", CALL),
    "upload": ("POST", f"/v1/domains/{DOMAIN}/uploads"),
}


def bodies() -> Iterator[Odd]:
    """JSON that is none, or more than anyone needs."""
    for place, (method, path) in TARGETS.items():
        for name, body in BODIES.items():
            yield Odd(f"{place}, {name}", method, path.encode(), body)
        yield Odd(f"{place}, no body", method, path.encode())
    # Of the largest event that a function takes, and of the largest body that the API takes.
    for size in (6_000_000, 10_500_000):
        yield Odd(f"{size} bytes", "POST", CALL.encode(), b'{"audio":{"content":"' + b"A" * size + b'"}}')


VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    10**30,
    "",
    " ",
    "\u0000",
    "😀" * 50,
    "a" * 300,
    "../..",
    "${jndi:ldap://x}",
    [],
    {},
    [[]],
    {"a": 1},
)
TIMES = (
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:00",
    "2026-01-01",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z",
    "now",
    "1e400",
    10**18,
    -(10**18),
    "-1",
)


def fields() -> Iterator[Odd]:
    """Bodies that are right but for one field."""
    settings = {"policy": dict.fromkeys(POLICY), "retention": dict.fromkeys(RETENTION)}
    for place in [
        ["policy"],
        ["retention"],
        *(["policy", name] for name in POLICY),
        *(["retention", n] for n in RETENTION),
    ]:
        for value in VALUES:
            yield _with("PUT", f"/v1/domains/{DOMAIN}-2", _pruned(settings), place, value)
    audio = {"content": base64.b64encode(wav(pcm(tone(440)))).decode(), "encoding": "wav"}
    enrolment = {"consent": CONSENT, "audio": audio}
    for place in (["consent"], ["consent", "receipt_id"], ["consent", "given_at"], ["audio"], ["extra"]):
        for value in (*VALUES, *(TIMES if place[-1] == "given_at" else ())):
            yield _with("POST", ENROL, enrolment, place, value)
    for place in (["context"], ["context", "call_id"], ["context", "extra"], ["audio", "content"]):
        for value in VALUES:
            yield _with("POST", CALL, {"audio": audio, "context": {}}, place, value)


POLICY = (
    "impostor_prior",
    "false_accept_cost",
    "step_up_cost",
    "minimum_enrolment_seconds",
    "minimum_decision_seconds",
)
RETENTION = ("decision_days", "keep_audio")


def _pruned(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: {} for name in settings}


def _with(method: str, path: str, body: dict[str, Any], place: list[str], value: Any) -> Odd:
    changed = json.loads(json.dumps(body))
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return Odd(f"{'.'.join(place)} = {str(value)[:20]!r}", method, path.encode(), json.dumps(changed).encode())


SEGMENTS = (
    b"..",
    b".",
    b"%2e%2e",
    b"%2e",
    b"a%2Fb",
    b"a%2Fspeakers",
    b"a%5Cb",
    b"a%00b",
    b"%",
    b"%zz",
    b"%C3%A9",
    "é".encode(),
    b"\xff",
    b"%ff",
    b"%ed%a0%80",
    b"%F0%9F%98%80",
    b"a" * 65,
    b"a" * 6000,
    b"a b",
    b"%20",
    b"a%20",
    b"a%0A",
    b"a%0D%0AX-Evil:1",
    b"-a",
    b"_",
    b".hidden",
    b"a;b",
    b"a,b",
    b"a%3Fb",
    b"a%23b",
    b"%252e%252e",
    b"{domain}",
    b"<domain>",
    b"a+b",
    b"*",
    b"a:b",
    b"a@b",
    b"$a",
    b"~a",
    b"speaker%23ann",
    b"'%20OR%201=1",
    b"%E2%80%AE",
)


def paths() -> Iterator[Odd]:
    """Names that are none, and paths that lead nowhere."""
    for segment in SEGMENTS:
        yield Odd(f"domain {segment[:20]!r}", "GET", b"/v1/domains/" + segment)
        yield Odd(f"new domain {segment[:20]!r}", "PUT", b"/v1/domains/" + segment, b"{}")
        yield Odd(f"speaker {segment[:20]!r}", "GET", f"/v1/domains/{DOMAIN}/speakers/".encode() + segment)
        yield Odd(f"opt-out {segment[:20]!r}", "POST", b"/v1/domains/%s/speakers/ann/opt-out" % segment)
    for path in (
        b"",
        b"/",
        b"//",
        b"/v1",
        b"/v2/health",
        b"/v1/health/",
        b"/v1//health",
        b"/V1/HEALTH",
        b"/v1/health%00",
    ):
        yield Odd(f"path {path!r}", "GET", path)
    for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get"):
        yield Odd(f"method {method}", method, CALL.encode())


LIMITS = (
    b"",
    b"0",
    b"-1",
    b"101",
    b"1.5",
    b"1e1",
    b"abc",
    b"NaN",
    b"0x10",
    b"%EF%BC%91",
    b"9" * 5000,
    b"1&limit=2",
    b"%00",
)
CURSORS = (
    b"",
    b"!",
    b"YQ",
    b"YW5u",
    b"Li4v",
    b"%00",
    b"%ff",
    "é".encode(),
    b"A" * 129,
    b"A" * 7000,
    b"=",
    b"a&cursor=b",
)
FORCES = (b"", b"maybe", b"2", b"TRUE ", b"%00", b"[]", b"true&force=maybe")


def queries() -> Iterator[Odd]:
    """Parameters that are out of range, of another kind, or repeated."""
    listing = f"/v1/domains/{DOMAIN}/speakers".encode()
    for limit in LIMITS:
        yield Odd(f"limit {limit[:20]!r}", "GET", listing + b"?limit=" + limit)
    for cursor in CURSORS:
        yield Odd(f"cursor {cursor[:20]!r}", "GET", listing + b"?cursor=" + cursor)
    for force in FORCES:
        yield Odd(f"force {force!r}", "DELETE", f"/v1/domains/{DOMAIN}-2?force=".encode() + force)
    for query in (
        b"?",
        b"?&&&",
        b"?=",
        b"?limit",
        b"?%",
        b"?a=" + b"b" * 5000,
        b"?limit[]=1",
        b"?LIMIT=0",
        b"?unknown=1",
    ):
        yield Odd(f"query {query[:20]!r}", "GET", listing + query)


HEADERS = (
    b"X-Amzn-Trace-Id: x",
    b"Authorization: Basic x",
    b"Accept: text/html",
    b"Accept-Encoding: br",
    b"Range: bytes=0-1",
    b"X-Forwarded-For: ::1",
    b"X-HTTP-Method-Override: DELETE",
    b"Cookie: " + b"a" * 8000,
    b"X-" + b"a" * 200 + b": 1",
)
MEDIA_TYPES = (
    b"",
    b"text/plain",
    b"application/xml",
    b"multipart/form-data; boundary=x",
    b"audio/wav",
    b"*/*",
    b"json",
    b"application/json; charset=utf-16",
    b"APPLICATION/JSON",
    b"application/json;;;",
    b"application/problem+json",
    b"application/octet-stream",
    b"application/json, text/plain",
    b"\xff/\xff",
    b"a" * 5000,
)


def headers() -> Iterator[Odd]:
    """Headers that are too long, of no alphabet, repeated, or contradictory."""
    body = json.dumps({"audio": {"upload": "never"}}).encode()
    keys = (
        b"",
        b" ",
        b"a" * 129,
        b"a" * 8000,
        "schlüssel".encode(),
        "schlüssel".encode("latin-1"),
        b"\x01",
        b"a\tb",
        b"'",
        b"a#b",
        b"null",
    )
    for key in keys:
        yield Odd(f"key {key[:20]!r}", "POST", CALL.encode(), body, (*JSON, b"Idempotency-Key: " + key))
    yield Odd("two keys", "POST", CALL.encode(), body, (*JSON, b"Idempotency-Key: a", b"Idempotency-Key: b"))
    for media_type in MEDIA_TYPES:
        yield Odd(f"type {media_type[:20]!r}", "POST", CALL.encode(), body, (b"Content-Type: " + media_type,))
    for header in HEADERS:
        yield Odd(header[:40].decode(), "POST", CALL.encode(), body, (*JSON, header))
    for media_type in (b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded", b"text/plain"):
        yield Odd(f"nothing of {media_type!r}", "POST", CALL.encode(), b"", (b"Content-Type: " + media_type,))
