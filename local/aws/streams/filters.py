"""Filters of event source mappings: a record that no pattern matches is done without an invocation.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

type Pattern = Mapping[str, Any]


def patterns(properties: Mapping[str, Any]) -> tuple[Pattern, ...]:
    """Reads the patterns of a mapping; none takes all records."""
    return tuple(json.loads(each["Pattern"]) for each in properties.get("FilterCriteria", {}).get("Filters", ()))


def is_wanted(event: bytes, wanted: Sequence[Pattern]) -> bool:
    """Tells whether one of the patterns matches a record's part of the event."""
    return not wanted or any(_matches(each, json.loads(event)) for each in wanted)


def _matches(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    return all(_fits(each, event.get(name)) for name, each in pattern.items())


def _fits(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, dict):
        return isinstance(value, dict) and _matches(pattern, value)
    if any(isinstance(each, dict) for each in pattern):
        raise NotImplementedError(f"filter {pattern}")
    return value in pattern
