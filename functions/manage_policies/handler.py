"""Policies of domains: versions, the one that is staged, the way back, and what another one would decide."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.access import access, audit
from bonafide.bootstrap.policies import policies, policy_comparisons
from bonafide.bootstrap.stores import domain_store, idempotency
from bonafide.contracts.base import begin_before
from bonafide.contracts.decisions import position
from bonafide.contracts.domains import Domain, domain_view
from bonafide.contracts.policies.comparisons import PolicyComparisonPage, WhatIfRequest, comparison_view
from bonafide.contracts.policies.versions import (
    PolicyActivation,
    PolicyHistory,
    PolicyRollback,
    PolicyStaging,
    PolicyVersionEntry,
    StagedPolicyEntry,
    policies_view,
    policy_view,
    staged_view,
)
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import principal
from bonafide.http.openapi import responses
from bonafide.http.parameters import (
    Begin,
    ChangesBefore,
    ComparedDecisions,
    Cursor,
    DomainName,
    End,
    IdempotencyKey,
    IfMatch,
    PolicyNumber,
    SettingsVersions,
    StagedNumber,
)
from bonafide.http.preconditions import stated_revisions, tagged
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import generation
from bonafide.services.policies.comparisons import DecisionRange

app = create_app(access(), idempotency(), find=domain_store().find, audit=audit())
service, comparisons = policies(), policy_comparisons()
lambda_handler = lambda_entry(app)
POLICIES, POLICY = "/v1/domains/<domain>/policies", "/v1/domains/<domain>/policy"
STAGED = f"{POLICY}/staged"
TAGS = ["policies"]
OF_STAGED: dict[str, Any] = {"tags": TAGS, "responses": responses(StagedPolicyEntry, 404)}
CHANGING: dict[str, Any] = {"tags": TAGS, "responses": responses(Domain, 404, 409, 412)}
COMPARING: dict[str, Any] = {"tags": TAGS, "responses": responses(PolicyComparisonPage, 404)}


@app.get(
    POLICIES,
    summary="List versions of a policy",
    operation_id="listPolicies",
    tags=TAGS,
    responses=responses(PolicyHistory, 404),
)
def list_policies(domain: DomainName, before: ChangesBefore = None, limit: SettingsVersions = 20) -> PolicyHistory:
    """Reads former policies with who changed what, when and why, the newest first; they are kept as the domain is."""
    return policies_view(service.versions(domain, before, limit))


@app.get(
    f"{POLICIES}/<policy_version>",
    summary="Read a version of a policy",
    operation_id="getPolicy",
    tags=TAGS,
    responses=responses(PolicyVersionEntry, 404),
)
def get_policy(domain: DomainName, policy_version: PolicyNumber) -> PolicyVersionEntry:
    """Reads the policy that decisions name by this version."""
    return policy_view(service.version(domain, policy_version))


@app.put(STAGED, summary="Stage a policy", operation_id="stagePolicy", **OF_STAGED)
def stage(domain: DomainName, request: PolicyStaging) -> StagedPolicyEntry:
    """Lets a policy judge in shadow, beside the active one and instead of one staged before; it answers nothing."""
    return staged_view(service.stage(domain, request.changes(), request.reason, principal(app)))


@app.get(STAGED, summary="Read the staged policy", operation_id="getStagedPolicy", **OF_STAGED)
def get_staged(domain: DomainName) -> StagedPolicyEntry:
    """Reads the policy that is staged."""
    return staged_view(service.staged(domain))


@app.delete(STAGED, summary="Withdraw the staged policy", operation_id="withdrawStagedPolicy", **OF_STAGED)
def withdraw(domain: DomainName) -> StagedPolicyEntry:
    """Ends its shadow, and answers with what it was; what it made of decisions stays with them."""
    return staged_view(service.withdraw(domain))


@app.get(f"{STAGED}/report", summary="Compare a staged policy", operation_id="getStagedReport", **COMPARING)
def get_staged_report(
    domain: DomainName,
    begin: Begin = None,
    end: End = None,
    staged_version: StagedNumber = None,
    cursor: Cursor = None,
    limit: ComparedDecisions = 200,
) -> PolicyComparisonPage:
    """Compares live decisions since it was staged with what a policy made of them in shadow."""
    end = end or datetime.now(UTC)
    chosen = DecisionRange(begin_before(end, begin), end, position(cursor), limit)
    return comparison_view(comparisons.in_shadow(domain, staged_version, chosen))


@app.post(f"{POLICY}/activation", summary="Activate the staged policy", operation_id="activatePolicy", **CHANGING)
def activate(
    domain: DomainName,
    request: PolicyActivation,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> Response[Domain]:
    """Makes it the active policy of the next decisions, if the policy that it was staged beside is still active."""
    revisions = stated_revisions(if_match)
    return _shown(service.activate(domain, request.staged_version, request.reason, revisions, principal(app)))


@app.post(f"{POLICY}/rollback", summary="Go back to the policy before", operation_id="rollBackPolicy", **CHANGING)
def roll_back(
    domain: DomainName,
    request: PolicyRollback,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> Response[Domain]:
    """Makes the policy before the active one that of the next decisions, as a new version."""
    revisions = stated_revisions(if_match)
    return _shown(service.roll_back(domain, request.policy_version, request.reason, revisions, principal(app)))


@app.post(f"{POLICY}/what-if", summary="Judge decisions again", operation_id="compareDecisions", **COMPARING)
def what_if(
    domain: DomainName,
    request: WhatIfRequest,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> PolicyComparisonPage:
    """Judges a page of stored decisions again under another policy, without any effect."""
    end = request.end or datetime.now(UTC)
    page = comparisons.what_if(domain, request.changes(), request.chosen(begin_before(end, request.begin), end))
    # Nothing is remembered: asked again, it is told again.
    answer_about(app, generation(page.domain), lasts=False)
    return comparison_view(page)


def _shown(record: DomainRecord) -> Response[Domain]:
    answer_about(app, generation(record))
    return tagged(domain_view(record), record.revision)
