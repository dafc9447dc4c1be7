"""The audit trail."""

import re

from pydantic import AwareDatetime, Field

from bonafide.access.audit import ActPage, AdministrativeAct
from bonafide.contracts.base import Answer
from bonafide.contracts.cursors import to_cursor

POSITION = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.+]{5,32}#[\w-]{1,64}")


class AuditEntry(Answer):
    """One administrative act."""

    at: AwareDatetime = Field(description="When it was asked for.")
    operation: str = Field(description="Its `operationId` in this contract.")
    principal: str = Field(description="Verified identity of who asked.")
    request_id: str
    subject: dict[str, str] = Field(
        description="What the path names besides the domain; a speaker by the digest of its name."
    )
    body_sha256: str = Field(description="SHA-256 of the request's body.")
    status: int | None = Field(description="HTTP status of the answer; null if the request was cut short.")
    code: str | None = Field(description="Code of the problem that was answered, if any.")


class AuditPage(Answer):
    """Administrative acts, the newest first."""

    entries: list[AuditEntry]
    next_cursor: str | None = Field(description="Of the next page; null on the last one.")


def audit_page(page: ActPage) -> AuditPage:
    """Returns the view of a page."""
    return AuditPage(
        entries=[_entry(each) for each in page.acts], next_cursor=to_cursor(page.before) if page.before else None
    )


def is_position(text: str) -> bool:
    """Tells whether a text is a position of the trail."""
    return POSITION.fullmatch(text) is not None


def _entry(act: AdministrativeAct) -> AuditEntry:
    return AuditEntry(
        at=act.at,
        operation=act.operation,
        principal=act.principal,
        request_id=act.request_id,
        subject=dict(act.subject),
        body_sha256=act.body_sha256,
        status=act.status,
        code=act.code,
    )
