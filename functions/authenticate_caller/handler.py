"""POST .../authentications: is this the enrolled person?"""

from bonafide.bootstrap.models import verification
from bonafide.bootstrap.stores import idempotency
from bonafide.contracts import AuthenticationDecision, AuthenticationRequest
from bonafide.http import Domain, IdempotencyKey, Speaker, create_app, lambda_entry, responses

service = verification()
app = create_app(idempotency(), lambda body: service.begin(AuthenticationRequest.model_validate(body)))
lambda_handler = lambda_entry(app)


@app.post(
    "/v1/domains/<domain>/speakers/<speaker>/authentications",
    summary="Authenticate a caller",
    operation_id="authenticateCaller",
    tags=["authentications"],
    responses=responses(AuthenticationDecision, 404, 409),
)
def authenticate(
    domain: Domain, speaker: Speaker, request: AuthenticationRequest, idempotency_key: IdempotencyKey = None
) -> AuthenticationDecision:
    """Holds the caller's speech against the claimed speaker's voiceprint and decides, with reasons."""
    return service.authenticate(domain, speaker, request, idempotency_key)
