"""Speakers after enrollment: read, list, opt out, delete, and failed attempts at them."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.access import access, audit
from bonafide.bootstrap.stores import (
    attempt_resets,
    caller_hashes,
    domain_store,
    erasure_reading,
    export,
    idempotency,
    speakers,
)
from bonafide.contracts.attempts import AttemptResetRequest, FailedAttempts, attempts_view
from bonafide.contracts.cursors import from_cursor
from bonafide.contracts.privacy.erasures import ErasureList, ErasureReport, erasure_report
from bonafide.contracts.privacy.export import SpeakerExport, export_view
from bonafide.contracts.speakers import (
    ContributionList,
    Speaker,
    SpeakerList,
    contribution_list,
    speaker_list,
    speaker_view,
)
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import principal
from bonafide.http.openapi import empty, responses
from bonafide.http.parameters import Cursor, DomainName, ErasureName, IdempotencyKey, Limit, SpeakerName
from bonafide.records.speaker import generation

app = create_app(access(), idempotency(), find=domain_store().find, audit=audit(caller_hashes()))
service = speakers()
resets = attempt_resets()
reports = erasure_reading()
exports = export()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>/speakers"
TAGS = ["speakers"]
ERASURES = "/v1/domains/<domain>/erasures"
OF_ERASURES = ["erasures"]


@app.get(PATH, summary="List speakers", operation_id="listSpeakers", tags=TAGS, responses=responses(SpeakerList, 404))
def list_speakers(domain: DomainName, cursor: Cursor = None, limit: Limit = 50) -> SpeakerList:
    """Reads one page of speakers in order of their identifiers."""
    return speaker_list(*service.list(domain, from_cursor(cursor), limit))


@app.get(
    f"{PATH}/<speaker>",
    summary="Read a speaker",
    operation_id="getSpeaker",
    tags=TAGS,
    responses=responses(Speaker, 404),
)
def get(domain: DomainName, speaker: SpeakerName) -> Speaker:
    """Reads a speaker's status, speech and consent; nothing biometric."""
    found, record = service.get(domain, speaker)
    return speaker_view(found, record.summary)


@app.delete(
    f"{PATH}/<speaker>",
    summary="Delete a speaker",
    operation_id="deleteSpeaker",
    tags=TAGS,
    responses=responses(None, 404),
)
def delete(domain: DomainName, speaker: SpeakerName) -> Response[None]:
    """Deletes the speaker, the voiceprint and all audio that was kept."""
    service.delete(domain, speaker)
    return empty(HTTPStatus.NO_CONTENT)


@app.post(
    f"{PATH}/<speaker>/opt-out",
    summary="Opt a speaker out",
    operation_id="optOutSpeaker",
    tags=TAGS,
    responses=responses(Speaker, 404, 409),
)
def opt_out(domain: DomainName, speaker: SpeakerName, idempotency_key: IdempotencyKey = None) -> Speaker:  # noqa: ARG001
    """Erases the voiceprint, if there is one; nobody is enrolled under the name until consent is given anew."""
    found, record = service.opt_out(domain, speaker)
    answer_about(app, generation(found, record))
    return speaker_view(found, record.summary)


@app.get(
    f"{PATH}/<speaker>/attempts",
    summary="Read failed attempts",
    operation_id="getAttempts",
    tags=TAGS,
    responses=responses(FailedAttempts, 404),
)
def get_attempts(domain: DomainName, speaker: SpeakerName) -> FailedAttempts:
    """Reads how many attempts at a speaker failed, until when that limits decisions, and the newest resets."""
    return attempts_view(*resets.of_speaker(domain, speaker))


@app.post(
    "/v1/domains/<domain>/attempts/reset",
    summary="Reset failed attempts",
    operation_id="resetAttempts",
    tags=TAGS,
    responses=responses(FailedAttempts, 404),
)
def reset_attempts(
    domain: DomainName,
    request: AttemptResetRequest,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> FailedAttempts:
    """Lets failed attempts so far, at a speaker or by a caller, no longer limit decisions; every reset is kept."""
    found = resets.reset(domain, request.speaker, request.caller, request.reason, principal(app))
    answer_about(app, generation(found[0]))
    return attempts_view(*found)


@app.get(
    f"{PATH}/<speaker>/contributions",
    summary="List contributions",
    operation_id="listContributions",
    tags=TAGS,
    responses=responses(ContributionList, 404),
)
def list_contributions(domain: DomainName, speaker: SpeakerName) -> ContributionList:
    """Reads what was sent to be added to a voiceprint, and whether it counts; no audio and no score."""
    _, record = service.get(domain, speaker)
    return contribution_list(record)


@app.get(
    f"{PATH}/<speaker>/export",
    summary="Export what is held on a speaker",
    operation_id="exportSpeaker",
    tags=TAGS,
    responses=responses(SpeakerExport, 404),
)
def export_speaker(domain: DomainName, speaker: SpeakerName) -> SpeakerExport:
    """Reads all that is held on a person, but voiceprints, embeddings and audio themselves, which are described."""
    return export_view(exports.of(domain, speaker))


@app.get(
    ERASURES, summary="List erasures", operation_id="listErasures", tags=OF_ERASURES, responses=responses(ErasureList)
)
def list_erasures(domain: DomainName) -> ErasureList:
    """Reads what was erased lately in a domain, also in one that is gone: deletions, opt-outs and expiries."""
    return ErasureList(erasures=[erasure_report(each) for each in reports.list(domain)])


@app.get(
    f"{ERASURES}/<erasure_id>",
    summary="Read an erasure",
    operation_id="getErasure",
    tags=OF_ERASURES,
    responses=responses(ErasureReport, 404),
)
def get_erasure(domain: DomainName, erasure_id: ErasureName) -> ErasureReport:
    """Reads how far an erasure is, store by store; complete when a last look through all of them found nothing."""
    return erasure_report(reports.get(domain, erasure_id))
