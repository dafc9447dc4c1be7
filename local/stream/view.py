"""Prints a session: a line for each new evaluation, and on a terminal a live line."""

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
    """Prints snapshots of one session."""

    out: TextIO = sys.stdout
    _last: str = ""

    @property
    def _live(self) -> bool:
        return self.out.isatty()

    def opening(self, recording: SourceRecording, speaker: str | None, session: str) -> None:
        """Prints the recording and the claimed speaker."""
        kind = f"{recording.encoding}, {recording.rate} Hz, {recording.seconds:.1f} s"
        claim = speaker or "nobody yet"
        print(f"playing {kind} into session {session}, claimed: {claim}\n{self._paint(HEADING, DIM)}", file=self.out)

    def show(self, snapshot: SessionSnapshot) -> None:
        """Prints a line for a new or final evaluation, and updates the live line."""
        evaluation = snapshot.evaluation
        if self._live:
            self.out.write("\r\033[K")
        if snapshot.final or evaluation["evaluation_id"] != self._last:
            self._last = evaluation["evaluation_id"]
            print(self._line(snapshot), file=self.out)
        if self._live and not snapshot.final:
            self.out.write(self._live_line(snapshot))
        self.out.flush()

    def closing(self, snapshot: SessionSnapshot) -> None:
        """Prints the final decision."""
        decision = snapshot.evaluation["decision"]
        lag = "" if snapshot.lag is None else f", last chunk {snapshot.lag:.1f} s from accepted to scored"
        final = self._paint(f"final: {decision}", COLORS.get(decision, BOLD))
        print(f"{final} as {snapshot.evaluation['decision_id']}{lag}, {snapshot.retries} retries", file=self.out)

    def _line(self, snapshot: SessionSnapshot) -> str:
        evaluation = snapshot.evaluation
        speaker = evaluation["speaker"] or {}
        llr, score = (
            f"{speaker[name]:{form}}" if speaker else "" for name, form in (("llr", "+.1f"), ("score", ".0f"))
        )
        liveness = evaluation.get("liveness")
        alive = f"{liveness['llr']:+.1f}" if liveness else ""
        decision = self._paint(f"{evaluation['decision']:<12}", COLORS.get(evaluation["decision"], DIM))
        chunks, seconds = evaluation["chunks"]["scored"], evaluation["speech_seconds"]
        numbers = (
            f"{snapshot.seconds:7.1f} {snapshot.accepted:5} {chunks:7} {seconds:9.1f} {llr:>7} {score:>6} {alive:>7}"
        )
        return f"{numbers}  {decision}  {', '.join(evaluation['reasons'])}"

    def _live_line(self, snapshot: SessionSnapshot) -> str:
        score = (snapshot.evaluation["speaker"] or {}).get("score", 0.0)
        filled = round(BAR * score / 100)
        bar = self._paint("\u2588" * filled, COLORS.get(snapshot.evaluation["decision"], DIM)) + "\u2591" * (
            BAR - filled
        )
        liveness = snapshot.evaluation.get("liveness")
        alive = f"  {liveness['state'].replace('_', ' ')}" if liveness else ""
        lag = "-" if snapshot.lag is None else f"{snapshot.lag:.1f} s"
        return f"{snapshot.played:7.1f} s spoken  {bar}{alive}  lag {lag}  retries {snapshot.retries}"

    def _paint(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._live and "NO_COLOR" not in os.environ else text
