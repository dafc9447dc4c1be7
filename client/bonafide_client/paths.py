"""Paths of the REST contract, version 1."""

from __future__ import annotations

import re
from urllib.parse import quote

from bonafide_client.errors import InvalidIdentifier

# As in the contract. It also keeps `..` and the empty name out of paths, which would lead to another resource.
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def of_domain(domain: str) -> str:
    """Returns the path of a domain.

    Raises:
        InvalidIdentifier: the name is not an identifier; likewise in the other functions.
    """
    return f"/v1/domains/{_segment('domain', domain)}"


def of_brake(domain: str | None) -> str:
    """Returns the path of a domain's brake; None for the brake of the stage."""
    return "/v1/brake" if domain is None else f"{of_domain(domain)}/brake"


def of_audit(domain: str | None) -> str:
    """Returns the path of a domain's audit trail; None for that of the stage."""
    return "/v1/audit" if domain is None else f"{of_domain(domain)}/audit"


def of_calibrations(domain: str) -> str:
    """Returns the path of a domain's calibrations."""
    return f"{of_domain(domain)}/calibrations"


def of_calibration(domain: str, version: int) -> str:
    """Returns the path of a version of a domain's calibration."""
    return f"{of_calibrations(domain)}/{int(version)}"


def of_speaker(domain: str, speaker: str) -> str:
    """Returns the path of a speaker."""
    return f"{of_domain(domain)}/speakers/{_segment('speaker', speaker)}"


def of_contributions(domain: str, speaker: str) -> str:
    """Returns the path of the contributions to a speaker's voiceprint."""
    return f"{of_speaker(domain, speaker)}/contributions"


def of_contribution(domain: str, speaker: str, contribution: str) -> str:
    """Returns the path of one contribution."""
    return f"{of_contributions(domain, speaker)}/{_segment('contribution', contribution)}"


def of_session(domain: str, session: str) -> str:
    """Returns the path of a session."""
    return f"{of_domain(domain)}/sessions/{_segment('session', session)}"


def of_decision(domain: str, decision: str) -> str:
    """Returns the path of a decision."""
    return f"{of_domain(domain)}/decisions/{_segment('decision', decision)}"


def of_erasure(domain: str, erasure: str) -> str:
    """Returns the path of the report of an erasure."""
    return f"{of_domain(domain)}/erasures/{_segment('erasure', erasure)}"


def of_fraudsters(domain: str, watchlist: str) -> str:
    """Returns the path of a watchlist."""
    return f"{of_domain(domain)}/watchlists/{_segment('watchlist', watchlist)}/fraudsters"


def of_fraudster(domain: str, watchlist: str, fraudster: str) -> str:
    """Returns the path of an entry of a watchlist."""
    return f"{of_fraudsters(domain, watchlist)}/{_segment('fraudster', fraudster)}"


def of_staged_policy(domain: str) -> str:
    """Returns the path of the policy that is staged."""
    return f"{of_domain(domain)}/policy/staged"


def _segment(kind: str, name: str) -> str:
    if not IDENTIFIER.fullmatch(name):
        raise InvalidIdentifier(kind, name)
    return quote(name, safe="")
