"""Conditional requests: tags in answers, and changes that have to name the one that they know."""

import json
from typing import Any

import pytest

from bonafide.contracts.base import Answer
from bonafide.errors import BonafideError
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.parameters import IfMatch
from bonafide.http.preconditions import known_revisions, tagged
from bonafide.observability import Event


class Shown(Answer):
    """What the route of this test shows."""

    known: list[str]


def answered(headers: dict[str, str]) -> Any:
    app = create_app(None)

    @app.patch("/v1/thing")
    def change(if_match: IfMatch = None) -> Any:
        return tagged(Shown(known=sorted(known_revisions(if_match))), "r-2")

    event: Event = {
        "httpMethod": "PATCH",
        "path": "/v1/thing",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "body": None,
        "requestContext": {"requestId": "request-1"},
    }

    class Context:
        function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "x"

    context: Any = Context()
    return lambda_entry(app)(event, context)


def test_the_answer_has_the_tag_of_what_it_shows() -> None:
    answer = answered({"If-Match": '"r-1"'})
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"known": ["r-1"]}
    assert answer["multiValueHeaders"]["ETag"] == ['"r-2"']


def test_a_change_that_names_no_tag_is_refused() -> None:
    answer = answered({})
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"]) == (428, "if_match_missing")
    assert problem["errors"][0]["field"] == "If-Match"


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("*", []),
        ('"a"', ["a"]),
        ('"a", "b"', ["a", "b"]),
        ('"a","b"', ["a", "b"]),
        # Weak tags never match, nor does what is no tag; neither may stand for any.
        ('W/"a"', [""]),
        ('W/"a", "b"', ["b"]),
        ("a", [""]),
        ("", [""]),
        ('""', [""]),
    ],
)
def test_tags_are_compared_strongly(header: str, known: list[str]) -> None:
    assert list(known_revisions(header)) == known


def test_a_missing_tag_is_an_error_of_the_tree() -> None:
    with pytest.raises(BonafideError):
        known_revisions(None)
