"""The shadow: a challenger scores what the champion decided on. No client reaches it, and no answer waits for it."""

from constructs import Construct

from stacks.platform.function import SHADOW
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import SHADOWED

MODEL_FILES = "models/*"


class ShadowCapability(Construct):
    """Scores recordings that wait for the challenger, once a minute: never more than one of it at a time."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Shadow")
        stores = platform.stores
        shadow = platform.function("shadow_challenger", [], SHADOW)
        stores.audio.allow(shadow, GetObject=SHADOWED, DeleteObject=SHADOWED)
        stores.domains.allow(shadow, "BatchGetItem")
        stores.decisions.allow(shadow, "GetItem")
        stores.sessions.allow(shadow, "PutItem")
        stores.models.allow(shadow, "GetItem")
        stores.model_files.allow(shadow, GetObject=MODEL_FILES, GetObjectVersion=MODEL_FILES)
        platform.every_minute("ShadowEveryMinute", shadow.latest)
