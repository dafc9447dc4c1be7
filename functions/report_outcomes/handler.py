"""Outcomes of decisions, as they are stated."""

from bonafide.bootstrap.access import access
from bonafide.bootstrap.outcomes import outcome_statements
from bonafide.bootstrap.stores import domain_store, idempotency
from bonafide.contracts.outcomes.statements import DecisionOutcome, OutcomeRequest, outcome_view
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import request_context
from bonafide.http.openapi import responses
from bonafide.http.parameters import DecisionName, DomainName, IdempotencyKey
from bonafide.records.speaker import generation

app = create_app(access(), idempotency(), find=domain_store().find)
service = outcome_statements()
lambda_handler = lambda_entry(app)


@app.post(
    "/v1/domains/<domain>/decisions/<decision_id>/outcome",
    summary="State the outcome of a decision",
    operation_id="stateOutcome",
    tags=["decisions"],
    responses=responses(DecisionOutcome, 404, 409),
)
def state(
    domain: DomainName, decision_id: DecisionName, request: OutcomeRequest, idempotency_key: IdempotencyKey = None
) -> DecisionOutcome:
    """Adds a statement on what the call turned out to be; all are kept, and the one that became known last counts."""
    context = request_context(app, request, idempotency_key)
    owner, record = service.state(domain, decision_id, request.to_record(), context)
    answer_about(app, generation(owner), speaker=record.speaker)
    shown = [each.shown_to(context.principal) for each in record.outcomes]
    return outcome_view(domain, decision_id, shown)
