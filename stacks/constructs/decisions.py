"""Reading of decisions and of drift, and statements on outcomes."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import IDEMPOTENCY

DECISIONS = "/v1/domains/{domain}/decisions"
# Those that a statement writes, and that its condition reads (`adapters/dynamodb/decisions.py`).
OUTCOME_ATTRIBUTES = ("domain", "decision_id", "claim", "outcomes", "outcome_sources", "labeled_at")


class DecisionsCapability(Construct):
    """Lists and reads decisions with what is known about them and their drift, and takes their outcomes."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Decisions")
        stores, api = platform.stores, platform.api
        read = platform.released("read_decisions", Wave.READERS, ANSWERING)
        stores.domains.allow(read, "GetItem")
        stores.decisions.allow(read, "GetItem", "BatchGetItem")
        for index in ("by_time", "labeled"):
            stores.decisions.allow(read, "Query", index=index)
        stores.sessions.allow(read, "GetItem", "Query")
        api.route("GET", "/v1/domains/{domain}/drift", read)
        api.route("GET", "/v1/domains/{domain}/shadow", read)
        api.route("GET", DECISIONS, read)
        api.route("GET", f"{DECISIONS}/{{decision_id}}", read)
        api.route("GET", "/v1/domains/{domain}/performance", read)
        api.route("GET", "/v1/domains/{domain}/reviews", read)
        self._report(platform)

    def _report(self, platform: ServicePlatform) -> None:
        stores = platform.stores
        report = platform.released("report_outcomes", Wave.WRITERS, ANSWERING)
        stores.domains.allow(report, "GetItem", "BatchGetItem")
        stores.decisions.allow(report, "GetItem")
        # It adds to the outcome, and can change nothing of the decision.
        stores.decisions.allow_attributes(report, OUTCOME_ATTRIBUTES, "UpdateItem")
        # What an outcome says of the call.
        stores.calls.allow(report, "UpdateItem")
        stores.idempotency.allow(report, *IDEMPOTENCY)
        platform.api.route("POST", f"{DECISIONS}/{{decision_id}}/outcome", report)
