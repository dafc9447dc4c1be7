"""Authentication of a caller with one recording."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING, DECIDING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ATTEMPTS, IDEMPOTENCY, KEPT, SHADOWED, UPLOADED, USED


class AuthenticationCapability(Construct):
    """Compares a recording with a voiceprint and decides."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Authentication")
        stores = platform.stores
        authenticate = platform.released("authenticate_caller", Wave.READERS, (*ANSWERING, *DECIDING), models=True)
        stores.allow_deciding(authenticate)
        stores.allow_caller_hashes(authenticate)
        stores.domains.allow_in(authenticate, ATTEMPTS, "PutItem")
        stores.domains.allow(authenticate, "GetItem")
        stores.allow_templates(authenticate, "BatchGetItem", "GetItem")
        stores.idempotency.allow(authenticate, *IDEMPOTENCY)
        stores.audio.allow(authenticate, GetObject=UPLOADED, PutObject=KEPT, DeleteObject=KEPT)
        stores.audio.allow(authenticate, PutObject=USED)
        stores.audio.allow(authenticate, PutObject=SHADOWED)
        stores.models.allow(authenticate, "GetItem")
        authenticate.set("BONAFIDE_SHADOW_SHARE", str(platform.stage.shadow_share))
        platform.api.route("POST", "/v1/domains/{domain}/speakers/{speaker}/authentications", authenticate)
