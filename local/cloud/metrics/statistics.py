"""Statistics of CloudWatch over the samples of one period.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
BETWEEN = re.compile(r"(PR|TC)\(([-\d.]*):([-\d.]*)\)")

SIMPLE: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": math.fsum,
    "SampleCount": len,
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
}


def statistic(name: str, values: Sequence[float]) -> float:
    """Computes one statistic.

    Args:
        name: name in alarms and dashboards, such as `Sum`, `p95`, `PR(:1000)` or `TC(1000:)`.
        values: samples, at least one.

    Raises:
        NotImplementedError: the statistic is not supported.
    """
    if name in SIMPLE:
        return float(SIMPLE[name](values))
    if found := PERCENTILE.fullmatch(name):
        return _percentile(float(found[1]), values)
    if found := BETWEEN.fullmatch(name):
        count = _between(found[2], found[3], values)
        return 100 * count / len(values) if found[1] == "PR" else count
    raise NotImplementedError(f"the statistic {name}")


def percentile(name: str) -> float | None:
    """Returns the percentile of a statistic such as `p95`, or None."""
    found = PERCENTILE.fullmatch(name)
    return float(found[1]) if found else None


def _percentile(percent: float, values: Sequence[float]) -> float:
    """Returns the percentile by nearest rank; AWS does not document its interpolation."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def _between(low: str, high: str, values: Sequence[float]) -> float:
    """Counts samples above `low` and up to `high`; an empty limit is infinite."""
    above, upto = float(low or -math.inf), float(high or math.inf)
    return float(sum(above < value <= upto for value in values))
