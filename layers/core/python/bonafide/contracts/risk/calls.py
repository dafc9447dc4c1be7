"""Signals of a call in requests, beside its audio."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bonafide.biometrics.risk.facts import Attestation, CallFlag, CallReference, LineType
from bonafide.contracts.base import Request
from bonafide.contracts.risk.sip import SipFacts, read_headers, read_verstat
from bonafide.records.risk.call import StatedCall

# ITU-T E.164: a plus sign and at most 15 digits.
type PhoneNumber = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
type Opaque = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,256}$")]
type HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
type HeaderValue = Annotated[str, StringConstraints(max_length=2048)]
type VerstatText = Literal[
    "TN-Validation-Passed",
    "TN-Validation-Passed-A",
    "TN-Validation-Passed-B",
    "TN-Validation-Passed-C",
    "TN-Validation-Failed",
    "No-TN-Validation",
]


class CallDetails(Request):
    """Signals that the contact center's platform and the telephone network know of a call; all are optional.

    Numbers, devices, channels, carriers and countries are stored as keyed hashes only, and the dialed number not at
    all. What is given here wins over the same in `sip_headers`.
    """

    caller_number: PhoneNumber | None = Field(None, description="Number of the caller, E.164.")
    dialed_number: PhoneNumber | None = Field(None, description="Number that was called, E.164; compared, not stored.")
    attestation: Attestation | None = Field(
        None, description="STIR/SHAKEN attestation of the call: A full, B partial, C gateway."
    )
    verstat: VerstatText | None = Field(
        None, description="Result of the check of the call's signature, as your carrier reports it."
    )
    carrier: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        None, description="Carrier that serves the caller's number, as your lookup names it."
    )
    line_type: LineType | None = Field(None, description="Type of the caller's line, as your lookup names it.")
    device: Opaque | None = Field(
        None,
        description="Opaque identifier of the caller's device, such as your app's; the same in each of its calls.",
    )
    channel: Opaque | None = Field(
        None, description="Opaque fingerprint of the line or the path of the call, by your platform."
    )
    claimed_country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        None, description="Country that the caller says to call from, ISO 3166-1 alpha-2."
    )
    sip_headers: dict[HeaderName, HeaderValue] | None = Field(
        None,
        max_length=40,
        description="SIP headers as Amazon Connect passes them in `$.Media.Sip.Headers`: `From`, `To`, "
        "`P-Charge-Info`, `ISUP-OLI`, `Calling-Party-Address`, `Called-Party-Address`, "
        "`Call-Forwarding-Indicator`, also `P-Asserted-Identity` and `Diversion`. Others are passed over.",
    )

    def to_record(self) -> StatedCall | None:
        """Returns the call as services take it; None if nothing is known of it."""
        sip = read_headers(self.sip_headers or {})
        verstat, level = read_verstat(self.verstat) if self.verstat else (sip.verstat, sip.attestation)
        stated = StatedCall(
            references=self._references(sip),
            attestation=self.attestation or level,
            verstat=verstat,
            line_type=self.line_type or sip.line_type,
            flags=self._flags(sip),
        )
        return None if stated == StatedCall({}) else stated

    def _references(self, sip: SipFacts) -> dict[CallReference, str]:
        given = {
            CallReference.NUMBER: self.caller_number or sip.number,
            CallReference.DEVICE: self.device,
            CallReference.CHANNEL: self.channel,
            CallReference.CARRIER: self.carrier and self.carrier.strip().casefold(),
            CallReference.COUNTRY: self.claimed_country,
        }
        return {kind: text for kind, text in given.items() if text}

    def _flags(self, sip: SipFacts) -> tuple[CallFlag, ...]:
        caller, dialed = self.caller_number or sip.number, self.dialed_number or sip.dialed
        mirrored = {CallFlag.MIRRORED} if caller and caller == dialed else set()
        withheld = {CallFlag.WITHHELD} if caller else set()
        return tuple(sorted((sip.flags - withheld) | mirrored))
