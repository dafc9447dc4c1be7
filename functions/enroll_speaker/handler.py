"""POST .../enrollments: speech and consent become a voiceprint."""

from bonafide.bootstrap.models import enrolment
from bonafide.bootstrap.stores import idempotency
from bonafide.contracts import Enrollment, EnrollmentRequest
from bonafide.http import Domain, IdempotencyKey, Speaker, create_app, lambda_entry, responses

app = create_app(idempotency())
service = enrolment()
lambda_handler = lambda_entry(app)


@app.post(
    "/v1/domains/<domain>/speakers/<speaker>/enrollments",
    summary="Enrol a speaker",
    operation_id="enrollSpeaker",
    tags=["enrollments"],
    responses=responses(Enrollment, 404, 409),
)
def enroll(
    domain: Domain, speaker: Speaker, request: EnrollmentRequest, idempotency_key: IdempotencyKey = None
) -> Enrollment:
    """Adds a recording to the speaker's voiceprint and tells how much speech is still missing."""
    return service.enroll(domain, speaker, request, idempotency_key)
