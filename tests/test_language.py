"""Plain English: one word for one thing, docstrings that say what a thing is or does, and names that mean one thing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.test_architecture import ROOT, product_files, python_files, tree

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# Openings that make a reader wait for the subject.
UNCLEAR = re.compile(r"(What|That|Whoever|Whom|Where|Of|How|Who|Whether)\b")
BRITISH = re.compile(
    r"\b\w*(?:enrol(?:s|ment|ments)?|recognis\w*|synthesis(?:e|es|ed|ing|er)|favour\w*|colour\w*|behaviour\w*|centre\w*"
    r"|licence\w*|honour\w*|neighbour\w*|cancell(?:ed|ing)|labell\w*|modell\w*|travell\w*|normalis\w*|summaris\w*"
    r"|organis\w*|analyse[sd]?|finalis\w*|initialis\w*|optimis(?:e|ed|ing)|serialis\w*|minimis\w*|maximis\w*"
    r"|utilis\w*|authoris\w*|quantis\w*|equalis\w*|randomis\w*|grey|catalogue\w*|artefact\w*)\b",
    re.IGNORECASE,
)
BANNED = re.compile(
    r"\b(?:tenants?|verdict\w*|dice|poison\w*|gone or going|leaves word|for want of|front door|back door)\b",
    re.IGNORECASE,
)
# Spellings that were released: fields, stored attributes, metrics, files, and a column of manifests and lineages.
RELEASED = re.compile(
    r"\blicence\b|minimum_enrolment_seconds|finalised_at|\bTenants\b|-enrol\.wav|enrolment-in-time|Color\.GREY"
)


def docstrings() -> Iterator[tuple[str, str]]:
    for path in product_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
                name = getattr(node, "name", "module")
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)} {name}", text


def test_docstrings_begin_with_what_the_thing_is_or_does() -> None:
    assert [f"{place}: {text.splitlines()[0]}" for place, text in docstrings() if UNCLEAR.match(text)] == []


@pytest.mark.parametrize("pattern", [BRITISH, BANNED], ids=["spelling", "words"])
def test_code_keeps_to_the_projects_words(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in product_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for match in pattern.finditer(RELEASED.sub("", line))
    ]
    assert found == []


def test_a_class_name_means_one_thing() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in product_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_modules_are_not_named_for_being_useful() -> None:
    assert [path for path in python_files() if path.stem in {"utils", "util", "helpers", "misc", "common"}] == []
