"""Samples of a domain's decisions: bounded, and spread over time."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from bonafide.ports.stores import DecisionStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter

# Decisions of one read.
PAGE = 100


def sample(store: DecisionStore, domain: str, begin: datetime, end: datetime, slots: int) -> Iterator[DecisionRecord]:
    """Yields all decisions where there are few, else the newest PAGE of each of `slots` equal spans of time."""
    page = store.list(domain, DecisionFilter(begin, end), None, PAGE)
    if page.after is None:
        yield from page.decisions
        return
    cuts = [begin + (end - begin) * number / slots for number in range(slots + 1)]
    for since, until in pairwise(cuts):
        yield from store.list(domain, DecisionFilter(since, until), None, PAGE).decisions
