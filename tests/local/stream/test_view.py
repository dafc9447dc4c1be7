"""What a producer prints while a session is streamed."""

import io

import pytest

from bonafide_client import StreamProgress
from local.stream.view import SessionView
from tests.client.evaluations import evaluation


def progress(scored: int, *, final: bool = False) -> StreamProgress:
    return StreamProgress(4.5 * scored, 4.0 * scored, scored, 0.25, 0, evaluation(scored, final=final))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_there_is_one_plain_line_for_each_evaluation() -> None:
    view = SessionView(io.StringIO())
    for each in (progress(0), progress(1), progress(1), progress(2), progress(2), progress(2, final=True)):
        view.show(each)
    view.closing(progress(2, final=True))
    text = view.out.getvalue()  # type: ignore[attr-defined]
    assert "\033" not in text
    assert "\r" not in text
    assert len(text.splitlines()) == 5
    assert text.splitlines()[1].split() == ["4.5", "1", "1", "4.0", "+5.2", "93", "+2.5", "ACCEPT", "VOICE_MATCH"]
    assert "final: ACCEPT as d-1" in text.splitlines()[-1]


def test_on_a_terminal_a_line_moves_below_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    view = SessionView(Terminal())
    view.show(progress(1))
    text = view.out.getvalue()  # type: ignore[attr-defined]
    assert text.rsplit("\n", 1)[1].strip().endswith("lag 0.2 s  retries 0")
    assert "bona fide" in text
    assert "\033[32m" in text
