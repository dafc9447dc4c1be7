"""The functions of metric math.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from local.cloud.metrics.store import Series
from local.cloud.metrics.values import UnknownError, Value, as_number, as_series, defined

type Reduce = Callable[[Sequence[float]], float]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function with its evaluated arguments.

    Attributes:
        name: name of the function.
        arguments: evaluated arguments.
        starts: begin of each period.
        period: length in seconds.
        metrics: metrics of the request by id, without expressions.
    """

    name: str
    arguments: Sequence[Value]
    starts: Sequence[int]
    period: int
    metrics: Mapping[str, Series]

    def only(self) -> Value:
        """Returns the single argument."""
        if len(self.arguments) != 1:
            raise UnknownError(f"{self.name} with {len(self.arguments)} arguments")
        return self.arguments[0]


def _mapped(compute: Callable[[float], float]) -> Callable[[FunctionCall], Value]:
    """Returns a function that maps each point."""

    def one(series: Series) -> Series:
        points = {time: defined(compute, value) for time, value in series.items()}
        return {time: value for time, value in points.items() if not math.isnan(value)}

    return lambda call: _on_series(call.only(), one)


def _paired(compute: Callable[[float, float], float]) -> Callable[[FunctionCall], Value]:
    """Returns a function of each point's difference in value and in seconds from its predecessor."""

    def one(series: Series) -> Series:
        steps = pairwise(sorted(series.items()))
        return {time: compute(value - before, time - earlier) for (earlier, before), (time, value) in steps}

    return lambda call: _on_series(call.only(), one)


def _reduced(reduce: Reduce, *, missing_is_zero: bool) -> Callable[[FunctionCall], Value]:
    """Returns a metric math function that reduces one series to a number, or several to one series, point by point.

    Args:
        reduce: combines values.
        missing_is_zero: counts missing points as 0; a series with missing points then has no known result.
    """

    def function(call: FunctionCall) -> Value:
        value = call.only()
        if isinstance(value, list):
            times = sorted({time for series in value for time in series})
            return {time: reduce(_values(value, time, missing_is_zero=missing_is_zero)) for time in times}
        series = as_series(value)
        if len(series) < len(call.starts) and missing_is_zero:
            raise UnknownError(f"{call.name} of a series with missing points")
        return reduce(list(series.values())) if series else math.nan

    return function


def _values(array: Sequence[Series], time: int, *, missing_is_zero: bool) -> list[float]:
    return [series.get(time, 0.0) for series in array if missing_is_zero or time in series]


def _on_series(value: Value, compute: Callable[[Series], Series]) -> Value:
    return [compute(each) for each in value] if isinstance(value, list) else compute(as_series(value))


def _average(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _running_sum(call: FunctionCall) -> Value:
    def one(series: Series) -> Series:
        return {time: math.fsum(value for at, value in series.items() if at <= time) for time in sorted(series)}

    return _on_series(call.only(), one)


def _fill(call: FunctionCall) -> Value:
    if len(call.arguments) != 2:
        raise UnknownError("FILL takes a series and a filler")
    value, filler = call.arguments
    fill = _repeat if filler == "REPEAT" else _constant(filler)
    return _on_series(value, lambda series: fill(series, call.starts))


def _constant(filler: Value) -> Callable[[Series, Sequence[int]], Series]:
    if isinstance(filler, Mapping):
        return lambda series, starts: {at: each for at, each in {**filler, **series}.items() if at in starts}
    number = as_number(filler)
    return lambda series, starts: {start: series.get(start, number) for start in starts}


def _repeat(series: Series, starts: Sequence[int]) -> Series:
    """Repeats the last known point; points before the first one stay missing."""
    known = sorted(series)
    latest = {start: max((time for time in known if time <= start), default=None) for start in starts}
    return {start: series[time] for start, time in latest.items() if time is not None}


def _if(call: FunctionCall) -> Value:
    """Follows the tables of the documentation: a missing true value is 0, a missing false value no point."""
    condition, chosen, *rest = call.arguments
    if len(rest) > 1 or any(isinstance(each, str | list) for each in call.arguments):
        raise UnknownError("IF of something other than numbers and series")
    otherwise = rest[0] if rest else {}
    if not isinstance(condition, Mapping):
        return as_series(chosen if condition else otherwise)
    picked = {at: _pick(chosen, at, 0.0) if holds else _pick(otherwise, at, None) for at, holds in condition.items()}
    return {at: value for at, value in picked.items() if value is not None}


def _pick(value: Value, time: int, missing: float | None) -> float | None:
    return value.get(time, missing) if isinstance(value, Mapping) else as_number(value)


def _time_series(call: FunctionCall) -> Value:
    number = as_number(call.only())
    return dict.fromkeys(call.starts, number)


def _metrics(call: FunctionCall) -> Value:
    wanted = call.arguments[0] if call.arguments else ""
    return [series for name, series in call.metrics.items() if str(wanted) in name]


FUNCTIONS: Mapping[str, Callable[[FunctionCall], Value]] = {
    "ABS": _mapped(abs),
    "AVG": _reduced(_average, missing_is_zero=True),
    "CEIL": _mapped(math.ceil),
    "DIFF": _paired(lambda value, _: value),
    "FILL": _fill,
    "FLOOR": _mapped(math.floor),
    "IF": _if,
    "LOG": _mapped(math.log),
    "LOG10": _mapped(math.log10),
    "MAX": _reduced(max, missing_is_zero=False),
    "METRICS": _metrics,
    "MIN": _reduced(min, missing_is_zero=False),
    "PERIOD": lambda call: float(call.period),
    "RATE": _paired(lambda value, seconds: value / seconds),
    "RUNNING_SUM": _running_sum,
    "SUM": _reduced(math.fsum, missing_is_zero=False),
    "TIME_SERIES": _time_series,
}
