"""Access of functions to the data stack: a grant comes with the variable that names the resource, and only with it."""

from stacks.data import DataStack
from stacks.platform.access import BucketAccess, StreamAccess, TableAccess
from stacks.platform.function import ServiceFunction
from stacks.stage import DeploymentStage

# Used by Powertools to store answers by Idempotency-Key.
IDEMPOTENCY = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")

# A speaker is read together with the domain; the domain is read again before a speaker's first version is written.
READ_SPEAKER = ("BatchGetItem",)
# The release before this one, which shares the role during a canary, checks the domain in the same transaction.
WRITE_SPEAKER = ("ConditionCheckItem", "GetItem", "PutItem")

# Partitions of brakes in the table of domains (`adapters/dynamodb/items.py`).
BRAKES = "brake#*"
# Partitions of the audit trail, to which is only added.
AUDIT = "audit#*"
# Partitions of calibrations in the same table, and the purpose of the key's direct use (`adapters/kms.py`).
CALIBRATIONS = "calibration#*"
SIGNING = {"kms:EncryptionContext:purpose": "domain-calibration"}
# Partitions of counters of failed attempts, with secrets of callers' hashes; of former settings; of staged policies.
ATTEMPTS = "attempts#*"
HISTORY = "history#*"
POLICIES = "policy#*"
WRAPPING = {"kms:EncryptionContext:purpose": "caller-reference"}
# Partitions of watchlists.
WATCHLISTS = "watchlist#*"
# Purposes by which keys of domains are made and opened, and by which who seals knows its own work again.
TEMPLATES = {"kms:EncryptionContext:purpose": "template-protection"}
LEDGER_PARTS = {"kms:EncryptionContext:purpose": "ledger-part"}
# Seconds for which the state of the stage's brake is used; services refuse a value with which a brake would not hold
# everywhere within 60 s.
BRAKE_KEPT_SECONDS = "15"

# Keys of the audio bucket.
UPLOADED = "uploads/*"
KEPT = "kept/*"
ERASED = "erasures/*"
SHADOWED = "shadow/*"
USED = "used/*"
WATCHED = "watchlists/*"
# Prefix of records that scoring set aside, in the bucket of failures.
SET_ASIDE = "records/*"
# Keys of the archive: entries, which one function adds, and what another adds: seals, their roots, parts of large days.
ARCHIVED = "decisions/*"
SEALS = "seals/*"
ROOTS = "roots/*"
PARTS = "parts/*"


