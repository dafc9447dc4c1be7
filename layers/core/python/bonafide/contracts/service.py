"""Health, and problem documents."""

from typing import Literal

from pydantic import Field

from bonafide.contracts.base import Answer


class Health(Answer):
    """The service answers."""

    status: Literal["ok"] = "ok"
    version: str
    stage: str


class ProblemDetail(Answer):
    """One thing that is wrong."""

    field: str
    limit: str | None = None
    found: str | None = None


class Problem(Answer):
    """RFC 9457 problem document. `code` is stable; branch on it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemDetail] = Field([])
    request_id: str | None = Field(None, description="To be quoted to whoever runs the service; also in X-Request-Id.")
