"""What of a released contract a newer one breaks.

Requests may be given more freedom, never less; answers may say more, never less.
"""

from collections.abc import Iterator
from typing import Any

type Node = dict[str, Any]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
EXACT = ("pattern", "format", "additionalProperties")


def breaking_changes(released: Node, current: Node) -> list[str]:
    """Names each place where a client of the released contract could fail."""
    return sorted(_Comparison(released, current).paths())


class _Comparison:
    """Two documents, whose schemas refer to parts of the same document."""

    def __init__(self, released: Node, current: Node) -> None:
        self._released = released
        self._current = current

    def paths(self) -> Iterator[str]:
        for path, methods in self._released["paths"].items():
            for method, old in methods.items():
                new = self._current["paths"].get(path, {}).get(method)
                place = f"{method.upper()} {path}"
                if new is None:
                    yield f"{place}: removed"
                else:
                    yield from self._operation(old, new, place)

    def _operation(self, old: Node, new: Node, place: str) -> Iterator[str]:
        yield from self._parameters(old, new, place)
        yield from self._request(old.get("requestBody"), new.get("requestBody"), f"{place} request")
        for status, answer in old["responses"].items():
            if status not in new["responses"]:
                yield f"{place}: status {status} removed"
                continue
            for media_type, content in answer.get("content", {}).items():
                found = new["responses"][status].get("content", {}).get(media_type)
                if found is None:
                    yield f"{place}: {status} is no longer {media_type}"
                else:
                    yield from self._answer(content["schema"], found["schema"], f"{place} {status}")
        if not old.get("security", True) and new.get("security", True):
            yield f"{place}: has to be signed now"

    def _parameters(self, old: Node, new: Node, place: str) -> Iterator[str]:
        before, after = (
            {(each["in"], each["name"]): each for each in side.get("parameters", [])} for side in (old, new)
        )
        for key, parameter in before.items():
            if key not in after:
                yield f"{place}: parameter {key[1]} removed"
            else:
                yield from self._taken(parameter["schema"], after[key]["schema"], f"{place} {key[1]}")
        for key, parameter in after.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{place}: parameter {key[1]} is required now"

    def _request(self, old: Node | None, new: Node | None, place: str) -> Iterator[str]:
        if new and new.get("required") and not (old and old.get("required")):
            yield f"{place}: is required now"
        for media_type, content in (old or {}).get("content", {}).items():
            found = (new or {}).get("content", {}).get(media_type)
            if found is None:
                yield f"{place}: {media_type} is no longer taken"
            else:
                yield from self._taken(content["schema"], found["schema"], place)

    def _taken(self, old: Node, new: Node, place: str) -> Iterator[str]:
        """Whatever was taken has to be taken still."""
        before, after = _kinds(old, self._released), _kinds(new, self._current)
        for kind, schema in before.items():
            found = after.get(kind) or (after.get("number") if kind == "integer" else None)
            if found is None:
                yield f"{place}: no longer takes {kind}"
                continue
            yield from _narrowed(schema, found, place)
            for name in set(found.get("required", [])) - set(schema.get("required", [])):
                yield f"{place}.{name}: is required now"
            for name, child, now in _children(schema, found):
                if now is None:
                    yield f"{place}.{name}: is no longer taken"
                else:
                    yield from self._taken(child, now, f"{place}.{name}")

    def _answer(self, old: Node, new: Node, place: str) -> Iterator[str]:
        """Whatever was answered has to be answered still, and be of no new type."""
        before, after = _kinds(old, self._released), _kinds(new, self._current)
        for kind, schema in after.items():
            found = before.get(kind) or (before.get("number") if kind == "integer" else None)
            if found is None:
                yield f"{place}: may be {kind} now"
                continue
            if found.get("format") != schema.get("format"):
                yield f"{place}: format changed"
            for name in set(found.get("required", [])) - set(schema.get("required", [])):
                yield f"{place}.{name}: may be missing now"
            for name, child, now in _children(found, schema):
                if now is None:
                    yield f"{place}.{name}: removed"
                else:
                    yield from self._answer(child, now, f"{place}.{name}")


def _kinds(schema: Node, document: Node) -> dict[str, Node]:
    """The types that a schema allows, each with what it says of them."""
    if reference := schema.get("$ref"):
        return _kinds(document["components"]["schemas"][reference.rsplit("/", 1)[1]], document)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return {kind: each for choice in choices for kind, each in _kinds(choice, document).items()}
    named = schema.get("type", "anything")
    return dict.fromkeys(named if isinstance(named, list) else [named], schema)


def _children(old: Node, new: Node) -> Iterator[tuple[str, Node, Node | None]]:
    for name, child in old.get("properties", {}).items():
        yield name, child, new.get("properties", {}).get(name)
    if "items" in old:
        yield "[]", old["items"], new.get("items")


def _narrowed(old: Node, new: Node, place: str) -> Iterator[str]:
    for name in (*LOWER, *UPPER, *EXACT):
        before, after = old.get(name), new.get(name)
        if after is None or after == before or after is True:
            continue
        widened = before is not None and name not in EXACT and (after < before if name in LOWER else after > before)
        if not widened:
            yield f"{place}: {name} was {before}, is {after}"
    before, after = _values(old), _values(new)
    if after and not (before and before <= after):
        yield f"{place}: fewer values are taken"


def _values(schema: Node) -> set[str]:
    return set(map(str, schema.get("enum", []) or ([schema["const"]] if "const" in schema else [])))
