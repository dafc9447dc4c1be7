"""Views of the risk of a call."""

from pydantic import Field

from bonafide.biometrics.policy import Disclosure
from bonafide.biometrics.risk.scorecard import CallRisk
from bonafide.contracts.base import Answer


class CallRiskReason(Answer):
    """One reason of the scorecard."""

    code: str = Field(description="Stable code of the reason.")
    nats: float | None = Field(
        None,
        description="Its weight: natural log of how much likelier fraud is with it; below 0 it speaks for the caller. "
        "Null where the policy does not disclose it.",
    )


class CallRiskReport(Answer):
    """Risk of a call by what was known of it beside the voice."""

    version: str = Field(description="Version of the scorecard.")
    nats: float | None = Field(
        None,
        description="Bounded sum, by which the log odds of fraud rise. Null where the policy does not disclose it.",
    )
    reasons: list[CallRiskReason] = Field(description="The weightiest first.")


def risk_report(risk: CallRisk | None, disclosure: Disclosure = Disclosure.FULL) -> CallRiskReport | None:
    """Returns the view of a risk: with `coarse` without weights and in the order of the codes, with `none` nothing."""
    if risk is None or disclosure is Disclosure.NONE:
        return None
    if disclosure is Disclosure.FULL:
        reasons = [CallRiskReason(code=each.code, nats=each.nats) for each in risk.reasons]
        return CallRiskReport(version=risk.version, nats=risk.nats, reasons=reasons)
    codes = sorted(each.code for each in risk.reasons)
    return CallRiskReport(version=risk.version, reasons=[CallRiskReason(code=code) for code in codes])
