"""IAM policies for callers of the API: by role and domain, from the table of operations.

`execute-api:Invoke` is allowed by method and path. An asterisk in a resource stands for any text, slashes included;
none stands where a domain has its name, so no policy reaches into another domain.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
"""

import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2] / "layers/core/python/bonafide/access"
DOMAIN = "{domain}"
# Exactly as many characters, so that nothing below a version is meant: its files are for fewer roles.
DIGEST, ANY_DIGEST = "{digest}", "?" * 64
PARAMETER = re.compile(r"\{\w+\}")
# As the contract names domains.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

type Route = tuple[str, str]


@cache
def roles_of_routes() -> dict[Route, list[str]]:
    """Returns the roles that may use each route that has to be signed, by method and path."""
    table: dict[str, Any] = json.loads((PACKAGE / "operations.json").read_text())
    return {(method, path): each["roles"] for route, each in table.items() for method, path in [route.split(" ")]}


def roles() -> Sequence[str]:
    """Returns all roles."""
    return sorted({role for each in roles_of_routes().values() for role in each})


def policy(role: str, prefix: str, domain: str | None) -> dict[str, Any]:
    """Returns the document that allows a role's routes in a domain; without one, those that are about no domain.

    None allows routes in all domains: an asterisk for the name would also stand for the rest of every path.

    Args:
        role: one of `roles()`.
        prefix: ARN of the API's stage, such as arn:aws:execute-api:REGION:ACCOUNT:API/STAGE.
        domain: name of the domain.

    Raises:
        ValueError: there is no such role, no domain can have the name, or the role has no such route.
    """
    if role not in roles():
        raise ValueError(f"there is no role {role}; roles are {', '.join(roles())}")
    if domain is not None and not NAME.fullmatch(domain):
        raise ValueError(f"no domain can be named {domain}")
    if not (allowed := set(_resources(role, domain))):
        raise ValueError(f"role {role} has no route that is about no domain; name one")
    resources = sorted(f"{prefix}/{each}" for each in allowed if not _is_within(each, allowed - {each}))
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _resources(role: str, domain: str | None) -> Iterator[str]:
    for (method, path), permitted in roles_of_routes().items():
        if role in permitted and (domain is not None) == (DOMAIN in path):
            named = path.replace(DOMAIN, domain or "").replace(DIGEST, ANY_DIGEST)
            yield method + PARAMETER.sub("*", named)


def _is_within(resource: str, others: AbstractSet[str]) -> bool:
    """Tells whether another resource allows all of this one: an asterisk at its end stands for everything below."""
    return any(each.endswith("*") and resource.startswith(each[:-1]) for each in others)
