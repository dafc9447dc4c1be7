"""The decision of IAM about one request, for the operators that the policies use.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

type Document = Mapping[str, Any]

EVERYTHING: Document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class Request:
    """A request to AWS; `context` has the values of condition keys."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


def allowed(request: Request, policies: Sequence[Document], boundary: Document = EVERYTHING) -> bool:
    """Returns whether identity policies within a permissions boundary allow a request."""
    if any(_says("Deny", each, request) for each in (*policies, boundary)):
        return False
    return any(_says("Allow", each, request) for each in policies) and _says("Allow", boundary, request)


def trusts(trust: Document, token: Mapping[str, str]) -> bool:
    """Returns whether a trust policy lets the holder of a token assume the role."""
    return _says("Allow", trust, Request("sts:AssumeRoleWithWebIdentity", context=token))


def values(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]


def _says(effect: str, policy: Document, request: Request) -> bool:
    return any(each["Effect"] == effect and _applies(each, request) for each in policy["Statement"])


def _applies(statement: Document, request: Request) -> bool:
    action = any(_like(pattern.lower(), request.action.lower()) for pattern in values(statement["Action"]))
    resource = any(_like(pattern, request.resource) for pattern in values(statement.get("Resource", "*")))
    if "NotResource" in statement:
        resource = not any(_like(pattern, request.resource) for pattern in values(statement["NotResource"]))
    conditions = statement.get("Condition", {}).items()
    return action and resource and all(_holds(operator, keys, request.context) for operator, keys in conditions)


def _holds(operator: str, keys: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(OPERATORS[operator](context.get(key), values(wanted)) for key, wanted in keys.items())


def _like(pattern: str, text: str) -> bool:
    parts = re.split(r"([*?])", pattern)
    return bool(
        re.fullmatch("".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in parts), text, re.DOTALL)
    )


# A key that a request lacks fulfills negated operators and Null only.
OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "StringEquals": lambda value, wanted: value in wanted,
    "StringNotEquals": lambda value, wanted: value not in wanted,
    "ArnEquals": lambda value, wanted: value is not None and any(_like(each, value) for each in wanted),
    "Null": lambda value, wanted: [str(value is None).lower()] == wanted,
}
