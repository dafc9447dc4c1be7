"""The page on the shadow counts flips, keeps pairs of bundles apart, and says why there is nothing to show."""

from pathlib import Path
from typing import Any

from ops.monitoring.shadow_page import shadow_page


def scores(bundle: str, decision: str | None, llr: float | None, liveness: float = 2.0) -> dict[str, Any]:
    return {
        "bundle": bundle * 64,
        "decision": decision,
        "speaker_llr": llr,
        "liveness_llr": liveness,
        "milliseconds": 200.0,
    }


def result(
    name: str, champion: dict[str, Any], challenger: dict[str, Any], channel: str = "wideband"
) -> dict[str, Any]:
    return {
        "decision_id": name,
        "decided_at": "2026-03-01T08:00:00Z",
        "channel": channel,
        "speech_seconds": 5.0,
        "champion": champion,
        "challenger": challenger,
    }


def test_flips_are_counted_and_shown_with_their_decisions(tmp_path: Path) -> None:
    results = [
        result("older", scores("a", "ACCEPT", 5.0), scores("x", "REJECT", -5.0)),
        *(result(f"same-{n}", scores("a", "ACCEPT", 5.0), scores("b", "ACCEPT", 6.0)) for n in range(9)),
        result("flip-1", scores("a", "ACCEPT", 5.0), scores("b", "STEP_UP", 1.0), "narrowband"),
        result("other-space", scores("a", "ACCEPT", 5.0), scores("b", None, None, 1.0)),
    ]
    text = shadow_page({"domain": "acme", "results": results}).write(tmp_path / "page.html").read_text()
    assert "1 of 10 calls differently: 10.0 %, 95 % interval 1.8 % to 40.4 %" in text
    assert "Of 10 calls that the champion accepted, the challenger would not have accepted 1" in text
    assert "1 voices could not be compared" in text
    assert "1 results of other pairs" in text
    assert '<td class="marked">1</td>' in text
    assert "ACCEPT → STEP_UP" in text
    assert "flip-1" in text
    assert "same-1" not in text
    assert text.count("data:image/png;base64,") == 3


def test_a_challenger_of_another_space_is_shown_by_liveness_alone(tmp_path: Path) -> None:
    results = [result(f"call-{n}", scores("a", "ACCEPT", 5.0), scores("b", None, None, 1.0)) for n in range(3)]
    text = shadow_page({"domain": "acme", "results": results}).write(tmp_path / "page.html").read_text()
    assert "none of 3 voices" in text
    assert '<td class="">-1.00</td>' in text


def test_without_results_the_page_says_why(tmp_path: Path) -> None:
    text = shadow_page({"domain": "acme", "results": []}).write(tmp_path / "page.html").read_text()
    assert "shadow_audio" in text
