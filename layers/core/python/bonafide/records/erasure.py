"""Erasures: on record outside the tables, so that a restored table does not bring back what was erased."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from bonafide.records import Stored, StoredForm

SCHEMA = 1
ERASURES = "erasures"


class ErasureKind(StrEnum):
    """Kinds of erasure: of a domain with all its speakers, of a speaker, or of the voice of one who opted out."""

    DOMAIN_DELETED = "domain-deleted"
    SPEAKER_DELETED = "deleted"
    OPTED_OUT = "opted-out"


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """One erasure; a later one of the same kind and subject replaces it.

    Attributes:
        kind: how much was erased.
        domain: the domain, or that of the speaker.
        speaker: None for a domain.
        at: when it was asked for. Records of the subject that were created later are not meant.
    """

    kind: ErasureKind
    domain: str
    speaker: str | None
    at: datetime

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
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(
            kind=ErasureKind(document["kind"]),
            domain=document["domain"],
            speaker=document["speaker"],
            at=datetime.fromisoformat(document["at"]),
        )


def prefix(domain: str | None) -> str:
    """Returns the beginning of the names of all erasures in a domain, or in all domains."""
    return f"{ERASURES}/{domain}/" if domain else f"{ERASURES}/"
