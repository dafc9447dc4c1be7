"""Entries of the archive: a decision without what leads to the person, which is beside it, encrypted."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, Self

from bonafide.records import Stored, StoredForm
from bonafide.records.decision import DecisionRecord

SCHEMA = 1
# Attributes of a decision's document that lead to the person, the call, or who asked; the last two of sessions only.
PERSONAL = (
    "claimed_speaker",
    "call_id",
    "audio",
    "request_id",
    "caller",
    "call",
    "generation",
    "principal",
    "watchlist_match",
    "session_id",
    "evaluation_id",
)
# Attributes that lead to nobody. What is in neither list, as a later release may write it, is treated as personal.
PLAIN = frozenset(
    {
        "schema",
        "staged",
        "decision_id",
        "domain",
        "decision",
        "reasons",
        "speaker",
        "liveness",
        "speech_seconds",
        "channel",
        "quality",
        "degraded",
        "bundle",
        "policy_version",
        "decided_at",
        "latency_ms",
        "status",
        "chunks",
        "facts",
        "thresholds",
        "policy",
        "calibration",
        "timings_ms",
    }
)
# Those of them that joined the list later: a release before that treats them as personal, so its entries lack them.
LATER = frozenset({"staged"})
# Facts that find one person's decisions among those of others.
COMPONENTS = ("embedding_norm", "embedding_directions")
# A decision that is archived later than this after its day belongs to the day on which it is archived.
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as the table holds it.

    Attributes:
        document: stored form, as whichever release wrote it.
        until: when the domain's retention of decisions is over.
    """

    document: Stored
    until: datetime

    @property
    def domain(self) -> str:
        """Domain of the decision."""
        return str(self.document["domain"])

    @property
    def decision_id(self) -> str:
        """Name within the domain."""
        return str(self.document["decision_id"])

    @property
    def decided_at(self) -> datetime:
        """Time of the decision, UTC."""
        return datetime.fromisoformat(self.document["decided_at"]).astimezone(UTC)

    @property
    def speaker(self) -> str | None:
        """Claimed speaker, if any."""
        return self.document.get("claimed_speaker")


@dataclass(frozen=True, slots=True)
class StoredContent:
    """Content under one name of the archive: its first version, since nothing is ever written twice.

    Attributes:
        name: last part of the key.
        content: None if it cannot be read.
        covered: whether a delete marker or another version is over it.
    """

    name: str
    content: bytes | None
    covered: bool = False


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
    def of(cls, stored: StoredDecision, personal: str | None, now: datetime) -> Self:
        """Makes the entry of a decision.

        Args:
            stored: the decision.
            personal: its personal attributes, encrypted.
            now: time of archiving.
        """
        day = day_of(stored.decided_at, now)
        return cls(stored.domain, stored.decision_id, day, stored.until, plain_part(stored.document), personal)

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
                datetime.fromisoformat(stored["until"]).astimezone(UTC),
                stored["decision"],
                stored["personal"],
            )
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError("no archived decision") from error

    def record(self, personal: bytes | None = None) -> DecisionRecord:
        """Returns the decision, with its personal attributes if they could be decrypted."""
        document = {**dict.fromkeys(PERSONAL[:-2]), **self.document}
        if "status" in document:
            document |= {"session_id": "", "evaluation_id": ""}
        return DecisionRecord.from_document({**document, **(json.loads(personal) if personal else {})})


def plain_part(document: Stored) -> StoredForm:
    """Returns what is known to lead to nobody of the document of a decision."""
    plain = {name: each for name, each in document.items() if name in PLAIN}
    if facts := plain.get("facts"):
        plain["facts"] = {name: each for name, each in facts.items() if name not in COMPONENTS}
    return plain


def personal_part(document: Stored) -> bytes:
    """Returns the rest of the document of a decision, JSON."""
    return canonical({name: each for name, each in document.items() if name not in PLAIN})


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
