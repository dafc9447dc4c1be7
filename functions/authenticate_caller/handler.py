"""POST .../authentications: decides whether a caller is the claimed speaker."""

from bonafide.bootstrap.access import access
from bonafide.bootstrap.models import authentication
from bonafide.bootstrap.stores import domain_store, idempotency
from bonafide.contracts.authentications import AuthenticationDecision, AuthenticationRequest, decision_view
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import request_context
from bonafide.http.openapi import responses
from bonafide.http.parameters import DomainName, IdempotencyKey, SpeakerName
from bonafide.services.authentication import AuthenticationRequested

service = authentication()
# Evidence is extracted while the Idempotency-Key is looked up, so the body is read once more before that.
app = create_app(
    access(kept=True, metered=True),
    idempotency(),
    lambda body: service.begin(AuthenticationRequest.model_validate(body).audio.to_record()),
    domain_store().find,
)
lambda_handler = lambda_entry(app)


@app.post(
    "/v1/domains/<domain>/speakers/<speaker>/authentications",
    summary="Authenticate a caller",
    operation_id="authenticateCaller",
    tags=["authentications"],
    responses=responses(AuthenticationDecision, 404, 409),
)
def authenticate(
    domain: DomainName, speaker: SpeakerName, request: AuthenticationRequest, idempotency_key: IdempotencyKey = None
) -> AuthenticationDecision:
    """Compares the caller's speech with the claimed speaker's voiceprint and decides, with reasons."""
    context, call = request_context(app, request, idempotency_key), request.context
    said = request.audio.to_record(), call.call_id, context, call.caller, request.stated_call()
    record = service.authenticate(AuthenticationRequested(domain, speaker, *said))
    answer_about(app, record.generation)
    return decision_view(record)
