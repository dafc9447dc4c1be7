"""Every promise in docs/failure-modes.md names the test that proves it."""

import re
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, python_files

DOCUMENT = ROOT / "docs/failure-modes.md"
NAMED = re.compile(r"`(test_\w+)`")
ROW = re.compile(r"^\|(?! what \||-)")


def rows() -> list[str]:
    return [line for line in DOCUMENT.read_text().splitlines() if ROW.match(line)]


def existing() -> set[str]:
    files: list[Path] = [path for path in python_files("tests") if path.name.startswith("test_")]
    return {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}


def test_every_test_that_is_named_exists() -> None:
    assert set(NAMED.findall(DOCUMENT.read_text())) - existing() == set()


@pytest.mark.parametrize("row", rows(), ids=lambda row: "-".join(row.split("|")[1:3]).strip())
def test_every_promise_names_a_test(row: str) -> None:
    assert len(row.split(" | ")) == 5
    assert NAMED.search(row.rsplit(" | ", 1)[1])
