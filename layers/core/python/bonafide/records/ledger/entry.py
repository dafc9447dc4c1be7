"""Entries of the archive: a decision without what leads to the person, which is beside it, encrypted."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, Self

from bonafide.records import Stored, StoredForm
from bonafide.records.decision import DecisionRecord

SCHEMA = 1
# Attributes of a decision's document that lead to the person, the call, or who asked.
PERSONAL = (
    "claimed_speaker",
    "call_id",
    "audio",
    "request_id",
    "caller",
    "generation",
    "principal",
    "session_id",
    "evaluation_id",
)
# A decision that is archived later than this after its day belongs to the day on which it is archived.
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ArchivedDecision:
    """One entry of the archive.

    Attributes:
        domain: of the decision.
        decision_id: names the entry within its domain.
        day: of the ledger, in UTC.
        until: when the domain's retention of decisions is over.
        document: stored form of the decision, without the personal attributes.
        personal: these attributes as JSON, encrypted; None where there was no key of the speaker.
    """

    domain: str
    decision_id: str
    day: date
    until: datetime
    document: Stored
    personal: str | None

    @classmethod
    def of(cls, record: DecisionRecord, personal: str | None, until: datetime, now: datetime) -> Self:
        """Makes the entry of a decision.

        Args:
            record: as it is stored.
            personal: its personal attributes, encrypted.
            until: when it expires.
            now: time of archiving.
        """
        document = without_personal(record)
        return cls(record.domain, record.decision_id or "", day_of(record.decided_at, now), until, document, personal)

    def to_bytes(self) -> bytes:
        """Returns the stored form: JSON with sorted names and no spaces."""
        return canonical(
            {
                "schema": SCHEMA,
                "domain": self.domain,
                "decision_id": self.decision_id,
                "day": self.day.isoformat(),
                "until": self.until.astimezone(UTC).isoformat(),
                "decision": self.document,
                "personal": self.personal,
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Reads a stored form.

        Raises:
            ValueError: it is none.
        """
        try:
            stored: StoredForm = json.loads(content)
            return cls(
                stored["domain"],
                stored["decision_id"],
                date.fromisoformat(stored["day"]),
                datetime.fromisoformat(stored["until"]),
                stored["decision"],
                stored["personal"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError("no archived decision") from error

    def record(self, personal: bytes | None = None) -> DecisionRecord:
        """Returns the decision, with its personal attributes if they could be decrypted."""
        document = {**dict.fromkeys(PERSONAL[:-2]), **self.document}
        if "status" in document:
            document |= {"session_id": "", "evaluation_id": ""}
        return DecisionRecord.from_document({**document, **(json.loads(personal) if personal else {})})


def without_personal(record: DecisionRecord) -> StoredForm:
    """Returns the document of a decision without personal attributes, and without components of its embedding."""
    document = {name: each for name, each in record.to_document().items() if name not in PERSONAL}
    facts = document["facts"]
    return {**document, "facts": {**facts, "embedding_norm": None, "embedding_directions": []}}


def personal_of(record: DecisionRecord) -> bytes:
    """Returns the personal attributes of a decision, JSON."""
    document = record.to_document()
    return canonical({name: document[name] for name in PERSONAL if name in document})


def day_of(decided_at: datetime, now: datetime) -> date:
    """Returns the day of the ledger that a decision belongs to: its own, or today if that is over.

    No entry is added to a day that is over for longer than `GRACE`, so a day can be sealed without locks.
    """
    own = decided_at.astimezone(UTC).date()
    return own if now < end_of(own) + GRACE else now.astimezone(UTC).date()


def end_of(day: date) -> datetime:
    """Returns the end of a day in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def canonical(document: Any) -> bytes:
    """Returns JSON with sorted names, without spaces, in ASCII; numbers as their shortest text that reads the same."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def digest_of(content: bytes) -> str:
    """Returns the SHA-256 of content, hexadecimal."""
    return sha256(content).hexdigest()
