"""Management of enrolled speakers."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ERASED, IDEMPOTENCY, KEPT

SPEAKERS = "/v1/domains/{domain}/speakers"
ERASURES = "/v1/domains/{domain}/erasures"
SPEAKER = f"{SPEAKERS}/{{speaker}}"


class SpeakersCapability(Construct):
    """Lists, reads, opts out and deletes speakers, and resets failed attempts at them."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Speakers")
        stores, api = platform.stores, platform.api
        manage = platform.released("manage_speakers", Wave.READERS, ANSWERING)
        # The release before this one, which shares the role during a canary, lists speakers from the table.
        stores.allow_writing_speakers(manage, "Query", "DeleteItem", "BatchWriteItem", "UpdateItem")
        stores.keep_audit_trail(manage)
        stores.allow_caller_hashes(manage)
        stores.domains.allow(manage, "Query", index="speakers")
        stores.fingerprints.allow(manage, "Query", "BatchWriteItem", "DeleteItem")
        # It deletes keys, and can open none.
        stores.keys.allow(manage, "BatchGetItem", "GetItem", "DeleteItem")
        stores.idempotency.allow(manage, *IDEMPOTENCY)
        stores.audio.allow(manage, PutObject=ERASED, DeleteObject=KEPT)
        api.route("GET", SPEAKERS, manage)
        api.route("GET", SPEAKER, manage)
        api.route("DELETE", SPEAKER, manage)
        api.route("POST", f"{SPEAKER}/opt-out", manage)
        api.route("GET", f"{SPEAKER}/attempts", manage)
        api.route("GET", f"{SPEAKER}/contributions", manage)
        api.route("POST", "/v1/domains/{domain}/attempts/reset", manage)
        # An export.
        stores.calls.allow(manage, "BatchGetItem")
        stores.sessions.allow(manage, "BatchGetItem")
        stores.sessions.allow(manage, "Query", index="by_speaker")
        stores.idempotency.allow(manage, "Query", index="by_speaker")
        stores.decisions.allow(manage, "BatchGetItem")
        stores.decisions.allow(manage, "Query", index="by_time")
        api.route("GET", f"{SPEAKER}/export", manage)
        api.route("GET", ERASURES, manage)
        api.route("GET", f"{ERASURES}/{{erasure_id}}", manage)
