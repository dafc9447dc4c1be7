"""Calls about known fraudsters, and voices that are enrolled twice."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from bonafide_client import paths
from bonafide_client.connection import ApiConnection


class WatchlistCalls(ApiConnection):
    """Entries of watchlists, which `Client.put_fraudster` makes."""

    def list_watchlists(self, domain: str) -> Any:
        """Reads which watchlists have entries, and how many."""
        return self.send("GET", f"{paths.of_domain(domain)}/watchlists")

    def get_fraudster(self, domain: str, watchlist: str, fraudster: str) -> Any:
        """Reads an entry; nothing biometric."""
        return self.send("GET", paths.of_fraudster(domain, watchlist, fraudster))

    def list_fraudsters(self, domain: str, watchlist: str, cursor: str = "") -> Any:
        """Reads a page of a watchlist, in order of the names; `cursor` is the `next_cursor` of the page before."""
        query = f"?{urlencode({'cursor': cursor})}" if cursor else ""
        return self.send("GET", f"{paths.of_fraudsters(domain, watchlist)}{query}")

    def delete_fraudster(self, domain: str, watchlist: str, fraudster: str) -> None:
        """Removes an entry with its voice."""
        self.send("DELETE", paths.of_fraudster(domain, watchlist, fraudster))

    def double_enrollments(self, domain: str) -> Any:
        """Reads which speakers were enrolled with one voice, as the daily search found them."""
        return self.send("GET", f"{paths.of_domain(domain)}/double-enrollments")
