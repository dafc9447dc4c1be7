"""Management of domains, of brakes and of calibrations of domains."""

from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ERASED, IDEMPOTENCY, KEPT, UPLOADED, USED

DOMAIN = "/v1/domains/{domain}"
CALIBRATION = f"{DOMAIN}/calibrations/{{version}}"
CALIBRATIONS = {
    "GET": (f"{DOMAIN}/calibrations", CALIBRATION),
    "POST": (f"{DOMAIN}/calibrations", f"{CALIBRATION}/promotion", f"{CALIBRATION}/revocation"),
}


class DomainsCapability(Construct):
    """Creates, changes, reads and deletes domains, offers URLs for uploads, switches brakes, and keeps calibrations."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Domains")
        stores, api = platform.stores, platform.api
        manage = platform.released("manage_domains", Wave.WRITERS, ANSWERING)
        api.count_domains(manage)
        stores.domains.allow(manage, "GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem", "BatchWriteItem")
        stores.keep_audit_trail(manage)
        stores.keys.allow(manage, "GetItem", "DeleteItem")
        stores.allow_signatures(manage, "Encrypt")
        stores.fingerprints.allow(manage, "Query", "BatchWriteItem", "DeleteItem")
        stores.idempotency.allow(manage, *IDEMPOTENCY)
        # An upload has the permissions of the function that presigned its URL.
        stores.audio.allow(manage, PutObject=UPLOADED, DeleteObject=KEPT)
        stores.audio.allow(manage, PutObject=ERASED, DeleteObject=UPLOADED)
        stores.audio.allow(manage, DeleteObject=USED)
        for method in ("PUT", "GET", "DELETE"):
            for path in (DOMAIN, f"{DOMAIN}/brake", "/v1/brake"):
                api.route(method, path, manage)
        api.route("PATCH", DOMAIN, manage)
        api.route("POST", f"{DOMAIN}/uploads", manage)
        for path in (f"{DOMAIN}/versions", f"{DOMAIN}/versions/{{version}}", f"{DOMAIN}/audit", "/v1/audit"):
            api.route("GET", path, manage)
        for method, paths in CALIBRATIONS.items():
            for path in paths:
                api.route(method, path, manage)
