"""Licenses of training rows: what is allowed must be named, and nothing else is."""

import pytest

from training.gates.criteria import GateCriteria
from training.gates.licence import LicenseRule

RULE = LicenseRule.of(GateCriteria.read().licence)


@pytest.mark.parametrize(
    "licence",
    ["CC-BY-4.0", "MIT (repo); corpora PD/CC-BY/Apache-2.0", "CC-BY-SA-3.0 / see package copyright", "cc0-1.0"],
)
def test_named_licenses_are_allowed(licence: str) -> None:
    assert RULE.allows(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        ";",
        "unknown",
        "CC-BY-NC-4.0",
        "CC-BY-ND-4.0",
        "MIT; proprietary",
        "MIT (repo); CC-BY-NC",
        "Apache-2.0 (code), CC-BY-NC-4.0 (audio)",
        "MIT and research-only",
        "CC-BY-4.0 or custom",
        "AGPL-3.0",
        "MITX",
        "GPL-3",
    ],
)
def test_others_are_refused(licence: str) -> None:
    assert not RULE.allows(licence)
