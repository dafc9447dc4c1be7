"""Recordings whose right answer is known, and the settings that they are answered under."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from bonafide.audio.encoding import Encoding
from bonafide.ports.probes import Document

# The recordings are short, so the probes' domain asks for less speech than by default. Nobody looks up a probe's
# decisions later.
SETTINGS: Document = {"policy": {"minimum_enrolment_seconds": 6}, "retention": {"decision_days": 1}}
CONSENT: Document = {"receipt_id": "golden", "given_at": "2026-01-01T00:00:00+00:00"}


@dataclass(frozen=True, slots=True)
class GoldenSetup:
    """Domain, recordings and time limits of golden calls.

    Attributes:
        domain: of the probes, whose decisions count in no statistic of callers.
        recordings: WAV files `enrollment`, `genuine`, `impostor` and `silence`.
        bounds_ms: longest time of an answer, by function; those that are not named may take any time.
    """

    domain: str
    recordings: Mapping[str, bytes]
    bounds_ms: Mapping[str, float]

    def audio(self, name: str) -> Document:
        """Returns a recording inside a request."""
        return {"content": self.content(name), "encoding": Encoding.WAV}

    def content(self, name: str) -> str:
        """Returns a recording in base64."""
        return base64.b64encode(self.recordings[name]).decode()
