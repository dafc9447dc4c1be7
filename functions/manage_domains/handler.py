"""Tenants, and places to upload their recordings to."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.stores import idempotency, recordings, tenants
from bonafide.contracts import Domain as DomainView
from bonafide.contracts import DomainSettings, Upload, UploadRequest
from bonafide.http import Domain, Force, IdempotencyKey, create_app, empty, lambda_entry, responses

app = create_app(idempotency())
service = tenants()
audio = recordings()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>"
TAGS = ["domains"]
UNSTATED = UploadRequest()


@app.put(
    PATH, summary="Create or change a domain", operation_id="putDomain", tags=TAGS, responses=responses(DomainView, 409)
)
def put(domain: Domain, request: DomainSettings) -> DomainView:
    """Writes the whole settings of a domain; the same settings again change nothing."""
    return service.put(domain, request)


@app.get(PATH, summary="Read a domain", operation_id="getDomain", tags=TAGS, responses=responses(DomainView, 404))
def get(domain: Domain) -> DomainView:
    """Reads policy, retention and their version."""
    return service.get(domain)


@app.delete(
    PATH, summary="Delete a domain", operation_id="deleteDomain", tags=TAGS, responses=responses(None, 404, 409)
)
def delete(domain: Domain, force: Force = False) -> Response[None]:
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
    domain: Domain,
    request: UploadRequest = UNSTATED,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> Upload:
    """Offers a URL that takes one recording of up to 12 MiB within 15 minutes; it is deleted after a day."""
    service.require(domain)
    return audio.offer_upload(domain, request.content_length)
