"""What may be in no log, trace or metric: names of people, audio, embeddings."""

import json
import re
from collections.abc import Iterator

from ops.synthesis import ROOT

# Longer than any digest, identifier or path that is written on purpose.
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{100,}={0,2}")
BYTES = re.compile(r"(?:\\x[0-9a-f]{2}[^\\]{0,2}){16,}")
NUMBERS = re.compile(r"(?:-?\d+(?:\.\d*)?(?:e[+-]?\d+)?[,\s]+){17,}")
AROUND = 40
# What is written on purpose: values of metrics, up to 100 in a record, and where code lies on this machine.
METRICS = "|".join(json.loads((ROOT / "layers/core/python/bonafide/metrics.json").read_text())["metrics"])
MEANT = re.compile(rf'"(?:{METRICS})":\s*\[[^\]]*\]|asset\.[0-9a-f]{{64}}')


def leaks(text: str, marker: str) -> Iterator[str]:
    """Says what was found and where.

    Args:
        text: a log, or segments of traces.
        marker: part of every name that was given.
    """
    patterns = {"name": re.compile(re.escape(marker)), "base64": BASE64, "bytes": BYTES, "numbers": NUMBERS}
    text = MEANT.sub("", text)
    for kind, pattern in patterns.items():
        for found in pattern.finditer(text):
            yield f"{kind}: {text[max(found.start() - AROUND, 0) : found.start() + AROUND]}"
