"""Domains, and places to upload their recordings to."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.stores import domains, idempotency
from bonafide.contracts.audio import Upload, UploadRequest, upload_view
from bonafide.contracts.domains import Domain, DomainSettings, domain_view
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.openapi import empty, responses
from bonafide.http.parameters import DomainName, Force, IdempotencyKey

app = create_app(idempotency())
service = domains()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>"
TAGS = ["domains"]
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
