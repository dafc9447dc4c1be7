"""SIP headers of a call, as Amazon Connect passes them in `$.Media.Sip.Headers`.

What carriers send differs, and Connect passes on what it gets, so names that mean nothing here are passed over.
https://docs.aws.amazon.com/connect/latest/adminguide/connect-attrib-list.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bonafide.biometrics.risk.facts import Attestation, CallFlag, LineType, Verstat

# Headers that name the caller, the most trustworthy first: RFC 3325, Connect's own name, RFC 3261.
CALLER = ("p-asserted-identity", "calling-party-address", "from")
DIALED = ("called-party-address", "to")
# An address with or without a display name, RFC 3261, 25.1, and the comma before another. Callers choose the display
# name, so nothing is read from it: a header is read from its beginning, and what does not fit is not read.
_ADDRESS = re.compile(
    r"""\s*+(?:(?:"(?:[^"\\]|\\.)*"\s*|[^"<>]*)<([^<>]*)>|(?!.*<)((?:sips?:|tel:|\+?\d)[^>,]*))(?:[^,"<>]*(,))?""",
    re.IGNORECASE | re.DOTALL,
)
# RFC 3325, 9.1: a SIP URI and a tel URI.
_MOST_ADDRESSES = 2
# Number of a URI in E.164; one in national form does not say which country's it is.
_NUMBER = re.compile(r"\s*(?:sips?:|tel:)?(\+[1-9]\d{6,14})\b", re.IGNORECASE)
_DIGITS = re.compile(r"\s*(?:sips?:|tel:)?\+?(\d{7,15})\b", re.IGNORECASE)
_VERSTAT = re.compile(
    r";\s*verstat=\"?((?:TN-Validation-(?:Passed|Failed)|No-TN-Validation)(?:-[ABC])?)\b", re.IGNORECASE
)
_ANONYMOUS = re.compile(r"\s*sips?:(?:anonymous@|[^;]*@anonymous\.invalid)", re.IGNORECASE)
# Originating line information, assigned by the North American Numbering Plan Administrator (ANI II digits).
_LINES = {
    "0": LineType.LANDLINE,
    "00": LineType.LANDLINE,
    "24": LineType.TOLL_FREE,
    "25": LineType.TOLL_FREE,
    "27": LineType.PAYPHONE,
    "29": LineType.PRISON,
    "61": LineType.MOBILE,
    "62": LineType.MOBILE,
    "63": LineType.MOBILE,
    "70": LineType.PAYPHONE,
}
_NOT_FORWARDED = {"", "0", "no", "none", "false"}


@dataclass(frozen=True, slots=True)
class SipFacts:
    """Facts of a call by its SIP headers; None where they do not say."""

    number: str | None
    dialed: str | None
    attestation: Attestation | None
    verstat: Verstat | None
    line_type: LineType | None
    flags: frozenset[CallFlag]


def read_headers(headers: Mapping[str, str]) -> SipFacts:
    """Reads the headers of a call by their names, in whatever case."""
    named = {name.lower(): value for name, value in headers.items()}
    verstat, attestation = _verified(named)
    return SipFacts(
        number=_first(named, CALLER),
        dialed=_first(named, DIALED),
        attestation=attestation,
        verstat=verstat,
        line_type=_LINES.get(named.get("isup-oli", "none").strip()),
        flags=frozenset(flag for flag, is_set in _flags(named).items() if is_set),
    )


def read_verstat(text: str) -> tuple[Verstat, Attestation | None]:
    """Reads a verification status; some providers append the attestation of a call that passed."""
    base, _, level = text.rpartition("-")
    if len(level) == 1:
        return _verstat(base), Attestation(level.upper())
    return _verstat(text), None


def _verstat(text: str) -> Verstat:
    return next(each for each in Verstat if each.lower() == text.lower())


def _uris(named: Mapping[str, str], names: tuple[str, ...]) -> Iterator[str]:
    """Yields the URIs of the addresses in some headers, each with its parameters, without display names."""
    for text in (named.get(name, "") for name in names):
        match = _ADDRESS.match(text)
        for _ in range(_MOST_ADDRESSES):
            if match:
                yield match[1] or match[2] or ""
                match = _ADDRESS.match(text, match.end()) if match[3] else None


def _verified(named: Mapping[str, str]) -> tuple[Verstat | None, Attestation | None]:
    """Finds the verification status in the headers that name the caller."""
    first = next((match for uri in _uris(named, CALLER) if (match := _VERSTAT.search(uri))), None)
    return read_verstat(first[1]) if first else (None, None)


def _first(named: Mapping[str, str], names: tuple[str, ...], form: re.Pattern[str] = _NUMBER) -> str | None:
    return next((match[1] for uri in _uris(named, names) if (match := form.match(uri))), None)


def _flags(named: Mapping[str, str]) -> Mapping[CallFlag, bool]:
    indicator = named.get("call-forwarding-indicator", "").strip().lower()
    return {
        CallFlag.WITHHELD: any(_ANONYMOUS.match(uri) for uri in _uris(named, ("from",))),
        CallFlag.FORWARDED: bool(named.get("diversion", "").strip()) or indicator not in _NOT_FORWARDED,
        CallFlag.CHARGED_ELSEWHERE: _is_charged_elsewhere(named),
    }


def _is_charged_elsewhere(named: Mapping[str, str]) -> bool:
    """Tells whether two numbers are there that are not the same; one may lack the code of the country."""
    charged, caller = (_first(named, names, _DIGITS) for names in (("p-charge-info",), CALLER))
    if charged is None or caller is None:
        return False
    return not (charged.endswith(caller) or caller.endswith(charged))
