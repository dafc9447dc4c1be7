"""Documents point to what exists and keep to the project's language."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "layers/core/python/bonafide"
# Generated from texts of others.
NOTICES = "THIRD_PARTY_NOTICES.md"
# Names what was before as well.
HISTORY = {"CHANGELOG.md"}
UNWANTED_WORDS = "\n## Words that we do not use\n"

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`[^`\n]+`")
PATH = re.compile(r"`([\w.<>*-]+(?:/[\w.<>*-]+)+/?)`")
MODULE = re.compile(r"python -m ((?:benchmarks|layers|local|ops|training)[\w.]*)")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")

BRITISH = re.compile(
    r"\b(?:enrol(?!l)\w*|enrolment\w*|(?:cent|met|fib|lit)re[sd]?|\w*(?:avour|olour|ehaviour|eighbour|onour|abour)\w*|licen[c]e\w*"
    r"|\w+(?:cell|bell|vell|gnall|odell)(?:ed|ing)|grey|catalogue\w*|artefact\w*|judgment\w*|programme[sd]?|whilst|analys(?:e|ed|ing)"
    r"|(?:recogn|synthes|normal|optim|initial|final|quant|general|equal|organ|serial|summar|minim|maxim|character|author|real|util)"
    r"is(?:e|ed|er|ers|es|ing|ation))\b",
    re.IGNORECASE,
)
BANNED = re.compile(
    r"\b(?:tenants?|doors?|dice|gone or going|for want of|listen(?:s|ed|ing)?|hears?|heard|poison\w*|leaves word)\b",
    re.IGNORECASE,
)


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if name != NOTICES and (ROOT / name).exists()]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code(text: str) -> str:
    return "\n".join([*FENCED.findall(text), *SPAN.findall(FENCED.sub("", text))])


def prose(text: str) -> str:
    """Leaves out code, targets of links, and the list of words that are not used."""
    text = text.split(UNWANTED_WORDS, maxsplit=1)[0]
    return re.sub(r"\]\([^)]*\)", "]", SPAN.sub("", FENCED.sub("", text)))


def anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> Iterator[str]:
    for link in LINK.findall(FENCED.sub("", path.read_text())):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        if link.startswith(("http:", "https:")):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            yield link


def missing_paths(path: Path) -> Iterator[str]:
    """Yields paths that begin with a folder of the repository or package, and are neither there nor by the document."""
    for name in PATH.findall(FENCED.sub("", path.read_text())):
        first, pattern = name.split("/")[0], re.sub(r"<[^>]+>", "*", name.rstrip("/"))
        known = [base for base in (ROOT, PACKAGE) if first != ".build" and (base / first).is_dir()]
        if known and not any(list(base.glob(pattern)) for base in (*known, path.parent)):
            yield name


@pytest.mark.parametrize("path", documents(), ids=named)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert list(broken_links(path)) == []


@pytest.mark.parametrize("path", [path for path in documents() if path.name not in HISTORY], ids=named)
def test_every_path_that_is_named_exists(path: Path) -> None:
    assert list(missing_paths(path)) == []


@pytest.mark.parametrize("path", documents(), ids=named)
def test_every_command_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall(code(path.read_text()))) - targets == set()
    modules = {name.replace(".", "/") for name in MODULE.findall(code(path.read_text()))}
    assert [name for name in modules if not any((ROOT / name).with_suffix(end).exists() for end in ("", ".py"))] == []


@pytest.mark.parametrize("path", documents(), ids=named)
def test_spelling_is_american_and_words_are_those_of_the_glossary(path: Path) -> None:
    text = prose(path.read_text())
    assert BRITISH.findall(text) == []
    assert BANNED.findall(text) == []


def test_the_checks_find_what_they_are_for(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A title\n\n[one](page.md#a-title) [two](gone.md) [three](#nowhere) `docs/gone.md` `tests/test_<x>.py`\n"
    )
    assert list(broken_links(page)) == ["gone.md", "#nowhere"]
    assert list(missing_paths(page)) == ["docs/gone.md"]
    assert BRITISH.findall("enrolment enroll behaviour optimistic centre center") == [
        "enrolment",
        "behaviour",
        "centre",
    ]
    assert BANNED.findall("Tenants at the door") == ["Tenants", "door"]
