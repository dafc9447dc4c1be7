"""Parameters that routes share. Plain aliases, since the resolver looks inside them."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from bonafide.contracts.base import IDEMPOTENCY_KEY, IDENTIFIER
from bonafide.records.session import MAX_CHUNKS

DomainName = Annotated[str, Path(pattern=IDENTIFIER, description="The domain.")]
SpeakerName = Annotated[str, Path(pattern=IDENTIFIER, description="The speaker, by your own pseudonymous reference.")]
SessionName = Annotated[str, Path(pattern=IDENTIFIER, description="The session, by the identifier of its start.")]
ChunkNumber = Annotated[int, Path(ge=0, lt=MAX_CHUNKS, description="Place of the chunk in the session, from 0.")]
Cursor = Annotated[str | None, Query(max_length=128, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Speakers a page.")]
Force = Annotated[bool, Query(description="Delete the domain's speakers too.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY,
        min_length=1,
        max_length=128,
        description="Same key and same body: same answer, one effect. Same key and another body: 422.",
    ),
]
