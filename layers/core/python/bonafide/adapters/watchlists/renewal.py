"""Renewal of the voices of watchlists under another key of their domain."""

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.watchlists.dynamodb import DynamoWatchlistStore
from bonafide.adapters.watchlists.items import change_of, watchlist_state_key
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord


class WatchlistRenewal(DynamoWatchlistStore):
    """Watchlists for who renews keys."""

    def former(self, domain: DomainRecord) -> int:
        """Counts the voices, and packs of them, that are not under the current key of the domain."""
        state, current = self.state(domain), self._sealing.current(domain.domain)
        packs = int(state.packed is not None and state.packed.key != current)
        return packs + sum(1 for each in self._sealed(domain) if each["key"]["S"] != current)

    def renew(self, domain: DomainRecord) -> int:
        """Seals every voice under the current key, and packs them again; returns how many were not under it."""
        current = self._sealing.current(domain.domain)
        renewed = sum(
            self._renew(domain, each, current) for each in self._sealed(domain) if each["key"]["S"] != current
        )
        state = self.state(domain)
        if state.packed and state.packed.key != current:
            # It is packed as of the same change, which no condition takes for later.
            self._forget_packed(domain, state.packed.change)
            self.pack(domain, self.voices(domain, self.state(domain), None))
            self._packs.delete(domain.domain, state.packed)
        return renewed

    def _sealed(self, domain: DomainRecord) -> list[Item]:
        base = self.state(domain).base
        return [each for each in self._rows(domain.domain, base) if "voiceprints" in each]

    def _renew(self, domain: DomainRecord, item: Item, key: str) -> bool:
        """Seals one voice anew, unless it was taken away meanwhile."""
        voice = self._voice(domain.domain, item)
        sealed = self._sealing.seal(domain.domain, key, change_of(item), voice)
        try:
            with translated_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key={name: item[name] for name in ("domain", "item")},
                    UpdateExpression="SET #key = :key, voiceprints = :sealed",
                    ConditionExpression="#key = :former",
                    ExpressionAttributeNames={"#key": "key"},
                    ExpressionAttributeValues={
                        ":key": {"S": key},
                        ":former": item["key"],
                        ":sealed": {"L": [{"B": each} for each in sealed]},
                    },
                )
        except VersionConflict:
            return False
        return True

    def _forget_packed(self, domain: DomainRecord, change: int) -> None:
        """Takes packed voices out of the state; until they are packed again the rows are read."""
        try:
            with translated_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=watchlist_state_key(domain.domain),
                    UpdateExpression="REMOVE packed, packed_change",
                    ConditionExpression="packed_change = :change",
                    ExpressionAttributeValues={":change": {"N": str(change)}},
                )
        except VersionConflict:
            # Somebody packed them meanwhile, under the current key.
            return
