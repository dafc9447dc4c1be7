"""Bodies that are nearly right, or no JSON at all, for every operation of the contract; a seed makes the same ones."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from benchmarks.hostile.audio import OddAudio
from bonafide.http.openapi import document

JSON = "application/json"
MEDIA_TYPES = (JSON,) * 12 + (
    "",
    "text/plain",
    "application/octet-stream",
    "application/json; charset=utf-16",
    "*/*",
    "\xff",
)
NAMES = ("a" * 64, "a" * 65, "..", "a/b", "a\0b", "a%b", "é", "😀", "-", "a b", "\u202e", "x" * 4000)
LARGE = 200_000
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e308, -(10**400), 10**30, 2**63, "", " ", "\0", "\u202e", "😀" * 300, "a" * 5000),
    *("../..", "${jndi:ldap://x}", "' OR 1=1 --", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+23:59", "1e400"),
    *([], {}, [[]], {"a": {"a": {}}}, [None] * 300),
)
# Text in place of a value, which no encoder of JSON would write.
TEXTS = (
    "NaN",
    "-Infinity",
    "1e999999999",
    "0." + "1" * 9000,
    "9" * 9000,
    '"\\ud800"',
    '"\\u0000"',
    "'a'",
    "[" * 300,
    "-",
    "\x01",
)


# These would end what the other requests need.
FINAL = ("/opt-out", "/erasures", "/erasure", "/end")


@dataclass(frozen=True, slots=True)
class OddRequest:
    """One request.

    Attributes:
        name: of its kind.
        method: of HTTP.
        target: path and query, after the stage.
        body: as it is sent.
        media_type: of the body; empty for none.
    """

    name: str
    method: str
    target: str
    body: bytes
    media_type: str = JSON


class Contract:
    """Requests as the contract describes them, to be spoiled.

    Args:
        names: values of path parameters.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._document = json.loads(document())
        self._names = names
        paths = self._document["paths"].items()
        self._operations = [
            (method.upper(), path, operation["requestBody"]["content"][JSON]["schema"])
            for path, methods in paths
            for method, operation in methods.items()
            if JSON in operation.get("requestBody", {}).get("content", {}) and not path.endswith(FINAL)
        ]

    def requests(self, random: Random) -> Iterator[OddRequest]:
        """Yields requests without end, each spoiled in one to three ways."""
        while True:
            method, path, schema = random.choice(self._operations)
            body = self.example(schema, random)
            for _ in range(random.randint(0, 2)):
                _spoil(body, random)
            name, content = _written(body, random)
            target = re.sub(r"{(\w+)}", lambda found: self._name(found[1], random), path)
            yield OddRequest(name, method, target, content, random.choice(MEDIA_TYPES))

    def example(self, schema: Mapping[str, Any], random: Random) -> Any:
        """Returns a value of a schema, with about half of what is optional."""
        if "$ref" in schema:
            return self.example(self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], random)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self.example(random.choice(choices), random)
        if "enum" in schema:
            return random.choice(schema["enum"])
        if schema.get("type") == "object":
            return self._object(schema, random)
        if schema.get("type") == "array":
            return [self.example(schema.get("items", {}), random) for _ in range(random.randint(0, 2))]
        return schema.get("default", {"string": "2026-01-01T00:00:00Z", "boolean": True}.get(schema.get("type", ""), 1))

    def _object(self, schema: Mapping[str, Any], random: Random) -> dict[str, Any]:
        required, properties = schema.get("required", ()), schema.get("properties", {})
        wanted = [name for name in properties if name in required or random.random() < 0.5]
        return {name: self.example(properties[name], random) for name in wanted}

    def _name(self, parameter: str, random: Random) -> str:
        known = self._names.get(parameter, "1")
        return known if random.random() < 0.9 else quote(random.choice(NAMES), safe="")


def with_audio(audio: OddAudio, method: str, target: str, random: Random, **rest: Any) -> OddRequest:
    """Returns a request with a recording in base64, which now and then is none."""
    text = base64.b64encode(audio.content).decode()
    if random.random() < 0.05:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(("\n", " ", "=", "-", "%", "\0", "é")) + text[at:]
    body = json.dumps({**rest, "audio": {"content": text, **audio.form}}).encode()
    return OddRequest(audio.name, method, target, body)


def _places(value: Any) -> Iterator[Any]:
    """Yields all objects and lists in a document."""
    if isinstance(value, dict | list):
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _places(each)


def _spoil(body: Any, random: Random) -> None:
    """Changes one value, leaves one out, or adds one that nobody asked for."""
    place = random.choice(list(_places(body)) or [{}])
    keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
    value = deepcopy(random.choice(VALUES))
    if isinstance(place, list):
        place.append(value)
    elif not keys or random.random() < 0.2:
        place[random.choice(("extra", "", "__class__", "a" * 3000, "\0"))] = value
    elif random.random() < 0.2:
        del place[random.choice(keys)]
    else:
        place[random.choice(keys)] = value


def _written(body: Any, random: Random) -> tuple[str, bytes]:
    """Writes a document as JSON, or as what is none."""
    text = json.dumps(body, ensure_ascii=random.random() < 0.5)
    kind = random.choice(("right", "right", "right", "text", "twice", "deep", "many", "bytes", "encoding"))
    if kind == "text":
        return kind, text.replace(": ", f": {random.choice(TEXTS)}, ", 1).encode()
    if kind == "twice":
        return kind, f"{text[:-1]}{', ' if len(text) > 2 else ''}{text[1:]}".encode()
    if kind == "deep":
        depth, (opening, closing) = int(10 ** random.uniform(1, 5)), random.choice((("[", "]"), ('{"a":', "}")))
        return kind, f'{{"audio":{opening * depth}1{closing * random.choice((0, depth))}}}'.encode()
    if kind == "many":
        return kind, _many(random).encode()
    content = bytearray(
        text.encode(random.choice(("utf-16", "utf-32", "utf-8-sig")) if kind == "encoding" else "utf-8")
    )
    if kind == "bytes" and content:
        for _ in range(random.randint(1, 4)):
            content[random.randrange(len(content))] = random.randrange(256)
    return kind, bytes(content)


def _many(random: Random) -> str:
    """Returns far more of something than anybody needs."""
    count = int(10 ** random.uniform(2, 5.5))
    kind = random.choice(("fields", "inner fields", "lists", "text", "letters", "same field"))
    if "fields" in kind:
        fields = ",".join(f'"{number:x}":0' for number in range(min(count, LARGE)))
        return f"{{{fields}}}" if kind == "fields" else f'{{"policy":{{{fields}}},"audio":{{{fields}}}}}'
    if kind == "lists":
        return f'{{"audio":[{",".join(["[]"] * count)}]}}'
    if kind == "same field":
        return "{" + ",".join(['"audio":{}'] * count) + "}"
    return f'{{"audio":{{"content":"{"A" * count * 10 if kind == "text" else "é" * count}"}}}}'
