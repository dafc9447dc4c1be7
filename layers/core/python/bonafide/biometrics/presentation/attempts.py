"""Failed attempts at a speaker or by a caller, and the limit beyond which a match is no longer trusted.

An attempt is one recording, or one session with one claimed speaker. It failed if the voice spoke against it: a REJECT,
or a STEP_UP to which the voice itself led. A STEP_UP that would have been an ACCEPT is no failure, or a limit, a brake
or a noisy line would prolong the limit; nor is INCONCLUSIVE, which says nothing about the voice.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Self

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.judgement import Judgement
from bonafide.biometrics.policy import Policy

# Decisive reasons by which the voice failed.
FAILED = frozenset({Reason.VOICE_MISMATCH, Reason.VOICE_UNCERTAIN, Reason.VOICE_SYNTHETIC, Reason.LIVENESS_UNCERTAIN})
# The newest failures that a counter keeps: the largest limit of a policy needs 10, and concurrent writers prune late.
KEPT_FAILURES = 24
# An attempt is told from others by so many hexadecimal digits, 64 bits.
NAME_DIGITS = 16


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """One failed attempt.

    Attributes:
        at: time of its decision, in UTC and whole milliseconds.
        attempt: short name of the attempt; the same for every retry, so that a set of failures holds it once.
    """

    at: datetime
    attempt: str

    @classmethod
    def of(cls, at: datetime, *attempt: str) -> Self:
        """Makes the failure of an attempt that these names identify."""
        utc = at.astimezone(UTC)
        return cls(utc.replace(microsecond=utc.microsecond // 1000 * 1000), attempt_name(*attempt))


@dataclass(frozen=True, slots=True)
class Attempts:
    """A counter: the newest failures at one speaker, or by one caller.

    Attributes:
        failures: of the last time, each attempt once for each evaluation that found it failed.
        reset_at: failures up to then do not count.
    """

    failures: frozenset[Failure] = frozenset()
    reset_at: datetime | None = None

    def since(self, at: datetime) -> Self:
        """Returns the counter without failures before a time."""
        before = at - timedelta(milliseconds=1)
        return type(self)(self.failures, max(before, self.reset_at or before))

    def counted(self, besides: str = "") -> list[Failure]:
        """Returns the failures that count, one for each attempt, the newest first.

        Args:
            besides: name of an attempt that does not count: a session does not limit itself.
        """
        newest: dict[str, Failure] = {}
        for failure in sorted(self.failures):
            if failure.attempt != besides and (self.reset_at is None or failure.at > self.reset_at):
                newest[failure.attempt] = failure
        return sorted(newest.values(), reverse=True)

    def limited_until(self, policy: Policy, besides: str = "") -> datetime | None:
        """Returns the time until which the counter limits decisions; None if too few failures followed each other.

        As many failures as the policy allows have to follow each other, each within the window after the one before.
        So the newest of them alone decide, whatever order they arrive in, and older ones need not be kept.
        """
        newest = self.counted(besides)[: policy.failure_limit]
        if policy.failure_limit is None or len(newest) < policy.failure_limit:
            return None
        window = timedelta(minutes=policy.failure_minutes)
        broken = any(later.at - earlier.at >= window for later, earlier in pairwise(newest))
        return None if broken else newest[0].at + window

    def of_attempt(self, attempt: str) -> frozenset[Failure]:
        """Returns the failures of one attempt."""
        return frozenset(each for each in self.failures if each.attempt == attempt)

    @property
    def outdated(self) -> frozenset[Failure]:
        """The failures that no decision needs any more, since so many newer attempts failed."""
        kept = {each.attempt for each in Attempts(self.failures).counted()[:KEPT_FAILURES]}
        return frozenset(each for each in self.failures if each.attempt not in kept)


def attempt_name(*identifiers: str) -> str:
    """Returns the short name of the attempt that these identifiers name together, hex."""
    return hashlib.sha256("/".join(identifiers).encode()).hexdigest()[:NAME_DIGITS]


def is_failure(judgement: Judgement) -> bool:
    """Tells whether the voice failed in a judgement; a doubt because liveness is missing is not the caller's."""
    if judgement.decision not in {Decision.REJECT, Decision.STEP_UP}:
        return False
    reason = judgement.reasons[0]
    return reason in FAILED and (reason is not Reason.LIVENESS_UNCERTAIN or judgement.liveness is not None)


def alerts(counters: Collection[Attempts], policy: Policy, now: datetime, besides: str = "") -> Sequence[Reason]:
    """Returns the alert of counters, any of which limits a decision made now.

    Args:
        counters: of the claimed speaker, and of the caller if known.
        policy: of the domain.
        now: time of the decision.
        besides: name of the attempt that is decided on.
    """
    limited = (each.limited_until(policy, besides) for each in counters)
    return (Reason.TOO_MANY_FAILURES,) if any(until and now < until for until in limited) else ()
