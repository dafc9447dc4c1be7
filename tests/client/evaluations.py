"""Evaluations of a session as the service answers them."""

from typing import Any


def evaluation(scored: int, *, final: bool) -> Any:
    """The evaluation once so many chunks of 4 s of speech were scored."""
    return {
        "evaluation_id": f"e-{scored}",
        "status": "FINAL" if final else "OPEN",
        "decision_id": "d-1" if final else None,
        "decision": "ACCEPT" if scored else "INCONCLUSIVE",
        "reasons": ["VOICE_MATCH"] if scored else ["NOT_ENOUGH_SPEECH"],
        "speaker": {"llr": 5.25, "score": 93.1, "threshold": 0.0} if scored else None,
        "liveness": {"llr": 2.5, "score": 92.4, "threshold": -1.4, "state": "bona_fide"} if scored else None,
        "speech_seconds": 4.0 * scored,
        "chunks": {"scored": scored},
    }
