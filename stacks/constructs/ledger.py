"""The ledger: decisions are archived through the stream of their table, and each day of the archive is sealed."""

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.platform.function import ARCHIVE, SEAL
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ARCHIVED, SEALS

BATCH = 100
# Writing to S3 is most of the work; a batch takes seconds.
PARALLEL_BATCHES = 4
# Shorter than the stream keeps records, so that none is archived two days after its own.
LONGEST_WAIT = Duration.hours(22)


class LedgerCapability(Construct):
    """Archives decisions and seals days: whoever adds entries writes no seals, and the other way round."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Ledger")
        if platform.stage.ledger:
            self._archive(platform)
            self._seal(platform)

    def _archive(self, platform: ServicePlatform) -> None:
        stores = platform.stores
        archive = platform.function("archive_decisions", [], ARCHIVE)
        stores.archive.allow(archive, PutObject=ARCHIVED, PutObjectRetention=ARCHIVED, PutObjectTagging=ARCHIVED)
        stores.allow_templates(archive, "GetItem")
        stores.domains.allow(archive, "Query", index="domains")
        stores.decisions.allow(archive, "GetItem")
        stores.decisions.allow(archive, "Query", index="by_time")
        stream = stores.decisions.table.table_stream_arn
        assert stream
        # CDK's own event source would also grant the key for requests of every other service.
        archive.allow(
            stream, *[f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator")]
        )
        # It has no resources. https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
        archive.allow("*", "dynamodb:ListStreams")
        archive.latest.add_event_source_mapping(
            "Decisions",
            event_source_arn=stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH,
            parallelization_factor=PARALLEL_BATCHES,
            max_batching_window=Duration.seconds(5),
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            # A record that can never be archived is found by night, and named in the log.
            retry_attempts=10,
            max_record_age=LONGEST_WAIT,
        )
        platform.every_hour("ArchiveEveryHour", archive.latest)

    def _seal(self, platform: ServicePlatform) -> None:
        seal = platform.function("seal_ledger", [], SEAL)
        bucket = platform.stores.archive
        bucket.allow(seal, GetObject=ARCHIVED)
        bucket.allow(seal, GetObject=SEALS, PutObject=SEALS, PutObjectRetention=SEALS, PutObjectTagging=SEALS)
        platform.every_hour("SealEveryHour", seal.latest)
