"""THIRD_PARTY_NOTICES.md says what the deployed layers hold, and nothing in them is under a license that forbids it."""

import re
from pathlib import Path

import pytest

from layers import notices
from layers.notices import Component

ROOT = Path(__file__).parent.parent
NOTICES = (ROOT / "THIRD_PARTY_NOTICES.md").read_text()


def locked() -> dict[str, str]:
    lines = (ROOT / "layers/runtime/requirements.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", lines, re.MULTILINE))


def test_the_committed_notices_are_those_of_the_built_layers() -> None:
    assert notices.document() == NOTICES, "run `make notices`"


def test_every_locked_package_is_named_with_its_version_and_comes_with_a_license_text() -> None:
    found = {each.name: each for each in notices.packages()}
    assert {name: each.version for name, each in found.items()} == locked()
    # Flatbuffers ships no text; it is under Apache-2.0, whose text is LICENSE.
    assert [name for name, each in found.items() if not each.texts] == ["flatbuffers"]
    assert all(f"| `{name}` | {version} |" in NOTICES for name, version in locked().items())


def test_every_model_of_the_bundle_is_named() -> None:
    assert {each["name"] for each in notices.models()} == set(notices.MODELS) == set(notices.COPYRIGHT)


@pytest.mark.parametrize("license_", ["GPL-3.0-or-later", "AGPL-3.0-only", "MIT AND LGPL-2.1-only", "unheard of"])
def test_a_license_that_is_not_allowed_is_refused(license_: str) -> None:
    with pytest.raises(notices.UnknownLicense, match="example"):
        notices.check([Component("example", "1.0", license_)])


def test_the_only_copyleft_license_is_that_of_the_compilers_runtime_library() -> None:
    assert {each for each in notices.ALLOWED if "GPL" in each} == {notices.RUNTIME_LIBRARY}
    libraries = list(notices.libraries(notices.packages()))
    assert {each.license for each in libraries if "GPL" in each.license} == {notices.RUNTIME_LIBRARY}
