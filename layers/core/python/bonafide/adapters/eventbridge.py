"""Events on the account's default event bus."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import StoreUnavailable
from bonafide.records.promotion import PromotionRecord

SOURCE = "bonafide.models"
REQUESTED = "Model promotion requested"


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


def promotion_detail(stage: str, promotion: PromotionRecord) -> dict[str, str | None]:
    """Returns the detail of a promotion's event."""
    return {
        "stage": stage,
        "promotion": str(promotion.sequence),
        "kind": promotion.kind,
        "digest": promotion.request.digest,
        "former": promotion.request.former,
    }
