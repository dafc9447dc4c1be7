"""Policies of domains: versions, the one that is staged, the way back, and comparisons."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ATTEMPTS, BRAKES, CALIBRATIONS, IDEMPOTENCY, WATCHLISTS

DOMAIN = "/v1/domains/{domain}"
STAGED = f"{DOMAIN}/policy/staged"


class DomainPoliciesCapability(Construct):
    """Keeps policies of domains, and judges stored decisions again: off the path of calls, and of other settings."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "DomainPolicies")
        stores, api = platform.stores, platform.api
        manage = platform.released("manage_policies", Wave.WRITERS, ANSWERING)
        stores.domains.allow(manage, "GetItem", "BatchGetItem", "Query", "PutItem")
        stores.domains.deny_writing(manage, ATTEMPTS, BRAKES, CALIBRATIONS, WATCHLISTS)
        stores.keep_audit_trail(manage)
        stores.decisions.allow(manage, "BatchGetItem")
        stores.decisions.allow(manage, "Query", index="by_time")
        stores.idempotency.allow(manage, *IDEMPOTENCY)
        for path in (f"{DOMAIN}/policies", f"{DOMAIN}/policies/{{policy_version}}", f"{STAGED}/report"):
            api.route("GET", path, manage)
        for method in ("GET", "PUT", "DELETE"):
            api.route(method, STAGED, manage)
        for act in ("activation", "rollback", "what-if"):
            api.route("POST", f"{DOMAIN}/policy/{act}", manage)
