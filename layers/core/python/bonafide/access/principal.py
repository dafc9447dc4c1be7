"""Verified identities of senders, and patterns of those that are bound to roles."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Self

from bonafide.access.operations import Role

# Names of users and roles have no other characters. A pattern is the ARN of a user or a role, the last part of whose
# name may have asterisks but has something besides; or that of an account's root user, or of a federated user.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
NAME = r"[A-Za-z0-9_+=,.@-]+"
PATTERN = (
    r"^arn:aws[a-z0-9-]*:(?:iam::[0-9]{12}:root"
    rf"|sts::[0-9]{{12}}:federated-user/{NAME}"
    r"|iam::[0-9]{12}:(?:role|user)/(?:[!-)+-.0-~]+/)*\*?[A-Za-z0-9_+=,.@-][A-Za-z0-9_+=,.@*-]*)$"
)
ARN = re.compile(
    r"arn:(?P<partition>aws[a-z0-9-]*):(?:iam|sts)::(?P<account>[0-9]{12}):(?P<kind>[a-z-]+)(?:/(?P<rest>.+))?"
)
ASSUMED = "assumed-role"
ROOT = "root"

# Identity of the hook of releases, which invokes functions past the API. No account has this number, so nobody can have
# it who comes through the API.
RELEASE_HOOK = "arn:aws:iam::000000000000:user/bonafide-release-hook"


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or role of IAM, whatever the session and the path: names are unique in an account without them.

    Attributes:
        partition: aws, aws-cn, aws-us-gov, ...
        account: twelve digits.
        kind: role, user, root or federated-user.
        name: without a path; empty for root.
    """

    partition: str
    account: str
    kind: str
    name: str

    @classmethod
    def parse(cls, arn: str | None) -> Self | None:
        """Reads an ARN, of a role or of its session alike; None if it is not that of an identity.

        A role's session is `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, which names the role without its path.
        """
        found = ARN.fullmatch(arn or "")
        if not found:
            return None
        kind, rest = found["kind"], found["rest"] or ""
        if (kind == ROOT) != (not rest):
            return None
        if kind == ASSUMED:
            role, _, session = rest.partition("/")
            return cls(found["partition"], found["account"], "role", role) if role and session else None
        return cls(found["partition"], found["account"], kind, rest.rpartition("/")[2])

    @property
    def arn(self) -> str:
        """ARN without path and session, which is also the pattern of this one principal."""
        service = "sts" if self.kind == "federated-user" else "iam"
        named = f"{self.kind}/{self.name}" if self.name else self.kind
        return f"arn:{self.partition}:{service}::{self.account}:{named}"

    def matches(self, pattern: str) -> bool:
        """Tells whether a pattern means this principal; an asterisk stands for any part of a name only."""
        wanted = Principal.parse(pattern)
        if wanted is None or (wanted.partition, wanted.account, wanted.kind) != (
            self.partition,
            self.account,
            self.kind,
        ):
            return False
        return fnmatchcase(self.name, wanted.name)


@dataclass(frozen=True, slots=True)
class Principals:
    """Binding of roles to patterns of principals."""

    patterns: Mapping[Role, Sequence[str]] = field(default_factory=dict)

    def roles_of(self, principal: Principal) -> frozenset[Role]:
        """Returns the roles that a principal has."""
        return frozenset(
            role for role, patterns in self.patterns.items() if any(principal.matches(each) for each in patterns)
        )

    def to_document(self) -> dict[str, list[str]]:
        """Returns the stored form."""
        return {str(role): list(patterns) for role, patterns in self.patterns.items()}

    @classmethod
    def from_document(cls, document: Mapping[str, Sequence[str]]) -> Self:
        """Reads a stored form; roles that only a later release knows are left out."""
        return cls({Role(name): tuple(patterns) for name, patterns in document.items() if name in set(Role)})

    @classmethod
    def only(cls, principal: Principal | None) -> Self:
        """Binds one principal to every role; nobody, if nobody is known."""
        return cls(dict.fromkeys(Role, (principal.arn,)) if principal else {})


NOBODY = Principals()
