"""The contract, a page to browse it, and health."""

from aws_lambda_powertools.event_handler import Response

from bonafide import __version__
from bonafide.bootstrap.stores import stage
from bonafide.contracts.service import Health
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.openapi import browser_page, cacheable, document, responses

app = create_app(access=None)
STAGE = stage()
lambda_handler = lambda_entry(app)
TAGS = ["service"]


@app.get("/v1/health", summary="Liveness", operation_id="getHealth", tags=TAGS, responses=responses(Health))
def health() -> Health:
    """Answers as long as the service does."""
    return Health(version=__version__, stage=STAGE)


@app.get("/v1/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    """Returns the contract as an OpenAPI 3.1 document."""
    return cacheable(document(), "application/json", app.current_event.headers.get("If-None-Match"))


@app.get("/v1/docs", include_in_schema=False)
def docs() -> Response[str]:
    """Returns the contract as a page."""
    return cacheable(browser_page(), "text/html; charset=utf-8", app.current_event.headers.get("If-None-Match"))
