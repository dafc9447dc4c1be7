"""The shadow: a challenger scores what the champion decided on. No client reaches it, and no answer waits for it."""

from aws_cdk import Duration
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
        stores.domains.allow(shadow, "BatchGetItem", "GetItem")
        stores.allow_templates(shadow, "BatchGetItem", "GetItem")
        stores.decisions.allow(shadow, "GetItem")
        stores.sessions.allow(shadow, "PutItem")
        stores.models.allow(shadow, "GetItem")
        stores.model_files.allow(shadow, GetObject=MODEL_FILES, GetObjectVersion=MODEL_FILES)
        # A run that fails is not repeated, and one that finds the former at work is dropped: a minute has one at most.
        shadow.latest.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        platform.every_minute("ShadowEveryMinute", shadow.latest)
