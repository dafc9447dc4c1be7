"""Sessions whose audio arrives in chunks: start, claim, read, evaluate."""

from bonafide.bootstrap.access import access
from bonafide.bootstrap.stores import domain_store, idempotency, sessions
from bonafide.contracts.sessions import (
    ClaimRequest,
    Session,
    SessionEvaluation,
    SessionRequest,
    evaluation_view,
    session_view,
)
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import request_context
from bonafide.http.openapi import responses
from bonafide.http.parameters import DomainName, IdempotencyKey, SessionName
from bonafide.http.problems import FORMAT_FIELDS
from bonafide.records.speaker import generation

app = create_app(access(kept=True, metered=True), idempotency(), find=domain_store().find, fields=FORMAT_FIELDS)
service = sessions()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>/sessions"
ONE = f"{PATH}/<session>"
TAGS = ["sessions"]


@app.post(PATH, summary="Start a session", operation_id="startSession", tags=TAGS, responses=responses(Session, 404))
def start(domain: DomainName, request: SessionRequest, idempotency_key: IdempotencyKey = None) -> Session:
    """Starts a session of up to an hour, with or without a claimed speaker."""
    owner, record = service.start(domain, request.to_record(), request_context(app, request, idempotency_key))
    answer_about(app, generation(owner), speaker=record.speaker)
    return session_view(record)


@app.get(ONE, summary="Read a session", operation_id="getSession", tags=TAGS, responses=responses(Session, 404))
def get(domain: DomainName, session: SessionName) -> Session:
    """Reads a session; it is deleted a day after it expires, its final decision is not."""
    return session_view(service.get(domain, session))


@app.put(
    f"{ONE}/speaker",
    summary="Claim a speaker",
    operation_id="claimSpeaker",
    tags=TAGS,
    responses=responses(Session, 404, 409),
)
def claim(domain: DomainName, session: SessionName, request: ClaimRequest) -> Session:
    """Sets, or corrects, the claimed speaker, until the decision is final; as often as the policy allows."""
    return session_view(service.claim(domain, session, request.speaker))


@app.get(
    f"{ONE}/evaluation",
    summary="Evaluate a session",
    operation_id="evaluateSession",
    tags=TAGS,
    responses=responses(SessionEvaluation, 404),
)
def evaluate(domain: DomainName, session: SessionName) -> SessionEvaluation:
    """Judges the audio so far; final once all chunks are in or the grace period is over."""
    return evaluation_view(service.evaluate(domain, session))
