"""The door of the audio stream."""

from bonafide.bootstrap.stores import idempotency, intake
from bonafide.contracts import ChunkReceipt, ChunkRequest, EndRequest, Session
from bonafide.http import ChunkNumber, Domain, IdempotencyKey, SessionId, create_app, lambda_entry, responses

app = create_app(idempotency())
service = intake()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>/sessions/<session>"
TAGS = ["sessions"]


@app.put(
    f"{PATH}/audio/<n>",
    summary="Send a chunk",
    operation_id="putAudio",
    tags=TAGS,
    responses=responses(ChunkReceipt, 404, 409),
)
def put(domain: Domain, session: SessionId, n: ChunkNumber, request: ChunkRequest) -> ChunkReceipt:
    """Takes chunk n of a call, 0.5 to 15 s of audio; repeated, reordered and late chunks are fine."""
    return service.put(domain, session, n, request)


@app.post(
    f"{PATH}/end", summary="End a call", operation_id="endSession", tags=TAGS, responses=responses(Session, 404, 409)
)
def end(
    domain: Domain,
    session: SessionId,
    request: EndRequest,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> Session:
    """Says how many chunks the call has; the decision is final once they are in, or 30 s later."""
    return service.end(domain, session, request)
