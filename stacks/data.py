"""The data stack: tables, buckets and their key, which outlive every deployment, and the stream."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.stage import DeploymentStage
from stacks.stage_checks import LONGEST_RECOVERY_DAYS

# An erasure is on record for longer than any backup could bring back what it erased, also that of a deleted table.
ERASURE_DAYS = LONGEST_RECOVERY_DAYS + 1
# The shortest that DynamoDB offers: a deleted key is in no backup after a day, and what it encrypted opens nowhere.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
KEY_RECOVERY_DAYS = 1
# A file of a model version can be deleted by nobody without a right of its own for as long as decisions are kept that
# it made, unless their domain says otherwise.
MODEL_LOCK_DAYS = 365
# Tags of archived decisions: the domain's `decision_days`, rounded up.
ARCHIVE_PERIODS = {"day": 1, "month": 30, "quarter": 90, "year": 365, "three_years": 1095, "ten_years": 3650}


class DataStack(Stack):
    """State of all domains. CloudFormation chooses the names, so that a stage can be restored beside itself.

    Construct ids are not renamed: another logical id would replace the resource, and with it the data.

    Attributes:
        key: encrypts everything below.
        domains: domains, speakers and voiceprints; one partition per domain.
        decisions: decisions, until they expire.
        idempotency: answers by Idempotency-Key.
        keys: keys of voiceprints and of evidence; backups of a day, so that what is deleted is gone within a day.
        sessions: sessions and the evidence of their chunks, for a day.
        fingerprints: of recordings that were used, by which a copy is found.
        calls: counters and histories of calls, by keyed hashes of numbers.
        stream: accepted chunks that wait to be scored.
        failures: stream records that could not be scored, with everything that a replay needs, for two weeks.
        audio: uploads for a day, recordings of the domains whose policy keeps them, and what was erased lately.
        models: model versions, aliases and their history.
        model_files: files of model versions, which are never written twice.
        archive: archived decisions and the seals of their days, which are never written twice.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: DeploymentStage) -> None:
        super().__init__(scope, id_, description="Bonafide: voiceprints, decisions and recordings")
        self.key = kms.Key(
            self,
            "Key",
            description="Bonafide: voiceprints, decisions and recordings",
            enable_key_rotation=True,
            multi_region=stage.multi_region_key,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self._protected = stage.protected
        self._recovery_days = stage.recovery_days
        self.domains = self._domains()
        self.decisions = self._decisions()
        self.idempotency = self._by_speaker(self._table("Idempotency", "id", expires="expiration"))
        self.sessions = self._sessions()
        self.keys = self._table("TemplateKeys", "domain", "item", expires="expires_at", recovery_days=KEY_RECOVERY_DAYS)
        self.fingerprints = self._by_speaker(self._table("Fingerprints", "owner", "item", expires="expires_at"))
        self.calls = self._table("Calls", "owner", "item", expires="expires_at")
        self.audio = self._audio()
        self.failures = self._failures()
        self.models = self._table("Models", "partition", "item", expires="expires_at")
        self.model_files = self._model_files()
        self.archive = self._archive()
        self.stream = kinesis.Stream(
            self,
            "AudioStream",
            shard_count=stage.shards,
            retention_period=Duration.hours(24),
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=self.key,
            # It holds a day of chunks at most, and a retained shard is billed by the hour, used or not.
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._export()

    def _export(self) -> None:
        """Exports what only the ledger imports, always: this stack is updated first, and an export in use stays."""
        for value in (self.archive.bucket_arn, self.archive.bucket_name, self.decisions.table_stream_arn):
            self.export_value(value)

    def _audio(self) -> s3.Bucket:
        return self._bucket(
            "Audio",
            s3.LifecycleRule(id="uploads", prefix="uploads/", expiration=Duration.days(1)),
            # Who used an upload; not needed for longer than the upload itself.
            s3.LifecycleRule(id="used", prefix="used/", expiration=Duration.days(1)),
            # S3 counts in days: the sweep of `close_sessions` deletes after an hour, and this what a sweep never saw.
            s3.LifecycleRule(id="shadow", prefix="shadow/", expiration=Duration.days(1)),
            s3.LifecycleRule(id="erasures", prefix="erasures/", expiration=Duration.days(ERASURE_DAYS)),
        )

    def _domains(self) -> dynamodb.Table:
        # Only the empty item that precedes a speaker's first version expires.
        domains = self._table("Tenants", "domain", "item", expires="expires_at")
        # What a list shows: a query reads whole items, and those of the table hold voiceprints.
        domains.add_global_secondary_index(
            index_name="speakers",
            partition_key=_string("domain"),
            sort_key=_string("item"),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["created_at", "status", "summary", "version"],
        )
        # The domains of the stage, for what is done for each of them.
        domains.add_global_secondary_index(
            index_name="domains",
            partition_key=_string("listed"),
            sort_key=_string("domain"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return domains

    def _decisions(self) -> dynamodb.Table:
        decisions = self._table("Decisions", "domain", "decision_id", expires="expires_at", streamed=True)
        # Keys and filters only: documents are read from the table, and an index of them would double its cost.
        decisions.add_global_secondary_index(
            index_name="by_time",
            partition_key=_string("domain"),
            sort_key=_string("decided_at"),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["claimed_speaker", "decision"],
        )
        # Only decisions whose outcome somebody has stated have the sort key: what error rates are computed from.
        decisions.add_global_secondary_index(
            index_name="labeled",
            partition_key=_string("domain"),
            sort_key=_string("labeled_at"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return self._by_speaker(decisions)

    def _sessions(self) -> dynamodb.Table:
        sessions = self._table("Sessions", "session", "item", expires="expires_at")
        sessions.add_global_secondary_index(
            index_name="due",
            partition_key=_string("open"),
            sort_key=dynamodb.Attribute(name="due_at", type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return self._by_speaker(sessions)

    def _by_speaker(self, table: dynamodb.Table) -> dynamodb.Table:
        # By it an erasure finds what is about a speaker, or about anybody of a domain.
        table.add_global_secondary_index(
            index_name="by_speaker",
            partition_key=_string("domain"),
            sort_key=_string("claim"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return table

    def _failures(self) -> s3.Bucket:
        return self._bucket(
            "Failures",
            s3.LifecycleRule(id="failures", expiration=Duration.days(14)),
            # Lambda writes whole batches with their audio: no longer than the stream itself would keep them.
            s3.LifecycleRule(id="batches", prefix="aws/lambda/", expiration=Duration.days(1)),
        )

    def _table(
        self,
        id_: str,
        partition: str,
        sort: str | None = None,
        *,
        expires: str | None = None,
        recovery_days: int | None = None,
        streamed: bool = False,
    ) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            id_,
            partition_key=_string(partition),
            sort_key=_string(sort) if sort else None,
            time_to_live_attribute=expires,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=recovery_days or self._recovery_days
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            # The archive reads what is added; it needs nothing of what was there before.
            stream=dynamodb.StreamViewType.NEW_IMAGE if streamed else None,
            deletion_protection=self._protected,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _model_files(self) -> s3.Bucket:
        # An upload that nobody registered keeps its tag (`adapters/model_files.py`). A lock outlasts these rules: S3
        # deletes such a file when it ends. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
        unregistered = s3.LifecycleRule(
            id="unregistered",
            tag_filters={"registration": "pending"},
            expiration=Duration.days(7),
            noncurrent_version_expiration=Duration.days(1),
        )
        lock = s3.ObjectLockRetention.governance(Duration.days(MODEL_LOCK_DAYS))
        return self._bucket("ModelFiles", unregistered, lock=lock)

    def _archive(self) -> s3.Bucket:
        # Each object is locked for as long as its domain keeps decisions, and has a tag that names a period not shorter
        # (`adapters/ledger/archive.py`). A lock outlasts these rules.
        rules = [
            s3.LifecycleRule(
                id=f"archived_{name}",
                tag_filters={"days": str(days)},
                expiration=Duration.days(days + 1),
                noncurrent_version_expiration=Duration.days(1),
            )
            for name, days in ARCHIVE_PERIODS.items()
        ]
        archive = self._bucket("Archive", *rules, lock=s3.ObjectLockRetention.governance(Duration.days(1)))
        # Whatever a role allows, nobody writes over an object. Parts of an upload have no such condition, its end has.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        archive.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[archive.arn_for_objects("*")],
                conditions={"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
            )
        )
        return archive

    def _bucket(self, id_: str, *lifecycle: s3.LifecycleRule, lock: s3.ObjectLockRetention | None = None) -> s3.Bucket:
        # Versioned only with a lock: an erased recording must not remain behind a delete marker.
        bucket = s3.Bucket(
            self,
            id_,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            versioned=lock is not None,
            object_lock_default_retention=lock,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                *lifecycle,
                s3.LifecycleRule(id="unfinished", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
        # A bucket that outlives its stack goes on refusing everything but TLS.
        assert bucket.policy
        bucket.policy.apply_removal_policy(RemovalPolicy.RETAIN)
        return bucket


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
