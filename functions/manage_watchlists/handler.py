"""Watchlists: known fraudsters are registered, read and removed; and voices that are enrolled twice."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.access import access, audit
from bonafide.bootstrap.registration import double_enrollments, registration
from bonafide.contracts.cursors import from_cursor
from bonafide.contracts.watchlists.entries import (
    DoubleEnrollmentList,
    Fraudster,
    FraudsterList,
    FraudsterRegistration,
    FraudsterRequest,
    WatchlistList,
    double_enrollment_list,
    fraudster_list,
    fraudster_view,
    registration_view,
    watchlist_list,
)
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.identity import principal
from bonafide.http.openapi import empty, responses
from bonafide.http.parameters import Cursor, DomainName, EntryLimit, FraudsterName, WatchlistName

app = create_app(access(metered=True), audit=audit())
service, doubles = registration(), double_enrollments()
lambda_handler = lambda_entry(app)
LISTS = "/v1/domains/<domain>/watchlists"
LIST = f"{LISTS}/<watchlist>/fraudsters"
ONE = f"{LIST}/<fraudster>"
TAGS = ["watchlists"]


@app.get(
    LISTS, summary="List watchlists", operation_id="listWatchlists", tags=TAGS, responses=responses(WatchlistList, 404)
)
def list_watchlists(domain: DomainName) -> WatchlistList:
    """Reads which watchlists have entries, and how many."""
    return watchlist_list(service.lists(domain))


@app.put(
    ONE,
    summary="Register a fraudster",
    operation_id="putFraudster",
    tags=TAGS,
    responses=responses(FraudsterRegistration, 404, 409),
)
def put(
    domain: DomainName, watchlist: WatchlistName, fraudster: FraudsterName, request: FraudsterRequest
) -> FraudsterRegistration:
    """Registers a voice under a name, new or over the one before; the same again changes nothing."""
    return registration_view(service.register(request.to_record(domain, watchlist, fraudster, principal(app))))


@app.get(ONE, summary="Read a fraudster", operation_id="getFraudster", tags=TAGS, responses=responses(Fraudster, 404))
def get(domain: DomainName, watchlist: WatchlistName, fraudster: FraudsterName) -> Fraudster:
    """Reads an entry: legal basis, author, reason and expiry; nothing biometric."""
    return fraudster_view(service.get(domain, watchlist, fraudster))


@app.get(
    LIST, summary="List fraudsters", operation_id="listFraudsters", tags=TAGS, responses=responses(FraudsterList, 404)
)
def list_fraudsters(
    domain: DomainName, watchlist: WatchlistName, cursor: Cursor = None, limit: EntryLimit = 50
) -> FraudsterList:
    """Reads the entries of a list, in order of their names; a list without entries is empty."""
    return fraudster_list(service.list(domain, watchlist, from_cursor(cursor), limit))


@app.delete(
    ONE, summary="Remove a fraudster", operation_id="deleteFraudster", tags=TAGS, responses=responses(None, 404)
)
def delete(domain: DomainName, watchlist: WatchlistName, fraudster: FraudsterName) -> Response[None]:
    """Removes an entry with its voice; from the next call on it is not searched."""
    service.remove(domain, watchlist, fraudster)
    return empty(HTTPStatus.NO_CONTENT)


@app.get(
    "/v1/domains/<domain>/double-enrollments",
    summary="List double enrollments",
    operation_id="listDoubleEnrollments",
    tags=["speakers"],
    responses=responses(DoubleEnrollmentList, 404),
)
def list_double_enrollments(domain: DomainName) -> DoubleEnrollmentList:
    """Reads which speakers were enrolled with one voice, as the daily search found them."""
    return double_enrollment_list(doubles.report(domain))
