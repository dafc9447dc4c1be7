"""Services of watchlists: registration, and the daily job."""

import os

from bonafide.bootstrap.models import bundle
from bonafide.bootstrap.protection import evidence_store, voice_store
from bonafide.bootstrap.stores import domain_store, recordings
from bonafide.bootstrap.watchlists import double_enrollment_store, watchlist_search, watchlist_store
from bonafide.services.shared.watchlists.lifecycle import Watchlists
from bonafide.services.watchlists.registration import Registration
from bonafide.services.watchlists.sweep import DoubleEnrollments, WatchlistSweep
from bonafide.settings import ProbeDomain


def registration() -> Registration:
    """Composes the registration of fraudsters."""
    store, search = watchlist_store(), watchlist_search()
    return Registration(store, domain_store(), search, bundle(), recordings(), evidence_store())


def watchlist_sweep() -> WatchlistSweep:
    """Composes the removal of entries that expired."""
    lists = Watchlists(watchlist_store(), domain_store(), watchlist_search())
    return WatchlistSweep(watchlist_store(), domain_store(), lists)


def double_enrollments() -> DoubleEnrollments:
    """Composes the search for voices that are enrolled twice."""
    return DoubleEnrollments(double_enrollment_store(), voice_store(), ProbeDomain.read(os.environ).probe_domain)
