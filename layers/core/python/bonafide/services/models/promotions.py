"""Promotions: requests to move an alias, and what the release pipeline makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bonafide.errors import Conflict, NotFound, Subject
from bonafide.observability import logger
from bonafide.ports.registry import ModelRegistryStore, PromotionEvents
from bonafide.ports.stores import VersionConflict
from bonafide.records.model import ModelVersionRecord
from bonafide.records.promotion import (
    REQUESTS,
    STEPS,
    AliasesRecord,
    PromotionKind,
    PromotionRecord,
    PromotionState,
    RegistryEntry,
)
from bonafide.records.request import RequestContext
from bonafide.services.shared.champions import require_gates, require_space
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.registered import require_registered
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 20
# Entries among which the repetition of a request is looked for. Answers are remembered for a day besides; this is for
# a request whose first attempt was written and then died.
RECENT_ENTRIES = 50


@dataclass(frozen=True, slots=True)
class PromotionWish:
    """A request to move an alias.

    Attributes:
        kind: which alias moves, and how.
        digest: of the version; None for a rollback.
        reason: for the history.
        override: why an alias moves to a version that would be refused.
    """

    kind: PromotionKind
    digest: str | None
    reason: str
    override: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionReport:
    """The outcome of a promotion, as the release pipeline reports it.

    Attributes:
        succeeded: whether the version serves.
        release: that was deployed, or that was taken back.
        detail: what happened, for the history.
        principal: verified identity of who reports it.
    """

    succeeded: bool
    release: str
    detail: str
    principal: str | None = None


class Promotions:
    """Moves aliases. Each move is one conditional write of an entry of the history and of the aliases after it."""

    def __init__(self, store: ModelRegistryStore, events: PromotionEvents, clock: Clock = utc_now) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def request(self, wish: PromotionWish, context: RequestContext) -> PromotionRecord:
        """Records a request, and announces it to the release pipeline if it is one to move `champion`.

        Raises:
            NotFound: the version is not registered.
            Conflict: its gates did not pass or are not about the champion, another promotion is pending, it is the
                champion, there is nothing to roll back to, or that does not serve the champion's embedding space.
        """
        request = request_identifier(context, "promotions")

        def attempt() -> PromotionRecord:
            aliases = self._store.aliases()
            if repeated := self._repeated(request):
                return repeated
            entry = self._entry(aliases, wish, request, context.principal)
            self._store.append(entry, aliases.after(entry))
            logger.warning("model promotion requested", extra=_logged(entry))
            return PromotionRecord(entry, entry if wish.kind is PromotionKind.CHALLENGE else None)

        promotion = retry_on_conflict(WRITE_ATTEMPTS, attempt)
        if promotion.state is PromotionState.PENDING:
            # After the write, so that what is announced exists. If this fails the request does, and its repetition
            # announces the promotion that it finds.
            self._events.requested(promotion)
        return promotion

    def complete(self, sequence: int, report: PromotionReport) -> PromotionRecord:
        """Records what the release pipeline made of a promotion; the same report again changes nothing.

        Raises:
            NotFound: there is no such promotion.
            Conflict: another outcome is recorded.
        """

        def attempt() -> PromotionRecord:
            aliases, promotion = self._store.aliases(), self.get(sequence)
            if promotion.outcome:
                return _require_outcome(promotion, report)
            if aliases.pending != sequence:
                # It was completed between the two reads.
                raise VersionConflict
            entry = _outcome(promotion, report, aliases.sequence + 1, self._clock())
            self._store.append(entry, aliases.after(entry))
            logger.warning("model promotion completed", extra=_logged(entry))
            return PromotionRecord(promotion.request, entry)

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def get(self, sequence: int) -> PromotionRecord:
        """Reads a promotion.

        Raises:
            NotFound: there is none of that name.
        """
        following = self._store.history_from(sequence)
        request = next(following, None)
        if request is None or request.sequence != sequence or request.action not in REQUESTS:
            raise NotFound("promotion_not_found", "No such promotion.", subject=Subject.PROMOTION, found=sequence)
        if REQUESTS[request.action] is PromotionKind.CHALLENGE:
            return PromotionRecord(request, request)
        return PromotionRecord(request, next((entry for entry in following if entry.promotion == sequence), None))

    def aliases(self) -> tuple[AliasesRecord, PromotionRecord | None]:
        """Reads the aliases, and the promotion whose outcome is awaited."""
        aliases = self._store.aliases()
        return aliases, self.get(aliases.pending) if aliases.pending else None

    def history(self, before: int | None, limit: int) -> Sequence[RegistryEntry]:
        """Reads at most `limit` entries that precede one, or the newest, the newest first."""
        return self._store.history(before, limit)

    def _repeated(self, request: str) -> PromotionRecord | None:
        """Returns the promotion that the same request asked for before."""
        recent = self._store.history(None, RECENT_ENTRIES)
        return next((self.get(entry.sequence) for entry in recent if entry.request == request), None)

    def _entry(self, aliases: AliasesRecord, wish: PromotionWish, request: str, principal: str | None) -> RegistryEntry:
        digest = self._target(aliases, wish)
        former = aliases.challenger if wish.kind is PromotionKind.CHALLENGE else aliases.champion
        return RegistryEntry(
            sequence=aliases.sequence + 1,
            action=STEPS[wish.kind][0],
            at=self._clock(),
            digest=digest,
            reason=wish.reason,
            principal=principal,
            former=former,
            override=wish.override,
            request=request,
        )

    def _target(self, aliases: AliasesRecord, wish: PromotionWish) -> str:
        """Returns the digest that the alias is to name.

        Raises:
            NotFound: as `request`.
            Conflict: as `request`.
        """
        if wish.kind is not PromotionKind.CHALLENGE and aliases.pending is not None:
            raise Conflict(
                "promotion_pending",
                "Another promotion awaits its outcome.",
                subject=Subject.PROMOTION,
                found=aliases.pending,
            )
        if wish.digest is None:
            return self._previous(aliases, overridden=wish.override is not None)
        version = require_registered(self._store, wish.digest)
        if wish.digest == aliases.champion:
            raise Conflict(
                "model_already_champion",
                "The version is the champion.",
                subject=Subject.MODEL_VERSION,
                found=wish.digest,
            )
        if wish.kind is PromotionKind.PROMOTE and wish.override is None:
            require_gates(version, self._champion(aliases))
        return wish.digest

    def _champion(self, aliases: AliasesRecord) -> ModelVersionRecord | None:
        return require_registered(self._store, aliases.champion) if aliases.champion else None

    def _previous(self, aliases: AliasesRecord, *, overridden: bool) -> str:
        champion = self._champion(aliases)
        if champion is None or aliases.previous is None:
            raise Conflict(
                "rollback_unavailable",
                "No champion came before the present one.",
                subject=Subject.MODEL_VERSION,
                found=aliases.champion,
            )
        if not overridden:
            require_space(require_registered(self._store, aliases.previous), champion)
        return aliases.previous


def _outcome(promotion: PromotionRecord, report: PromotionReport, sequence: int, now: datetime) -> RegistryEntry:
    request, (_, success, failure) = promotion.request, STEPS[promotion.kind]
    return RegistryEntry(
        sequence=sequence,
        action=success if report.succeeded else failure,
        at=now,
        digest=request.digest,
        reason=report.detail,
        principal=report.principal,
        former=request.former,
        override=request.override,
        promotion=request.sequence,
        release=report.release,
    )


def _require_outcome(promotion: PromotionRecord, report: PromotionReport) -> PromotionRecord:
    if (promotion.state is PromotionState.SUCCEEDED) != report.succeeded:
        raise Conflict(
            "promotion_completed",
            "The promotion has another outcome.",
            subject=Subject.PROMOTION,
            found=promotion.state,
        )
    return promotion


def _logged(entry: RegistryEntry) -> dict[str, object]:
    return {
        "sequence": entry.sequence,
        "action": entry.action,
        "digest": entry.digest,
        "former": entry.former,
        "reason": entry.reason,
        "override": entry.override,
        "principal": entry.principal,
    }
