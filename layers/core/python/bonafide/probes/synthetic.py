"""The synthetic caller: golden calls through the API, as callers make them."""

import uuid
from collections.abc import Callable

from bonafide.observability import logger, measurements
from bonafide.ports.probes import ApiCaller
from bonafide.probes.calls import GoldenCalls, WrongAnswer
from bonafide.probes.golden import Golden


class SyntheticCaller:
    """Makes golden calls to the service as a whole."""

    def __init__(self, golden: Golden, caller: ApiCaller) -> None:
        self._golden = golden
        self._caller = caller

    def handle(self) -> dict[str, int]:
        """Makes all calls, whichever fails; returns how many checks failed."""
        # A speaker of its own: where two runs meet, one must not delete the speaker of the other.
        calls = GoldenCalls(self._golden, self._caller, f"golden-{uuid.uuid4().hex}", record=measurements.add)
        checks = (calls.health, calls.authentication, calls.stream, calls.deletion)
        return {"failed": sum(not self._passes(check) for check in checks)}

    def _passes(self, check: Callable[[], None]) -> bool:
        try:
            check()
        except WrongAnswer as wrong:
            logger.error("golden calls failed", extra={"check": check.__name__, "answer": str(wrong)})
            return False
        return True
