"""Health and contract of the service."""

from constructs import Construct

from stacks.platform.api import RouteLimit
from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform

# Anybody can call these, and whoever deploys pays for what is sent: health 0.1 KB, the contract 75 KB, its page 1.8 MB.
# `make cost` prints what each costs at its limit.
PUBLIC = {
    "/v1/health": RouteLimit(rate=5, burst=20),
    "/v1/openapi.json": RouteLimit(rate=1, burst=10),
    "/v1/docs": RouteLimit(rate=0.1, burst=5),
}


class DescriptionCapability(Construct):
    """Answers without signature that the service is alive and how to call it."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Description")
        describe = platform.released("describe_service", Wave.ENTRY_POINTS, ANSWERING)
        for path, limit in PUBLIC.items():
            platform.api.route("GET", path, describe, public_limit=limit)
