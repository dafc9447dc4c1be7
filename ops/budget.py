"""Refuses a deployment while an error budget is nearly used up: `python -m ops.budget --stage S [--reason R]`.

Reads the objectives' metrics of the last `window_days` from CloudWatch and prints what is left of each budget. With
less than a quarter left, a deployment needs a reason, which is kept in the history of a parameter of Systems Manager,
with who gave it (CloudTrail records the call as well). A stage without data, as before its first deployment, passes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stacks.slo import MINIMUM_BAD, Objectives, Slo

# Fraction of a budget below which a deployment needs a reason.
LEAST_LEFT = 0.25
# CloudWatch keeps points of an hour for 15 months, and shorter ones for less than a window.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
PERIOD_SECONDS = 3600
LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The use of one error budget over its window.

    Attributes:
        slo: the objective.
        bad: number of bad events.
        total: number of all events.
    """

    slo: Slo
    bad: float
    total: float

    @property
    def left(self) -> float:
        """Fraction of the budget that is left, below 0 if more than all was used."""
        return 1 - self.bad / (self.total * self.slo.budget) if self.total and self.bad >= MINIMUM_BAD else 1.0

    def __str__(self) -> str:
        used = f"{self.bad:,.0f} of {self.total:,.0f}" if self.total else "no events"
        return f"{self.slo.name:<24}{self.slo.objective:>6g} %{used:>20} bad{self.left:>9.0%} left"


def main() -> int:
    """Runs the command; returns 0 if the stage may be deployed."""
    parser = argparse.ArgumentParser(description="Refuse a deployment while an error budget is nearly used up.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--reason", default="", help="why to deploy all the same; it is kept")
    parser.add_argument("--assembly", type=Path, help="folder of the templates to deploy; their release is kept too")
    given = parser.parse_args()
    try:
        return check(given.stage, given.reason.strip(), given.assembly and released(given.assembly, given.stage))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"budget: {error}")


def released(assembly: Path, stage: str) -> str:
    """Returns the release that templates deploy: its revision and when it was built."""
    template = json.loads((assembly / f"Bonafide-{stage}-Service.template.json").read_text())
    release: str = template["Outputs"]["Release"]["Value"]
    return release


def check(stage: str, reason: str, release: str | None = None) -> int:
    """Prints the budgets of a stage; returns 0 if there is enough left or a reason, which is then kept."""
    objectives = Objectives.read()
    uses = read(boto3.client("cloudwatch"), stage, objectives)
    print(f"Error budgets of {stage} over {objectives.window_days} days")
    for use in uses:
        print(f"  {use}")
    short = [use for use in uses if use.left < LEAST_LEFT]
    if not short:
        return 0
    names = ", ".join(use.slo.name for use in short)
    if not reason:
        print(
            f"Less than {LEAST_LEFT:.0%} is left of {names}: deploy only what improves it, with REASON=",
            file=sys.stderr,
        )
        return 1
    keep(stage, reason, release or "", short)
    print(f"Less than {LEAST_LEFT:.0%} is left of {names}. Deployed all the same: {reason}")
    return 0


def read(client: Any, stage: str, objectives: Objectives) -> list[BudgetUse]:
    """Reads the use of every budget.

    Args:
        client: of CloudWatch.
        stage: name of the stage.
        objectives: with the window in days.
    """
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    queries = [query for i, slo in enumerate(objectives.slos) for query in _queries(i, slo, stage)]
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=end - timedelta(days=objectives.window_days), EndTime=end
    )
    sums: dict[str, float] = {}
    for result in (each for page in pages for each in page["MetricDataResults"]):
        sums[result["Id"]] = sums.get(result["Id"], 0.0) + sum(result["Values"])
    return [BudgetUse(slo, sums.get(f"bad{i}", 0), sums.get(f"total{i}", 0)) for i, slo in enumerate(objectives.slos)]


def _queries(number: int, slo: Slo, stage: str) -> list[dict[str, Any]]:
    place = [{"Name": name, "Value": value} for name, value in slo.dimensions(stage).items()]
    metric = {"Namespace": slo.events.namespace, "MetricName": slo.events.metric, "Dimensions": place}
    statistics = {f"bad{number}": slo.events.bad, f"total{number}": slo.events.total}
    return [
        {"Id": id_, "MetricStat": {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": statistic}}
        for id_, statistic in statistics.items()
    ]


def parameter(stage: str) -> str:
    """Returns the name of the parameter whose history has the reasons."""
    return f"/bonafide/{stage}/deployed-without-budget"


def keep(stage: str, reason: str, release: str, short: Sequence[BudgetUse]) -> None:
    """Adds a reason to the history of the stage's parameter, which has a hundred versions."""
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": boto3.client("sts").get_caller_identity()["Arn"],
        "reason": reason[:LONGEST_REASON],
        "release": release,
        "left": {use.slo.name: round(use.left, 3) for use in short},
    }
    boto3.client("ssm").put_parameter(
        Name=parameter(stage),
        Description="Bonafide: why the stage was deployed although an error budget was nearly used up",
        Value=json.dumps(entry),
        Type="String",
        Overwrite=True,
    )


if __name__ == "__main__":
    sys.exit(main())
