"""Reading of decisions and of drift."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform

DECISIONS = "/v1/domains/{domain}/decisions"


class DecisionsCapability(Construct):
    """Lists and reads decisions, and what is known about their drift."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Decisions")
        stores, api = platform.stores, platform.api
        read = platform.released("read_decisions", Wave.READERS, ANSWERING)
        stores.domains.allow(read, "GetItem")
        stores.decisions.allow(read, "GetItem", "BatchGetItem")
        stores.decisions.allow(read, "Query", index="by_time")
        stores.sessions.allow(read, "GetItem", "Query")
        api.route("GET", "/v1/domains/{domain}/drift", read)
        api.route("GET", "/v1/domains/{domain}/shadow", read)
        api.route("GET", DECISIONS, read)
        api.route("GET", f"{DECISIONS}/{{decision_id}}", read)
