"""The archive of a stage, and what its decisions were judged by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from bonafide.adapters.dynamodb.calibrations import DynamoCalibrationStore
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.ledger.archive import S3DecisionArchive, S3SealStore
from bonafide.adapters.ledger.objects import GOVERNANCE, AddedObjects
from bonafide.ports.ledger.archive import ArchiveReader, DecisionIndex, SealStore
from bonafide.ports.stores import CalibrationStore, DomainStore
from ops.restore import DECISIONS, DOMAINS, data_resources

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
        decisions: the table.
        domains: settings of domains.
    """

    archive: ArchiveReader
    seals: SealStore
    calibrations: CalibrationStore
    decisions: DecisionIndex
    domains: DomainStore

    @classmethod
    def of(cls, stage: str, connect: Callable[..., Any]) -> Self:
        """Finds the stores of a stage.

        Raises:
            NoArchiveError: there is no archive.
        """
        names = data_resources(connect("cloudformation"), stage)
        if ARCHIVE not in names:
            raise NoArchiveError(f"Bonafide-{stage}-Data has no bucket {ARCHIVE}")
        objects, client = AddedObjects(connect("s3"), names[ARCHIVE]), connect("dynamodb")
        return cls(
            S3DecisionArchive(objects),
            # It only reads, so the lock of roots is never used.
            S3SealStore(objects, GOVERNANCE),
            DynamoCalibrationStore(client, names[DOMAINS]),
            DynamoDecisionStore(client, names[DECISIONS]),
            DynamoDomainStore(client, names[DOMAINS]),
        )
