"""Every control of the threat model names tests that exist."""

import pytest

from tests.test_architecture import ROOT
from tests.test_failure_modes import NAMED, existing

DOCUMENT = (ROOT / "docs/threat-model.md").read_text()
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith("| threat |")]


def test_every_test_that_is_named_exists() -> None:
    assert set(NAMED.findall(DOCUMENT)) - existing() == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0].removeprefix("| "))
def test_every_control_names_a_test(row: str) -> None:
    assert NAMED.search(row)
