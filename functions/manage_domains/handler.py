"""Domains, places to upload their recordings to, brakes, and calibrations of domains."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from bonafide.bootstrap.access import access, audit, quota_rules
from bonafide.bootstrap.stores import brakes, calibrations, domain_store, domains, idempotency
from bonafide.contracts.access.audit import AuditPage, audit_page, is_position
from bonafide.contracts.audio import Upload, UploadRequest, upload_view
from bonafide.contracts.brakes import Brake, BrakeRequest, brake_view
from bonafide.contracts.calibrations import (
    CalibrationProposal,
    CalibrationTransition,
    CalibrationVersion,
    DomainCalibrations,
    calibration_view,
    calibrations_view,
)
from bonafide.contracts.cursors import from_cursor
from bonafide.contracts.domains import (
    Domain,
    DomainHistory,
    DomainSettings,
    DomainVersionEntry,
    domain_view,
    history_view,
    version_view,
)
from bonafide.contracts.settings.changes import DomainChanges
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import answer_about
from bonafide.http.identity import principal, request_context
from bonafide.http.openapi import empty, responses
from bonafide.http.parameters import (
    CalibrationNumber,
    ChangesBefore,
    Cursor,
    DomainName,
    EntryLimit,
    Force,
    IdempotencyKey,
    IfMatch,
    ReleaseReason,
    SettingsVersion,
    SettingsVersions,
)
from bonafide.http.preconditions import known_revisions, stated_revisions, tagged
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import generation
from bonafide.services.shared.quotas import within

records = audit()
app = create_app(access(), idempotency(), find=domain_store().find, audit=records)
service, switches, book = domains(), brakes(), calibrations()
lambda_handler = lambda_entry(app)
PATH = "/v1/domains/<domain>"
BRAKE, DOMAIN_BRAKE = "/v1/brake", f"{PATH}/brake"
OF_BRAKE: dict[str, Any] = {"tags": ["brakes"], "responses": responses(Brake)}
RELEASED: dict[str, Any] = {"tags": ["brakes"], "responses": responses(Brake, 409)}
TAGS, AUDIT, CALIBRATIONS = ["domains"], ["audit"], ["calibrations"]
CALIBRATION = f"{PATH}/calibrations/<version>"
UNSTATED = UploadRequest()
MOST = quota_rules().most


@app.put(
    PATH,
    summary="Create or change a domain",
    operation_id="putDomain",
    tags=TAGS,
    responses=responses(Domain, 409, 412),
)
def put(domain: DomainName, request: DomainSettings, if_match: IfMatch = None) -> Response[Domain]:
    """Writes settings of a domain; the same again change nothing. With `If-Match`, only if it is still as it was read.

    What is left out as a whole stays as it was; what is left out of one that is given takes its default. A new domain
    is bound to the principal who creates it.
    """
    wanted = within(request.to_record(), MOST)
    return _shown(service.put(domain, wanted, principal(app), stated_revisions(if_match)))


@app.patch(
    PATH,
    summary="Change single settings of a domain",
    operation_id="patchDomain",
    tags=TAGS,
    responses=responses(Domain, 404, 409, 412, 428),
)
def patch(domain: DomainName, request: DomainChanges, if_match: IfMatch = None) -> Response[Domain]:
    """Changes the settings that are named, and no other, if the domain is still as it was read (`If-Match`)."""
    changes = within(request.to_record(), MOST)
    return _shown(service.change(domain, changes, known_revisions(if_match), principal(app)))


@app.get(PATH, summary="Read a domain", operation_id="getDomain", tags=TAGS, responses=responses(Domain, 404))
def get(domain: DomainName) -> Response[Domain]:
    """Reads policy, retention and their version, with an ETag that a change of single settings names."""
    return _shown(service.get(domain))


@app.get(
    f"{PATH}/versions",
    summary="List versions of a domain's settings",
    operation_id="listDomainVersions",
    tags=TAGS,
    responses=responses(DomainHistory, 404),
)
def list_versions(domain: DomainName, before: ChangesBefore = None, limit: SettingsVersions = 20) -> DomainHistory:
    """Reads former settings with who changed what and when, the newest first; they are kept as long as the domain."""
    return history_view(service.versions(domain, before, limit + 1), limit)


@app.get(
    f"{PATH}/versions/<version>",
    summary="Read a version of a domain's settings",
    operation_id="getDomainVersion",
    tags=TAGS,
    responses=responses(DomainVersionEntry, 404),
)
def get_version(domain: DomainName, version: SettingsVersion) -> DomainVersionEntry:
    """Reads the settings as one change left them."""
    return version_view(service.version(domain, version))


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
    domain: DomainName, request: UploadRequest = UNSTATED, idempotency_key: IdempotencyKey = None
) -> Upload:
    """Offers a URL that takes one recording of up to 12 MiB within 15 minutes; it is deleted after a day.

    Repeated with its Idempotency-Key, it offers a new URL for the same upload.
    """
    context = request_context(app, request, idempotency_key)
    owner, offer = service.offer_upload(domain, request.content_length, context, request.content_type)
    answer_about(app, generation(owner), lasts=False)
    return upload_view(offer)


@app.put(BRAKE, summary="Set the brake of the stage", operation_id="setStageBrake", **OF_BRAKE)
def set_stage_brake(request: BrakeRequest) -> Brake:
    """Makes STEP_UP the best decision of all domains within 60 s; the same request again changes nothing."""
    return brake_view(*switches.set(None, request.reason, principal(app)))


@app.get(BRAKE, summary="Read the brake of the stage", operation_id="getStageBrake", **OF_BRAKE)
def get_stage_brake() -> Brake:
    """Reads whether the brake is on, since when and why, and its newest changes."""
    return brake_view(*switches.get(None))


@app.delete(BRAKE, summary="Release the brake of the stage", operation_id="releaseStageBrake", **RELEASED)
def release_stage_brake(reason: ReleaseReason) -> Brake:
    """Ends it, within 60 s; a brake that is not on stays as it is."""
    return brake_view(*switches.release(None, reason, principal(app)))


@app.put(DOMAIN_BRAKE, summary="Set the brake of a domain", operation_id="setDomainBrake", **OF_BRAKE)
def set_domain_brake(domain: DomainName, request: BrakeRequest) -> Brake:
    """Makes STEP_UP the best of the domain's next decisions; the same request again changes nothing."""
    return brake_view(*switches.set(domain, request.reason, principal(app)))


