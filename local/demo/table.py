"""Prints the demo: one line for each request, and a closing summary."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.demo.report import DemoRow
from local.demo.script import Action

GREEN, YELLOW, RED, BLUE, DIM, BOLD = "32", "33", "31", "36", "2", "1"
COLORS = {
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
# Decisions on genuine callers besides ACCEPT, as the summary words them.
GENUINE = {"STEP_UP": "asked for another proof", "INCONCLUSIVE": "inconclusive", "REJECT": "rejected"}
ATTACKS = {"impostor": "impostors", "text_to_speech": "text to speech", "clone": "clones", "replayed": "replays"}


class DemoTable:
    """Prints rows as they come."""

    def __init__(self) -> None:
        self._colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def opening(self) -> None:
        """Prints a legend."""
        print("LLR: natural log; above 0 the voice speaks for the claimed speaker. Score: the same from 0 to 100.")
        print("Alive: liveness LLR; above 0 the voice sounds human rather than synthetic.")
        print("\u2713 expected answer, ! accepted synthetic voice, \u2717 unexpected answer.")
        print("STEP_UP: ask the caller for another proof. INCONCLUSIVE: not enough speech to decide on.")

    def heading(self, text: str) -> None:
        """Starts a section."""
        print(f"\n{self._paint(text, BOLD)}\n{self._paint('  ' + '  '.join(_fitted(HEADINGS)), DIM)}", flush=True)

    def row(self, row: DemoRow) -> None:
        """Prints one row."""
        mark = self._paint(*_mark(row))
        cells = _fitted(_cells(row))
        cells[OUTCOME] = self._paint(cells[OUTCOME], COLORS.get(row.outcome, DIM))
        wanted = "" if row.held else self._paint(f"  expected {row.step.expected}", RED)
        print(f"{mark} {'  '.join(cells)}{wanted}".rstrip(), flush=True)

    def closing(self, totals: Mapping[str, Any], report: Path) -> None:
        """Prints decisions on genuine callers and attacks first, then expectations and times."""
        print(f"\n{self._paint(_genuine(totals), BOLD)}")
        accepted = totals["attacks"]["accepted"]
        print(self._paint(_attacks(totals), RED if accepted else GREEN))
        print(self._paint(_expectations(totals), RED if totals["failed"] else DIM))
        print(self._paint(_replay(totals["replay"]), DIM))
        for line in _details(totals):
            print(f"  {line}")
        print(f"Each row is in {report}. Next: `make serve`, then open its /v1/docs to call the API yourself.")

    def _paint(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._colored and text else text


def _genuine(totals: Mapping[str, Any]) -> str:
    decisions = totals["genuine"]
    others = ", ".join(f"{decisions.get(name, 0)} {words}" for name, words in GENUINE.items())
    return f"Genuine callers: {decisions.get('ACCEPT', 0)} of {sum(decisions.values())} accepted, {others}"


def _attacks(totals: Mapping[str, Any]) -> str:
    attacks = totals["attacks"]
    kinds = ", ".join(
        f"{words} {totals[name].get('ACCEPT', 0)} of {sum(totals[name].values())}" for name, words in ATTACKS.items()
    )
    return f"Attacks accepted: {attacks['accepted']} of {attacks['total']} ({kinds})"


def _expectations(totals: Mapping[str, Any]) -> str:
    """Returns the result of the regression check, which never stands without the attacks that were accepted."""
    attacks = totals["attacks"]
    held = f"Regression check: {totals['held']} of {totals['held'] + totals['failed']} expectations held"
    if not attacks["accepted"]:
        return held
    tolerated = f"the script tolerates this for {attacks['acceptance_allowed']} of {attacks['total']} attacks"
    return f"{held} although {attacks['accepted']} attacks were accepted ({tolerated})"


def _replay(counted: Mapping[str, int]) -> str:
    """Returns the result of judging every stored decision again."""
    return f"Replay: {counted['equal']} of {counted['decisions']} stored decisions come out the same to the last bit"


def _details(totals: Mapping[str, Any]) -> Iterator[str]:
    for who in ("impostor", "text_to_speech", "clone", "replayed"):
        counted = ", ".join(f"{count} {name}" for name, count in sorted(totals[who].items()))
        yield f"{who.replace('_', ' '):15} {counted}"
    matching = totals["clone_with_matching_voice"]
    stopped = sum(matching.values()) - matching.get("ACCEPT", 0)
    yield f"a voice alone   accepts {sum(matching.values())} of the clones; liveness stops {stopped} of those"
    times = totals["milliseconds"]
    yield f"a call          {times['p50']:.0f} ms at the median, {times['p95']:.0f} ms at the 95th percentile"
    yield f"the run         {totals['people']} people, {totals['seconds']:.0f} s"


def _mark(row: DemoRow) -> tuple[str, str]:
    """Returns the sign of a row and its color."""
    if not row.held:
        return "\u2717", RED
    return ("!", YELLOW) if row.missed else ("\u2713", DIM)


def _cells(row: DemoRow) -> Sequence[str]:
    step, response = row.step, row.response
    voice = (_number(row.figure("llr"), "+.1f"), _number(row.figure("score"), ".0f"))
    alive = _number(row.figure("llr", "liveness"), "+.1f")
    return (
        step.claimed,
        step.spoke,
        step.kind,
        row.outcome,
        *voice,
        alive,
        f"{response.milliseconds:.0f}",
        _reasons_text(row),
    )


def _fitted(cells: Sequence[str]) -> list[str]:
    """Pads cells to the columns, numbers to the right."""
    columns = enumerate(zip(cells, WIDTHS, strict=True))
    return [cell.rjust(width) if i in NUMBERS else cell.ljust(width) for i, (cell, width) in columns]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _reasons_text(row: DemoRow) -> str:
    """Returns the reasons, the missing speech, or the problem's detail."""
    missing = row.response.document.get("missing_speech_seconds")
    if missing and row.step.action is Action.ENROLL:
        return f"{missing} s of speech missing"
    return ", ".join(row.reasons) or str(row.response.document.get("detail", ""))
