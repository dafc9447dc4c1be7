"""Enrollments and their contributions: makes a voiceprint of speech and consent, and takes a contribution back."""

from bonafide.bootstrap.access import access, audit
from bonafide.bootstrap.models import enrollment
from bonafide.bootstrap.stores import caller_hashes, contributions, domain_store, idempotency
from bonafide.contracts.speakers import Enrollment, EnrollmentRequest, Speaker, enrollment_view, speaker_view
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import request_context
from bonafide.http.openapi import responses
from bonafide.http.parameters import ContributionName, DomainName, IdempotencyKey, SpeakerName
from bonafide.records.speaker import generation

app = create_app(access(kept=True, metered=True), idempotency(), find=domain_store().find, audit=audit(caller_hashes()))
service = enrollment()
added = contributions()
lambda_handler = lambda_entry(app)
SPEAKER = "/v1/domains/<domain>/speakers/<speaker>"
TAGS = ["enrollments"]


@app.post(
    f"{SPEAKER}/enrollments",
    summary="Enroll a speaker",
    operation_id="enrollSpeaker",
    tags=TAGS,
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


@app.delete(
    f"{SPEAKER}/contributions/<contribution>",
    summary="Take a contribution back",
    operation_id="takeBackContribution",
    tags=TAGS,
    responses=responses(Speaker, 404, 409),
)
def take_back(domain: DomainName, speaker: SpeakerName, contribution: ContributionName) -> Speaker:
    """Makes the voiceprint what it was without a contribution; with too little speech left it is `PENDING`."""
    found, record = added.take_back(domain, speaker, contribution)
    return speaker_view(found, record.summary)
