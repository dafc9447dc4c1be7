"""Calls about what calls turned out to be."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from bonafide_client import paths
from bonafide_client.connection import ApiConnection


class OutcomeCalls(ApiConnection):
    """Outcomes, the error rates that follow from them, and the decisions to look at next."""

    def state_outcome(  # noqa: PLR0913, the fields of a statement
        self,
        domain: str,
        decision_id: str,
        label: str,
        *,
        attack: str | None = None,
        known_at: str | None = None,
        source: str | None = None,
        key: str | None = None,
    ) -> Any:
        """States what a call turned out to be; the statement that became known last is in force.

        Args:
            domain: of the decision.
            decision_id: of the decision.
            label: genuine, fraud, or unknown, which takes back what was stated before.
            attack: kind of a fraud: impostor, synthetic, replayed or other.
            known_at: when it became known, ISO 8601 with its offset; now if it is not given.
            source: your reference to where it is known from; no personal data.
            key: Idempotency-Key.
        """
        stated = {"label": label, "attack": attack, "known_at": known_at, "source": source}
        body = {name: value for name, value in stated.items() if value is not None}
        return self.send("POST", f"{paths.of_decision(domain, decision_id)}/outcome", body, key=key)

    def performance(self, domain: str, begin: str | None = None, end: str | None = None) -> Any:
        """Reads realized error rates by bundle and policy version, of the last 30 days unless times are given."""
        given = {name: value for name, value in (("from", begin), ("to", end)) if value}
        return self.send("GET", f"{paths.of_domain(domain)}/performance{_query(given)}")

    def reviews(self, domain: str, *, decision: str | None = None, end: str | None = None, cursor: str = "") -> Any:
        """Reads a page of the newest thousand decisions by what an error in them would cost, unlabeled ones first.

        Args:
            domain: of the decisions.
            decision: result of the judgement, such as ACCEPT; all if it is not given.
            end: time before which they were made; now if it is not given.
            cursor: `next_cursor` of the page before.
        """
        given = {name: value for name, value in (("decision", decision), ("to", end), ("cursor", cursor)) if value}
        return self.send("GET", f"{paths.of_domain(domain)}/reviews{_query(given)}")


def _query(given: dict[str, str]) -> str:
    return f"?{urlencode(given)}" if given else ""
