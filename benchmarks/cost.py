"""Computes what authentications, streaming and a month cost: `python -m benchmarks.cost [--stage STAGE] [--quick]`.

Use is counted on the deployed template, and multiplied by the prices of docs/operations/prices.json. Processor time is
that of one machine, to which that of this machine is converted.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import machine, month
from benchmarks.month import MONTH_HOURS, Resource
from benchmarks.usage import (
    MeteredDeployment,
    Usage,
    added,
    authentications,
    bench,
    public_answers,
    scaled,
    streamed_hour,
    synthetic_calls,
)
from ops.synthesis import ROOT

PRICES = ROOT / "docs" / "operations" / "prices.json"
AUTHENTICATIONS, QUICK_AUTHENTICATIONS = 40, 8
STREAMED_SECONDS, QUICK_STREAMED_SECONDS = 180, 40
YEAR_MONTHS = 12

type Prices = Mapping[str, Mapping[str, Any]]


def main() -> None:
    """Prints the costs by use, and those of a month."""
    parser = argparse.ArgumentParser(description="Compute costs from measurements on this machine and public prices.")
    parser.add_argument("--stage", default="production", help="whose month is listed in parts")
    parser.add_argument("--quick", action="store_true", help="measure less often; within a tenth of the long run")
    arguments = parser.parse_args()
    document = json.loads(PRICES.read_text())
    print(f"USD, list prices of {document['region']} taken down {document['taken_down']}")
    before = machine.measured(3)
    _print_machine(before)
    with bench(ROOT / ".build" / "cost", before.factor) as running:
        _print_use(running, document["prices"], arguments.quick)
        probe = scaled(synthetic_calls(running), 60 * MONTH_HOURS)
        _print_public(running, document["prices"])
        metrics = len(month.emitted_metrics(running.counter.folder))
    _print_months(arguments.stage, probe, metrics, document["prices"])
    _print_machine(machine.Speed(before.model, (*before.seconds, *machine.measured(2).seconds)))


def _print_use(running: MeteredDeployment, prices: Prices, quick: bool) -> None:
    million = scaled(authentications(running, QUICK_AUTHENTICATIONS if quick else AUTHENTICATIONS), 1e6)
    print_costs("a million authentications of 10 s", _moving(million), prices)
    kept = YEAR_MONTHS * million["decision_bytes"] / 1e9
    print_costs("their decisions, kept for a year", {"table_gb_months": kept, "backup_gb_months": kept}, prices)
    hour = streamed_hour(running, QUICK_STREAMED_SECONDS if quick else STREAMED_SECONDS)
    print_costs("an hour of streamed sessions", _moving(hour), prices)


def _moving(usage: Usage) -> Usage:
    return {name: amount for name, amount in usage.items() if name != "decision_bytes"}


def _print_public(running: MeteredDeployment, prices: Prices) -> None:
    """Prints the most that anybody can make the routes cost which need no signature."""
    limits = {route.path: route.limit.rate for route in running.running.template.routes() if route.limit}
    used = public_answers(running)
    print("\na month of requests without signature at the limit of each route")
    for path, usage in used.items():
        most = scaled(_moving(usage), limits[path] * 3600 * MONTH_HOURS)
        print(f"  {cost(most, prices):>10,.2f}  {path}, {limits[path]:g} a second")


def _print_months(stage: str, probe: Usage, metrics: int, prices: Prices) -> None:
    resources = month.resources_of(stage)
    shards = {name: int(each["shards"]) for name, each in _stages().items()}

    def resting(number: int) -> Usage:
        return added(_moving(probe), month.at_rest(resources, metrics, number))

    print_costs(f"a month of {stage} that only the synthetic caller uses", resting(shards[stage]), prices)
    print("\nsuch a month by stage")
    for name, number in {**shards, "a stage with one shard": 1}.items():
        print(f"  {cost(resting(number), prices):>10,.2f}  {name}, shards: {number}")
    each = _telemetry(resources, metrics)
    print(f"  {cost(each, prices):>10,.2f}  of it for each function, on average: its metrics and alarms")
    left = month.after_deletion(resources)
    print(f"  {cost(left, prices):>10,.2f}  after `make destroy`, and the storage of data that is left")


def _stages() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]
    return found


def _telemetry(resources: Sequence[Resource], metrics: int) -> Usage:
    used = month.at_rest(resources, metrics, 0)
    parts = ("metric_months", "alarm_metric_months", "composite_alarm_months")
    return scaled({name: used[name] for name in parts}, 1 / month.released(resources))


def _print_machine(speed: machine.Speed) -> None:
    converted = f"processor time was multiplied by {speed.factor:.2f}, give or take {speed.spread:.0%}"
    print(f"\nmeasured on {speed.model}; {converted}")


def cost(usage: Usage, prices: Prices) -> float:
    """Returns the price of a usage."""
    return float(sum(amount * prices[name]["usd"] for name, amount in usage.items() if amount))


def print_costs(title: str, usage: Usage, prices: Prices) -> None:
    """Prints each part of a cost and the sum."""
    costs = {name: amount * prices[name]["usd"] for name, amount in usage.items() if amount}
    print(f"\n{title}")
    for name, cost in sorted(costs.items(), key=lambda each: -each[1]):
        print(f"  {cost:>10,.4f}  {usage[name]:>20,.3f} {name}")
    print(f"  {sum(costs.values()):>10,.4f}  in all")


if __name__ == "__main__":
    main()
