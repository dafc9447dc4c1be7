"""The registry of model versions: registration, promotions, aliases and history."""

from bonafide.bootstrap.registry import access, model_versions, promotions
from bonafide.bootstrap.stores import idempotency
from bonafide.contracts.cursors import from_cursor
from bonafide.contracts.registry.promotions import (
    HistoryPage,
    ModelAliases,
    Promotion,
    PromotionRequest,
    PromotionResult,
    aliases_view,
    history_page,
    promotion_view,
)
from bonafide.contracts.registry.versions import (
    ModelOffer,
    ModelUploads,
    ModelVersion,
    ModelVersionPage,
    RegistrationRequest,
    VersionDownloads,
    downloads_view,
    uploads_view,
    version_page,
    version_view,
)
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.identity import principal, request_context
from bonafide.http.openapi import responses
from bonafide.http.parameters import (
    Cursor,
    EntryLimit,
    IdempotencyKey,
    ModelDigest,
    PromotionName,
    VersionLimit,
)
from bonafide.http.problems import MODEL_FIELDS
from bonafide.records.model import is_digest
from bonafide.records.promotion import is_sequence
from bonafide.services.models.versions import TRANSFER_SECONDS

app = create_app(access(), idempotency(), fields=MODEL_FIELDS)
versions, moves = model_versions(), promotions()
lambda_handler = lambda_entry(app)
MODELS, PROMOTIONS = "/v1/models", "/v1/promotions"
VERSION, PROMOTION = f"{MODELS}/<digest>", f"{PROMOTIONS}/<promotion>"
TAGS = ["models"]


@app.post(
    MODELS,
    summary="Offer a model version",
    operation_id="offerModelVersion",
    tags=TAGS,
    responses=responses(ModelUploads, 409),
)
def offer(request: ModelOffer, idempotency_key: IdempotencyKey = None) -> ModelUploads:  # noqa: ARG001, read by the app
    """Answers with a URL for each file that is not stored yet; a version exists only when it is registered."""
    return uploads_view(*versions.offer(request.manifest, request.sizes(), request.kept()), TRANSFER_SECONDS)


@app.post(
    f"{VERSION}/registration",
    summary="Register a model version",
    operation_id="registerModelVersion",
    tags=TAGS,
    responses=responses(ModelVersion, 404, 409),
)
def register(
    digest: ModelDigest,
    request: RegistrationRequest,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> ModelVersion:
    """Checks that all files are stored with their SHA-256, and makes them a version, which never changes."""
    return version_view(versions.register(digest, request.reason, principal(app)))


@app.get(
    MODELS,
    summary="List model versions",
    operation_id="listModelVersions",
    tags=TAGS,
    responses=responses(ModelVersionPage),
)
def list_versions(cursor: Cursor = None, limit: VersionLimit = 50) -> ModelVersionPage:
    """Reads one page of registered versions, in the order of their digests."""
    return version_page(versions.list(from_cursor(cursor, is_digest), limit), limit)


@app.get(
    VERSION,
    summary="Read a model version",
    operation_id="getModelVersion",
    tags=TAGS,
    responses=responses(ModelVersion, 404),
)
def get(digest: ModelDigest) -> ModelVersion:
    """Reads a version with its manifest, its files and the results of its gates."""
    return version_view(versions.get(digest))


@app.get(
    f"{VERSION}/files",
    summary="Download a model version",
    operation_id="getModelVersionFiles",
    tags=TAGS,
    responses=responses(VersionDownloads, 404),
)
def files(digest: ModelDigest) -> VersionDownloads:
    """Answers with a URL for each file. Whoever takes one compares its SHA-256."""
    return downloads_view(*versions.downloads(digest), TRANSFER_SECONDS)


@app.get(
    "/v1/registry",
    summary="Read the aliases of model versions",
    operation_id="getModelAliases",
    tags=TAGS,
    responses=responses(ModelAliases),
)
def aliases() -> ModelAliases:
    """Reads which versions are champion and challenger, and which promotion awaits its outcome."""
    return aliases_view(*moves.aliases())


@app.get(
    PROMOTIONS,
    summary="Read the history of the registry",
    operation_id="listModelHistory",
    tags=TAGS,
    responses=responses(HistoryPage),
)
def history(cursor: Cursor = None, limit: EntryLimit = 50) -> HistoryPage:
    """Reads one page of what happened to versions and aliases, the newest first; nothing of it is ever changed."""
    before = from_cursor(cursor, is_sequence)
    return history_page(moves.history(int(before) if before else None, limit))


@app.post(
    PROMOTIONS,
    summary="Ask for a promotion, a rollback or another challenger",
    operation_id="requestPromotion",
    tags=TAGS,
    responses=responses(Promotion, 404, 409),
)
def request_promotion(request: PromotionRequest, idempotency_key: IdempotencyKey = None) -> Promotion:
    """Names the challenger at once; a champion changes when the release pipeline reports its success."""
    return promotion_view(moves.request(request.to_wish(), request_context(app, request, idempotency_key)))


@app.get(
    PROMOTION,
    summary="Read a promotion",
    operation_id="getPromotion",
    tags=TAGS,
    responses=responses(Promotion, 404),
)
def read_promotion(promotion: PromotionName) -> Promotion:
    """Reads what was asked for, and what came of it."""
    return promotion_view(moves.get(promotion))


@app.post(
    f"{PROMOTION}/result",
    summary="Report the outcome of a promotion",
    operation_id="reportPromotion",
    tags=TAGS,
    responses=responses(Promotion, 404, 409),
)
def report(
    promotion: PromotionName,
    request: PromotionResult,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> Promotion:
    """Moves `champion` if the release succeeded; the same report again changes nothing."""
    return promotion_view(moves.complete(promotion, request.to_report(principal(app))))
