"""Capacity: the simulated shard, the demand of calls, the limits that they reach, and the guide that shows them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.capacity import plan
from benchmarks.capacity.__main__ import GUIDE
from benchmarks.capacity.demand import LIMITS, MEASURED, Demand, Figures, busiest
from benchmarks.capacity.plan import crowded, reached, settings, shard_rules, shards
from benchmarks.capacity.report import LOADS, blocks, written
from benchmarks.capacity.stream import ShardRules, capacity, simulate
from bonafide.adapters.dynamodb.session_items import DUE_PARTS
from ops.synthesis import ROOT

RULES = ShardRules(4.0, 40_000, 0.1, 0.05, 8, 4, 1e6, 2e6, 1.0)


@pytest.fixture(scope="module")
def figures() -> Figures:
    return Figures.read()


def test_the_guide_shows_what_the_command_prints(figures: Figures) -> None:
    guide = GUIDE.read_text()
    assert written(guide, blocks(LOADS, figures)) == guide


def test_each_figure_says_what_measures_it_and_each_limit_where_it_is_documented() -> None:
    measured, limits = json.loads(MEASURED.read_text()), json.loads(LIMITS.read_text())
    assert all(each["measured_by"] for each in (*measured["figures"].values(), *measured["operations"].values()))
    assert all(each["source"].startswith("https://docs.aws.amazon.com/") for each in limits["limits"].values())


def test_the_figures_are_those_of_what_is_deployed(figures: Figures, assembly: Path) -> None:
    template = json.loads((assembly / "Bonafide-dev-Service.template.json").read_text())["Resources"].values()
    mappings = [each["Properties"] for each in template if each["Type"] == "AWS::Lambda::EventSourceMapping"]
    (mapping,) = [each for each in mappings if "AudioStream" in json.dumps(each["EventSourceArn"])]
    assert figures.measured["batch"] == mapping["BatchSize"]
    assert figures.measured["parallel_batches"] == mapping["ParallelizationFactor"]
    functions = [each["Properties"] for each in template if each["Type"] == "AWS::Lambda::Function"]
    memory = {each["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: each["MemorySize"] for each in functions}
    assert all(memory[each.function] == each.memory for each in figures.operations.values())


def test_production_reserves_what_its_shards_and_requests_need(figures: Figures) -> None:
    stage = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]["production"]
    calls = 1
    while Demand.of(calls + 1, figures).requests <= stage["requests_per_second"]:
        calls += 1
    needed: Any = settings(Demand.of(calls, figures), stage["shards"])["reserved"]
    assert all(stage["reserved"][name] >= count for name, count in needed.items())


def test_a_shard_with_few_sessions_throttles_nobody_and_is_as_late_as_lambda_reads() -> None:
    run = simulate(RULES, 5)
    assert run.throttled == 0
    assert 0.9 < run.lag_p99 < 1.6


def test_a_shard_that_gets_more_bytes_than_it_takes_throttles_and_falls_behind() -> None:
    # 25 chunks a second fill it: those of 100 sessions.
    assert simulate(RULES, 60).throttled == 0
    run = simulate(replace(RULES, scoring_seconds=0.001), 130)
    assert run.throttled > 0.3
    assert run.lag_p99 > 5


def test_a_shard_whose_groups_score_more_slowly_than_audio_comes_falls_behind_without_throttling() -> None:
    slow = replace(RULES, chunk_bytes=1000, scoring_seconds=0.4)
    assert simulate(slow, 60).throttled == 0
    assert simulate(slow, 60).busy > 0.95
    assert simulate(slow, 60).lag_p99 > 10
    assert simulate(slow, 20).lag_p99 < 3


def test_the_same_shard_is_simulated_alike_each_time() -> None:
    assert simulate(RULES, 20, seed=3) == simulate(RULES, 20, seed=3) != simulate(RULES, 20, seed=4)


def test_capacity_is_the_last_number_of_sessions_that_is_served() -> None:
    served = capacity(RULES, most_lag=3.0)
    assert 50 < served < 100
    assert all(simulate(RULES, served, seed).lag_p99 <= 3.0 for seed in range(3))
    assert any(
        simulate(RULES, served + 1, s).lag_p99 > 3.0 or simulate(RULES, served + 1, s).throttled > 0.001
        for s in range(3)
    )


def test_twice_the_bytes_halve_what_a_shard_serves(figures: Figures) -> None:
    rules = shard_rules(figures, "wideband")
    half = replace(rules, chunk_bytes=rules.chunk_bytes / 2)
    assert capacity(half, 3.0) > 1.5 * capacity(rules, 3.0)


def test_crowding_is_the_share_of_sessions_beyond_what_a_shard_serves() -> None:
    # Two sessions in two shards of one place each: together with probability a half.
    assert crowded(2, 2, 1) == pytest.approx(0.5)
    assert crowded(100, 1, 99) == 1
    assert crowded(100, 1, 100) == 0
    assert crowded(1000, 50, 1000) == pytest.approx(0, abs=1e-9)


def test_more_calls_need_more_shards_and_never_fewer_than_their_mean() -> None:
    counts = [shards(calls, 15) for calls in (1, 10, 100, 1000, 10_000)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] > 10_000 / 15
    assert crowded(10_000, counts[-1], 15) <= 0.01


def test_demand_grows_with_calls_and_its_peaks_more_slowly(figures: Figures) -> None:
    small, large = (Demand.of(calls, figures) for calls in (100, 10_000))
    assert large.requests == pytest.approx(100 * small.requests)
    assert large.units("writes", "sessions") == pytest.approx(100 * small.units("writes", "sessions"))
    assert all(large.concurrency()[name] <= 100 * count for name, count in small.concurrency().items())
    assert busiest(100) == 135


def test_a_limit_is_reached_at_the_calls_at_which_the_use_is_the_limit(figures: Figures) -> None:
    limits = {each.what: each for each in reached(Demand.of(1000, figures), {"telephone": 13, "wideband": 123})}
    requests = limits["API Gateway, requests a second"]
    assert Demand.of(requests.calls(1000), figures).requests == pytest.approx(10_000, rel=0.001)


def test_the_index_of_due_sessions_has_the_parts_that_the_plan_counts_on() -> None:
    assert plan.DUE_PARTS == DUE_PARTS
