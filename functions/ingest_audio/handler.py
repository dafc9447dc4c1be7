"""Intake of the audio stream: chunks, and the end of a session."""

from bonafide.bootstrap.access import access
from bonafide.bootstrap.stores import domain_store, idempotency, intake
from bonafide.contracts.sessions import ChunkReceipt, ChunkRequest, EndRequest, Session, receipt_view, session_view
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.openapi import responses
from bonafide.http.parameters import ChunkNumber, DomainName, IdempotencyKey, SessionName
from bonafide.http.problems import CHUNK_FIELDS
from bonafide.records.speaker import generation

app = create_app(access(kept=True), idempotency(), find=domain_store().find, fields=CHUNK_FIELDS)
service = intake()
lambda_handler = lambda_entry(app, octets=True)
PATH = "/v1/domains/<domain>/sessions/<session>"
TAGS = ["sessions"]


@app.put(
    f"{PATH}/audio/<n>",
    summary="Send a chunk",
    operation_id="putAudio",
    tags=TAGS,
    responses=responses(ChunkReceipt, 404, 409),
)
def put(domain: DomainName, session: SessionName, n: ChunkNumber, request: ChunkRequest) -> ChunkReceipt:
    """Takes chunk n of a session, 0.5 to 15 s of audio; repeated, reordered and late chunks are fine.

    Its bytes may also be sent as they are, as application/octet-stream.
    """
    accepted_at = service.put(domain, session, n, request.content, request.stated())
    return receipt_view(session, n, accepted_at)


@app.post(
    f"{PATH}/end", summary="End a session", operation_id="endSession", tags=TAGS, responses=responses(Session, 404, 409)
)
def end(
    domain: DomainName,
    session: SessionName,
    request: EndRequest,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> Session:
    """Takes the number of chunks of the session; the decision is final once they are in, or 30 s later."""
    owner, record = service.end(domain, session, request.chunks)
    answer_about(app, generation(owner), speaker=record.speaker)
    return session_view(record)
