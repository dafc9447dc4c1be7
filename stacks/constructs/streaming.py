"""Audio of sessions: chunks in, evidence out."""

import jsii
from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING, DECIDING, SCORING
from stacks.platform.service_platform import ReservedConcurrencyError, ServicePlatform
from stacks.platform.stores import IDEMPOTENCY, SHADOWED, Stores
from stacks.stage import DeploymentStage

SESSION = "/v1/domains/{domain}/sessions/{session}"

# A batch holds what one environment scores in a second.
BATCH = 8
PARALLEL_BATCHES = 4


@jsii.implements(lambda_.IEventSourceDlq)
class FailureDestination:
    """Destination of records that Lambda failed to process; CDK's own would also grant reading and deleting."""

    def __init__(self, bucket: s3.Bucket) -> None:
        self._bucket_arn = bucket.bucket_arn

    def bind(
        self,
        target: lambda_.IEventSourceMapping,  # noqa: ARG002, the interface's names
        target_handler: lambda_.IFunction,  # noqa: ARG002
    ) -> lambda_.DlqDestinationConfig:
        """Names the bucket; the function's role has the permission to write to it."""
        return lambda_.DlqDestinationConfig(destination=self._bucket_arn)


class StreamingCapability(Construct):
    """Accepts chunks into the stream, and extracts their evidence."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Streaming")
        self._ingest(platform)
        self._score(platform)

    def _ingest(self, platform: ServicePlatform) -> None:
        stores = platform.stores
        ingest = platform.released("ingest_audio", Wave.ENTRY_POINTS, ANSWERING)
        stores.sessions.allow(ingest, "BatchGetItem", "GetItem", "PutItem", "UpdateItem")
        stores.domains.allow(ingest, "BatchGetItem", "GetItem")
        stores.idempotency.allow(ingest, *IDEMPOTENCY)
        stores.chunks.allow(ingest, "PutRecord", "ListShards")
        ingest.set("BONAFIDE_STREAM_VERSION", str(platform.stage.stream_version))
        platform.api.route("PUT", f"{SESSION}/audio/{{n}}", ingest)
        platform.api.route("POST", f"{SESSION}/end", ingest)

    def _score(self, platform: ServicePlatform) -> None:
        stores = platform.stores
        _check_reserved(platform.stage)
        score = platform.released("score_audio", Wave.WRITERS, (*SCORING, *DECIDING), models=True)
        stores.allow_judging(score)
        stores.allow_templates(score, "BatchGetItem", "GetItem")
        stores.sessions.allow(score, "UpdateItem")
        stores.domains.allow(score, "GetItem")
        stores.audio.allow(score, PutObject=SHADOWED)
        stores.models.allow(score, "GetItem")
        score.set("BONAFIDE_SHADOW_SHARE", str(platform.stage.shadow_share))
        # Lambda also checks that the bucket exists, for which it lists it.
        stores.failures.allow(score, PutObject="*")
        score.alias.add_event_source(_event_source(stores))


def _check_reserved(stage: DeploymentStage) -> None:
    """Refuses a reservation below one batch of each shard at once: some shards would wait for others all the time."""
    reserved = stage.reserved.get("score_audio", stage.shards)
    if reserved < stage.shards:
        raise ReservedConcurrencyError(
            f"stage {stage.name} reserves {reserved} for score_audio, which is fewer than its {stage.shards} shards"
        )


def _event_source(stores: Stores) -> event_sources.KinesisEventSource:
    return event_sources.KinesisEventSource(
        stores.chunks.stream,
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=BATCH,
        max_batching_window=Duration.seconds(0),
        parallelization_factor=PARALLEL_BATCHES,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        retry_attempts=5,
        max_record_age=Duration.minutes(10),
        on_failure=FailureDestination(stores.failures.bucket),
    )
