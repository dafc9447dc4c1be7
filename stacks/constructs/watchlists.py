"""Watchlists of known fraudsters, and the daily comparison of enrolled speakers."""

from constructs import Construct

from stacks.platform.function import COMPARE
from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ATTEMPTS, AUDIT, READ_SPEAKER, UPLOADED

WATCHLISTS = "/v1/domains/{domain}/watchlists"
FRAUDSTERS = f"{WATCHLISTS}/{{watchlist}}/fraudsters"
FRAUDSTER = f"{FRAUDSTERS}/{{fraudster}}"


class WatchlistsCapability(Construct):
    """Registers known fraudsters, and finds voices that are enrolled twice."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Watchlists")
        self._manage(platform)
        self._compare(platform)

    def _manage(self, platform: ServicePlatform) -> None:
        stores, api = platform.stores, platform.api
        manage = platform.released("manage_watchlists", Wave.WRITERS, ANSWERING, models=True)
        stores.allow_keeping_watchlists(manage)
        stores.domains.allow_in(manage, AUDIT, "PutItem")
        # The use of a quota is beside the counters.
        stores.domains.allow_in(manage, ATTEMPTS, "UpdateItem")
        stores.allow_templates(manage, "BatchGetItem", "GetItem", "PutItem")
        stores.sessions.allow(manage, "GetItem", "BatchGetItem", "Query")
        stores.audio.allow(manage, GetObject=UPLOADED)
        api.count_domains(manage)
        api.route("GET", WATCHLISTS, manage)
        api.route("GET", FRAUDSTERS, manage)
        for method in ("PUT", "GET", "DELETE"):
            api.route(method, FRAUDSTER, manage)
        api.route("GET", "/v1/domains/{domain}/double-enrollments", manage)

    def _compare(self, platform: ServicePlatform) -> None:
        stores = platform.stores
        compare = platform.function("compare_speakers", [], COMPARE)
        stores.allow_keeping_watchlists(compare)
        stores.allow_templates(compare, "BatchGetItem", "GetItem", "PutItem")
        stores.domains.allow(compare, *READ_SPEAKER)
        for index in ("domains", "speakers"):
            stores.domains.allow(compare, "Query", index=index)
        platform.every_day("EveryDay", compare.latest)
