"""Detection of names, audio and embeddings in logs, traces and metrics."""

import json
import re
from collections.abc import Iterator

from ops.synthesis import ROOT

# Longer than any digest, identifier or path that is logged deliberately.
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{100,}={0,2}")
BYTES = re.compile(r"(?:\\x[0-9a-f]{2}[^\\]{0,2}){16,}")
NUMBERS = re.compile(r"(?:-?\d+(?:\.\d*)?(?:e[+-]?\d+)?[,\s]+){17,}")
AROUND = 40
# Deliberate content: values of metrics, up to 100 in a record, and paths of code on this machine.
METRICS = "|".join(json.loads((ROOT / "layers/core/python/bonafide/metrics.json").read_text())["metrics"])
MEANT = re.compile(rf'"(?:{METRICS})":\s*\[[^\]]*\]|asset\.[0-9a-f]{{64}}')


def leaks(text: str, marker: str) -> Iterator[str]:
    """Yields each finding with its context.

    Args:
        text: log, or segments of traces.
        marker: part of every name in the requests.
    """
    patterns = {"name": re.compile(re.escape(marker)), "base64": BASE64, "bytes": BYTES, "numbers": NUMBERS}
    text = MEANT.sub("", text)
    for kind, pattern in patterns.items():
        for found in pattern.finditer(text):
            yield f"{kind}: {text[max(found.start() - AROUND, 0) : found.start() + AROUND]}"
