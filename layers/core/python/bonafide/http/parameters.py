"""Parameters that routes share. Plain aliases, since the resolver looks inside them."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from bonafide.biometrics.decision import Decision
from bonafide.contracts.base import IDEMPOTENCY_KEY, IDENTIFIER, RangeLimit
from bonafide.contracts.brakes import MAX_REASON_CHARACTERS, REASON
from bonafide.records.model import SHA256
from bonafide.records.session import MAX_CHUNKS

DomainName = Annotated[str, Path(pattern=IDENTIFIER, description="The domain.")]
SpeakerName = Annotated[str, Path(pattern=IDENTIFIER, description="The speaker, by your own pseudonymous reference.")]
SessionName = Annotated[str, Path(pattern=IDENTIFIER, description="The session, by the identifier of its start.")]
ChunkNumber = Annotated[int, Path(ge=0, lt=MAX_CHUNKS, description="Place of the chunk in the session, from 0.")]
WatchlistName = Annotated[str, Path(pattern=IDENTIFIER, description="The watchlist, by your name of it.")]
FraudsterName = Annotated[
    str, Path(pattern=IDENTIFIER, description="The fraudster, by your own pseudonymous reference.")
]
Cursor = Annotated[str | None, Query(max_length=128, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Speakers a page.")]
ErasureName = Annotated[str, Path(pattern=IDENTIFIER, description="The erasure, by its `erasure_id`.")]
ContributionName = Annotated[str, Path(pattern=IDENTIFIER, description="The contribution, by its `enrollment_id`.")]
DecisionName = Annotated[str, Path(pattern=IDENTIFIER, description="The decision.")]
Begin = Annotated[RangeLimit | None, Query(alias="from", description="Earliest time, inclusive; default: 30 days ago.")]
End = Annotated[RangeLimit | None, Query(alias="to", description="Latest time, exclusive; default: now.")]
ClaimedSpeaker = Annotated[
    str | None, Query(alias="speaker", pattern=IDENTIFIER, description="Decisions on this claimed speaker only.")
]
WantedDecision = Annotated[Decision | None, Query(alias="decision", description="Decisions with this result only.")]
DecisionLimit = Annotated[int, Query(alias="limit", ge=1, le=100, description="Decisions a page.")]
Force = Annotated[bool, Query(description="Delete the domain's speakers too.")]
CalibrationNumber = Annotated[int, Path(ge=1, le=1_000_000_000, description="Version of the calibration.")]
ChangesBefore = Annotated[int | None, Query(alias="before", ge=1, description="`next_before` of the page before.")]
SettingsVersion = Annotated[int, Path(ge=1, le=1_000_000_000, description="Version of the domain's settings.")]
SettingsVersions = Annotated[int, Query(alias="limit", ge=1, le=100, description="Versions a page.")]
PolicyNumber = Annotated[int, Path(ge=1, le=1_000_000_000, description="Version of the policy, as decisions name it.")]
StagedNumber = Annotated[
    int | None, Query(alias="staged_version", ge=1, le=1_000_000_000, description="Default: the policy staged now.")
]
ComparedDecisions = Annotated[int, Query(alias="limit", ge=1, le=500, description="Decisions a page.")]
ReleaseReason = Annotated[
    str,
    Query(
        alias="reason",
        max_length=MAX_REASON_CHARACTERS,
        pattern=REASON,
        description="Why the brake is released, for the audit trail. Holds references, never personal data.",
    ),
]
ModelDigest = Annotated[str, Path(pattern=SHA256, description="The version: SHA-256 of its manifest.")]
VersionLimit = Annotated[int, Query(alias="limit", ge=1, le=100, description="Versions a page.")]
PromotionName = Annotated[int, Path(ge=1, lt=10**10, description="The promotion, by its `id`.")]
EntryLimit = Annotated[int, Query(alias="limit", ge=1, le=100, description="Entries a page.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY,
        min_length=1,
        max_length=128,
        description="Same key and same body: same answer, one effect. Same key and another body: 422.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=256, description="ETag of the settings that the change was made from."),
]
