"""Life cycle of entries of watchlists without their voices: what needs no model."""

from dataclasses import replace

from bonafide.errors import NotFound, Subject
from bonafide.observability import logger
from bonafide.ports.stores import DomainStore
from bonafide.ports.watchlists import WatchlistStore
from bonafide.records.domain import DomainRecord
from bonafide.records.watchlists.entry import EntryPage, WatchlistEntry, WatchlistState
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_open
from bonafide.services.shared.retries import retry_on_conflict
from bonafide.services.shared.watchlists.searching import WatchlistSearch

# Every change in a domain follows the one before; so many at once may be overtaken by each other.
WRITE_ATTEMPTS = 40


class Watchlists:
    """Reads and removes entries of watchlists."""

    def __init__(
        self, store: WatchlistStore, domains: DomainStore, search: WatchlistSearch, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._domains = domains
        self._search = search
        self._clock = clock

    def lists(self, domain: str) -> WatchlistState:
        """Reads which lists there are, with the number of their entries.

        Raises:
            NotFound: there is no such domain.
        """
        return self._store.state(self._open(domain))

    def get(self, domain: str, watchlist: str, fraudster: str) -> WatchlistEntry:
        """Reads an entry.

        Raises:
            NotFound: the domain or the entry is unknown.
        """
        return self._known(self._open(domain), watchlist, fraudster)

    def list(self, domain: str, watchlist: str, after: str | None, limit: int) -> EntryPage:
        """Reads at most `limit` entries of a list that follow `after`, in the order of their names.

        Raises:
            NotFound: there is no such domain.
        """
        owner = self._open(domain)
        page = self._store.entries(domain, watchlist, after, limit)
        return replace(page, entries=[each for each in page.entries if is_of(owner, each)])

    def remove(self, domain: str, watchlist: str, fraudster: str) -> None:
        """Deletes an entry with its voice, also from where voices are packed.

        Raises:
            NotFound: the domain or the entry is unknown.
        """
        try:
            self.take_away(domain, watchlist, fraudster)
        finally:
            # Also where it is asked for again, since the first request may have failed before it packed.
            self._pack_if_outdated(self._open(domain))

    def take_away(self, domain: str, watchlist: str, fraudster: str) -> None:
        """Deletes an entry with its voice, which may stay where voices are packed until they are packed again.

        Raises:
            NotFound: the domain or the entry is unknown.
        """
        retry_on_conflict(WRITE_ATTEMPTS, lambda: self._removed(domain, watchlist, fraudster))
        logger.warning("fraudster removed", extra={"domain": domain, "watchlist": watchlist})

    def pack_if_taken(self, domain: str) -> None:
        """Packs the voices of a domain if any was taken away since they were, or before they ever were.

        Raises:
            NotFound: there is no such domain.
        """
        owner = self._open(domain)
        state = self._store.state(owner)
        if state.is_outdated:
            self._pack(owner, state)

    def _removed(self, domain: str, watchlist: str, fraudster: str) -> WatchlistState:
        owner = self._open(domain)
        state = self._store.state(owner)
        return self._store.remove(owner, state, self._known(owner, watchlist, fraudster))

    def _known(self, owner: DomainRecord, watchlist: str, fraudster: str) -> WatchlistEntry:
        found = self._store.entry(owner.domain, watchlist, fraudster)
        if found is None or not is_of(owner, found):
            raise NotFound(
                "fraudster_not_found", "There is no such entry on the list.", subject=Subject.FRAUDSTER, found=fraudster
            )
        return found

    def _open(self, domain: str) -> DomainRecord:
        return require_open(self._domains.domain(domain), domain)

    def _pack(self, owner: DomainRecord, state: WatchlistState) -> None:
        self._store.pack(owner, self._search.voices(replace(owner, watchlists=state)))
        # A voice that was taken away meanwhile is in it, and who took it away saw the pack before.
        self._pack_if_outdated(owner)

    def _pack_if_outdated(self, owner: DomainRecord) -> None:
        state = self._store.state(owner)
        if state.packed and state.is_outdated:
            self._store.pack(owner, self._search.voices(replace(owner, watchlists=state)))


def is_of(owner: DomainRecord, entry: WatchlistEntry) -> bool:
    """Tells whether an entry is of this domain, and not of one that had its name before."""
    return entry.created_at >= owner.created_at
