"""No tool of development or training is under an unknown or unwanted license."""

import json
import sys
from email.message import Message
from pathlib import Path

import pytest

from layers import licenses
from layers.notices import ROOT, UnknownLicense


def metadata(**values: str) -> Message:
    message = Message()
    for name, value in values.items():
        message[name.replace("_", "-")] = value
    return message


def test_every_locked_tool_is_under_a_license_that_is_known() -> None:
    environment = Path(sys.executable).parents[1]
    assert len(licenses.of_environment(environment)) > 100
    assert list(licenses.refused(licenses.of_environment(environment))) == []
    assert licenses.check([ROOT / ".ci/cdk/package-lock.json"]) == 1


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (metadata(License_Expression="MIT"), "MIT"),
        (metadata(License="Apache 2.0\nand its whole text"), "Apache 2.0"),
        (metadata(License="UNKNOWN", Classifier="License :: OSI Approved :: MIT License"), "UNKNOWN; MIT License"),
        (metadata(), ""),
    ],
)
def test_a_license_is_an_expression_or_what_the_package_says_in_its_own_words(said: Message, understood: str) -> None:
    assert licenses.declared(said) == understood


@pytest.mark.parametrize(
    "license_",
    [
        "AGPL-3.0-or-later",
        "GNU Affero General Public License v3",
        "SSPL-1.0",
        "BUSL-1.1",
        "Apache-2.0 with Commons Clause",
        "CC-BY-NC-4.0",
        "unheard of",
        "UNKNOWN",
        "",
    ],
)
def test_an_unknown_or_unwanted_license_is_refused(license_: str, tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps({"packages": {"": {}, "node_modules/example": {"license": license_}}}))
    with pytest.raises(UnknownLicense, match="node_modules/example"):
        licenses.check([lock])


@pytest.mark.parametrize("license_", ["MIT", "GPL-3.0-or-later", "LGPL-2.1-only", "BSD-3-Clause AND 0BSD"])
def test_copyleft_of_a_tool_does_not_matter(license_: str) -> None:
    assert list(licenses.refused({"example": license_})) == []


def test_a_place_without_packages_was_not_checked(tmp_path: Path) -> None:
    with pytest.raises(UnknownLicense, match="no package"):
        licenses.check([tmp_path])
