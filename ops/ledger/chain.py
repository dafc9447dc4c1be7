"""Seals and published roots as they are stored, with what is wrong with each by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Protocol

from bonafide.adapters.ledger.archive import ROOTS, SEALS, read_day
from bonafide.ports.ledger.archive import SealStore
from bonafide.records.ledger.entry import StoredContent
from bonafide.records.ledger.seal import DaySeal, KnownRoot
from bonafide.records.ledger.verification import Fault, Finding


class OfDay(Protocol):
    """A seal, or a root."""

    @property
    def day(self) -> date:
        """Day that it is of."""

    @property
    def until(self) -> datetime | None:
        """Time from which on it may be missing."""


@dataclass(slots=True)
class StoredChain:
    """Seals and roots of a domain.

    Attributes:
        domain: whose days are sealed.
        now: time of the check.
        found: what is wrong.
        seals: those that can be read, in the order of their days.
        roots: likewise.
    """

    domain: str
    now: datetime
    found: list[Finding] = field(default_factory=list)
    seals: list[DaySeal] = field(default_factory=list)
    roots: list[KnownRoot] = field(default_factory=list)

    def read(self, store: SealStore) -> None:
        """Reads all of them."""
        for each in store.seals(self.domain):
            self.seals += self._parsed(each, self._seal, SEALS, (Fault.SEAL_CHANGED, Fault.SEAL_COVERED))
        parse = partial(KnownRoot.from_bytes, self.domain)
        for each in store.roots(self.domain):
            self.roots += self._parsed(each, parse, ROOTS, (Fault.ROOT_CHANGED, Fault.ROOT_COVERED))
        published = {each.day for each in self.roots} | {each.day for each in self.found}
        missing = [each for each in self.seals if each.day not in published and self.now < each.until]
        self.found += [Finding(Fault.ROOT_REMOVED, each.day) for each in missing]

    def _seal(self, content: bytes) -> DaySeal:
        seal = DaySeal.from_bytes(content)
        if seal.domain != self.domain:
            raise ValueError("seal of another domain")
        return seal

    def _parsed[Kind: OfDay](
        self, stored: StoredContent, parse: Callable[[bytes], Kind], prefix: str, faults: tuple[Fault, Fault]
    ) -> Iterator[Kind]:
        changed, covered = faults
        day = read_day(stored.name)
        if day is None:
            self.found.append(Finding(Fault.STRAY, None, f"{prefix}{self.domain}/{stored.name}"))
            return
        try:
            parsed = parse(stored.content or b"")
        except ValueError:
            self.found.append(Finding(changed, day))
            return
        if parsed.day != day:
            self.found.append(Finding(changed, day))
            return
        if stored.covered and (parsed.until is None or self.now < parsed.until):
            self.found.append(Finding(covered, day))
        yield parsed