class Stores:
    """The data stack as functions get access to it.

    Attributes:
        domains: table of domains, speakers and voiceprints.
        decisions: table of decisions.
        idempotency: table of answers by Idempotency-Key.
        sessions: table of sessions and their evidence.
        fingerprints: table of fingerprints of recordings.
        calls: table of counters and histories of calls.
        keys: table of the keys of voiceprints and of evidence.
        audio: bucket of uploads and kept recordings.
        failures: bucket of stream records that could not be scored.
        chunks: stream of accepted chunks.
        models: table of model versions, aliases and their history.
        model_files: bucket of the files of model versions.
        archive: bucket of archived decisions and of the seals of their days.
    """

    def __init__(self, data: DataStack, stage: DeploymentStage) -> None:
        self._key = data.key
        self._stage = stage
        self.domains = TableAccess(data.domains, data.key, "BONAFIDE_DOMAIN_TABLE")
        self.decisions = TableAccess(data.decisions, data.key, "BONAFIDE_DECISION_TABLE")
        self.idempotency = TableAccess(data.idempotency, data.key, "BONAFIDE_IDEMPOTENCY_TABLE")
        self.sessions = TableAccess(data.sessions, data.key, "BONAFIDE_SESSION_TABLE")
        self.fingerprints = TableAccess(data.fingerprints, data.key, "BONAFIDE_FINGERPRINT_TABLE")
        self.calls = TableAccess(data.calls, data.key, "BONAFIDE_CALL_TABLE")
        self.keys = TableAccess(data.keys, data.key, "BONAFIDE_KEY_TABLE")
        self.audio = BucketAccess(data.audio, data.key, "BONAFIDE_AUDIO_BUCKET")
        self.failures = BucketAccess(data.failures, data.key, "BONAFIDE_FAILURE_BUCKET")
        self.chunks = StreamAccess(data.stream, data.key, "BONAFIDE_AUDIO_STREAM")
        self.models = TableAccess(data.models, data.key, "BONAFIDE_MODEL_TABLE")
        self.model_files = BucketAccess(data.model_files, data.key, "BONAFIDE_MODEL_BUCKET")
        self.archive = BucketAccess(data.archive, data.key, "BONAFIDE_ARCHIVE_BUCKET")

    def of_callers(self) -> list[TableAccess | BucketAccess | StreamAccess]:
        """Returns those that a caller's decision depends on: not on the registry of models and the archive."""
        stores = [each for each in vars(self).values() if isinstance(each, TableAccess | BucketAccess | StreamAccess)]
        return [each for each in stores if each not in (self.models, self.model_files, self.archive)]

    def allow_judging(self, function: ServiceFunction) -> None:
        """Allows reading a session's evidence, and deciding."""
        self.sessions.allow(function, "GetItem", "BatchGetItem", "PutItem", "Query")
        self.allow_deciding(function)

    def allow_templates(self, function: ServiceFunction, *actions: str) -> None:
        """Allows to open voiceprints and evidence by actions on the table of keys; with PutItem also to make keys."""
        self.keys.allow(function, *actions)
        making = ("GenerateDataKey",) if "PutItem" in actions else ()
        own = TEMPLATES | {"kms:EncryptionContext:stage": self._stage.name}
        function.allow_key_for(self._key, own, "Decrypt", *making)
        function.set("BONAFIDE_TEMPLATE_KEY", self._key.key_arn)
        function.set("BONAFIDE_TEMPLATE_FORM", self._stage.template_form)

    def allow_deciding(self, function: ServiceFunction) -> None:
        """Allows reading the claimed speaker, the brakes and the domain's calibrations, and writing the decision.

        A decision that failed is counted, and nothing else is written to the table of domains.
        """
        self.domains.allow(function, *READ_SPEAKER)
        self.domains.allow_in(function, ATTEMPTS, "UpdateItem")
        self.allow_searching_watchlists(function)
        self.decisions.allow(function, "GetItem", "PutItem")
        self.fingerprints.allow(function, "PutItem", "Query")
        self.calls.allow(function, "BatchGetItem", "Query", "UpdateItem")
        function.set("BONAFIDE_BRAKE_KEPT_SECONDS", BRAKE_KEPT_SECONDS)
        self.allow_signatures(function, "Decrypt")

    def allow_searching_watchlists(self, function: ServiceFunction) -> None:
        """Allows reading the voices of watchlists, one by one and packed, but nothing else of the table of domains."""
        self.domains.allow_in(function, WATCHLISTS, "Query")
        self.audio.allow(function, GetObject=WATCHED)

    def allow_keeping_watchlists(self, function: ServiceFunction) -> None:
        """Allows changing watchlists, and packing their voices."""
        self.allow_searching_watchlists(function)
        self.domains.allow(function, "GetItem")
        self.domains.allow_in(function, WATCHLISTS, "PutItem", "UpdateItem", "DeleteItem")
        self.audio.allow(function, PutObject=WATCHED, DeleteObject=WATCHED)

    def allow_erasing(self, function: ServiceFunction) -> None:
        """Allows to find and delete, in every store, what is about a speaker or a domain, but no brakes."""
        self.domains.allow(function, "BatchGetItem", "GetItem", "PutItem", "Query", "DeleteItem", "BatchWriteItem")
        self.domains.allow(function, "ConditionCheckItem")
        for index in ("domains", "speakers"):
            self.domains.allow(function, "Query", index=index)
        self.domains.deny_writing(function, BRAKES, AUDIT)
        self.fingerprints.allow(function, "Query", index="by_speaker")
        self.fingerprints.allow(function, "Query", "DeleteItem", "BatchWriteItem")
        self.calls.allow(function, "Query", "BatchWriteItem")
        self.sessions.allow(function, "Query", index="by_speaker")
        self.sessions.allow(function, "GetItem", "PutItem", "Query", "DeleteItem", "BatchWriteItem")
        self.idempotency.allow(function, "Query", index="by_speaker")
        self.idempotency.allow(function, "GetItem", "UpdateItem")
        for index in ("by_time", "by_speaker"):
            self.decisions.allow(function, "Query", index=index)
        self.decisions.allow(function, "GetItem", "UpdateItem", "DeleteItem")
        for keys in (KEPT, UPLOADED, USED, SHADOWED, WATCHED):
            self.audio.allow(function, DeleteObject=keys)
        self.audio.allow(function, PutObject=ERASED)
        self.failures.allow(function, DeleteObject=SET_ASIDE)

    def allow_signatures(self, function: ServiceFunction, *actions: str) -> None:
        """Allows to check signatures of calibrations (Decrypt), or to make them (Encrypt), and no other use."""
        function.allow_key_for(self._key, SIGNING, *actions)
        function.set("BONAFIDE_CALIBRATION_KEY", self._key.key_arn)

    def allow_parts(self, function: ServiceFunction) -> None:
        """Allows to sign parts of a ledger's day, and to check their signatures."""
        function.allow_key_for(self._key, LEDGER_PARTS, "Decrypt", "Encrypt")
        function.set("BONAFIDE_CALIBRATION_KEY", self._key.key_arn)

    def allow_caller_hashes(self, function: ServiceFunction) -> None:
        """Allows to hash references to callers: under a domain's secret, which is wrapped by the key."""
        function.allow_key_for(self._key, WRAPPING, "Decrypt", "Encrypt")
        function.set("BONAFIDE_CALIBRATION_KEY", self._key.key_arn)

    def keep_audit_trail(self, function: ServiceFunction) -> None:
        """Denies changing and deleting entries of the audit trail, to which the function may add."""
        self.domains.deny_writing(function, AUDIT, actions=("UpdateItem", "DeleteItem", "BatchWriteItem"))

    def allow_writing_speakers(self, function: ServiceFunction, *actions: str) -> None:
        """Allows actions on domains and speakers, and writing of speakers, but not of what administrators decide."""
        self.domains.allow(function, *READ_SPEAKER, *actions, *WRITE_SPEAKER)
        self.domains.deny_writing(function, BRAKES, CALIBRATIONS, HISTORY, POLICIES, WATCHLISTS)
