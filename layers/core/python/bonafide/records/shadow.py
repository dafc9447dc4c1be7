"""Results of the shadow: what the challenger made of evidence that the champion decided on."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from bonafide.records import Stored, StoredForm, known

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ShadowScores:
    """Scores of one bundle for a recording.

    Attributes:
        bundle: its digest.
        decision: under the policy of the decision; None where the voice could not be compared.
        speaker_llr: None where the voice could not be compared.
        liveness_llr: None where it was not detected.
        milliseconds: that the models took; None of the champion for sessions, whose chunks it took one by one.
    """

    bundle: str
    decision: str | None
    speaker_llr: float | None
    liveness_llr: float | None
    milliseconds: float | None


@dataclass(frozen=True, slots=True)
class ShadowResult:
    """Champion and challenger side by side; no embeddings, and nothing that names the speaker.

    Attributes:
        decision_id: of the champion's decision.
        decided_at: when it was made.
        channel: band of the speech.
        speech_seconds: net speech, as the champion found it.
        champion: what was answered.
        challenger: what the other bundle would have answered.
        chunks: of the session that the challenger scored; None of one recording.
    """

    domain: str
    decision_id: str
    decided_at: datetime
    channel: str
    speech_seconds: float
    champion: ShadowScores
    challenger: ShadowScores
    chunks: int | None = None

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {"schema": SCHEMA, **asdict(self), "decided_at": self.decided_at.isoformat()}

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form of this or a later release."""
        return cls(
            domain=document["domain"],
            decision_id=document["decision_id"],
            decided_at=datetime.fromisoformat(document["decided_at"]),
            channel=document["channel"],
            speech_seconds=document["speech_seconds"],
            champion=ShadowScores(**known(ShadowScores, document["champion"])),
            challenger=ShadowScores(**known(ShadowScores, document["challenger"])),
            chunks=document.get("chunks"),
        )
