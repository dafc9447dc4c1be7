"""The synthetic caller: golden calls through the API, as a contact center makes calls."""

import uuid
from collections.abc import Callable

from bonafide.observability import logger, measurements
from bonafide.ports.probes import ApiClient
from bonafide.probes.calls import GoldenCalls, WrongAnswer
from bonafide.probes.golden import GoldenSetup


class SyntheticCaller:
    """Makes golden calls to the service as a whole."""

    def __init__(self, golden: GoldenSetup, api_client: ApiClient) -> None:
        self._golden = golden
        self._api_client = api_client

    def handle(self) -> dict[str, int]:
        """Makes all calls, whichever fails; returns how many checks failed."""
        # A speaker of its own: where two runs meet, one must not delete the speaker of the other.
        calls = GoldenCalls(self._golden, self._api_client, f"golden-{uuid.uuid4().hex}", record=measurements.add)
        checks = {
            "health": calls.check_health,
            "authentication": calls.check_authentication,
            "stream": calls.check_stream,
            "deletion": calls.check_deletion,
        }
        return {"failed": sum(not self._passes(name, check) for name, check in checks.items())}

    def _passes(self, name: str, check: Callable[[], None]) -> bool:
        try:
            check()
        except WrongAnswer as wrong:
            logger.error("golden calls failed", extra={"check": name, "answer": str(wrong)})
            return False
        return True
