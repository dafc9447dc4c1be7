"""Tables of the capacity guide."""

import json
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.capacity.demand import Demand, Figures
from benchmarks.capacity.plan import (
    HOURS_LOADED,
    reached,
    sessions_per_shard,
    settings,
    shard_rules,
    shards,
    usd_of_shards,
    usd_per_hour,
)
from benchmarks.capacity.stream import ShardRules, simulate

SOUNDS = ("telephone", "wideband")
LOADS = (100, 1000, 10_000)


SESSIONS = {"telephone": (20, 60, 80, 100, 120), "wideband": (5, 10, 15, 20, 25, 30)}


def blocks(loads: Sequence[int], figures: Figures) -> dict[str, str]:
    """Returns the parts of the guide by name."""
    settings_lines = (
        f"{calls:,} calls, {sound}: {settings_text(calls, figures, sound)}" for calls in loads for sound in SOUNDS
    )
    return {
        "plan": "\n".join(plan_table(loads, figures)),
        "limits": "\n".join(limit_table(figures)),
        **{sound: "\n".join(shard_table(shard_rules(figures, sound), SESSIONS[sound])) for sound in SOUNDS},
        "settings": "```\n" + "\n".join(settings_lines) + "\n```",
    }


def written(guide: str, parts: Mapping[str, str]) -> str:
    """Returns the guide with each part between its two comments.

    Raises:
        ValueError: the guide has no place for a part.
    """
    for name, text in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        start, stop = guide.index(begin) + len(begin), guide.index(end)
        guide = f"{guide[:start]}{text}\n{guide[stop:]}"
    return guide


def plan_table(loads: Sequence[int], figures: Figures) -> Iterator[str]:
    """Yields the lines of a Markdown table of what each load asks for."""
    yield "| concurrent calls | " + " | ".join(f"{calls:,}" for calls in loads) + " |"
    yield "|---|" + "---:|" * len(loads)
    columns = [dict(_column(calls, figures)) for calls in loads]
    for name in columns[0]:
        yield f"| {name} | " + " | ".join(column[name] for column in columns) + " |"


def _column(calls: int, figures: Figures) -> Iterator[tuple[str, str]]:
    demand = Demand.of(calls, figures)
    yield "calls an hour", f"{3600 * demand.rates['end']:,.0f}"
    yield "requests a second", f"{demand.requests:,.0f}"
    yield "chunks a second", f"{demand.rates['put_chunk']:,.0f}"
    for function, count in demand.concurrency().items():
        yield f"concurrency of `{function}`", f"{count:,}"
    for kind in ("reads", "writes"):
        units = sum(demand.units(kind, table) for table in ("domains", "decisions", "sessions", "idempotency"))
        yield f"DynamoDB {kind[:-1]} units a second", f"{units:,.0f}"
    for sound in SOUNDS:
        count = shards(calls, sessions_per_shard(figures, sound))
        yield f"shards, {sound} speech", f"{count:,}"
        yield f"USD an hour, {sound}", f"{usd_per_hour(demand, sound):,.2f}"
        month = HOURS_LOADED * usd_per_hour(demand, sound) + usd_of_shards(count)
        yield f"USD a month, {sound}", f"{month:,.0f}"


def limit_table(figures: Figures, calls: int = 1000) -> Iterator[str]:
    """Yields the lines of a Markdown table of limits, the lowest first, with the calls at which each is reached."""
    demand = Demand.of(calls, figures)
    counts = {sound: shards(calls, sessions_per_shard(figures, sound)) for sound in SOUNDS}
    yield "| limit | documented | used by 1,000 calls | reached at calls | then |"
    yield "|---|---:|---:|---:|---|"
    for each in sorted(reached(demand, counts), key=lambda limit: limit.calls(calls)):
        at = _two_digits(each.calls(calls))
        yield f"| {each.what} | {each.limit:,.0f} | {each.used:,.1f} | {at:,} | {each.remedy} |"


def shard_table(rules: ShardRules, sessions: Sequence[int]) -> Iterator[str]:
    """Yields the lines of a Markdown table of simulated minutes of a shard."""
    yield "| sessions of a shard | throttled | lag, 99th percentile | scoring busy |"
    yield "|---:|---:|---:|---:|"
    for count in sessions:
        run = simulate(rules, count)
        yield f"| {count} | {run.throttled:.1%} | {run.lag_p99:.1f} s | {run.busy:.0%} |"


def settings_text(calls: int, figures: Figures, sound: str) -> str:
    """Returns the settings of cdk.json for a load."""
    count = shards(calls, sessions_per_shard(figures, sound))
    return json.dumps(settings(Demand.of(calls, figures), count))


def _two_digits(count: int) -> int:
    step = int(10.0 ** max(0, len(str(count)) - 2))
    return count // step * step
