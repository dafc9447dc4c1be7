"""Logs of functions, with one or several JSON documents per line.

The environments of a function share one file here; in AWS each has a log stream. A document is written at once, but
its line may end only after the next document of another environment.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

DECODER = json.JSONDecoder()


def documents(line: str) -> Iterator[Mapping[str, Any]]:
    """Yields the JSON objects that a line starts with, if any."""
    rest = line.strip()
    while rest.startswith("{"):
        try:
            document, end = DECODER.raw_decode(rest)
        except ValueError:
            return
        yield document
        rest = rest[end:].lstrip()
