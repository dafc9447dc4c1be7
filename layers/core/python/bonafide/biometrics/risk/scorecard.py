"""The scorecard: reasons that the call itself gives, each with its weight in nats, from `scorecard.json`.

A weight is the natural log of how much more often the reason is met in fraudulent calls than in genuine ones, so it
adds to the log odds of fraud. Weights of independent reasons add up; these are not quite independent, so the sum is
bounded, and of reasons that say the same only one counts.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Self

from bonafide.biometrics.risk.facts import Attestation, CallFacts, CallFlag, CallReference, LineType, Verstat
from bonafide.biometrics.risk.velocity import DAY, HOUR, CallHistory


class CallReason(StrEnum):
    """Stable codes of the reasons of a scorecard."""

    ATTESTATION_A = "ATTESTATION_A"
    ATTESTATION_B = "ATTESTATION_B"
    ATTESTATION_C = "ATTESTATION_C"
    CALL_FORWARDED = "CALL_FORWARDED"
    CARRIER_CHANGED = "CARRIER_CHANGED"
    CHANNEL_KNOWN = "CHANNEL_KNOWN"
    CHARGED_ELSEWHERE = "CHARGED_ELSEWHERE"
    COUNTRY_NEW = "COUNTRY_NEW"
    DEVICE_KNOWN = "DEVICE_KNOWN"
    DEVICE_NEW = "DEVICE_NEW"
    DOMAIN_SURGE = "DOMAIN_SURGE"
    LINE_PAYPHONE = "LINE_PAYPHONE"
    LINE_PRISON = "LINE_PRISON"
    LINE_TOLL_FREE = "LINE_TOLL_FREE"
    LINE_VOIP = "LINE_VOIP"
    NUMBER_CALLS_HIGH = "NUMBER_CALLS_HIGH"
    NUMBER_FRAUD = "NUMBER_FRAUD"
    NUMBER_KNOWN = "NUMBER_KNOWN"
    NUMBER_MIRRORED = "NUMBER_MIRRORED"
    NUMBER_NEW = "NUMBER_NEW"
    NUMBER_SPEAKERS_HIGH = "NUMBER_SPEAKERS_HIGH"
    NUMBER_WITHHELD = "NUMBER_WITHHELD"
    SPEAKER_CALLS_HIGH = "SPEAKER_CALLS_HIGH"
    SPEAKER_NUMBERS_HIGH = "SPEAKER_NUMBERS_HIGH"
    VERSTAT_FAILED = "VERSTAT_FAILED"


ATTESTED = {
    Attestation.A: CallReason.ATTESTATION_A,
    Attestation.B: CallReason.ATTESTATION_B,
    Attestation.C: CallReason.ATTESTATION_C,
}
LINES = {
    LineType.NON_FIXED_VOIP: CallReason.LINE_VOIP,
    LineType.TOLL_FREE: CallReason.LINE_TOLL_FREE,
    LineType.PAYPHONE: CallReason.LINE_PAYPHONE,
    LineType.PRISON: CallReason.LINE_PRISON,
}
FLAGS = {
    CallFlag.WITHHELD: CallReason.NUMBER_WITHHELD,
    CallFlag.MIRRORED: CallReason.NUMBER_MIRRORED,
    CallFlag.FORWARDED: CallReason.CALL_FORWARDED,
    CallFlag.CHARGED_ELSEWHERE: CallReason.CHARGED_ELSEWHERE,
}


@dataclass(frozen=True, slots=True)
class WeighedReason:
    """A reason with its weight.

    Attributes:
        code: of the reason; those of releases to come are known by their text only.
        nats: added to the log odds of fraud.
    """

    code: str
    nats: float


@dataclass(frozen=True, slots=True)
class CallRisk:
    """Risk of one call.

    Attributes:
        version: of the scorecard.
        nats: the bounded sum, by which the log odds of fraud rise.
        reasons: the weightiest first.
    """

    version: str
    nats: float
    reasons: tuple[WeighedReason, ...] = ()


@dataclass(frozen=True, slots=True)
class VelocityLimits:
    """Numbers above which a velocity is high; of surges, from which on."""

    number_speakers_a_day: int
    number_calls_an_hour: int
    speaker_calls_an_hour: int
    speaker_numbers_a_day: int
    surge_calls: int
    surge_factor: float

    def is_surge(self, lately: float, usual: float) -> bool:
        """Tells whether a domain has far more calls than usual.

        Args:
            lately: calls of the last window.
            usual: calls that a window of that length had on average before.
        """
        return lately >= self.surge_calls and lately > self.surge_factor * usual


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Weights and limits of one version.

    Attributes:
        version: name of it; other weights have another one.
        lowest: of the sum, nats.
        highest: of the sum, nats.
        known_days: days after its last use for which a reference is known.
        limits: of velocities.
        nats: weight of each reason.
    """

    version: str
    lowest: float
    highest: float
    known_days: int
    limits: VelocityLimits
    nats: Mapping[CallReason, float]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a scorecard.

        Raises:
            ValueError: a weight is missing, or one too many.
        """
        document: Mapping[str, Any] = json.loads(text)
        nats = {CallReason(name): float(value) for name, value in document["nats"].items()}
        if missing := set(CallReason) - nats.keys():
            raise ValueError(f"the scorecard has no weight of {sorted(missing)}")
        limits = VelocityLimits(**document["limits"])
        return cls(**{**document, "nats": nats, "limits": limits})

    def weigh(self, facts: CallFacts, history: CallHistory, now: datetime, own: str, call: str) -> CallRisk:
        """Weighs a call; a pure function of its arguments.

        Args:
            facts: of the call.
            history: as it was read for the decision.
            now: time of the decision.
            own: tag of the claimed speaker in marks of numbers.
            call: name of this call in marks, which does not count for itself.
        """
        codes = {
            *_of_network(facts),
            *self._of_known(facts, history, now),
            *self._of_velocity(facts, history, now, own, call),
        }
        weighed = sorted(
            (WeighedReason(code, self.nats[code]) for code in codes), key=lambda each: (-abs(each.nats), each.code)
        )
        total = sum(each.nats for each in weighed)
        return CallRisk(self.version, round(min(max(total, self.lowest), self.highest), 6), tuple(weighed))

    def _of_known(self, facts: CallFacts, history: CallHistory, now: datetime) -> Iterator[CallReason]:
        """Compares with what the speaker's accepted calls came from; a speaker without any is not compared."""
        since = (now - timedelta(days=self.known_days)).date()
        known = {reference for reference, last in history.known.items() if last >= since}
        kinds = {kind for kind, _ in known}
        there = {kind for kind, value in facts.references.items() if (kind, value) in known}
        new = {kind for kind in facts.references if kind in kinds} - there
        if CallReference.NUMBER in there and not is_forgeable(facts) and not history.fraud:
            yield CallReason.NUMBER_KNOWN
        # A number that was taken to another carrier lately may have been taken from its owner.
        if CallReference.CARRIER in new and CallReference.NUMBER in there:
            yield CallReason.CARRIER_CHANGED
        yield from (code for kind, code in KNOWN.items() if kind in there)
        yield from (code for kind, code in NEW.items() if kind in new)

    def _of_velocity(
        self, facts: CallFacts, history: CallHistory, now: datetime, own: str, call: str
    ) -> Iterator[CallReason]:
        limits, number, speaker = self.limits, history.of_number, history.of_speaker
        if history.fraud:
            yield CallReason.NUMBER_FRAUD
        if number.others(now, DAY, own, call) > limits.number_speakers_a_day:
            yield CallReason.NUMBER_SPEAKERS_HIGH
        elif number.calls(now, HOUR, call) > limits.number_calls_an_hour:
            yield CallReason.NUMBER_CALLS_HIGH
        if speaker.others(now, DAY, (facts.number or "")[:8], call) > limits.speaker_numbers_a_day:
            yield CallReason.SPEAKER_NUMBERS_HIGH
        elif speaker.calls(now, HOUR, call) > limits.speaker_calls_an_hour:
            yield CallReason.SPEAKER_CALLS_HIGH
        if history.surge:
            yield CallReason.DOMAIN_SURGE


