"""Speakers after enrolment: read, list, opt out, delete."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.stores import idempotency, speakers
from bonafide.contracts import Speaker as SpeakerView
from bonafide.contracts import SpeakerList
from bonafide.http import Cursor, Domain, IdempotencyKey, Limit, Speaker, create_app, empty, lambda_entry, responses

app = create_app(idempotency())
service = speakers()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>/speakers"
TAGS = ["speakers"]


@app.get(PATH, summary="List speakers", operation_id="listSpeakers", tags=TAGS, responses=responses(SpeakerList, 404))
def list_speakers(domain: Domain, cursor: Cursor = None, limit: Limit = 50) -> SpeakerList:
    """Reads one page of speakers in order of their identifiers."""
    return service.list(domain, cursor, limit)


@app.get(
    f"{PATH}/<speaker>",
    summary="Read a speaker",
    operation_id="getSpeaker",
    tags=TAGS,
    responses=responses(SpeakerView, 404),
)
def get(domain: Domain, speaker: Speaker) -> SpeakerView:
    """Reads a speaker's status, speech and consent; nothing biometric."""
    return service.get(domain, speaker)


@app.delete(
    f"{PATH}/<speaker>",
    summary="Delete a speaker",
    operation_id="deleteSpeaker",
    tags=TAGS,
    responses=responses(None, 404),
)
def delete(domain: Domain, speaker: Speaker) -> Response[None]:
    """Deletes the speaker, the voiceprint and all audio that was kept."""
    service.delete(domain, speaker)
    return empty(HTTPStatus.NO_CONTENT)


@app.post(
    f"{PATH}/<speaker>/opt-out",
    summary="Opt a speaker out",
    operation_id="optOutSpeaker",
    tags=TAGS,
    responses=responses(SpeakerView, 404, 409),
)
def opt_out(domain: Domain, speaker: Speaker, idempotency_key: IdempotencyKey = None) -> SpeakerView:  # noqa: ARG001
    """Erases the voiceprint; the speaker is neither enrolled nor authenticated until consent is given anew."""
    return service.opt_out(domain, speaker)
