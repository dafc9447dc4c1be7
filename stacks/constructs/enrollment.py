"""Enrollment of speakers."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ATTEMPTS, IDEMPOTENCY, KEPT, UPLOADED, USED

SPEAKER = "/v1/domains/{domain}/speakers/{speaker}"


class EnrollmentCapability(Construct):
    """Makes a voiceprint of recordings and consent, and takes one of them back."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Enrollment")
        stores = platform.stores
        enroll = platform.released("enroll_speaker", Wave.WRITERS, ANSWERING, models=True)
        stores.allow_writing_speakers(enroll)
        stores.keep_audit_trail(enroll)
        stores.allow_caller_hashes(enroll)
        stores.allow_templates(enroll, "BatchGetItem", "GetItem", "PutItem", "DeleteItem")
        stores.domains.allow_in(enroll, ATTEMPTS, "UpdateItem")
        # A contribution is judged as a call is.
        stores.allow_signatures(enroll, "Decrypt")
        stores.fingerprints.allow(enroll, "PutItem", "Query", "BatchWriteItem", "DeleteItem")
        stores.idempotency.allow(enroll, *IDEMPOTENCY)
        stores.audio.allow(enroll, GetObject=UPLOADED, PutObject=KEPT, DeleteObject=KEPT)
        stores.audio.allow(enroll, PutObject=USED)
        platform.api.route("POST", f"{SPEAKER}/enrollments", enroll)
        # Beside enrollment, since no other function that writes speakers computes with voiceprints.
        platform.api.route("DELETE", f"{SPEAKER}/contributions/{{contribution}}", enroll)
        platform.api.count_domains(enroll)