@app.get(DOMAIN_BRAKE, summary="Read the brake of a domain", operation_id="getDomainBrake", **OF_BRAKE)
def get_domain_brake(domain: DomainName) -> Brake:
    """Reads whether the brake is on, since when and why, and its newest changes."""
    return brake_view(*switches.get(domain))


@app.delete(DOMAIN_BRAKE, summary="Release the brake of a domain", operation_id="releaseDomainBrake", **RELEASED)
def release_domain_brake(domain: DomainName, reason: ReleaseReason) -> Brake:
    """Ends it for the next decisions; a brake that is not on stays as it is."""
    return brake_view(*switches.release(domain, reason, principal(app)))


@app.post(
    f"{PATH}/calibrations",
    summary="Propose a calibration of a domain",
    operation_id="proposeCalibration",
    tags=CALIBRATIONS,
    responses=responses(CalibrationVersion, 404, 409),
)
def propose_calibration(
    domain: DomainName,
    request: CalibrationProposal,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> CalibrationVersion:
    """Signs a calibration that passes the gate, and lets it judge a share of the speakers."""
    answer_about(app, generation(service.get(domain)))
    wanted = request.calibration.to_record()
    return calibration_view(book.propose(domain, wanted, request.canary_share, request.reason, principal(app)))


@app.get(
    f"{PATH}/calibrations",
    summary="Read the calibrations of a domain",
    operation_id="listCalibrations",
    tags=CALIBRATIONS,
    responses=responses(DomainCalibrations, 404),
)
def list_calibrations(domain: DomainName, before: ChangesBefore = None) -> DomainCalibrations:
    """Reads those in use, and a page of the changes."""
    return calibrations_view(book.history(domain, before))


@app.get(
    CALIBRATION,
    summary="Read a calibration of a domain",
    operation_id="getCalibration",
    tags=CALIBRATIONS,
    responses=responses(CalibrationVersion, 404),
)
def get_calibration(domain: DomainName, version: CalibrationNumber) -> CalibrationVersion:
    """Reads one version, whatever its state."""
    return calibration_view(book.get(domain, version))


@app.post(
    f"{CALIBRATION}/promotion",
    summary="Promote a calibration of a domain",
    operation_id="promoteCalibration",
    tags=CALIBRATIONS,
    responses=responses(DomainCalibrations, 404, 409),
)
def promote_calibration(
    domain: DomainName,
    version: CalibrationNumber,
    request: CalibrationTransition,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> DomainCalibrations:
    """Lets the calibration in canary judge all speakers; the one before is revoked."""
    answer_about(app, generation(service.get(domain)))
    return calibrations_view(book.promote(domain, version, request.reason, principal(app)))


@app.post(
    f"{CALIBRATION}/revocation",
    summary="Revoke a calibration of a domain",
    operation_id="revokeCalibration",
    tags=CALIBRATIONS,
    responses=responses(DomainCalibrations, 404, 409),
)
def revoke_calibration(
    domain: DomainName,
    version: CalibrationNumber,
    request: CalibrationTransition,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001, read by the app
) -> DomainCalibrations:
    """Takes it out of use for good: the active one, or the bundle's calibration, judges its speakers again."""
    answer_about(app, generation(service.get(domain)))
    return calibrations_view(book.revoke(domain, version, request.reason, principal(app)))


@app.get(
    f"{PATH}/audit",
    summary="Read the audit trail of a domain",
    operation_id="listAuditEntries",
    tags=AUDIT,
    responses=responses(AuditPage, 404),
)
def list_audit_entries(domain: DomainName, cursor: Cursor = None, limit: EntryLimit = 50) -> AuditPage:
    """Reads one page of administrative acts, the newest first; none is ever changed."""
    return audit_page(records.acts(domain, from_cursor(cursor, is_position), limit))


@app.get(
    "/v1/audit",
    summary="Read the audit trail of the stage",
    operation_id="listStageAuditEntries",
    tags=AUDIT,
    responses=responses(AuditPage),
)
def list_stage_audit_entries(cursor: Cursor = None, limit: EntryLimit = 50) -> AuditPage:
    """Reads one page of administrative acts that are about no domain; those on models have a history of their own."""
    return audit_page(records.acts(None, from_cursor(cursor, is_position), limit))


def _shown(record: DomainRecord) -> Response[Domain]:
    return tagged(domain_view(record), record.revision)
