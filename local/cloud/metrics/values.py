"""Values of metric math: numbers, time series and arrays of time series.

"Missing values in a time series are treated as 0. If the value of a data point causes a function to attempt to divide
by zero, the data point is dropped." https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import math
from collections.abc import Callable, Mapping

from local.cloud.metrics.store import Series

type Value = float | str | Series | list[Series]


class UnknownError(NotImplementedError):
    """The expression may be valid in AWS, but is not supported here."""


def pointwise(combine: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Combines two numbers, or series point by point; arrays are combined series by series."""
    if isinstance(left, str) or isinstance(right, str):
        raise UnknownError("text in a computation")
    if isinstance(left, list):
        return [as_series(pointwise(combine, each, right)) for each in left]
    if isinstance(right, list):
        return [as_series(pointwise(combine, left, each)) for each in right]
    if not isinstance(left, Mapping) and not isinstance(right, Mapping):
        return defined(combine, left, right)
    times = {time for each in (left, right) if isinstance(each, Mapping) for time in each}
    points = {time: defined(combine, _at(left, time), _at(right, time)) for time in sorted(times)}
    return {time: value for time, value in points.items() if not math.isnan(value)}


def as_series(value: Value) -> Series:
    """Returns the value as a time series, or raises UnknownError."""
    if not isinstance(value, Mapping):
        raise UnknownError(f"a time series was expected: {value!r}")
    return value


def as_number(value: Value) -> float:
    """Returns the value as a number, or raises UnknownError."""
    if not isinstance(value, int | float):
        raise UnknownError(f"a number was expected: {value!r}")
    return float(value)


def defined(combine: Callable[..., float], *values: float) -> float:
    """Computes a finite number, or NaN where the result is undefined."""
    try:
        result = float(combine(*values))
    except (ArithmeticError, ValueError):
        return math.nan
    return result if math.isfinite(result) else math.nan


def _at(value: float | Series, time: int) -> float:
    return value.get(time, 0.0) if isinstance(value, Mapping) else value
