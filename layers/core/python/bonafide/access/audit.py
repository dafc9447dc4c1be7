"""Administrative acts, as the audit trail keeps them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

SCHEMA = 1
# Speakers appear by a digest: the trail outlasts them and shall not list their names.
SPEAKER, SPEAKER_DIGEST = "speaker", "speaker_digest"


@dataclass(frozen=True, slots=True)
class AdministrativeAct:
    """One administrative act: first as it is asked for, and then as it ended.

    Attributes:
        domain: that it is about; None for the stage. The trail belongs to the name, and outlasts the domain.
        at: when it was asked for.
        request_id: of the request.
        operation: its `operationId`.
        principal: verified identity of who asked, with the session.
        subject: parameters of the path besides the domain; a speaker by digest.
        body_sha256: digest of the request's body, hex.
        status: HTTP status of the answer; None as long as there is none, and for good if the function was killed.
        code: of the problem that the answer reports, if any.
    """

    domain: str | None
    at: datetime
    request_id: str
    operation: str
    principal: str
    subject: Mapping[str, str] = field(default_factory=dict)
    body_sha256: str = ""
    status: int | None = None
    code: str | None = None

    @property
    def position(self) -> str:
        """Place in the trail, in the order of time."""
        return f"{self.at.isoformat(timespec='microseconds')}#{self.request_id}"

    def ended(self, status: int, code: str | None) -> Self:
        """Returns the act with its outcome."""
        return replace(self, status=status, code=code)

    def to_document(self) -> dict[str, Any]:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "at": self.at.isoformat(),
            "request_id": self.request_id,
            "operation": self.operation,
            "principal": self.principal,
            "subject": dict(self.subject),
            "body_sha256": self.body_sha256,
            "status": self.status,
            "code": self.code,
        }

    @classmethod
    def from_document(cls, domain: str | None, document: Mapping[str, Any]) -> Self:
        """Reads a stored form."""
        return cls(
            domain=domain,
            at=datetime.fromisoformat(document["at"]),
            request_id=document["request_id"],
            operation=document["operation"],
            principal=document["principal"],
            subject=document["subject"],
            body_sha256=document["body_sha256"],
            status=document["status"],
            code=document["code"],
        )


@dataclass(frozen=True, slots=True)
class ActPage:
    """Acts, the newest first; `before` is the position that the next page begins before, None on the last one."""

    acts: Sequence[AdministrativeAct]
    before: str | None


def subject_of(parameters: Mapping[str, str], digest: Callable[[str, str], str | None]) -> dict[str, str]:
    """Returns what the path names besides the domain.

    Args:
        parameters: of the path.
        digest: returns the digest of a speaker by the names of domain and speaker; None if nobody can have the name.
    """
    rest = {name: value for name, value in parameters.items() if name not in {"domain", SPEAKER}}
    digested = digest(parameters["domain"], parameters[SPEAKER]) if SPEAKER in parameters else None
    return {**rest, SPEAKER_DIGEST: digested} if digested else rest
