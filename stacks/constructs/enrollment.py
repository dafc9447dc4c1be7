"""Enrollment of speakers."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ATTEMPTS, AUDIT, IDEMPOTENCY, KEPT, UPLOADED, USED


class EnrollmentCapability(Construct):
    """Makes a voiceprint of recordings and consent."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Enrollment")
        stores = platform.stores
        enroll = platform.released("enroll_speaker", Wave.WRITERS, ANSWERING, models=True)
        stores.allow_writing_speakers(enroll)
        stores.domains.deny_writing(enroll, AUDIT)
        stores.allow_templates(enroll, "BatchGetItem", "GetItem", "PutItem")
        stores.domains.allow_in(enroll, ATTEMPTS, "UpdateItem")
        # A contribution is judged as a call is.
        stores.allow_signatures(enroll, "Decrypt")
        stores.fingerprints.allow(enroll, "PutItem", "Query", "BatchWriteItem", "DeleteItem")
        stores.idempotency.allow(enroll, *IDEMPOTENCY)
        stores.audio.allow(enroll, GetObject=UPLOADED, PutObject=KEPT, DeleteObject=KEPT)
        stores.audio.allow(enroll, PutObject=USED)
        platform.api.route("POST", "/v1/domains/{domain}/speakers/{speaker}/enrollments", enroll)
        platform.api.count_domains(enroll)
