"""Health and contract of the service."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform


class DescriptionCapability(Construct):
    """Answers without signature that the service is alive and how to call it."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Description")
        describe = platform.released("describe_service", Wave.ENTRY_POINTS, ANSWERING)
        for path in ("/v1/health", "/v1/openapi.json", "/v1/docs"):
            platform.api.route("GET", path, describe, public=True)
