"""Reports on a candidate: what each gate asked for, and what it found."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

SCHEMA = 1
LARGE = 1e4
COLUMNS = ("gate", "criterion", "cohort", "bound", "found")


@dataclass(frozen=True, slots=True)
class CriterionFinding:
    """The finding of one gate on one criterion.

    Attributes:
        gate: its name.
        criterion: what was asked for, for people.
        bound: what the criterion allows.
        found: what the candidate has.
        passed: whether it keeps to the bound.
        cohort: `column=value`, several with commas; None for everything together.
        interval: of `found`; None where nothing was sampled.
    """

    gate: str
    criterion: str
    bound: float | str
    found: float | str
    passed: bool
    cohort: str | None = None
    interval: tuple[float, float] | None = None

    @property
    def line(self) -> str:
        """The finding in one line."""
        where = f" ({self.cohort})" if self.cohort else ""
        spread = f", between {number(self.interval[0])} and {number(self.interval[1])}" if self.interval else ""
        state = "passed" if self.passed else "FAILED"
        found = f"{number(self.found)}{spread}; bound {number(self.bound)}"
        return f"{state} {self.gate}: {self.criterion}{where}: {found}"


@dataclass(frozen=True, slots=True)
class CandidateFindings:
    """All findings on one candidate.

    Attributes:
        gates_version: of the criteria.
        candidate: digest of its manifest.
        champion: digest of that which it was compared with; None without one.
        results: of all gates.
        champion_files: digests of its files by name; None without one.
    """

    gates_version: str
    candidate: str
    champion: str | None
    results: Sequence[CriterionFinding]
    champion_files: Mapping[str, str] | None = None

    @property
    def passed(self) -> bool:
        """Tells whether every gate passed, of at least one."""
        return bool(self.results) and all(each.passed for each in self.results)

    @property
    def failed_gates(self) -> list[str]:
        """Names of the gates that did not pass, in order."""
        return list(dict.fromkeys(each.gate for each in self.results if not each.passed))

    def document(self) -> Mapping[str, Any]:
        """Returns the content of gates.json."""
        return {
            "schema": SCHEMA,
            "gates_version": self.gates_version,
            "candidate": self.candidate,
            "champion": self.champion,
            "champion_files": self.champion_files,
            "passed": self.passed,
            "results": [asdict(each) for each in self.results],
        }

    def write(self, path: Path) -> None:
        """Writes gates.json."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.document(), indent=2, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads gates.json.

        Raises:
            OSError: it cannot be read.
            ValueError: it is no report of a schema that is known.
        """
        document = json.loads(path.read_bytes())
        if document.get("schema") != SCHEMA:
            raise ValueError(f"{path} is no gates.json of schema {SCHEMA}")
        results = [
            CriterionFinding(**each | {"interval": each["interval"] and tuple(each["interval"])})
            for each in document["results"]
        ]
        version, candidate, champion = (document[name] for name in ("gates_version", "candidate", "champion"))
        return cls(version, candidate, champion, results, document.get("champion_files"))


def table(report: CandidateFindings) -> str:
    """Draws a report as text: the failed criteria first, then every criterion."""
    champion = f"champion {report.champion[:12]}" if report.champion else "no champion"
    state = "passed" if report.passed else f"FAILED: {', '.join(report.failed_gates)}"
    head = f"candidate {report.candidate[:12]}, {champion}, gates {report.gates_version}: {state}"
    ordered = sorted(report.results, key=lambda each: each.passed)
    return "\n".join([head, "", *_aligned([_cells(each) for each in ordered])]) + "\n"


def _cells(result: CriterionFinding) -> tuple[str, ...]:
    spread = f" [{number(result.interval[0])}, {number(result.interval[1])}]" if result.interval else ""
    state = "" if result.passed else "FAILED"
    values = (number(result.bound), f"{number(result.found)}{spread}")
    return (state, result.gate, result.criterion, result.cohort or "all", *values)


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    everything = [("", *COLUMNS), *rows]
    widths = [max(len(row[index]) for row in everything) for index in range(len(everything[0]))]
    for row in everything:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def number(value: float | str) -> str:
    """Writes a figure for people: four digits, or all before the point."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if abs(value) >= LARGE else f"{value:.4g}"
