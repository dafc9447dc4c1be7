"""Erasures: on record outside the tables, so that a restored table does not bring back what was erased."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from bonafide.records import Stored, StoredForm, times
from bonafide.records.domain import ErasedDecisions
from bonafide.records.request import UPLOAD_SECONDS
from bonafide.records.speaker import SpeakerRecord

SCHEMA = 1
ERASURES = "erasures"
# By then every request has ended that had read the subject before its erasure, and so has the shadow.
IN_FLIGHT = timedelta(seconds=90)
# Between passes once nothing new can be written.
PAUSE = timedelta(seconds=30)
# Within these times an erasure is complete, unless a store fails or holds very much of a domain.
LONGEST_OF_SPEAKER = timedelta(minutes=10)
LONGEST_OF_DOMAIN = timedelta(minutes=30)


class ErasureKind(StrEnum):
    """Kinds of erasure: of a domain with all its speakers, of a speaker, or of the voice of one who opted out.

    An expired speaker is deleted by the domain's own settings, since nobody used the voiceprint for too long.
    """

    DOMAIN_DELETED = "domain-deleted"
    SPEAKER_DELETED = "deleted"
    OPTED_OUT = "opted-out"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """One erasure; a later one of the same kind and subject replaces it.

    Attributes:
        kind: how much was erased.
        domain: the domain, or that of the speaker.
        speaker: None for a domain.
        at: when it was asked for. Records of the subject that were created later are not meant.
        decisions: what becomes of decisions.
    """

    kind: ErasureKind
    domain: str
    speaker: str | None
    at: datetime
    decisions: ErasedDecisions = ErasedDecisions.UNLINK

    @property
    def name(self) -> str:
        """Name of the record, of which there is one for each kind and subject."""
        place = f"{prefix(self.domain)}{self.speaker}/" if self.speaker else prefix(self.domain)
        return place + self.kind

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "kind": str(self.kind),
            "domain": self.domain,
            "speaker": self.speaker,
            "at": self.at.isoformat(),
            "decisions": str(self.decisions),
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form; an earlier release did not say what becomes of decisions."""
        return cls(
            kind=ErasureKind(document["kind"]),
            domain=document["domain"],
            speaker=document["speaker"],
            at=datetime.fromisoformat(document["at"]),
            decisions=ErasedDecisions(document.get("decisions", "unlink")),
        )


