"""Prints a session: a line for each new evaluation, and on a terminal a live line."""

import os
import sys
from dataclasses import dataclass
from typing import TextIO

from bonafide_client import SourceRecording, StreamProgress
from local.demo.table import BOLD, COLORS, DIM

BAR = 24
HEADING = " call s  sent  scored  speech s     LLR  score   alive  decision      reasons"


@dataclass(slots=True)
class SessionView:
    """Prints the progress of one session."""

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

    def show(self, progress: StreamProgress) -> None:
        """Prints a line for a new or final evaluation, and updates the live line."""
        evaluation = progress.evaluation
        if self._live:
            self.out.write("\r\033[K")
        if progress.final or evaluation["evaluation_id"] != self._last:
            self._last = evaluation["evaluation_id"]
            print(self._line(progress), file=self.out)
        if self._live and not progress.final:
            self.out.write(self._live_line(progress))
        self.out.flush()

    def closing(self, progress: StreamProgress) -> None:
        """Prints the final decision."""
        decision = progress.evaluation["decision"]
        lag = "" if progress.lag is None else f", last chunk {progress.lag:.1f} s from accepted to scored"
        final = self._paint(f"final: {decision}", COLORS.get(decision, BOLD))
        print(f"{final} as {progress.evaluation['decision_id']}{lag}, {progress.retries} retries", file=self.out)

    def _line(self, progress: StreamProgress) -> str:
        evaluation = progress.evaluation
        speaker, liveness = evaluation["speaker"], evaluation["liveness"]
        llr, score = (f"{speaker['llr']:+.1f}", f"{speaker['score']:.0f}") if speaker else ("", "")
        alive = f"{liveness['llr']:+.1f}" if liveness else ""
        decision = self._paint(f"{evaluation['decision']:<12}", COLORS.get(evaluation["decision"], DIM))
        chunks = f"{progress.seconds:7.1f} {progress.accepted:5} {evaluation['chunks']['scored']:7}"
        evidence = f"{evaluation['speech_seconds']:9.1f} {llr:>7} {score:>6} {alive:>7}"
        return f"{chunks} {evidence}  {decision}  {', '.join(evaluation['reasons'])}"

    def _live_line(self, progress: StreamProgress) -> str:
        speaker, liveness = progress.evaluation["speaker"], progress.evaluation["liveness"]
        filled = round(BAR * (speaker["score"] if speaker else 0.0) / 100)
        color = COLORS.get(progress.evaluation["decision"], DIM)
        bar = self._paint("\u2588" * filled, color) + "\u2591" * (BAR - filled)
        state = f"  {liveness['state'].replace('_', ' ')}" if liveness else ""
        lag = "-" if progress.lag is None else f"{progress.lag:.1f} s"
        return f"{progress.played:7.1f} s spoken  {bar}{state}  lag {lag}  retries {progress.retries}"

    def _paint(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._live and "NO_COLOR" not in os.environ else text
