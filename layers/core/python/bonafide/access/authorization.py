"""Authorization of one request: the sender's verified identity against the roles of an operation."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

from bonafide.access.operations import ApiOperation, Role
from bonafide.access.principal import NOBODY, Principal, Principals
from bonafide.settings import is_probed

# The operation with which a domain comes into being.
CREATION = "putDomain"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The rights of one request, as far as they are known before the domain is read.

    Attributes:
        principal: verified identity of the sender; None for nobody that IAM knows.
        operation: that the request asks for.
        everywhere: roles that the sender has in this domain, and in the stage, by the deployment's configuration.
        bound: whether the stage names its principals; one that does not leaves its own routes to IAM, as does the
            first release.
    """

    principal: Principal | None
    operation: ApiOperation
    everywhere: frozenset[Role]
    bound: bool

    def permits_stage(self) -> bool:
        """Tells whether the sender may use a route that is about no domain."""
        return self.principal is not None and (not self.bound or self._suffice(self.everywhere))

    def permits_unknown(self) -> bool:
        """Tells whether the sender may learn that a domain does not exist, or create it."""
        creates = not self.bound and self.operation.name == CREATION
        return self.principal is not None and (creates or self._suffice(self.everywhere))

    def permits(self, own: Principals | None) -> bool:
        """Tells whether the sender may use the operation in a domain.

        Args:
            own: principals of the domain. None for one that the first release made, until its principals are set:
                whoever IAM admits may use it, as before.
        """
        if self.principal is None:
            return False
        return own is None or self._suffice(self.everywhere | own.roles_of(self.principal))

    def _suffice(self, roles: frozenset[Role]) -> bool:
        return bool(roles & self.operation.roles)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Principals that the deployment's configuration names.

    Attributes:
        stage: roles in the stage and in every domain; None where the configuration names none.
        probers: patterns of those that make golden calls: they have every role in the domain of golden calls only.
        probe_domain: that domain; others whose names begin with it and a hyphen are for golden calls, too.
    """

    stage: Principals | None
    probers: Sequence[str] = ()
    probe_domain: str = ""

    @classmethod
    def parse(cls, text: str, probe_domain: str) -> Self:
        """Reads the rules as the stack writes them: `stage`, roles with their patterns, or null; and `probers`."""
        document = json.loads(text)
        stage = document["stage"]
        return cls(None if stage is None else Principals.from_document(stage), document["probers"], probe_domain)

    def authorize(self, arn: str | None, operation: ApiOperation, domain: str | None) -> Authorization:
        """Begins the authorization of a request about a domain, or about none."""
        principal = Principal.parse(arn)
        everywhere = self._everywhere(principal, domain) if principal else frozenset[Role]()
        return Authorization(principal, operation, everywhere, self.stage is not None)

    def is_probed(self, domain: str | None) -> bool:
        """Tells whether a domain is for golden calls."""
        return domain is not None and is_probed(domain, self.probe_domain)

    def _everywhere(self, principal: Principal, domain: str | None) -> frozenset[Role]:
        if self.is_probed(domain) and any(principal.matches(each) for each in self.probers):
            return frozenset(Role)
        return (self.stage or NOBODY).roles_of(principal)


# Of the request that is being answered; work that no request asked for has none, and is restricted by its function's
# role alone.
_current: ContextVar[Authorization | None] = ContextVar("authorization", default=None)


def current() -> Authorization | None:
    """Returns the authorization of the request that is being answered, if any."""
    return _current.get()


@contextmanager
def authorized(authorization: Authorization) -> Iterator[None]:
    """Answers a request under an authorization."""
    token = _current.set(authorization)
    try:
        yield
    finally:
        _current.reset(token)
