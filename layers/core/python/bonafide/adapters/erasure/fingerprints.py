"""Erasure of fingerprints of recordings, with the claims on their samples."""

from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.fingerprints import DIGITS, DynamoFingerprintStore, claim_owner, heard_at, owner_of
from bonafide.adapters.erasure.claims import ClaimsIndex
from bonafide.adapters.erasure.partitions import PAGE_ITEMS, Partitions
from bonafide.ports.erasure import ErasedStep
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Where a domain's claims begin, behind its recordings: no key of the index looks like this.
CLAIMS = "#"


class FingerprintErasing:
    """`ErasableStore` of fingerprints: of a speaker by the partition, of a domain by the index."""

    name = "fingerprints"

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._index = ClaimsIndex(client, table, PAGE_ITEMS)
        self._items = Partitions(client, table, "owner", "item")
        self._store = DynamoFingerprintStore(client, table)

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`. Claims are found by the domain alone, so they go with it, whoever put them."""
        if subject.speaker is not None:
            return self._of_speaker(subject, subject.speaker, after)
        if after.startswith(CLAIMS):
            return self._claims(subject, after[1], after[2:])
        found, last = self._index.page(subject, after)
        erased = self._items.delete_items([each for each in found if heard_at(each) < subject.before])
        return ErasedStep(erased, last or CLAIMS + DIGITS[0])

    def _of_speaker(self, subject: ErasureSubject, speaker: str, after: str) -> ErasedStep:
        items, last = self._items.page(owner_of(subject.domain, speaker), "", after, whole=True)
        meant = [each for each in items if _is_meant(subject, each)]
        return ErasedStep(self._store.forget_items(subject.domain, speaker, meant), last)

    def _claims(self, subject: ErasureSubject, digit: str, after: str) -> ErasedStep:
        items, last = self._items.page(claim_owner(subject.domain, digit), "", after, whole=True)
        erased = self._items.delete_items([each for each in items if heard_at(each) < subject.before])
        if last:
            return ErasedStep(erased, CLAIMS + digit + last)
        following = DIGITS[DIGITS.index(digit) + 1 :]
        return ErasedStep(erased, CLAIMS + following[0] if following else None)


def _is_meant(subject: ErasureSubject, item: Item) -> bool:
    """Tells whether a recording is of who was erased: by its time, or a call's by the lifetime that it names."""
    former = item["generation"]["S"] not in {"", subject.lifetime}
    return heard_at(item) < subject.before or former
