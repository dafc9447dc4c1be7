"""The contract, a page to browse it, and liveness."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from bonafide import __version__
from bonafide.bootstrap import stores
from bonafide.contracts import Health
from bonafide.http import create_app, lambda_entry, responses
from bonafide.openapi import browser_page, document

app = create_app()
stage = stores.stage()
lambda_handler = lambda_entry(app)
TAGS = ["service"]


@app.get("/v1/health", summary="Liveness", operation_id="getHealth", tags=TAGS, responses=responses(Health))
def health() -> Health:
    """Answers as long as the service does."""
    return Health(version=__version__, stage=stage)


@app.get("/v1/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    """The contract as an OpenAPI 3.1 document."""
    return Response(HTTPStatus.OK, content_type="application/json", body=document())


@app.get("/v1/docs", include_in_schema=False)
def docs() -> Response[str]:
    """The contract as a page."""
    return Response(HTTPStatus.OK, content_type="text/html; charset=utf-8", body=browser_page())
