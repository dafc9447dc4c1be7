"""The report of a move to another embedding space: events, and answers by phase."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from local.spaces.callers import CallAnswer, refusals

DECISIONS = ("ACCEPT", "STEP_UP", "REJECT", "INCONCLUSIVE")


@dataclass
class MoveReport:
    """Prints what happens, and in the end what callers were answered.

    Attributes:
        out: folder for `report.json`.
        held: whether everything went as expected so far.
    """

    out: Path
    held: bool = True
    events: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Takes an event."""
        line = f"{datetime.now():%H:%M:%S} {text}"
        self.events.append(line)
        print(line, flush=True)

    def expect(self, what: str, found: str, wanted: str) -> None:
        """Takes an expectation."""
        self.held = self.held and found == wanted
        self.say(f"{'✓' if found == wanted else '✗'} {what}: {found}")

    def close(self, answers: Sequence[CallAnswer]) -> None:
        """Prints the answers by phase, domain and caller, and checks that nobody was refused."""
        print(
            f"\n{'phase':28}{'domain':16}{'caller':10}{'calls':>6}",
            *(f"{each:>13}" for each in DECISIONS),
            "refused  p95 ms",
        )
        groups = dict.fromkeys((each.phase, each.domain, each.genuine) for each in answers)
        for group in groups:
            self._row(group, [each for each in answers if (each.phase, each.domain, each.genuine) == group])
        refused = refusals(answers)
        self.expect(
            f"refused of {len(answers)} calls {dict(Counter(each.decision for each in refused))}",
            str(len(refused)),
            "0",
        )
        bundles = Counter(each.bundle[:12] for each in answers if each.bundle)
        self.say(f"calls decided by each bundle: {dict(bundles)}")
        document = {"events": self.events, "answers": [asdict(each) for each in answers]}
        (self.out / "report.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        print(f"Every answer is in {self.out / 'report.json'}.")

    def _row(self, group: tuple[str, str, bool], own: Sequence[CallAnswer]) -> None:
        phase, domain, genuine = group
        counts = Counter(each.decision for each in own)
        cells = "".join(f"{counts[each]:13}" for each in DECISIONS)
        p95 = np.percentile([each.milliseconds for each in own], 95)
        kind = "genuine" if genuine else "impostor"
        print(f"{phase:28}{domain:16}{kind:10}{len(own):6}{cells}{len(refusals(own)):8}{p95:8.0f}")
