"""Plans: which limits a demand reaches, what to set in cdk.json, and what it costs."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.capacity.demand import Demand, Figures, busiest
from benchmarks.capacity.stream import ShardRules, capacity

PRICES = Path(__file__).parents[2] / "docs" / "operations" / "prices.json"
# Admission control refuses all chunks of a shard that is further behind.
MOST_LAG_SECONDS = 3.0
MOST_THROTTLED = 0.01
# Kinesis gives a session to a shard by the hash of its name, so that shards get unequal numbers of sessions. At most
# this share of the sessions may be in a shard that has more than it serves; their chunks are throttled and sent again.
MOST_CROWDED = 0.01
DUE_PARTS = 4
INDEX_WRITES_PER_CALL = 5
HOURS_LOADED, HOURS = 176, 730
CORE_GB = 1769 / 1024
SAMPLED = 0.05
KINESIS_UNIT = 25 * 1024


@dataclass(frozen=True, slots=True)
class Reached:
    """Use of a limit by a demand.

    Attributes:
        what: the limit.
        used: a second, or at once.
        limit: documented, without raising a quota.
        remedy: what to do when it is reached.
    """

    what: str
    used: float
    limit: float
    remedy: str

    def calls(self, calls: int) -> int:
        """Returns the number of concurrent calls that reach the limit, of those that use `used`."""
        return math.floor(calls * self.limit / self.used)


def shard_rules(figures: Figures, sound: str) -> ShardRules:
    """Returns how a shard works that gets `wideband` or `telephone` chunks."""
    measured, limits = figures.measured, figures.limits
    return ShardRules(
        chunk_seconds=measured["chunk_seconds"],
        chunk_bytes=measured[f"{sound}_chunk_bytes"],
        scoring_seconds=figures.duration(figures.operations["score_chunk"]),
        batch_seconds=measured["score_batch_seconds"],
        batch=int(measured["batch"]),
        groups=int(measured["parallel_batches"]),
        in_bytes=limits["shard_bytes"],
        out_bytes=limits["shard_read_bytes"],
        poll_seconds=limits["poll_seconds"],
    )


def sessions_per_shard(figures: Figures, sound: str) -> int:
    """Returns how many sessions the simulated shard serves."""
    return capacity(shard_rules(figures, sound), MOST_LAG_SECONDS, MOST_THROTTLED)


def shards(calls: int, served: int) -> int:
    """Returns the fewest shards of which few are crowded, each of which serves `served` sessions."""
    count = max(1, math.ceil(calls / served))
    while count < calls and crowded(calls, count, served) > MOST_CROWDED:
        count = max(count + 1, math.ceil(count * 1.01))
    return count


def crowded(calls: int, count: int, served: int) -> float:
    """Returns the expected share of the sessions in shards with more than `served`, a binomial tail."""
    if count == 1:
        return float(calls > served)
    share, within, probability = 1 / count, 0.0, (1 - 1 / count) ** calls
    for sessions in range(served + 1):
        within += sessions * probability
        probability *= (calls - sessions) / (sessions + 1) * share / (1 - share)
    return 1 - within / (calls * share)


WARM = "have the table's warm throughput raised before the first peak"
SEVERAL = "several domains"
# Each limit: its name, the use of `_uses` that it is compared with, the documented value, and what helps.
LIMITED = (
    ("API Gateway, requests a second", "requests", "api_requests", "raise L-8A5B8E43"),
    ("Lambda, concurrent executions", "concurrency", "lambda_concurrency", "raise L-B99A9384"),
    ("Kinesis, shards for telephone speech", "telephone", "shards", "raise the quota"),
    ("Kinesis, shards for wideband speech", "wideband", "shards", "raise the quota"),
    ("DynamoDB, reads of one domain's item", "domain_item", "partition_reads", SEVERAL),
    ("table of domains, reads", "domain_reads", "new_table_reads", WARM),
    ("table of sessions, reads", "session_reads", "new_table_reads", WARM),
    ("table of sessions, writes", "session_writes", "new_table_writes", WARM),
    ("table of sessions, quota of reads", "session_reads", "table_units", "raise L-CF0CBE56"),
    ("table of sessions, quota of writes", "session_writes", "table_units", "raise L-AB614373"),
    ("table of idempotency keys, writes", "key_writes", "new_table_writes", WARM),
    ("index `due`, writes of one of its parts", "due_writes", "partition_writes", "more DUE_PARTS"),
    ("index `by_time`, writes of one domain", "decisions", "partition_writes", SEVERAL),
    ("index `speakers`, writes of one domain", "speaker_writes", "partition_writes", SEVERAL),
    ("S3, recordings that a domain keeps", "recordings", "s3_writes", SEVERAL),
    ("CloudWatch, deliveries of logs and metrics", "invocations", "log_requests", "raise the quota"),
    ("X-Ray, segments a second", "segments", "xray_segments", "a sampling rule of its own"),
)


def reached(demand: Demand, stream_shards: Mapping[str, int]) -> list[Reached]:
    """Returns the use of each limit that grows with calls; all calls belong to one domain."""
    uses, limits = {**_uses(demand), **stream_shards}, demand.figures.limits
    return [Reached(what, uses[use], limits[limit], remedy) for what, use, limit, remedy in LIMITED]


def _uses(demand: Demand) -> dict[str, float]:
    rates, operations = demand.rates, demand.figures.operations
    invocations = sum(rates.values())
    return {
        "requests": demand.requests,
        "concurrency": sum(demand.concurrency().values()),
        "domain_item": sum(rate for name, rate in rates.items() if "domains" in operations[name].reads),
        "domain_reads": demand.units("reads", "domains"),
        "session_reads": demand.units("reads", "sessions"),
        "session_writes": demand.units("writes", "sessions"),
        "key_writes": demand.units("writes", "idempotency"),
        "due_writes": rates["end"] * INDEX_WRITES_PER_CALL / DUE_PARTS,
        "decisions": rates["authenticate"] + rates["finalize"],
        # The reservation and the first version.
        "speaker_writes": 2 * rates["enroll"],
        "recordings": rates["authenticate"] + rates["enroll"],
        "invocations": invocations,
        # One of the API, and one of the function.
        "segments": SAMPLED * (demand.requests + invocations),
    }


def settings(demand: Demand, shard_count: int) -> dict[str, object]:
    """Returns the settings of cdk.json for the demand: half as many requests again, and twice the concurrency.

    A cold start keeps an environment busy for seconds, so that no reservation is small. Scoring gets at least one batch
    of each shard, and no more than Lambda invokes at once. One shadow is at work, however many call.
    """
    reserved = {name: max(20, _rounded(2 * count)) for name, count in demand.concurrency().items()}
    most = shard_count * int(demand.figures.measured["parallel_batches"])
    reserved["score_audio"] = min(most, max(shard_count, reserved["score_audio"]))
    reserved["shadow_challenger"] = 1
    return {
        "requests_per_second": _rounded(1.5 * busiest(demand.requests)),
        "burst": _rounded(3 * busiest(demand.requests)),
        "shards": shard_count,
        "reserved": {name: reserved[name] for name in sorted(reserved)},
    }


def usd_per_hour(demand: Demand, sound: str) -> float:
    """Returns the cost of an hour under the demand, without the shards' own."""
    prices: dict[str, float] = {name: each["usd"] for name, each in json.loads(PRICES.read_text())["prices"].items()}
    figures = demand.figures
    scored = demand.rates["score_chunk"]
    used = {
        "api_requests": demand.requests,
        "lambda_requests": demand.requests + scored,
        "lambda_gb_seconds": sum(
            rate * (figures.operations[name].seconds * CORE_GB + _waiting(figures, name))
            for name, rate in demand.rates.items()
        ),
        "dynamodb_reads": sum(demand.units("reads", table) for table in TABLES),
        "dynamodb_writes": sum(demand.units("writes", table) for table in TABLES),
        "kinesis_puts": scored * math.ceil(figures.measured[f"{sound}_chunk_bytes"] / KINESIS_UNIT),
        "log_bytes": figures.measured["log_bytes"] * (demand.requests + scored),
        "traces": SAMPLED * demand.requests,
    }
    return 3600 * sum(prices[name] * amount for name, amount in used.items())


TABLES = ("domains", "decisions", "sessions", "idempotency")


def usd_of_shards(count: int) -> float:
    """Returns the cost of shards for a month."""
    price: float = json.loads(PRICES.read_text())["prices"]["shard_hours"]["usd"]
    return count * HOURS * price


def _waiting(figures: Figures, name: str) -> float:
    operation = figures.operations[name]
    return operation.calls * figures.measured["wait_seconds"] * operation.memory / 1024


def _rounded(count: float) -> int:
    """Rounds up to two digits."""
    step = int(10.0 ** max(0, len(str(math.ceil(count))) - 2))
    return math.ceil(count / step) * step
