"""Store of watchlists."""

from collections.abc import Mapping
from typing import Protocol

from bonafide.biometrics.watchlists.voices import KnownVoice, KnownVoices
from bonafide.records.domain import DomainRecord
from bonafide.records.watchlists.double import DoubleEnrollmentReport
from bonafide.records.watchlists.entry import EntryPage, WatchlistEntry, WatchlistState


class WatchlistVoices(Protocol):
    """Voices of watchlists, for those who search them."""

    def voices(self, domain: DomainRecord, state: WatchlistState, known: KnownVoices | None) -> KnownVoices:
        """Reads the voices of a domain as of a state, or only what changed since they were read.

        Raises:
            StoreUnavailable: they could not be read, or not all of them opened.
        """


class WatchlistStore(WatchlistVoices, Protocol):
    """Entries of watchlists, with their voices. Every write is one change of the domain's state."""

    def state(self, domain: DomainRecord) -> WatchlistState:
        """Reads the state of the watchlists of a domain."""

    def entry(self, domain: str, watchlist: str, fraudster: str) -> WatchlistEntry | None:
        """Reads an entry; None if there is none."""

    def entries(self, domain: str, watchlist: str, after: str | None, limit: int) -> EntryPage:
        """Reads at most `limit` entries of a list that follow `after`, in the order of their names."""

    def put(
        self, domain: DomainRecord, state: WatchlistState, entry: WatchlistEntry, voice: KnownVoice
    ) -> WatchlistState:
        """Writes an entry, new or over an earlier one, with its voice; returns the state after that.

        Raises:
            VersionConflict: the state is not the stored one.
        """

    def remove(self, domain: DomainRecord, state: WatchlistState, entry: WatchlistEntry) -> WatchlistState:
        """Deletes an entry with its voice; returns the state after that.

        Raises:
            VersionConflict: the state is not the stored one.
        """

    def recount(self, domain: DomainRecord, state: WatchlistState, lists: Mapping[str, int]) -> None:
        """Writes how many entries each list has, where the state does not say so.

        Raises:
            VersionConflict: the state is not the stored one.
        """

    def pack(self, domain: DomainRecord, voices: KnownVoices) -> None:
        """Writes voices together, for whoever reads them from then on, and deletes what was packed before."""


class DoubleEnrollmentStore(Protocol):
    """The newest report of each domain on voices that are enrolled twice."""

    def put_report(self, report: DoubleEnrollmentReport) -> None:
        """Writes a report over an earlier one, never over a later one; it expires within days."""

    def take_out(self, domain: str, speaker: str) -> int:
        """Takes what names a speaker out of the report of a domain; returns how many pairs."""

    def report(self, domain: DomainRecord) -> DoubleEnrollmentReport | None:
        """Reads the newest report of a domain; None if there is none."""
