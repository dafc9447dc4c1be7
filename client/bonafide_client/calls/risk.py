"""Shapes of what answers say of a call."""

from __future__ import annotations

from typing import TypedDict


class CallRiskReasonDocument(TypedDict):
    """One reason that the call itself gave."""

    code: str
    nats: float | None


class CallRiskDocument(TypedDict):
    """Risk of the call, by what is known of it beside the voice."""

    version: str
    nats: float | None
    reasons: list[CallRiskReasonDocument]
