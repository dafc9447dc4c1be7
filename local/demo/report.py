"""The demo's results: rows, counts and the JSON report."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from typing import Any

from bonafide_client import ApiResponse
from layers.packages import TORTOISE
from local.demo.script import Action, DemoStep, SyntheticVoice

PROGRAMS = ("hibari-tts", "pyworld-prebuilt")


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One request with its answer."""

    section: str
    step: DemoStep
    response: ApiResponse

    @property
    def outcome(self) -> str:
        """The decision, the state of the speaker, or the problem's code."""
        document, status = self.response.document, self.response.status
        if status >= 400:
            return self.response.code
        return str(document.get("decision") or document.get("status") or status)

    @property
    def held(self) -> bool:
        """Tells whether the answer is one that the script expects."""
        expected = self.step.expected
        given = not expected.reasons or any(reason in self.reasons for reason in expected.reasons)
        return self.outcome in expected.outcomes and given

    @property
    def reasons(self) -> Sequence[str]:
        """Reason codes of the decision."""
        return list(self.response.document.get("reasons", []))

    @property
    def missed(self) -> bool:
        """Tells whether a synthetic voice was accepted, even if the script allows it."""
        return self.step.synthetic is not None and self.outcome == "ACCEPT"

    @property
    def voice_matches(self) -> bool:
        """Tells whether the comparison of speakers alone would have accepted."""
        llr, threshold = self.figure("llr"), self.figure("threshold")
        return llr is not None and threshold is not None and llr >= threshold

    def figure(self, name: str, of: str = "speaker") -> float | None:
        """Returns the LLR, score or threshold of the speaker or of liveness; None without a comparison."""
        return (self.response.document.get(of) or {}).get(name) if self.step.action is Action.CALL else None

    def record(self) -> Mapping[str, Any]:
        """Returns the row of the report; holds no audio and no embedding."""
        document = self.response.document
        return {
            "section": self.section,
            "domain": self.step.domain,
            "action": self.step.action,
            "kind": self.step.kind,
            "claimed": self.step.claimed,
            "spoke": self.step.spoke,
            "machine": self.step.synthetic,
            "status": self.response.status,
            "outcome": self.outcome,
            "reasons": self.reasons,
            **{name: self.figure(name) for name in ("llr", "score", "threshold")},
            "liveness": document.get("liveness"),
            **{name: document.get(name) for name in ("channel", "speech_seconds", "missing_speech_seconds", "detail")},
            "milliseconds": round(self.response.milliseconds, 1),
            "expected": asdict(self.step.expected),
            "held": self.held,
        }


def summary(rows: Sequence[DemoRow], seconds: float) -> Mapping[str, Any]:
    """Counts decisions and times over all rows."""
    calls = [row for row in rows if row.step.action is Action.CALL]
    scored = [row for row in calls if row.figure("llr") is not None]
    times = quantiles([row.response.milliseconds for row in scored], n=100, method="inclusive")
    return {
        "held": sum(row.held for row in rows),
        "failed": sum(not row.held for row in rows),
        "people": len({row.step.spoke for row in rows if row.step.synthetic is None}),
        **{name: _decisions(filter(belongs, scored)) for name, belongs in CALLERS.items()},
        "clone_with_matching_voice": _decisions(row for row in filter(_is_clone, scored) if row.voice_matches),
        "attacks": _attacks(scored),
        "milliseconds": {"p50": round(times[49], 1), "p95": round(times[94], 1)},
        "seconds": round(seconds, 1),
    }


def _is_genuine(row: DemoRow) -> bool:
    return row.step.synthetic is None and row.step.claimed == row.step.spoke and not row.step.replayed


def _is_impostor(row: DemoRow) -> bool:
    return row.step.synthetic is None and row.step.claimed != row.step.spoke


def _is_replayed(row: DemoRow) -> bool:
    return row.step.replayed


def _is_speech(row: DemoRow) -> bool:
    return row.step.synthetic is SyntheticVoice.SPEECH


def _is_clone(row: DemoRow) -> bool:
    return row.step.synthetic is SyntheticVoice.CLONE


# All but genuine callers are attacks.
CALLERS: Mapping[str, Callable[[DemoRow], bool]] = {
    "genuine": _is_genuine,
    "impostor": _is_impostor,
    "text_to_speech": _is_speech,
    "clone": _is_clone,
    "replayed": _is_replayed,
}


def _decisions(rows: Iterable[DemoRow]) -> Mapping[str, int]:
    return dict(Counter(row.outcome for row in rows))


def _attacks(scored: Sequence[DemoRow]) -> Mapping[str, int]:
    """Counts attacks, those that were accepted, and those that the script allows to be accepted."""
    attacks = [row for row in scored if not _is_genuine(row)]
    return {
        "total": len(attacks),
        "accepted": sum(row.outcome == "ACCEPT" for row in attacks),
        "acceptance_allowed": sum("ACCEPT" in row.step.expected.outcomes for row in attacks),
    }


def write(path: Path, rows: Sequence[DemoRow], totals: Mapping[str, Any]) -> None:
    """Writes the report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bundle = next((row.response.document["bundle"] for row in rows if "bundle" in row.response.document), None)
    source = {"package": TORTOISE.name, "version": TORTOISE.version, "sha256": TORTOISE.sha256}
    programs = {name: version(name) for name in PROGRAMS}
    lineage = {"schema": 2, "bundle": bundle, "recordings": source, "machines": programs}
    document = {**lineage, "summary": totals, "rows": [row.record() for row in rows]}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
