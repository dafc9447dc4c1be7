"""The page that explains answers names everything that an answer may say."""

import re
from pathlib import Path

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.liveness import LivenessState

PAGE = Path("docs/answers.md")


def test_every_decision_reason_and_state_is_explained_and_no_other() -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", PAGE.read_text()))
    assert named == {*Decision, *Reason}
    assert all(f"`{state}`" in PAGE.read_text() for state in LivenessState)
