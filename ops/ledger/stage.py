"""The archive of a stage, and what its decisions were judged by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from bonafide.adapters.dynamodb.calibrations import DynamoCalibrationStore
from bonafide.adapters.ledger.archive import S3DecisionArchive, S3SealStore
from bonafide.ports.ledger import ArchiveReader, SealStore
from bonafide.ports.stores import CalibrationStore
from ops.resources import list_resources
from ops.restore import DOMAINS, data_resources

ARCHIVE = "Archive"


class NoArchiveError(Exception):
    """The data stack of the stage has no archive."""


@dataclass(frozen=True, slots=True)
class LedgerOfStage:
    """Stores of a stage that a check reads.

    Attributes:
        archive: of decisions.
        seals: of its days.
        calibrations: of domains.
    """

    archive: ArchiveReader
    seals: SealStore
    calibrations: CalibrationStore

    @classmethod
    def of(cls, stage: str, connect: Callable[..., Any]) -> Self:
        """Finds the stores of a stage.

        Raises:
            NoArchiveError: there is no archive.
        """
        formation, s3 = connect("cloudformation"), connect("s3")
        found = list_resources(formation, f"Bonafide-{stage}-Data")
        buckets = [each for each in found if each["ResourceType"] == "AWS::S3::Bucket"]
        for each in buckets:
            if each["LogicalResourceId"].startswith(ARCHIVE):
                bucket = str(each["PhysicalResourceId"])
                table = data_resources(formation, stage)[DOMAINS]
                calibrations = DynamoCalibrationStore(connect("dynamodb"), table)
                return cls(S3DecisionArchive(s3, bucket), S3SealStore(s3, bucket), calibrations)
        raise NoArchiveError(f"Bonafide-{stage}-Data has no bucket {ARCHIVE}")
