"""Metric math against the tables of CloudWatch's documentation (using-metric-math)."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloud.metrics.expression import ExpressionScope
from local.cloud.metrics.store import Series
from local.cloud.metrics.values import UnknownError

PERIOD = 60


def series(values: Sequence[float | None]) -> Series:
    return {i * PERIOD: value for i, value in enumerate(values) if value is not None}


def computed(expression: str, **metrics: Sequence[float | None]) -> list[float | None]:
    count = max(len(values) for values in metrics.values())
    starts = [i * PERIOD for i in range(count)]
    by_id = {name: series(values) for name, values in metrics.items()}
    result = ExpressionScope(by_id, {"result": expression}, starts, PERIOD).series("result")
    return [result.get(start) for start in starts]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metric1 < metric2", [0, 0, 1, 0]),
        ("metric1 >= 30", [1, 0, 0, 0]),
        ("metric1 > 15 AND metric2 > 15", [1, 0, 0, 0]),
        ("metric1 > 25 || metric2 > 15", [1, 0, 1, 0]),
    ],
)
def test_comparisons_treat_a_missing_value_as_zero(expression: str, expected: list[float]) -> None:
    assert computed(expression, metric1=[30, 20, 0, 0], metric2=[20, None, 20, None]) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(m1, m2, m3)", [30, 0, 20, None, None]),
        ("IF(m1, 5, m3)", [5, 5, 20, None, None]),
        ("IF(m1, m2, 5)", [30, 0, 5, 5, None]),
        ("IF(m1 == 1, m2)", [30, 0, None, None, None]),
        ("IF(1, m2)", [30, None, 0, 0, 30]),
    ],
)
def test_if_fills_a_missing_true_value_with_zero_and_drops_a_missing_false_one(
    expression: str, expected: list[float | None]
) -> None:
    known = {"m1": [1, 1, 0, 0, None], "m2": [30, None, 0, 0, 30], "m3": [0, 0, 20, None, 20]}
    assert computed(expression, **known) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 / m2", [2, None, 0, None]),
        ("m1 - m2", [2, 8, -3, None]),
        ("m1 ^ 2", [16, 64, None, None]),
        ("-m1 + 1", [-3, -7, None, None]),
        ("SUM([m1, m2])", [6, 8, 3, None]),
        ("SUM(100 / [m1, m2])", [75, 12.5, 100 / 3, None]),
        ("MAX([m1, m2]) - MIN([m1, m2])", [2, 8, 0, None]),
        ("AVG([m1, m2])", [3, 4, 1.5, None]),
        ("m1 / SUM(m1)", [1 / 3, 2 / 3, None, None]),
        ("SUM(METRICS('m'))", [6, 8, 3, None]),
        ("ABS(m2 - m1)", [2, 8, 3, None]),
        ("FILL(m1, 9)", [4, 8, 9, 9]),
        ("FILL(m1, REPEAT)", [4, 8, 8, 8]),
        ("FILL(m1, m2)", [4, 8, 3, None]),
        ("TIME_SERIES(MAX(m1))", [8, 8, 8, 8]),
        ("m1 / PERIOD(m1)", [4 / 60, 8 / 60, None, None]),
        ("RATE(m1)", [None, 4 / 60, None, None]),
        ("DIFF(FILL(m1, 0))", [None, 4, -8, 0]),
        ("RUNNING_SUM(m1)", [4, 12, None, None]),
        ("LOG10(m1 - 4)", [None, math.log10(4), None, None]),
        ("FLOOR(m1 / 3) + CEIL(m1 / 3)", [3, 5, None, None]),
    ],
)
def test_missing_points_count_as_zero_and_a_division_by_zero_drops_the_point(
    expression: str, expected: list[float | None]
) -> None:
    result = computed(expression, m1=[4, 8, None, None], m2=[2, 0, 3, None])
    assert result == [None if each is None else pytest.approx(each) for each in expected]


def test_expressions_may_refer_to_each_other() -> None:
    scope = ExpressionScope({"m": {0: 6.0}}, {"half": "m / 2", "quarter": "half / 2"}, [0], PERIOD)
    assert scope.series("quarter") == {0: 1.5}


@pytest.mark.parametrize(
    "expression",
    [
        "m ** 2",
        "m and 1",
        "m if m else 1",
        "m % 2",
        "1 < m < 2",
        "ANOMALY_DETECTION_BAND(m)",
        "SEARCH('x', 'Sum')",
        "FILL(m, LINEAR)",
        "STDDEV(m)",
        "AVG(m)",
        "missing + 1",
        "result + 1",
        "SUM(m)",
        "'text' + m",
        "[m, 1]",
        "m.values",
        "m +",
        "__import__('os')",
    ],
)
def test_what_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(UnknownError):
        computed(expression, m=[1, None])


SPARSE = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=8)


@given(SPARSE, SPARSE)
def test_no_computation_makes_a_point_where_neither_side_has_one(left: list[float | None], right: list[float]) -> None:
    count = min(len(left), len(right))
    for expression in ("a + b", "a / b", "a * b > 1", "IF(a, b, 1)", "(a - b) ^ 2 / ABS(a)"):
        result = computed(expression, a=left[:count], b=right[:count])
        nowhere = [i for i in range(count) if left[i] is None and right[i] is None]
        assert all(result[i] is None for i in nowhere)


@given(st.lists(st.floats(1, 100), min_size=3, max_size=3), st.lists(st.floats(1, 100), min_size=3, max_size=3))
def test_the_shares_of_a_sum_add_up_to_one(a: list[float], b: list[float]) -> None:
    assert computed("SUM([a / (a + b), b / (a + b)])", a=a, b=b) == [pytest.approx(1)] * 3
