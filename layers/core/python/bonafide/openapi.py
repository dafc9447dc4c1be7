"""The public contract as a document and as a page.

`openapi.json` is generated from the functions' own routes by `make openapi`; a test keeps the two equal.
"""

from functools import cache
from importlib.resources import files

from aws_lambda_powertools.event_handler.openapi import swagger_ui
from aws_lambda_powertools.event_handler.openapi.swagger_ui import generate_swagger_html


@cache
def document() -> str:
    """The OpenAPI 3.1 document, as JSON text."""
    return files("bonafide").joinpath("openapi.json").read_text()


@cache
def browser_page() -> str:
    """A page that shows the document and needs nothing from anywhere else."""
    assets = files(swagger_ui)
    return generate_swagger_html(
        spec=document(),
        swagger_js=assets.joinpath("swagger-ui-bundle.min.js").read_text(),
        swagger_css=assets.joinpath("swagger-ui.min.css").read_text(),
        swagger_base_url="",
        oauth2_config=None,
    )