@dataclass(frozen=True, slots=True)
class StoreErasure:
    """Erasure in one store.

    Attributes:
        erased: records, objects or sessions that were deleted or emptied so far.
        done: whether the current pass through the stores is over with this one.
        after: where the pass goes on in this store; empty at its beginning.
    """

    erased: int = 0
    done: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure in all stores, pass by pass, until a pass finds nothing that a request may still have written.

    Attributes:
        name: the same for each request to erase the same subject.
        kind: of the erasure.
        domain: the domain, or that of the speaker.
        speaker: None for a domain.
        at: when it was asked for.
        decisions: what becomes of decisions, by the settings of the domain at that time.
        stores: by name.
        pass_at: when the current pass through the stores began.
        pass_erased: what this pass has erased so far, or has to wait for.
        completed_at: when a pass ended that found nothing.
        version: optimistic version, 0 when never written.
        restored_at: when a restore ended that may have brought back what this erases; None unless it was begun for it.
    """

    name: str
    kind: ErasureKind
    domain: str
    speaker: str | None
    at: datetime
    decisions: ErasedDecisions
    pass_at: datetime
    stores: Mapping[str, StoreErasure] = field(default_factory=dict)
    pass_erased: int = 0
    completed_at: datetime | None = None
    version: int = 0
    restored_at: datetime | None = None

    @classmethod
    def begun(cls, name: str, record: ErasureRecord, restored_at: datetime | None = None) -> Self:
        """Returns the beginning of an erasure that is on record."""
        begun = restored_at or record.at
        subject = record.kind, record.domain, record.speaker, record.at, record.decisions
        return cls(name, *subject, begun, version=1, restored_at=restored_at)

    @property
    def settled_at(self) -> datetime:
        """Time from which on nothing more can be written about the subject: the URLs of uploads of a domain expire."""
        waits = timedelta(0) if self.speaker else timedelta(seconds=UPLOAD_SECONDS)
        return (self.restored_at or self.at) + IN_FLIGHT + waits

    @property
    def due_at(self) -> datetime:
        """Time by which it is to be complete."""
        return (self.restored_at or self.at) + (LONGEST_OF_SPEAKER if self.speaker else LONGEST_OF_DOMAIN)

    def of(self, store: str) -> StoreErasure:
        """Returns what was done in a store."""
        return self.stores.get(store, StoreErasure())

    def stepped(self, store: str, erased: int, after: str | None, *, waits: bool = False) -> Self:
        """Returns the erasure after a step in a store.

        Args:
            store: name of the store.
            erased: how much was erased.
            after: where the next step goes on, None if the store is done.
            waits: whether another pass has to come, though nothing was erased.
        """
        known = self.of(store)
        step = StoreErasure(known.erased + erased, after is None, after or "")
        found = self.pass_erased + erased + waits
        return self._next(stores={**self.stores, store: step}, pass_erased=found)

    def noted(self, erased: Mapping[str, int]) -> Self:
        """Returns the erasure with what the request itself erased, by store; the passes go on where they are."""
        known = {store: replace(self.of(store), erased=self.of(store).erased + each) for store, each in erased.items()}
        return self._next(stores={**self.stores, **known})

    def passed(self, now: datetime) -> Self:
        """Returns the erasure at the end of a pass: complete, waiting for the last one, or at its beginning."""
        if now < self.settled_at:
            return self
        if self.pass_at >= self.settled_at and self.pass_erased == 0:
            return self._next(completed_at=now)
        if self.pass_at >= self.settled_at and now - self.pass_at < PAUSE:
            # What it found or waits for needs a while; the next run of the schedule looks again.
            return self
        again = {name: replace(each, done=False, after="") for name, each in self.stores.items()}
        return self._next(stores=again, pass_at=now, pass_erased=0)

    def dropped(self, now: datetime) -> Self:
        """Returns the erasure as complete, since its subject is to be erased no more."""
        return self._next(completed_at=now)

    def _next(self, **changes: Any) -> Self:
        return replace(self, version=self.version + 1, **changes)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "kind": str(self.kind),
            "domain": self.domain,
            "speaker": self.speaker,
            "at": self.at.isoformat(),
            "decisions": str(self.decisions),
            "pass_at": self.pass_at.isoformat(),
            "stores": {name: asdict(each) for name, each in self.stores.items()},
            "pass_erased": self.pass_erased,
            "completed_at": times.written(self.completed_at),
            "version": self.version,
            "restored_at": times.written(self.restored_at),
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(
            name=document["name"],
            kind=ErasureKind(document["kind"]),
            domain=document["domain"],
            speaker=document["speaker"],
            at=datetime.fromisoformat(document["at"]),
            decisions=ErasedDecisions(document["decisions"]),
            pass_at=datetime.fromisoformat(document["pass_at"]),
            stores={name: StoreErasure(**each) for name, each in document["stores"].items()},
            pass_erased=document["pass_erased"],
            completed_at=times.read(document["completed_at"]),
            version=document["version"],
            restored_at=times.read(document.get("restored_at")),
        )


@dataclass(frozen=True, slots=True)
class ErasureSubject:
    """Subject of an erasure as stores need to know it.

    Attributes:
        kind: of the erasure.
        domain: the domain, or that of the speaker.
        speaker: None for a domain.
        at: when the erasure was asked for.
        before: what was written earlier is meant; later on it may be about a successor of the same name.
        current: generation of what has the name now, as answers are about it; None if nothing has.
        lifetime: of the same, as fingerprints name it.
        decisions: what becomes of decisions.
        followed: whether there is a successor, or new consent after an opt-out.
    """

    kind: ErasureKind
    domain: str
    speaker: str | None
    at: datetime
    before: datetime
    current: str | None
    lifetime: str | None
    decisions: ErasedDecisions
    followed: bool


def is_overtaken(kind: ErasureKind, at: datetime, speaker: SpeakerRecord) -> bool:
    """Tells whether a speaker who was to expire was enrolled, or used, after that was put on record."""
    return kind is ErasureKind.EXPIRED and speaker.last_used_at > at


def prefix(domain: str | None) -> str:
    """Returns the beginning of the names of all erasures in a domain, or in all domains."""
    return f"{ERASURES}/{domain}/" if domain else f"{ERASURES}/"
