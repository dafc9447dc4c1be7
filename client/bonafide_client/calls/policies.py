"""Calls about policies of domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bonafide_client import paths
from bonafide_client.connection import ApiConnection, accepted

if TYPE_CHECKING:
    from collections.abc import Mapping


class PolicyCalls(ApiConnection):
    """Versions of a policy, one that is tried in shadow, the way back, and what another one would have decided."""

    def policies(self, domain: str, before: int | None = None) -> Any:
        """Reads former policies of a domain, the newest first, or those before a version of its settings."""
        return self.send("GET", f"{paths.of_domain(domain)}/policies{_query(before=before)}")

    def policy(self, domain: str, policy_version: int) -> Any:
        """Reads the policy that decisions name by this version."""
        return self.send("GET", f"{paths.of_domain(domain)}/policies/{int(policy_version)}")

    def stage_policy(self, domain: str, changes: Mapping[str, Any], reason: str) -> Any:
        """Lets the active policy with changes judge in shadow: it changes no answer.

        Args:
            domain: of the policy.
            changes: settings that differ from those of the active policy.
            reason: for the history; no personal data.
        """
        body = {"policy": dict(changes), "reason": reason}
        return self.send("PUT", paths.of_staged_policy(domain), body)

    def staged_policy(self, domain: str) -> Any:
        """Reads the policy that is staged."""
        return self.send("GET", paths.of_staged_policy(domain))

    def withdraw_policy(self, domain: str) -> Any:
        """Ends the shadow of the policy that is staged, and returns what it was."""
        return self.send("DELETE", paths.of_staged_policy(domain))

    def staged_report(self, domain: str, staged_version: int | None = None, cursor: str = "") -> Any:
        """Reads a page of the comparison of live decisions with what a staged policy made of them."""
        query = _query(staged_version=staged_version, cursor=cursor or None)
        return self.send("GET", f"{paths.of_staged_policy(domain)}/report{query}")

    def activate_policy(
        self, domain: str, staged_version: int, reason: str, *, etag: str | None = None, key: str | None = None
    ) -> Any:
        """Makes the staged policy the active one.

        Args:
            domain: of the policy.
            staged_version: of the policy that is meant.
            reason: for the history; no personal data.
            etag: of the domain's settings, which are to be as they were read; None for whatever they are.
            key: Idempotency-Key.
        """
        body = {"staged_version": staged_version, "reason": reason}
        return self._change(f"{paths.of_domain(domain)}/policy/activation", body, etag, key)

    def roll_back_policy(
        self, domain: str, policy_version: int, reason: str, *, etag: str | None = None, key: str | None = None
    ) -> Any:
        """Goes back to the policy before the active one, whose version is named; arguments as of `activate_policy`."""
        body = {"policy_version": policy_version, "reason": reason}
        return self._change(f"{paths.of_domain(domain)}/policy/rollback", body, etag, key)

    def what_if(self, domain: str, changes: Mapping[str, Any], **chosen: Any) -> Any:
        """Judges a page of stored decisions again under the active policy with changes; counts of pages add up.

        Args:
            domain: of the decisions.
            changes: settings that differ from those of the active policy.
            chosen: `to`, `limit`, `cursor`, and `begin` for the earliest time.
        """
        begin = {"from": chosen.pop("begin")} if "begin" in chosen else {}
        body = {"policy": dict(changes), **begin, **chosen}
        return self.send("POST", f"{paths.of_domain(domain)}/policy/what-if", body)

    def _change(self, path: str, body: Mapping[str, Any], etag: str | None, key: str | None) -> Any:
        headers = {"If-Match": etag} if etag else {}
        return accepted(self.request("POST", path, dict(body), key=key, headers=headers))


def _query(**given: Any) -> str:
    stated = {name: value for name, value in given.items() if value is not None}
    return f"?{urlencode(stated)}" if stated else ""
