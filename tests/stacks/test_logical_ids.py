"""Resources keep their logical ids: with another one, CloudFormation replaces a resource and deletes its content.

A replaced function or alias would also get all traffic at once, without a canary.
"""

import json
from pathlib import Path

import pytest

RELEASED: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "logical_ids.json").read_text())


@pytest.mark.parametrize("stack", RELEASED)
def test_released_logical_ids_are_kept(assembly: Path, stack: str) -> None:
    resources = json.loads((assembly / f"Bonafide-dev-{stack}.template.json").read_text())["Resources"]
    kinds = {id_: resources.get(id_, {"Type": "missing"})["Type"] for id_ in RELEASED[stack]}
    assert kinds == RELEASED[stack]
