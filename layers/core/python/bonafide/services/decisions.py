"""Decisions: read by identifier, and listed by time."""

from dataclasses import replace

from bonafide.errors import InvalidInput, Subject
from bonafide.ports.stores import DecisionStore, DomainStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter, DecisionPage, DecisionPosition
from bonafide.services.shared.lookups import decision_not_found, require_open, require_range


class Decisions:
    """Reads the ledger of a domain."""

    def __init__(self, domains: DomainStore, decisions: DecisionStore) -> None:
        self._domains = domains
        self._decisions = decisions

    def get(self, domain: str, decision_id: str) -> DecisionRecord:
        """Reads one decision.

        Raises:
            NotFound: the domain or the decision is unknown, or its retention is over.
        """
        owner = require_open(self._domains.domain(domain), domain)
        record = self._decisions.read(domain, decision_id)
        # A domain that was deleted left its decisions; they are not those of a new domain of its name.
        if record is None or record.decided_at < owner.created_at:
            raise decision_not_found(decision_id)
        return record

    def list(self, domain: str, selection: DecisionFilter, after: DecisionPosition | None, limit: int) -> DecisionPage:
        """Reads at most `limit` selected decisions that follow `after`, the newest first.

        Raises:
            NotFound: the domain is unknown.
            InvalidInput: the range of time is empty, or `after` lies outside of it.
        """
        owner = require_open(self._domains.domain(domain), domain)
        require_range(selection.begin, selection.end)
        if after and after.decided_at >= selection.end:
            raise InvalidInput(
                "cursor_invalid", "The cursor was issued for another range of time.", subject=Subject.CURSOR
            )
        begin = max(selection.begin, owner.created_at)
        # A default range moves on while its pages are read.
        if begin >= selection.end or (after and after.decided_at < begin):
            return DecisionPage([], None)
        return self._decisions.list(domain, replace(selection, begin=begin), after, limit)
