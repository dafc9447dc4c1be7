"""Calls whose audio arrives in chunks: start, claim, read, evaluate."""

from bonafide.bootstrap.stores import idempotency, sessions
from bonafide.contracts import ClaimRequest, Session, SessionEvaluation, SessionRequest
from bonafide.http import Domain, IdempotencyKey, SessionId, create_app, lambda_entry, responses

app = create_app(idempotency())
service = sessions()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>/sessions"
ONE = f"{PATH}/<session>"
TAGS = ["sessions"]


@app.post(PATH, summary="Start a call", operation_id="startSession", tags=TAGS, responses=responses(Session, 404))
def start(domain: Domain, request: SessionRequest, idempotency_key: IdempotencyKey = None) -> Session:
    """Starts a call of up to an hour, with or without a claimed speaker."""
    return service.start(domain, request, idempotency_key)


@app.get(ONE, summary="Read a call", operation_id="getSession", tags=TAGS, responses=responses(Session, 404))
def get(domain: Domain, session: SessionId) -> Session:
    """Reads a call; it is forgotten a day after it expires, its final decision is not."""
    return service.get(domain, session)


@app.put(
    f"{ONE}/speaker",
    summary="Say who calls",
    operation_id="claimSpeaker",
    tags=TAGS,
    responses=responses(Session, 404, 409),
)
def claim(domain: Domain, session: SessionId, request: ClaimRequest) -> Session:
    """Sets, or corrects, who the caller claims to be, until the decision is final."""
    return service.claim(domain, session, request)


@app.get(
    f"{ONE}/evaluation",
    summary="Evaluate a call",
    operation_id="evaluateSession",
    tags=TAGS,
    responses=responses(SessionEvaluation, 404),
)
def evaluate(domain: Domain, session: SessionId) -> SessionEvaluation:
    """Judges the audio so far; final once all chunks are in or the grace period is over."""
    return service.evaluate(domain, session)
