"""The page on call risk says what the data file and the contract say."""

import re
from pathlib import Path

from bonafide.biometrics.risk.facts import LineType, Verstat
from bonafide.biometrics.risk.scorecard import SCORECARD
from bonafide.contracts.risk.calls import CallDetails

PAGE = Path("docs/call-risk.md").read_text()


def test_every_reason_is_explained_with_its_weight_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (-?[\d.]+) \|", PAGE, re.MULTILINE)
    assert {name: float(nats) for name, nats in rows} == {str(code): nats for code, nats in SCORECARD.nats.items()}
    assert len(rows) == len(SCORECARD.nats)
    assert f"version `{SCORECARD.version}`" in PAGE
    assert f"bounded to {SCORECARD.lowest} and {SCORECARD.highest}" in PAGE


def test_limits_are_those_of_the_scorecard() -> None:
    limits = SCORECARD.limits
    for said in (
        f"more than {limits.number_speakers_a_day} other speakers were claimed",
        f"more than {limits.number_calls_an_hour} other calls from the number within an hour",
        f"from more than {limits.speaker_numbers_a_day} other numbers within 24 h",
        f"more than {limits.speaker_calls_an_hour} other calls claimed the speaker within an hour",
        f"at least {limits.surge_calls} calls in 10 minutes, and more than {limits.surge_factor} times",
        f"within {SCORECARD.known_days} days",
    ):
        assert said in PAGE, said


def test_every_field_of_a_request_is_explained_and_no_other() -> None:
    table = PAGE.partition("| field |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(CallDetails.model_fields)
    assert all(f"`{value}`" in table for value in [*LineType, *Verstat])
