"""Beginning of erasures."""

from collections.abc import Mapping
from contextlib import suppress

from bonafide.errors import StoreUnavailable
from bonafide.observability import log_unexpected
from bonafide.ports.erasure import ErasureStore
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import Erasure, ErasureKind, ErasureRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.identifiers import identifier
from bonafide.services.shared.lookups import WRITE_ATTEMPTS
from bonafide.services.shared.retries import retry_on_conflict


def begin(store: ErasureStore, record: ErasureRecord, owner: DomainRecord, known: SpeakerRecord | None = None) -> str:
    """Begins an erasure, unless it has begun; returns its name.

    Args:
        store: of erasures.
        record: of the erasure.
        owner: the domain, or that of the speaker.
        known: the speaker, if there is one.
    """
    name = erasure_name(record, owner, known)
    with suppress(VersionConflict):
        store.put(Erasure.begun(name, record))
    return name


def note(store: ErasureStore, domain: str, name: str, erased: Mapping[str, int]) -> None:
    """Adds what a request has erased itself to the counts of the report.

    A request that is killed before this leaves it out, and one whose store fails: counts are of what was noted.
    """

    def attempt() -> None:
        known = store.read(domain, name)
        if known and any(erased.values()):
            store.put(known.noted(erased))

    try:
        retry_on_conflict(WRITE_ATTEMPTS, attempt)
    except StoreUnavailable as error:
        log_unexpected(error)


def erasure_name(record: ErasureRecord, owner: DomainRecord, known: SpeakerRecord | None) -> str:
    """Names an erasure: the same for each request to erase what is there, another one after it was made anew."""
    if record.speaker is None:
        there = str(owner.created_at)
    else:
        there = f"{known.created_at}/{known.opted_out_at}" if known else str(record.at)
        # One who was overtaken by an enrollment, or a use, expires again later.
        there += f"/{known.last_used_at}" if known and record.kind is ErasureKind.EXPIRED else ""
    return identifier(there, record.domain, record.speaker or "", record.kind)
