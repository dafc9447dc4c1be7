"""What happened, for machines and for people."""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from typing import Any

from layers.packages import TORTOISE
from local.demo.client import Reply
from local.demo.script import Action, Machine, Step

GREEN, YELLOW, RED, BLUE, DIM, BOLD = "32", "33", "31", "36", "2", "1"
COLOURS = {
    "ACCEPT": GREEN,
    "ENROLLED": GREEN,
    "STEP_UP": YELLOW,
    "PENDING": YELLOW,
    "REJECT": RED,
    "INCONCLUSIVE": BLUE,
}
HEADINGS = ("claimed", "spoke", "call", "decision", "LLR", "score", "alive", "ms", "reasons")
WIDTHS = (9, 9, 21, 22, 7, 5, 6, 5, 0)
OUTCOME, NUMBERS = 3, {4, 5, 6, 7}
PROGRAMS = ("hibari-tts", "pyworld-prebuilt")


@dataclass(frozen=True, slots=True)
class Row:
    """One request with what came of it."""

    section: str
    step: Step
    reply: Reply

    @property
    def held(self) -> bool:
        """Whether it came out as expected."""
        expected = self.step.expected
        given = not expected.reasons or any(reason in self.reasons for reason in expected.reasons)
        return self.reply.outcome in expected.outcomes and given

    @property
    def reasons(self) -> Sequence[str]:
        """Why, as the API says it."""
        return list(self.reply.document.get("reasons", []))

    @property
    def missed(self) -> bool:
        """Whether a machine was accepted, which the demo allows of some clones."""
        return self.step.machine is not None and self.reply.outcome == "ACCEPT"

    @property
    def voice_matches(self) -> bool:
        """Whether the voice alone would have been accepted."""
        llr, threshold = self.figure("llr"), self.figure("threshold")
        return llr is not None and threshold is not None and llr >= threshold

    def figure(self, name: str, of: str = "speaker") -> float | None:
        """LLR, score or threshold of the comparison, or of liveness, if there was one."""
        return (self.reply.document.get(of) or {}).get(name) if self.step.action is Action.CALL else None

    def record(self) -> Mapping[str, Any]:
        """For the report; holds no audio and no embedding."""
        document = self.reply.document
        return {
            "section": self.section,
            "domain": self.step.domain,
            "action": self.step.action,
            "kind": self.step.kind,
            "claimed": self.step.claimed,
            "spoke": self.step.spoke,
            "machine": self.step.machine,
            "status": self.reply.status,
            "outcome": self.reply.outcome,
            "reasons": self.reasons,
            **{name: self.figure(name) for name in ("llr", "score", "threshold")},
            "liveness": document.get("liveness"),
            **{name: document.get(name) for name in ("channel", "speech_seconds", "missing_speech_seconds", "detail")},
            "milliseconds": round(self.reply.milliseconds, 1),
            "expected": asdict(self.step.expected),
            "held": self.held,
        }


def summary(rows: Sequence[Row], seconds: float) -> Mapping[str, Any]:
    """Counts and times over all rows."""
    calls = [row for row in rows if row.step.action is Action.CALL]
    scored = [row for row in calls if row.figure("llr") is not None]
    people = [row for row in scored if row.step.machine is None]
    clones = [row for row in scored if row.step.machine is Machine.CLONE]
    times = quantiles([row.reply.milliseconds for row in scored], n=100, method="inclusive")
    return {
        "held": sum(row.held for row in rows),
        "failed": sum(not row.held for row in rows),
        "people": len({row.step.spoke for row in rows if row.step.machine is None}),
        "genuine": _decisions([row for row in people if row.step.claimed == row.step.spoke]),
        "impostor": _decisions([row for row in people if row.step.claimed != row.step.spoke]),
        "text_to_speech": _decisions([row for row in scored if row.step.machine is Machine.SPEECH]),
        "clone": _decisions(clones),
        "clone_with_matching_voice": _decisions([row for row in clones if row.voice_matches]),
        "milliseconds": {"p50": round(times[49], 1), "p95": round(times[94], 1)},
        "seconds": round(seconds, 1),
    }


def _decisions(rows: Sequence[Row]) -> Mapping[str, int]:
    return dict(Counter(row.reply.outcome for row in rows))


