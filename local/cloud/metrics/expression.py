"""Metric math: the part of CloudWatch's expression language that is documented and used by templates.

Everything else raises UnknownError, since a guess would make an untested alarm look tested.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence

from local.cloud.metrics.functions import FUNCTIONS, FunctionCall
from local.cloud.metrics.store import Series
from local.cloud.metrics.values import UnknownError, Value, pointwise

# Operators whose spelling differs from Python, whose parser does the rest.
SPELLING = re.compile(r"""("[^"]*"|'[^']*')|(&&|\bAND\b)|(\|\||\bOR\b)|(\^)|(\*\*|\band\b|\bor\b)""")

ARITHMETIC: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
COMPARISON: Mapping[type[ast.AST], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.LtE: operator.le,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
}


class ExpressionScope:
    """Metrics and expressions of one request, over one time range, by which expressions are evaluated."""

    def __init__(
        self, metrics: Mapping[str, Series], expressions: Mapping[str, str], starts: Sequence[int], period: int
    ) -> None:
        """Takes the content of one request.

        Args:
            metrics: series by id.
            expressions: text by id; each may refer to metrics and other expressions.
            starts: begin of each period.
            period: length of the periods in seconds.
        """
        self._metrics = metrics
        self._expressions = expressions
        self._starts = starts
        self._period = period
        self._under_way: list[str] = []

    def series(self, name: str) -> Series:
        """Evaluates the metric or expression of one id.

        Raises:
            UnknownError: the expression is not supported, or is not a time series.
        """
        value = self._value(name)
        if not isinstance(value, Mapping):
            raise UnknownError(f"{name} is not a time series")
        return {start: value[start] for start in self._starts if start in value}

    def _value(self, name: str) -> Value:
        if name in self._metrics:
            return self._metrics[name]
        if name not in self._expressions or name in self._under_way:
            raise UnknownError(f"the id {name}")
        self._under_way.append(name)
        value = self._evaluate(parse(self._expressions[name]))
        self._under_way.pop()
        return value

    def _evaluate(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() | str() as value) if not isinstance(value, bool):
                return value if isinstance(value, str) else float(value)
            case ast.Name(id=name):
                return self._value(name)
            case ast.List(elts=elements):
                return [self._element(each) for each in elements]
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return self._call(name, arguments)
        combine, left, right = _operation(node)
        return pointwise(combine, self._evaluate(left), self._evaluate(right))

    def _element(self, node: ast.expr) -> Series:
        value = self._evaluate(node)
        if not isinstance(value, Mapping):
            raise UnknownError(f"an array of something other than time series: {ast.unparse(node)}")
        return value

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        # REPEAT is a keyword of FILL, not an id.
        keywords = [each.id if isinstance(each, ast.Name) and each.id == "REPEAT" else None for each in arguments]
        values = [keyword or self._evaluate(each) for keyword, each in zip(keywords, arguments, strict=True)]
        return FUNCTIONS[name](FunctionCall(name, values, self._starts, self._period, self._metrics))


@functools.cache
def parse(text: str) -> ast.expr:
    """Parses an expression.

    Raises:
        UnknownError: the syntax is invalid.
    """
    try:
        return ast.parse(SPELLING.sub(_python_operator, text).strip(), mode="eval").body
    except SyntaxError as error:
        raise UnknownError(text) from error


def _python_operator(found: re.Match[str]) -> str:
    """Returns the Python spelling of an operator of metric math; quoted text stays as it is."""
    quoted, both, either, power, python = found.groups()
    if python:
        raise UnknownError(f"{python} is not an operator of metric math")
    return quoted or (both and " and ") or (either and " or ") or (power and "**") or ""


def _operation(node: ast.expr) -> tuple[Callable[[float, float], float], ast.expr, ast.expr]:
    """Splits an operation into its function and two operands."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return operator.sub, ast.Constant(0), operand
        case ast.BinOp(left=left, op=symbol, right=right) if type(symbol) in ARITHMETIC:
            return ARITHMETIC[type(symbol)], left, right
        case ast.Compare(left=left, ops=[symbol], comparators=[right]) if type(symbol) in COMPARISON:
            return COMPARISON[type(symbol)], left, right
        case ast.BoolOp(op=symbol, values=[*rest, right]):
            left = rest[0] if len(rest) == 1 else ast.BoolOp(symbol, rest)
            return _either if isinstance(symbol, ast.Or) else _each, left, right
    raise UnknownError(ast.unparse(node))


def _each(left: float, right: float) -> bool:
    return bool(left) and bool(right)


def _either(left: float, right: float) -> bool:
    return bool(left) or bool(right)
