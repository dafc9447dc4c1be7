"""Events on the account's default event bus."""

import json
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.contracts.published.decisions import DETAIL_TYPE, decision_made
from bonafide.contracts.published.decisions import SOURCE as DECISIONS
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger, measurements
from bonafide.records.ledger.entry import StoredDecision
from bonafide.records.promotion import PromotionRecord

SOURCE = "bonafide.models"
REQUESTED = "Model promotion requested"
# Of one call.
MOST_ENTRIES = 10


class EventBridgePromotionEvents:
    """`PromotionEvents` on the default bus, where a rule of the release pipeline waits for them."""

    def __init__(self, client: Any, stage: str) -> None:
        self._client = client
        self._stage = stage

    def requested(self, promotion: PromotionRecord) -> None:
        """See `PromotionEvents`."""
        detail = json.dumps(promotion_detail(self._stage, promotion))
        try:
            answer = self._client.put_events(Entries=[{"Source": SOURCE, "DetailType": REQUESTED, "Detail": detail}])
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error
        # An answer of 200 may say of single entries that they failed.
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
        if answer["FailedEntryCount"]:
            raise StoreUnavailable


class EventBridgeDecisionEvents:
    """`DecisionEvents` on the default bus."""

    def __init__(self, client: Any, stage: str) -> None:
        self._client = client
        self._stage = stage

    def announce(self, decisions: Sequence[StoredDecision]) -> None:
        """See `DecisionEvents`."""
        entries = [entry for each in decisions if (entry := _entry(self._stage, each))]
        lost = len(decisions) - len(entries) + sum(map(self._put, batched(entries, MOST_ENTRIES)))
        if lost:
            logger.warning("events lost", extra={"count": lost})
            measurements.add(EventsLost=lost)

    def _put(self, entries: Sequence[Mapping[str, Any]]) -> int:
        """Puts up to ten events; returns how many the bus did not take."""
        try:
            return int(self._client.put_events(Entries=list(entries))["FailedEntryCount"])
        except (ClientError, BotoCoreError):
            return len(entries)


def _entry(stage: str, decision: StoredDecision) -> dict[str, Any] | None:
    """Returns the entry of a decision; None if a later release wrote it in a form that is not known here."""
    try:
        event = decision_made(stage, decision)
    except ValueError:
        return None
    return {
        "Source": DECISIONS,
        "DetailType": DETAIL_TYPE,
        "Time": event.decided_at,
        "Detail": event.model_dump_json(),
    }


def promotion_detail(stage: str, promotion: PromotionRecord) -> dict[str, str | None]:
    """Returns the detail of a promotion's event."""
    return {
        "stage": stage,
        "promotion": str(promotion.sequence),
        "kind": promotion.kind,
        "digest": promotion.request.digest,
        "former": promotion.request.former,
    }
