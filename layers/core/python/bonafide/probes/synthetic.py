"""The synthetic caller: golden calls through the API, as a contact center makes calls."""

import time
from collections.abc import Callable

from bonafide.observability import logger, measurements
from bonafide.ports.probes import ApiClient
from bonafide.probes.budget import SecondsLeft, TimedApiClient, WrongAnswer
from bonafide.probes.calls import GoldenCalls
from bonafide.probes.golden import GoldenSetup

# One request of the client, which gives up after the 29 seconds of the API.
RESERVED_SECONDS = 35.0
# Two runs at a time have speakers of their own; a later run with the same speaker erases what a killed one left.
SPEAKERS, SECONDS_EACH = 60, 10


class SyntheticCaller:
    """Makes golden calls to the service as a whole."""

    def __init__(self, golden: GoldenSetup, api_client: ApiClient, *, now: Callable[[], float] = time.time) -> None:
        """Stores its dependencies.

        Args:
            golden: to call with.
            api_client: client of the API.
            now: returns the time in seconds.
        """
        self._golden = golden
        self._api_client = api_client
        self._now = now

    def handle(self, seconds_left: SecondsLeft) -> dict[str, int]:
        """Makes all calls, whichever fails; returns how many checks failed.

        Args:
            seconds_left: returns the remaining time of the invocation.
        """
        speaker = f"golden-{int(self._now() // SECONDS_EACH) % SPEAKERS}"
        client = TimedApiClient(self._api_client, seconds_left, RESERVED_SECONDS)
        calls = GoldenCalls(self._golden, client, speaker, record=measurements.add)
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
