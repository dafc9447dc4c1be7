"""Domains, places to upload their recordings to, and brakes."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.stores import brakes, domains, idempotency
from bonafide.contracts.audio import Upload, UploadRequest, upload_view
from bonafide.contracts.brakes import Brake, BrakeRequest, brake_view
from bonafide.contracts.domains import Domain, DomainSettings, domain_view
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.identity import principal
from bonafide.http.openapi import empty, responses
from bonafide.http.parameters import DomainName, Force, IdempotencyKey, ReleaseReason

app = create_app(idempotency())
service = domains()
switches = brakes()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>"
BRAKE, DOMAIN_BRAKE = "/v1/brake", f"{PATH}/brake"
TAGS = ["domains"]
BRAKES = ["brakes"]
UNSTATED = UploadRequest()


@app.put(
    PATH, summary="Create or change a domain", operation_id="putDomain", tags=TAGS, responses=responses(Domain, 409)
)
def put(domain: DomainName, request: DomainSettings) -> Domain:
    """Writes the whole settings of a domain; the same settings again change nothing."""
    return domain_view(service.put(domain, *request.to_records()))


@app.get(PATH, summary="Read a domain", operation_id="getDomain", tags=TAGS, responses=responses(Domain, 404))
def get(domain: DomainName) -> Domain:
    """Reads policy, retention and their version."""
    return domain_view(service.get(domain))


@app.delete(
    PATH, summary="Delete a domain", operation_id="deleteDomain", tags=TAGS, responses=responses(None, 404, 409)
)
def delete(domain: DomainName, force: Force = False) -> Response[None]:
    """Deletes an empty domain, or with force one and all its speakers; while it says `domain_deleting`, repeat it."""
    service.delete(domain, force=force)
    return empty(HTTPStatus.NO_CONTENT)


@app.post(
    f"{PATH}/uploads",
    summary="Upload a recording",
    operation_id="createUpload",
    tags=TAGS,
    responses=responses(Upload, 404),
)
def create_upload(
    domain: DomainName,
    request: UploadRequest = UNSTATED,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> Upload:
    """Offers a URL that takes one recording of up to 12 MiB within 15 minutes; it is deleted after a day."""
    return upload_view(service.offer_upload(domain, request.content_length))


@app.put(
    BRAKE,
    summary="Set the brake of the stage",
    operation_id="setStageBrake",
    tags=BRAKES,
    responses=responses(Brake),
)
def set_stage_brake(request: BrakeRequest) -> Brake:
    """Makes STEP_UP the best decision of all domains within 60 s; the same request again changes nothing."""
    return brake_view(*switches.set(None, request.reason, principal(app)))


@app.get(
    BRAKE, summary="Read the brake of the stage", operation_id="getStageBrake", tags=BRAKES, responses=responses(Brake)
)
def get_stage_brake() -> Brake:
    """Reads whether the brake is on, since when and why, and its newest changes."""
    return brake_view(*switches.get(None))


@app.delete(
    BRAKE,
    summary="Release the brake of the stage",
    operation_id="releaseStageBrake",
    tags=BRAKES,
    responses=responses(Brake, 409),
)
def release_stage_brake(reason: ReleaseReason) -> Brake:
    """Ends it, within 60 s; a brake that is not on stays as it is."""
    return brake_view(*switches.release(None, reason, principal(app)))


@app.put(
    DOMAIN_BRAKE,
    summary="Set the brake of a domain",
    operation_id="setDomainBrake",
    tags=BRAKES,
    responses=responses(Brake, 404),
)
def set_domain_brake(domain: DomainName, request: BrakeRequest) -> Brake:
    """Makes STEP_UP the best of the domain's next decisions; the same request again changes nothing."""
    return brake_view(*switches.set(domain, request.reason, principal(app)))


@app.get(
    DOMAIN_BRAKE,
    summary="Read the brake of a domain",
    operation_id="getDomainBrake",
    tags=BRAKES,
    responses=responses(Brake, 404),
)
def get_domain_brake(domain: DomainName) -> Brake:
    """Reads whether the brake is on, since when and why, and its newest changes."""
    return brake_view(*switches.get(domain))


@app.delete(
    DOMAIN_BRAKE,
    summary="Release the brake of a domain",
    operation_id="releaseDomainBrake",
    tags=BRAKES,
    responses=responses(Brake, 404, 409),
)
def release_domain_brake(domain: DomainName, reason: ReleaseReason) -> Brake:
    """Ends it for the next decisions; a brake that is not on stays as it is."""
    return brake_view(*switches.release(domain, reason, principal(app)))
