"""Access of functions to the data stack: a grant comes with the variable that names the resource, and only with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from stacks.data import DataStack
from stacks.platform.function import ServiceFunction
from stacks.stage import DeploymentStage

# Used by Powertools to store answers by Idempotency-Key.
IDEMPOTENCY = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")

# A speaker is read together with the domain; the domain is read again before a speaker's first version is written.
READ_SPEAKER = ("BatchGetItem",)
# The release before this one, which shares the role during a canary, checks the domain in the same transaction.
WRITE_SPEAKER = ("ConditionCheckItem", "GetItem", "PutItem")

# What a caller of a table needs of its key: DynamoDB decrypts the table's own key for every call, a writer's too.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
# A writer without Decrypt is refused: https://github.com/aws/aws-cdk/issues/10010
KEY_OF_READERS = ("Decrypt", "DescribeKey")
KEY_OF_WRITERS = ("Encrypt", "GenerateDataKey*", "ReEncrypt*")
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}

# S3 also decrypts when it writes: the bucket's own key.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
KEY_OF_OBJECTS = {
    "GetObject": ("Decrypt",),
    "GetObjectVersion": ("Decrypt",),
    "PutObject": ("Decrypt", "GenerateDataKey"),
}

# https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
KEY_OF_RECORDS = {"PutRecord": ("GenerateDataKey",), "GetRecords": ("Decrypt",)}

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
# Prefix of records that scoring set aside, in the bucket of failures.
SET_ASIDE = "records/*"
# Keys of the archive: entries, which one function adds, and what another adds: seals, their roots, parts of large days.
ARCHIVED = "decisions/*"
SEALS = "seals/*"
ROOTS = "roots/*"
PARTS = "parts/*"


@dataclass(frozen=True, slots=True)
class TableAccess:
    """A table.

    Attributes:
        table: the resource.
        key: encrypts it.
        variable: tells a function the table's name.
    """

    table: dynamodb.Table
    key: kms.Key
    variable: str

    def allow(self, function: ServiceFunction, *actions: str, index: str = "") -> None:
        """Allows DynamoDB actions on the table, or on one of its indexes."""
        # Not `table.grant`, which adds every index.
        resource = f"{self.table.table_arn}/index/{index}" if index else self.table.table_arn
        function.allow(resource, *[f"dynamodb:{action}" for action in actions])
        function.set(self.variable, self.table.table_name)
        writing = KEY_OF_WRITERS if WRITES & set(actions) else ()
        function.allow_key(self.key, "dynamodb", *KEY_OF_READERS, *writing)

    def allow_in(self, function: ServiceFunction, partition: str, *actions: str) -> None:
        """Allows writing actions on the partitions that a pattern names, and on no others.

        Source: "Using IAM policy conditions for fine-grained access control", Amazon DynamoDB Developer Guide.
        """
        conditions = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [partition]}}
        function.allow(self.table.table_arn, *[f"dynamodb:{action}" for action in actions], conditions=conditions)
        function.allow_key(self.key, "dynamodb", *KEY_OF_READERS, *KEY_OF_WRITERS)

    def allow_attributes(self, function: ServiceFunction, attributes: Sequence[str], *actions: str) -> None:
        """Allows actions on these attributes, keys and those of conditions included, and on no others.

        Source: "Using IAM policy conditions for fine-grained access control", Amazon DynamoDB Developer Guide.
        """
        conditions = {"ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)}}
        function.allow(self.table.table_arn, *[f"dynamodb:{action}" for action in actions], conditions=conditions)
        function.set(self.variable, self.table.table_name)
        writing = KEY_OF_WRITERS if WRITES & set(actions) else ()
        function.allow_key(self.key, "dynamodb", *KEY_OF_READERS, *writing)

    def deny_writing(
        self,
        function: ServiceFunction,
        *partitions: str,
        actions: Sequence[str] = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    ) -> None:
        """Denies writing, or some actions of it, to partitions that patterns name, whatever else is allowed.

        Source: "Using IAM policy conditions for fine-grained access control", Amazon DynamoDB Developer Guide.
        """
        function.deny(
            self.table.table_arn,
            {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": list(partitions)}},
            *[f"dynamodb:{action}" for action in actions],
        )


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """A bucket.

    Attributes:
        bucket: the resource.
        key: encrypts it.
        variable: tells a function the bucket's name.
    """

    bucket: s3.Bucket
    key: kms.Key
    variable: str

    def allow(self, function: ServiceFunction, **actions: str) -> None:
        """Allows each S3 action on the keys given with it."""
        for action, keys in actions.items():
            function.allow(self.bucket.arn_for_objects(keys), f"s3:{action}")
        if used := sorted({each for action in actions for each in KEY_OF_OBJECTS.get(action, ())}):
            function.allow_key(self.key, "s3", *used)
        # Besides listing, it makes S3 report that an object is missing instead of denying access to it.
        function.allow(self.bucket.bucket_arn, "s3:ListBucket")
        function.set(self.variable, self.bucket.bucket_name)

    def allow_adding(self, function: ServiceFunction, *keys: str) -> None:
        """Allows to add locked objects, and to list all their versions; not to change, delete or unlock any."""
        for each in keys:
            self.allow(function, PutObject=each, PutObjectRetention=each, PutObjectTagging=each)
        function.allow(self.bucket.bucket_arn, "s3:ListBucketVersions")


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """A stream.

    Attributes:
        stream: the resource.
        key: encrypts it.
        variable: tells a function the stream's name.
    """

    stream: kinesis.Stream
    key: kms.Key
    variable: str

    def allow(self, function: ServiceFunction, *actions: str) -> None:
        """Allows Kinesis actions on the stream."""
        self.stream.grant(function.role, *[f"kinesis:{action}" for action in actions])
        if used := sorted({each for action in actions for each in KEY_OF_RECORDS.get(action, ())}):
            function.allow_key(self.key, "kinesis", *used)
        function.set(self.variable, self.stream.stream_name)


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
        self.decisions.allow(function, "GetItem", "PutItem")
        self.fingerprints.allow(function, "PutItem", "Query")
        self.calls.allow(function, "BatchGetItem", "Query", "UpdateItem")
        function.set("BONAFIDE_BRAKE_KEPT_SECONDS", BRAKE_KEPT_SECONDS)
        self.allow_signatures(function, "Decrypt")

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
        for keys in (KEPT, UPLOADED, USED, SHADOWED):
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
        self.domains.deny_writing(function, BRAKES, CALIBRATIONS, HISTORY, POLICIES)
