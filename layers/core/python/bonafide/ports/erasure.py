"""Ports of erasure: progress that outlasts whoever makes it, and stores that hold something about people."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from bonafide.records.erasure import Erasure, ErasureSubject


class PendingErasure(NamedTuple):
    """An erasure that is not complete.

    Attributes:
        due_at: when it is to be.
        domain: the domain, or that of the speaker.
        name: of the erasure.
    """

    due_at: datetime
    domain: str
    name: str


class SweepPlace(NamedTuple):
    """Place that the search for unused voiceprints has come to.

    Attributes:
        noted_since: when the first search began: uses before that were not noted.
        begun_at: when the search through all domains began.
        domain: that is next, by its name; None once all are done.
        after: the speaker after whom it goes on in that domain.
    """

    noted_since: datetime
    begun_at: datetime
    domain: str | None = ""
    after: str | None = None


class ErasureStore(Protocol):
    """Erasures by domain and name. Reads see every write that was acknowledged before them."""

    def put(self, erasure: Erasure) -> None:
        """Writes version n over version n - 1, and version 1 over nothing.

        Raises:
            VersionConflict: the stored version is another one.
        """

    def read(self, domain: str, name: str) -> Erasure | None:
        """Reads an erasure; None if there is none, or it was complete long ago."""

    def of_domain(self, domain: str, limit: int) -> Sequence[Erasure]:
        """Reads at most `limit` erasures of a domain and its speakers, those that were asked for last first."""

    def pending(self) -> Iterator[PendingErasure]:
        """Yields the erasures that are not complete, in the order in which they are due."""

    def place(self) -> SweepPlace | None:
        """Reads the place of the search for unused voiceprints; None if there was none yet."""

    def put_place(self, place: SweepPlace) -> None:
        """Writes the place over another."""


class ErasedStep(NamedTuple):
    """Result of a step.

    Attributes:
        erased: how many records, objects or sessions were deleted or emptied.
        after: where the next step goes on, None if there is nothing left.
        waits: whether something may still be written that another pass has to look for.
    """

    erased: int
    after: str | None
    waits: bool = False


class ErasableStore(Protocol):
    """A store that holds something about people: one line in `bootstrap.erasure` makes it a part of every erasure."""

    @property
    def name(self) -> str:
        """Name of the store in reports."""

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """Erases some of what is held about a subject, in a second or so; doing it again finds nothing.

        Args:
            subject: whom it is about.
            after: where the step before ended; empty at the beginning.
        """
