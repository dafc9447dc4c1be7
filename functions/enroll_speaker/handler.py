"""POST .../enrollments: makes a voiceprint of speech and consent."""

from bonafide.bootstrap.access import access
from bonafide.bootstrap.models import enrollment
from bonafide.bootstrap.stores import domain_store, idempotency
from bonafide.contracts.speakers import Enrollment, EnrollmentRequest, enrollment_view
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import request_context
from bonafide.http.openapi import responses
from bonafide.http.parameters import DomainName, IdempotencyKey, SpeakerName
from bonafide.records.speaker import generation

app = create_app(access(kept=True, metered=True), idempotency(), find=domain_store().find)
service = enrollment()
lambda_handler = lambda_entry(app)


@app.post(
    "/v1/domains/<domain>/speakers/<speaker>/enrollments",
    summary="Enroll a speaker",
    operation_id="enrollSpeaker",
    tags=["enrollments"],
    responses=responses(Enrollment, 404, 409),
)
def enroll(
    domain: DomainName, speaker: SpeakerName, request: EnrollmentRequest, idempotency_key: IdempotencyKey = None
) -> Enrollment:
    """Adds a recording to the speaker's voiceprint and tells how much speech is still missing."""
    context = request_context(app, request, idempotency_key)
    audio, consent = request.audio.to_record(), request.consent.to_record()
    result = service.enroll(domain, speaker, audio, consent, context)
    answer_about(app, generation(result.domain, result.speaker))
    return enrollment_view(result)
