"""The audit trail: every administrative act is on record before it has an effect."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bonafide.access.audit import SPEAKER, ActPage, AdministrativeAct, subject_of
from bonafide.access.authorization import AccessRules, current
from bonafide.access.principal import Principal
from bonafide.errors import StoreUnavailable
from bonafide.observability import log_unexpected
from bonafide.ports.audit import AuditTrail
from bonafide.ports.signatures import CallerHashes
from bonafide.ports.stores import DomainStore
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_permitted

# Refused attempts of one principal that an environment records in a minute. More are in the logs only, so that nobody
# fills the trail.
MOST_REFUSED = 10
REFUSALS_COUNTED = timedelta(minutes=1)
# A domain is made within this time of its request, which no function outlives.
LONGEST_REQUEST = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class ActRequested:
    """A request for an administrative act; names as in `AdministrativeAct`."""

    operation: str
    parameters: Mapping[str, str]
    request_id: str
    principal: str
    body: str


class Audit:
    """Records administrative acts, and reads them."""

    def __init__(
        self,
        trail: AuditTrail,
        domains: DomainStore,
        rules: AccessRules,
        clock: Clock = utc_now,
        hashes: CallerHashes | None = None,
    ) -> None:
        """Stores its dependencies.

        Args:
            trail: of acts.
            domains: of the stage.
            rules: of access.
            clock: now.
            hashes: keyed hashes by which the trail names speakers; None where no act is about one.
        """
        self._hashes = hashes
        self._trail = trail
        self._domains = domains
        self._rules = rules
        self._clock = clock
        self._refused: Counter[str] = Counter()
        self._counted_from = clock()

    def begin(self, asked: ActRequested) -> Callable[[int, str | None], None]:
        """Appends an act, and returns what appends its outcome; golden calls are no administrative acts.

        Raises:
            StoreUnavailable: it is not on record, so nothing may be done.
        """
        domain = asked.parameters.get("domain")
        if self._rules.is_probed(domain):
            return lambda _status, _code: None
        act = self._act(asked, domain, self._digest)
        self._trail.append(act)
        return lambda status, code: self._end(act.ended(status, code))

    def refused(self, asked: ActRequested, status: int, code: str) -> None:
        """Records an attempt of a sender without a role: in the trail of the domain, or of the stage if there is none.

        Either takes one read and one write, so that the time tells nothing of the domain; speakers are not named.
        """
        domain = asked.parameters.get("domain")
        if self._rules.is_probed(domain) or not self._is_counted(asked.principal):
            return
        try:
            known = domain is not None and self._domains.domain(domain) is not None
            self._end(self._act(asked, domain if known else None, _nobody).ended(status, code))
        except StoreUnavailable as error:
            log_unexpected(error)

    def acts(self, domain: str | None, before: str | None, limit: int) -> ActPage:
        """Reads at most `limit` acts before a position, the newest first.

        Who has the role in the stage reads all that happened under a name; who has it in the domain, what happened
        since the domain was made.

        Raises:
            AccessDenied: the sender has no role that may.
        """
        if domain is None:
            return self._trail.acts(None, before, limit)
        record = self._domains.domain(domain)
        require_permitted(record)
        page = self._trail.acts(domain, before, limit)
        sender = current()
        if record is None or (sender and sender.permits_unknown()):
            return page
        own = [each for each in page.acts if each.at >= record.created_at - LONGEST_REQUEST]
        return ActPage(own, page.before if len(own) == len(page.acts) else None)

    def _act(
        self, asked: ActRequested, domain: str | None, digest: Callable[[str, str], str | None]
    ) -> AdministrativeAct:
        named = {} if domain else {name: each for name, each in asked.parameters.items() if name == "domain"}
        return AdministrativeAct(
            domain=domain,
            at=self._clock(),
            request_id=asked.request_id,
            operation=asked.operation,
            principal=asked.principal,
            subject={**named, **subject_of(asked.parameters, digest)},
            body_sha256=hashlib.sha256(asked.body.encode()).hexdigest(),
        )

    def _is_counted(self, sender: str) -> bool:
        """Tells whether another refused attempt of a sender is recorded; sessions of one role are one sender."""
        now = self._clock()
        if not timedelta() <= now - self._counted_from < REFUSALS_COUNTED:
            self._refused.clear()
            self._counted_from = now
        found = Principal.parse(sender)
        name = found.arn if found else ""
        self._refused[name] += 1
        return self._refused[name] <= MOST_REFUSED

    def _digest(self, domain: str, speaker: str) -> str | None:
        """Returns the keyed digest of a speaker, apart from that of a caller of the name; None without a domain.

        The key goes with the domain: from then on nobody can try names.
        """
        if self._hashes is None or self._domains.domain(domain) is None:
            return None
        return self._hashes.hashed(domain, f"{SPEAKER}/{speaker}")

    def _end(self, act: AdministrativeAct) -> None:
        """Appends the outcome; the act stays on record without one if that fails, since it has happened."""
        try:
            self._trail.append(act)
        except StoreUnavailable as error:
            log_unexpected(error)


def _nobody(_domain: str, _speaker: str) -> None:
    """Names no speaker: a digest takes longer in a domain that exists."""
