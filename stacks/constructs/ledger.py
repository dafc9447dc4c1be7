"""The ledger: decisions are archived through the stream of their table, and each day of the archive is sealed."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.metrics import emitted, expression, of_function
from stacks.notices import Notice, action, alarm_name
from stacks.platform.function import ARCHIVE, SEAL, ServiceFunction
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ARCHIVED, PARTS, ROOTS, SEALS

BATCH = 100
# Writing to S3 is most of the work; a batch takes seconds.
PARALLEL_BATCHES = 4
# Shorter than the stream keeps records, so that none is archived two days after its own.
LONGEST_WAIT = Duration.hours(22)
# All that tells since when somebody has a name: no voiceprint. They are spelled as `adapters/ledger/personal.py` does.
LIFETIME = ("domain", "item", "version", "status", "created_at", "document")
# Source of the events that decisions were made.
EVENTS = "bonafide.decisions"
RUNBOOK = "Runbook: docs/runbooks/ledger.md"
HOUR = Duration.hours(1)
# Of one run of a schedule: Lambda repeats what fails twice.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
ATTEMPTS = 3
# A batch that waits for so long is not held up by a moment's throttling.
BEHIND = Duration.minutes(30)
# Hours: the largest domains need more than one run for a day.
UNSEALED_PERIODS = 6


class LedgerCapability(Construct):
    """Archives decisions and seals days: whoever adds entries writes no seals, and the other way round."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Ledger")
        self._stage = platform.stage.name
        if platform.stage.ledger:
            archive, seal = self._archive(platform), self._seal(platform)
            self._late(archive)
            self._failing(archive, seal)
            self._unsealed()
            self._differing()

    def _archive(self, platform: ServicePlatform) -> ServiceFunction:
        stores = platform.stores
        archive = platform.function("archive_decisions", [], ARCHIVE)
        stores.archive.allow_adding(archive, ARCHIVED)
        stores.allow_templates(archive, "GetItem")
        stores.domains.allow(archive, "Query", index="domains")
        stores.domains.allow_attributes(archive, LIFETIME, "GetItem")
        stores.decisions.allow(archive, "BatchGetItem")
        stores.decisions.allow(archive, "Query", index="by_time")
        platform.allow_events(archive, EVENTS)
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
            # Erasures, statements on outcomes and expiries change the table as well.
            filters=[lambda_.FilterCriteria.filter({"eventName": lambda_.FilterRule.is_equal("INSERT")})],
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            # A record that can never be archived is found by night, and named in the log.
            retry_attempts=10,
            max_record_age=LONGEST_WAIT,
        )
        platform.every_hour("ArchiveEveryHour", archive.latest)
        return archive

    def _seal(self, platform: ServicePlatform) -> ServiceFunction:
        seal = platform.function("seal_ledger", [], SEAL)
        stores = platform.stores
        for keys in (ARCHIVED, SEALS, PARTS):
            stores.archive.allow(seal, GetObjectVersion=keys)
        stores.archive.allow_adding(seal, SEALS, ROOTS, PARTS)
        stores.decisions.allow(seal, "BatchGetItem")
        stores.domains.allow(seal, "GetItem")
        stores.allow_parts(seal)
        # A developer's stage has to be deletable; in compliance mode nobody can delete a root before its time.
        seal.set("BONAFIDE_ROOT_LOCK", "COMPLIANCE" if platform.stage.protected else "GOVERNANCE")
        platform.every_hour("SealEveryHour", seal.latest)
        return seal

    def _failing(self, *functions: ServiceFunction) -> None:
        errors = {f"m{number}": of_function(each.latest, "Errors", "Sum") for number, each in enumerate(functions)}
        failed = " + ".join(f"FILL({each}, 0)" for each in errors)
        meaning = "archive_decisions or seal_ledger fails again and again"
        self._ticket("ledger-fails", meaning, expression(failed, HOUR, errors), threshold=ATTEMPTS - 1)

    def _late(self, archive: ServiceFunction) -> None:
        metric = of_function(archive.latest, "IteratorAge", "Maximum").with_(period=Duration.minutes(5))
        meaning = "archive_decisions reads the stream of decisions late"
        self._ticket("archive-behind", meaning, metric, threshold=BEHIND.to_milliseconds(), periods=3)

    def _unsealed(self) -> None:
        metric = emitted("DaysUnsealed", "Maximum", self._stage, service="seal_ledger")
        meaning = "days of the archive are due and not sealed"
        self._ticket("days-unsealed", meaning, metric.with_(period=HOUR), periods=UNSEALED_PERIODS)

    def _differing(self) -> None:
        """Creates the alarm on an archive that is not what the table holds: something was lost, or forged."""
        lost = emitted("DecisionsReconciled", "Maximum", self._stage, service="archive_decisions")
        kept_out = emitted("DecisionsNotArchived", "Maximum", self._stage, service="archive_decisions")
        refused = emitted("RecordsNotSealed", "Sum", self._stage, service="seal_ledger")
        counted = {"lost": lost, "kept_out": kept_out, "refused": refused}
        metric = expression(" + ".join(f"FILL({each}, 0)" for each in counted), HOUR, counted)
        meaning = "decisions were missing in the archive by night, or records of it are not what the table holds"
        self._ticket("archive-differs", meaning, metric)

    def _ticket(
        self, name: str, meaning: str, metric: cloudwatch.IMetric, *, threshold: float = 0, periods: int = 1
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name.title().replace("-", ""),
            alarm_name=alarm_name(self._stage, name),
            alarm_description=f"{meaning}. {RUNBOOK}",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(action(self, self._stage, Notice.TICKET))
