"""Conditional requests (RFC 9110, 13): answers with an entity tag, and changes that name the one that they know."""

import re
from collections.abc import Collection

from aws_lambda_powertools.event_handler import Response

from bonafide.contracts.base import Answer
from bonafide.errors import PreconditionRequired

IF_MATCH = "If-Match"
# A weak tag never matches where a change is asked for.
STRONG_TAG = re.compile(r'(?:^|[,\s])"([\x21\x23-\x7e]*)"')


def tagged[Body: Answer](body: Body, revision: str) -> Response[Body]:
    """Returns an answer with the tag of the revision that it shows."""
    return Response(200, "application/json", body, headers={"ETag": f'"{revision}"'})


def stated_revisions(if_match: str | None) -> Collection[str] | None:
    """Returns what `known_revisions` does, and None for a request that names none, where that is not needed."""
    return None if if_match is None else known_revisions(if_match)


def known_revisions(if_match: str | None) -> Collection[str]:
    """Returns the revisions of which the target has to be one; empty for `*`, which any is.

    Raises:
        PreconditionRequired: the request names none.
    """
    if if_match is None:
        raise PreconditionRequired(
            "if_match_missing",
            "Send the ETag of the settings that you read as If-Match, so that you change none that you have not seen.",
            subject=IF_MATCH,
        )
    # What is no tag is one that nothing has.
    return [] if if_match.strip() == "*" else STRONG_TAG.findall(if_match) or [""]
