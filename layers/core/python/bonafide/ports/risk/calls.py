"""Store of calls: counters in sets of marks, and what is known of a speaker's accepted calls."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from bonafide.biometrics.risk.facts import CallReference
from bonafide.biometrics.risk.velocity import CallHistory, CallMark

# Keyed hashes with their kinds.
type References = Collection[tuple[CallReference, str]]


@dataclass(frozen=True, slots=True)
class CallSubject:
    """Whose counters and history are meant.

    Attributes:
        domain: its name.
        domain_lifetime: tells the domain from those that had its name before, as `lifetime` does.
        speaker: who is claimed; None if there is no such speaker.
        lifetime: tells the speaker from those that had the name before, as `lifetime` does.
        number: keyed hash of the caller's number, if it is known.
    """

    domain: str
    domain_lifetime: str
    speaker: str | None = None
    lifetime: str = ""
    number: str | None = None


@dataclass(frozen=True, slots=True)
class KnownReference:
    """A reference that the speaker's accepted calls had.

    Attributes:
        kind: of the reference.
        hash: keyed.
        last: day of the last such call, UTC.
    """

    kind: CallReference
    hash: str
    last: date


class CallStore(Protocol):
    """Counters and histories of calls. Reads see every write that was acknowledged, but those of a domain as a whole.

    Everything that is written is an element of a set, or a last day: again, or in another order, it changes nothing.
    """

    def history(self, subject: CallSubject, now: datetime) -> CallHistory:
        """Reads counters and history, all but `surge`.

        Raises:
            StoreUnavailable: they could not be read.
        """

    def domain_calls(
        self, subject: CallSubject, begin: datetime, end: datetime
    ) -> Mapping[tuple[int, int], Sequence[CallMark]]:
        """Reads the sample of a domain's calls by block and rank, a second or so late.

        Raises:
            StoreUnavailable: it could not be read.
        """

    def count(self, subject: CallSubject, of_number: CallMark, of_speaker: CallMark) -> None:
        """Counts a call of the domain, of its number and of its speaker, as far as they are known, once each.

        Raises:
            StoreUnavailable: it may be counted in some of them; again makes it whole.
        """

    def remember(self, subject: CallSubject, references: References, at: datetime, forgotten: References = ()) -> None:
        """Adds references of a call to the speaker's history, and takes others out of it.

        Raises:
            StoreUnavailable: it may be done or not; again makes it whole.
        """

    def report(self, subject: CallSubject, call: str, at: datetime, *, fraud: bool) -> None:
        """Notes that a call from the number was fraud, or that it was not after all.

        Args:
            subject: whose number it is.
            call: as in `CallMark`.
            at: time of the label, from which a report counts; an earlier one shortens no other.
            fraud: whether it was.
        """

    def known(self, subject: CallSubject) -> Sequence[KnownReference]:
        """Reads the speaker's history."""
