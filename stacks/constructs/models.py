"""The registry of model versions."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import IDEMPOTENCY

MODELS, PROMOTIONS = "/v1/models", "/v1/promotions"
VERSION, PROMOTION = f"{MODELS}/{{digest}}", f"{PROMOTIONS}/{{promotion}}"
ROUTES = (
    ("POST", MODELS),
    ("GET", MODELS),
    ("GET", VERSION),
    ("GET", f"{VERSION}/files"),
    ("POST", f"{VERSION}/registration"),
    ("GET", "/v1/registry"),
    ("GET", PROMOTIONS),
    ("POST", PROMOTIONS),
    ("GET", PROMOTION),
    ("POST", f"{PROMOTION}/result"),
)
FILES = "models/*"
# As in `adapters/eventbridge.py`.
SOURCE = "bonafide.models"


class ModelsCapability(Construct):
    """Registers model versions, keeps their aliases and history, and announces promotions to the release pipeline."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Models")
        stores, api = platform.stores, platform.api
        manage = platform.released("manage_models", Wave.WRITERS, ANSWERING)
        stores.idempotency.allow(manage, *IDEMPOTENCY)
        stores.models.allow(manage, "GetItem", "Query", "PutItem")
        # The presigned URLs have the permissions of this function. It may delete nothing and unlock nothing.
        stores.model_files.allow(manage, PutObject=FILES, PutObjectTagging=FILES)
        stores.model_files.allow(manage, GetObject=FILES, GetObjectVersion=FILES, DeleteObjectVersionTagging=FILES)
        platform.allow_events(manage, SOURCE)
        for method, path in ROUTES:
            api.route(method, path, manage)
