"""Each alarm has a runbook, and each runbook belongs to an alarm and has its sections."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stacks.slo import Objectives

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "runbooks"
RUNBOOKS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
SECTIONS = ["What the user feels", "First three looks", "Mitigation", "Over when"]
LINK = re.compile(r"docs/runbooks/([a-z-]+)\.md")
METRICS = json.loads((ROOT / "layers/core/python/bonafide/metrics.json").read_text())["metrics"]


def alarms(assembly: Path) -> Iterator[dict[str, Any]]:
    for path in assembly.glob("Bonafide-*.template.json"):
        for each in json.loads(path.read_text())["Resources"].values():
            if each["Type"] in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}:
                yield each["Properties"]


def section(text: str, name: str) -> str:
    return text.split(f"\n## {name}\n")[1].split("\n## ", maxsplit=1)[0]


def test_every_alarm_names_a_runbook_and_every_runbook_belongs_to_an_alarm(assembly: Path) -> None:
    found = [LINK.search(str(each.get("AlarmDescription"))) for each in alarms(assembly)]
    assert found
    assert None not in found
    assert {link[1] for link in found if link} == {path.stem for path in RUNBOOKS}


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_has_its_sections(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert all(section(text, name).strip() for name in SECTIONS)
    assert re.findall(r"^(\d)\. ", section(text, "First three looks"), re.MULTILINE) == ["1", "2", "3"]


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_every_look_is_a_command(path: Path) -> None:
    looks = re.split(r"^\d\. ", section(path.read_text(), "First three looks"), flags=re.MULTILINE)[1:]
    assert all(re.search(r"\b(metric|api|insights|aws|make) ", look) for look in looks)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_names_in_a_runbook_exist(path: Path, assembly: Path) -> None:
    text = path.read_text()
    services = {folder.name for folder in (ROOT / "functions").iterdir()}
    places = services | {slo.name for slo in Objectives.read().slos} | {"$each", "<name>"}
    for metric, place in re.findall(r"\bmetric ([$\w]+) ([$\w<>-]+)", text):
        assert metric in METRICS or metric == "$each"
        assert place in places
    code = "".join(source.read_text() for source in (ROOT / "layers/core/python/bonafide").rglob("*.py"))
    assert all(f'"{message}"' in code for message in re.findall(r'message = "([^"]+)"', text))
    for stack, prefix in re.findall(r"\$\(resource (\w+) (\w+)\)", text):
        resources = json.loads((assembly / f"Bonafide-dev-{stack}.template.json").read_text())["Resources"]
        assert any(name.startswith(prefix) for name in resources), (stack, prefix)


@pytest.mark.parametrize("path", [*RUNBOOKS, FOLDER / "README.md", *(ROOT / "docs/operations").glob("*.md")], ids=str)
def test_no_link_is_broken(path: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", path.read_text()) if not link.startswith("http")]
    assert [link for link in links if not (path.parent / link).exists()] == []
