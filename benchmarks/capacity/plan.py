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
    """How much of a limit a demand uses.

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


def reached(demand: Demand, stream_shards: Mapping[str, int]) -> list[Reached]:
    """Returns the use of each limit that grows with calls; all calls belong to one domain."""
    limits, rates = demand.figures.limits, demand.rates
    concurrent = sum(demand.concurrency().values())
    closing = rates["end"] * INDEX_WRITES_PER_CALL / DUE_PARTS
    traced = SAMPLED * (2 * demand.requests + rates["score_chunk"])
    read = [demand.figures.operations[name].reads.get("domains", 0) > 0 for name in rates]
    domain = sum(rate for rate, reads_domain in zip(rates.values(), read, strict=True) if reads_domain)
    table = "have the table's warm throughput raised before the first peak"
    return [
        Reached("API Gateway, requests a second", demand.requests, limits["api_requests"], "raise L-8A5B8E43"),
        Reached("Lambda, concurrent executions", concurrent, limits["lambda_concurrency"], "raise L-B99A9384"),
        Reached(
            "Kinesis, shards for telephone speech", stream_shards["telephone"], limits["shards"], "raise the quota"
        ),
        Reached("Kinesis, shards for wideband speech", stream_shards["wideband"], limits["shards"], "raise the quota"),
        Reached("DynamoDB, reads of one domain's item", domain, limits["partition_reads"], "several domains"),
        Reached("Tenants, reads", demand.units("reads", "domains"), limits["new_table_reads"], table),
        Reached("Sessions, reads", demand.units("reads", "sessions"), limits["new_table_reads"], table),
        Reached("Sessions, writes", demand.units("writes", "sessions"), limits["new_table_writes"], table),
        Reached(
            "Sessions, a table's quota of reads",
            demand.units("reads", "sessions"),
            limits["table_units"],
            "raise L-CF0CBE56",
        ),
        Reached(
            "Sessions, a table's quota of writes",
            demand.units("writes", "sessions"),
            limits["table_units"],
            "raise L-AB614373",
        ),
        Reached("Idempotency, writes", demand.units("writes", "idempotency"), limits["new_table_writes"], table),
        Reached("index `due`, writes of one of its parts", closing, limits["partition_writes"], "more DUE_PARTS"),
        Reached(
            "index `by_time`, writes of one domain",
            rates["authenticate"] + rates["end"],
            limits["partition_writes"],
            "several domains",
        ),
        Reached(
            "index `speakers`, writes of one domain", 2 * rates["enroll"], limits["partition_writes"], "several domains"
        ),
        Reached(
            "S3, recordings that a domain keeps",
            rates["authenticate"] + rates["enroll"],
            limits["s3_writes"],
            "several domains",
        ),
        Reached(
            "CloudWatch, deliveries of logs and metrics",
            demand.requests + rates["score_chunk"],
            limits["log_requests"],
            "raise the quota; Lambda sends several lines at once",
        ),
        Reached("X-Ray, segments a second", traced, limits["xray_segments"], "a sampling rule of its own"),
    ]


def settings(demand: Demand, shard_count: int) -> dict[str, object]:
    """Returns the settings of cdk.json for the demand: half as many requests again, and twice the concurrency.

    A cold start keeps an environment busy for seconds, so that no reservation is small. Scoring gets at least one batch
    of each shard, and no more than Lambda invokes at once.
    """
    reserved = {name: max(20, _rounded(2 * count)) for name, count in demand.concurrency().items()}
    most = shard_count * int(demand.figures.measured["parallel_batches"])
    reserved["score_audio"] = min(most, max(shard_count, reserved["score_audio"]))
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
