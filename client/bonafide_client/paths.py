"""Paths of the REST contract, version 1."""

from __future__ import annotations

from urllib.parse import quote


def of_domain(domain: str) -> str:
    """Returns the path of a domain."""
    return f"/v1/domains/{quote(domain, safe='')}"


def of_speaker(domain: str, speaker: str) -> str:
    """Returns the path of a speaker."""
    return f"{of_domain(domain)}/speakers/{quote(speaker, safe='')}"


def of_session(domain: str, session: str) -> str:
    """Returns the path of a session."""
    return f"{of_domain(domain)}/sessions/{quote(session, safe='')}"


def of_decision(domain: str, decision: str) -> str:
    """Returns the path of a decision."""
    return f"{of_domain(domain)}/decisions/{quote(decision, safe='')}"
