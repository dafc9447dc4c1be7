"""Sets of names in policies, whose order and repetitions say nothing."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from bonafide.biometrics.policy import Factor, RejectingAlert


def _each_once[Name: StrEnum](names: tuple[Name, ...]) -> tuple[Name, ...]:
    return tuple(sorted(set(names)))


type Factors = Annotated[tuple[Factor, ...], Field(max_length=10), AfterValidator(_each_once)]
type RejectingAlerts = Annotated[tuple[RejectingAlert, ...], Field(max_length=10), AfterValidator(_each_once)]
