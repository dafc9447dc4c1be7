"""Results of the shadow, as model engineers read them."""

from collections.abc import Sequence
from dataclasses import asdict

from pydantic import AwareDatetime, Field

from bonafide.contracts.base import Answer
from bonafide.records.shadow import ShadowResult


class BundleScores(Answer):
    """Scores of one bundle for a recording."""

    bundle: str = Field(description="SHA-256 of the models' manifest.")
    decision: str | None = Field(description="Under the policy; null where the voice could not be compared.")
    speaker_llr: float | None
    liveness_llr: float | None
    milliseconds: float | None = Field(description="Time that the models took; null of a session's champion.")


class SideBySide(Answer):
    """Champion and challenger on one recording or session."""

    decision_id: str = Field(description="Of the champion's decision, which was answered.")
    decided_at: AwareDatetime
    channel: str
    speech_seconds: float
    champion: BundleScores
    challenger: BundleScores
    chunks: int | None = Field(description="Chunks of a session that the challenger scored; null of one recording.")


class ShadowReport(Answer):
    """Newest results of a domain, the oldest of them first."""

    domain: str
    results: list[SideBySide]


def shadow_report(domain: str, results: Sequence[ShadowResult]) -> ShadowReport:
    """Returns the view of results."""
    return ShadowReport(domain=domain, results=[_side_by_side(each) for each in results])


def _side_by_side(result: ShadowResult) -> SideBySide:
    return SideBySide(
        decision_id=result.decision_id,
        decided_at=result.decided_at,
        channel=result.channel,
        speech_seconds=result.speech_seconds,
        champion=BundleScores(**asdict(result.champion)),
        challenger=BundleScores(**asdict(result.challenger)),
        chunks=result.chunks,
    )
