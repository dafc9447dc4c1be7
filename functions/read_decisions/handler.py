"""Decisions as analysts read them, what their outcomes say, and how their evidence drifts."""

from datetime import UTC, datetime, timedelta

from bonafide.bootstrap.access import access
from bonafide.bootstrap.outcomes import outcomes
from bonafide.bootstrap.stores import decisions, drift_reading, shadow_reading
from bonafide.contracts.base import begin_before
from bonafide.contracts.decisions import LedgerEntry, LedgerPage, ledger_entry, ledger_page, position
from bonafide.contracts.drift import DriftReport, drift_report
from bonafide.contracts.outcomes.performance import PerformanceReport, performance_report
from bonafide.contracts.outcomes.reviews import ReviewList, review_list, review_position
from bonafide.contracts.shadow import ShadowReport, shadow_report
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.openapi import responses
from bonafide.http.parameters import (
    Begin,
    ClaimedSpeaker,
    Cursor,
    DecisionLimit,
    DecisionName,
    DomainName,
    End,
    WantedDecision,
)
from bonafide.records.decision_page import DecisionFilter

app = create_app(access())
service = decisions()
labels = outcomes()
drift = drift_reading()
shadow = shadow_reading()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>/decisions"
TAGS = ["decisions"]
OF_MODELS = ["models"]
WEEK = timedelta(days=7)


@app.get(PATH, summary="List decisions", operation_id="listDecisions", tags=TAGS, responses=responses(LedgerPage, 404))
def list_decisions(  # noqa: PLR0913, one parameter for each of the query
    domain: DomainName,
    begin: Begin = None,
    end: End = None,
    speaker: ClaimedSpeaker = None,
    decision: WantedDecision = None,
    cursor: Cursor = None,
    limit: DecisionLimit = 50,
) -> LedgerPage:
    """Reads one page of decisions, the newest first; new ones appear within about a second."""
    end = end or datetime.now(UTC)
    selection = DecisionFilter(begin_before(end, begin), end, speaker, decision)
    return ledger_page(service.list(domain, selection, position(cursor), limit))


@app.get(
    f"{PATH}/<decision_id>",
    summary="Read a decision",
    operation_id="getDecision",
    tags=TAGS,
    responses=responses(LedgerEntry, 404),
)
def get(domain: DomainName, decision_id: DecisionName) -> LedgerEntry:
    """Reads a decision with everything that explains it."""
    return ledger_entry(service.get(domain, decision_id))


@app.get(
    "/v1/domains/<domain>/performance",
    summary="Read realized error rates",
    operation_id="getPerformance",
    tags=TAGS,
    responses=responses(PerformanceReport, 404),
)
def get_performance(domain: DomainName, begin: Begin = None, end: End = None) -> PerformanceReport:
    """Reads the error rates of decisions whose outcome was stated, by bundle and policy version, with intervals."""
    end = end or datetime.now(UTC)
    return performance_report(domain, labels.performance(domain, begin_before(end, begin), end))


@app.get(
    "/v1/domains/<domain>/reviews",
    summary="List decisions that are worth a look",
    operation_id="listReviews",
    tags=TAGS,
    responses=responses(ReviewList, 404),
)
def list_reviews(
    domain: DomainName,
    begin: Begin = None,
    end: End = None,
    decision: WantedDecision = None,
    cursor: Cursor = None,
    limit: DecisionLimit = 50,
) -> ReviewList:
    """Reads a page of the newest thousand decisions by what an error in them would cost; unlabeled ones first."""
    after = review_position(cursor)
    end = after[0] if after else end or datetime.now(UTC)
    selection = DecisionFilter(begin_before(end, begin), end, decision=decision)
    return review_list(labels.reviews(domain, selection, after and after[1], limit), end)


@app.get(
    "/v1/domains/<domain>/drift",
    summary="Read drift",
    operation_id="getDrift",
    tags=OF_MODELS,
    responses=responses(DriftReport, 404),
)
def get_drift(domain: DomainName, begin: Begin = None) -> DriftReport:
    """Reads how the evidence of the domain compares with its baseline, hour by hour; of the last week by default."""
    return drift_report(domain, *drift.get(domain, begin or datetime.now(UTC) - WEEK))


@app.get(
    "/v1/domains/<domain>/shadow",
    summary="Read results of the shadow",
    operation_id="getShadow",
    tags=OF_MODELS,
    responses=responses(ShadowReport, 404),
)
def get_shadow(domain: DomainName, begin: Begin = None) -> ShadowReport:
    """Reads what champion and challenger made of the same recordings; of the last week by default."""
    return shadow_report(domain, shadow.get(domain, begin or datetime.now(UTC) - WEEK))
