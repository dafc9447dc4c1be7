"""Beginning of erasures."""

from contextlib import suppress

from bonafide.ports.erasure import ErasureStore
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import Erasure, ErasureRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.identifiers import identifier


def begin(store: ErasureStore, record: ErasureRecord, owner: DomainRecord, known: SpeakerRecord | None = None) -> None:
    """Begins an erasure, unless it has begun.

    Args:
        store: of erasures.
        record: of the erasure.
        owner: the domain, or that of the speaker.
        known: the speaker, if there is one.
    """
    name = erasure_name(record, owner, known)
    decisions = owner.retention.erased_decisions
    erasure = Erasure(name, record.kind, record.domain, record.speaker, record.at, decisions, record.at, version=1)
    with suppress(VersionConflict):
        store.put(erasure)


def erasure_name(record: ErasureRecord, owner: DomainRecord, known: SpeakerRecord | None) -> str:
    """Names an erasure: the same for each request to erase what is there, another one after it was made anew."""
    if record.speaker is None:
        there = str(owner.created_at)
    else:
        there = f"{known.created_at}/{known.opted_out_at}" if known else str(record.at)
    return identifier(there, record.domain, record.speaker or "", record.kind)
