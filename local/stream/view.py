"""The score as it forms: a line for each new evaluation, and on a terminal one more that moves."""

import os
import sys
from dataclasses import dataclass
from typing import TextIO

from local.demo.table import BOLD, COLORS, DIM
from local.stream.call import SessionSnapshot
from local.stream.recording import SourceRecording

BAR = 24
HEADING = " call s  sent  scored  speech s     LLR  score   alive  decision      reasons"


@dataclass(slots=True)
class SessionView:
    """Prints looks at one call."""

    out: TextIO = sys.stdout
    _last: str = ""

    @property
    def _live(self) -> bool:
        return self.out.isatty()

    def opening(self, recording: SourceRecording, speaker: str | None, session: str) -> None:
        """Says what is played."""
        kind = f"{recording.encoding}, {recording.rate} Hz, {recording.seconds:.1f} s"
        claim = speaker or "nobody yet"
        print(f"playing {kind} into call {session}, claimed: {claim}\n{self._paint(HEADING, DIM)}", file=self.out)

    def show(self, look: SessionSnapshot) -> None:
        """Prints a line if the evaluation is a new one, or final; moves the live line."""
        evaluation = look.evaluation
        if self._live:
            self.out.write("\r\033[K")
        if look.final or evaluation["evaluation_id"] != self._last:
            self._last = evaluation["evaluation_id"]
            print(self._line(look), file=self.out)
        if self._live and not look.final:
            self.out.write(self._moving(look))
        self.out.flush()

    def closing(self, look: SessionSnapshot) -> None:
        """Says how it ended."""
        decision = look.evaluation["decision"]
        lag = "" if look.lag is None else f", last chunk {look.lag:.1f} s from accepted to scored"
        final = self._paint(f"final: {decision}", COLORS.get(decision, BOLD))
        print(f"{final} as {look.evaluation['decision_id']}{lag}, {look.retries} retries", file=self.out)

    def _line(self, look: SessionSnapshot) -> str:
        evaluation = look.evaluation
        speaker = evaluation["speaker"] or {}
        llr, score = (
            f"{speaker[name]:{form}}" if speaker else "" for name, form in (("llr", "+.1f"), ("score", ".0f"))
        )
        liveness = evaluation.get("liveness")
        alive = f"{liveness['llr']:+.1f}" if liveness else ""
        decision = self._paint(f"{evaluation['decision']:<12}", COLORS.get(evaluation["decision"], DIM))
        chunks, seconds = evaluation["chunks"]["scored"], evaluation["speech_seconds"]
        numbers = f"{look.seconds:7.1f} {look.accepted:5} {chunks:7} {seconds:9.1f} {llr:>7} {score:>6} {alive:>7}"
        return f"{numbers}  {decision}  {', '.join(evaluation['reasons'])}"

    def _moving(self, look: SessionSnapshot) -> str:
        score = (look.evaluation["speaker"] or {}).get("score", 0.0)
        filled = round(BAR * score / 100)
        bar = self._paint("\u2588" * filled, COLORS.get(look.evaluation["decision"], DIM)) + "\u2591" * (BAR - filled)
        liveness = look.evaluation.get("liveness")
        heard = f"  {liveness['state'].replace('_', ' ')}" if liveness else ""
        lag = "-" if look.lag is None else f"{look.lag:.1f} s"
        return f"{look.played:7.1f} s spoken  {bar}{heard}  lag {lag}  retries {look.retries}"

    def _paint(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._live and "NO_COLOR" not in os.environ else text