KNOWN = {CallReference.DEVICE: CallReason.DEVICE_KNOWN, CallReference.CHANNEL: CallReason.CHANNEL_KNOWN}
NEW = {
    CallReference.NUMBER: CallReason.NUMBER_NEW,
    CallReference.DEVICE: CallReason.DEVICE_NEW,
    CallReference.COUNTRY: CallReason.COUNTRY_NEW,
}


def _of_network(facts: CallFacts) -> Iterator[CallReason]:
    """Yields what the telephone network says of the call."""
    if facts.verstat is Verstat.FAILED:
        yield CallReason.VERSTAT_FAILED
    # An attestation whose signature nobody checked is a claim of whoever sent it.
    elif facts.attestation and facts.verstat is not Verstat.NONE:
        yield ATTESTED[facts.attestation]
    if facts.line_type in LINES:
        yield LINES[facts.line_type]
    yield from (FLAGS[flag] for flag in facts.flags)


def is_forgeable(facts: CallFacts) -> bool:
    """Tells whether the number is known to be unchecked: then it says nothing in favor of the caller."""
    return facts.verstat is Verstat.FAILED or facts.attestation is Attestation.C


def is_verified(facts: CallFacts) -> bool:
    """Tells whether the network vouches for the number: so that its owner may answer for the call."""
    attested = facts.verstat is None and facts.attestation in (Attestation.A, Attestation.B)
    return not is_forgeable(facts) and (facts.verstat is Verstat.PASSED or attested)


def trusted_references(facts: CallFacts) -> Mapping[CallReference, str]:
    """Returns the references of a call, without the number and its carrier if the number may be forged."""
    left_out = {CallReference.NUMBER, CallReference.CARRIER} if is_forgeable(facts) else set[CallReference]()
    return {kind: value for kind, value in facts.references.items() if kind not in left_out}


SCORECARD = Scorecard.from_json(files("bonafide.biometrics.risk").joinpath("scorecard.json").read_text())