def write(path: Path, rows: Sequence[Row], totals: Mapping[str, Any]) -> None:
    """Writes the report for machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bundle = next((row.reply.document["bundle"] for row in rows if "bundle" in row.reply.document), None)
    source = {"package": TORTOISE.name, "version": TORTOISE.version, "sha256": TORTOISE.sha256}
    programs = {name: version(name) for name in PROGRAMS}
    lineage = {"schema": 2, "bundle": bundle, "recordings": source, "machines": programs}
    document = {**lineage, "summary": totals, "rows": [row.record() for row in rows]}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


class Table:
    """Prints rows as they come."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def opening(self) -> None:
        """Says how to read it."""
        print("LLR: natural log; above 0 the voice speaks for the claimed speaker. Score: the same from 0 to 100.")
        print("Alive: LLR of a human against a machine; all that speaks against a clone of whoever is claimed.")
        print("\u2713 came out as expected, ! is a clone that was not noticed, \u2717 should have come out otherwise.")
        print("STEP_UP: ask the caller for another proof. INCONCLUSIVE: not enough speech to decide on.")

    def heading(self, text: str) -> None:
        """Starts a section."""
        print(f"\n{self._paint(text, BOLD)}\n{self._paint('  ' + '  '.join(_fitted(HEADINGS)), DIM)}", flush=True)

    def row(self, row: Row) -> None:
        """Prints one row."""
        mark = self._paint(*_mark(row))
        cells = _fitted(_cells(row))
        cells[OUTCOME] = self._paint(cells[OUTCOME], COLOURS.get(row.reply.outcome, DIM))
        wanted = "" if row.held else self._paint(f"  expected {row.step.expected}", RED)
        print(f"{mark} {'  '.join(cells)}{wanted}".rstrip(), flush=True)

    def closing(self, totals: Mapping[str, Any], report: Path) -> None:
        """Says how it went and what to try next."""
        verdict = f"{totals['held']} of {totals['held'] + totals['failed']} expectations held"
        print(f"\n{self._paint(verdict, RED if totals['failed'] else GREEN)}, {totals['people']} people, ", end="")
        print(f"{totals['seconds']:.0f} s.")
        for who in ("genuine", "impostor", "text_to_speech", "clone"):
            counted = ", ".join(f"{count} {name}" for name, count in sorted(totals[who].items()))
            print(f"  {who.replace('_', ' '):15} {counted}")
        matching = totals["clone_with_matching_voice"]
        stopped = sum(matching.values()) - matching.get("ACCEPT", 0)
        print(f"  a voice alone   accepts {sum(matching.values())} of the clones; liveness stops {stopped} of those")
        times = totals["milliseconds"]
        print(f"  a call          {times['p50']:.0f} ms at the median, {times['p95']:.0f} ms at the 95th percentile")
        print(f"Each row is in {report}. Next: `make serve`, then open its /v1/docs to call the API yourself.")

    def _paint(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._coloured and text else text


def _mark(row: Row) -> tuple[str, str]:
    """The sign of how a row came out, and its colour."""
    if not row.held:
        return "\u2717", RED
    return ("!", YELLOW) if row.missed else ("\u2713", DIM)


def _cells(row: Row) -> Sequence[str]:
    step, reply = row.step, row.reply
    voice = (_number(row.figure("llr"), "+.1f"), _number(row.figure("score"), ".0f"))
    alive = _number(row.figure("llr", "liveness"), "+.1f")
    return (
        step.claimed,
        step.spoke,
        step.kind,
        reply.outcome,
        *voice,
        alive,
        f"{reply.milliseconds:.0f}",
        _remark(row),
    )


def _fitted(cells: Sequence[str]) -> list[str]:
    """Padded to the columns; numbers to the right."""
    columns = enumerate(zip(cells, WIDTHS, strict=True))
    return [cell.rjust(width) if i in NUMBERS else cell.ljust(width) for i, (cell, width) in columns]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _remark(row: Row) -> str:
    """Reasons, what is missing, or what was wrong."""
    missing = row.reply.document.get("missing_speech_seconds")
    if missing and row.step.action is Action.ENROL:
        return f"{missing} s of speech missing"
    return ", ".join(row.reasons) or str(row.reply.document.get("detail", ""))
