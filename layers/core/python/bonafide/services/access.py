"""Access of a request's sender to what the request is about, before anything else is read or done."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.access.authorization import AccessRules, Authorization, authorized
from bonafide.access.operations import ApiOperation, may_exist
from bonafide.access.principal import Principals
from bonafide.access.quota import Quota
from bonafide.errors import AccessDenied
from bonafide.ports.stores import DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.quotas import Quotas

# Domains whose principals and quotas an environment keeps at most.
MOST_KEPT = 1000
# Time for which principals and quotas are used without another read. What principals let pass is checked again by the
# services, on the domain as they read it anyhow (`lookups.require_permitted`), so that one who was removed is refused
# at once.
LONGEST_AGE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Principals and quota of a domain that was read."""

    principals: Principals | None
    quota: Quota | None
    read_at: datetime


class StageAccess:
    """Checks senders of requests that are about no domain."""

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules

    @contextmanager
    def granted(self, arn: str | None, operation: ApiOperation, domain: str | None) -> Iterator[Authorization]:
        """Lets a request be answered whose sender has a role that the operation needs.

        Args:
            arn: verified identity of the sender.
            operation: that the request asks for.
            domain: that it is about; None for the stage.

        Raises:
            AccessDenied: the sender has none.
            QuotaExceeded: the domain has begun too much work.
        """
        authorization = self._rules.authorize(arn, operation, domain)
        if not self._permitted(authorization, domain):
            raise AccessDenied
        self._meter(operation, domain)
        with authorized(authorization):
            yield authorization

    def _meter(self, operation: ApiOperation, domain: str | None) -> None:
        """Counts a request for the quota of its domain; routes that are about no domain have none."""

    def _permitted(self, authorization: Authorization, domain: str | None) -> bool:
        return domain is None and authorization.permits_stage()


class DomainAccess(StageAccess):
    """Checks senders of requests about domains, too.

    It comes before the Idempotency-Key is looked up and before the body is validated, so that nobody without a role
    learns anything from either. Unknown domains and those of others are refused alike, after one read each.
    """

    def __init__(
        self,
        rules: AccessRules,
        store: DomainStore,
        kept: timedelta = timedelta(),
        quotas: Quotas | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """Stores its dependencies.

        Args:
            rules: of the deployment.
            store: of domains.
            kept: age up to which the principals of a domain are used again; 0 where a service acts before it reads the
                domain itself.
            quotas: count metered operations; None for a function that has none.
            clock: a wall clock, as in `BrakedDomains`.

        Raises:
            ValueError: principals would be kept for too long.
        """
        if not timedelta() <= kept <= LONGEST_AGE:
            raise ValueError(f"principals may be kept for up to {LONGEST_AGE.seconds} s")
        super().__init__(rules)
        self._store = store
        self._keep_for = kept
        self._clock = clock
        self._quotas = quotas
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def _meter(self, operation: ApiOperation, domain: str | None) -> None:
        if self._quotas and operation.metered and not self._rules.is_probed(domain):
            # One that was just read, unless there is no such domain.
            for kept in self._kept.keys() & {domain}:
                self._quotas.require(kept, self._kept[kept].quota)

    def _permitted(self, authorization: Authorization, domain: str | None) -> bool:
        if domain is None:
            return super()._permitted(authorization, domain)
        kept = self._fresh(domain)
        if kept and authorization.permits(kept.principals):
            return True
        record = self._store.domain(domain) if may_exist(domain) else None
        if record is None:
            self._kept.pop(domain, None)
            return authorization.permits_unknown()
        self._keep(record)
        return authorization.permits(record.principals)

    def _fresh(self, domain: str) -> _Kept | None:
        kept = self._kept.get(domain)
        # An age below 0 is that of a clock that was set back, and says nothing.
        return kept if kept and timedelta() <= self._clock() - kept.read_at < self._keep_for else None

    def _keep(self, record: DomainRecord) -> None:
        self._kept[record.domain] = _Kept(record.principals, record.quota, self._clock())
        self._kept.move_to_end(record.domain)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
