"""Refuses tools under unknown or unwanted licenses: `python -m layers.licenses .venv ... package-lock.json`.

What is deployed may only be under the licenses that `layers.notices` names. Tools of development and training are not
passed on, so copyleft does not matter to them, but licenses that reach users of a service, or forbid uses, do.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from importlib.metadata import distributions
from pathlib import Path

from layers import notices

UNWANTED = re.compile(
    r"AGPL|Affero|SSPL|Server Side Public|BUSL|Business Source|Commons Clause|Elastic License|PolyForm"
    r"|non-?commercial|CC-BY-NC|proprietary",
    re.IGNORECASE,
)
KNOWN = re.compile(
    r"\b(Apache|MIT|BSD|0BSD|ISC|PSF|PSFL|Python Software Foundation|MPL|Mozilla|Zlib|GPL|LGPL|GPLv[23]|LGPLv[23]"
    r"|GNU (Lesser )?General Public|CC0|Unlicense|HPND|CNRI|AFL)\b"
)
# Packages whose metadata name no license, or another one, by the text that they ship or publish.
BY_TEXT = {**notices.BY_TEXT, "pyworld-prebuilt": "MIT"}


def declared(metadata: Message) -> str:
    """Returns what a Python package says of its license: an SPDX expression, or its own words with the classifiers."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [each for each in metadata.get_all("Classifier", []) if each.startswith("License ::")]
    own = str(metadata.get("License") or "").strip().partition("\n")[0]
    return "; ".join(filter(None, [own, *(each.rpartition(" :: ")[2] for each in classifiers)]))


def of_environment(environment: Path) -> Mapping[str, str]:
    """Returns the licenses of the packages that a virtual environment holds, by name."""
    folders = [str(each) for each in environment.glob("lib/python3.*/site-packages")]
    found = {each.name: declared(each.metadata) for each in distributions(path=folders)}  # type: ignore[arg-type]
    return {name: BY_TEXT.get(name.lower(), said) for name, said in found.items()}


def of_npm(lock: Path) -> Mapping[str, str]:
    """Returns the licenses of the packages of an npm lock, by path."""
    packages = json.loads(lock.read_text())["packages"]
    return {name: str(each.get("license", "")) for name, each in packages.items() if name}


def refused(licenses: Mapping[str, str]) -> Iterator[str]:
    """Yields the packages whose license is unknown or unwanted, with what they say of it."""
    for name, said in sorted(licenses.items()):
        if UNWANTED.search(said) or not KNOWN.search(said):
            yield f"{name}: {said or 'no license'}"


def check(places: Sequence[Path]) -> int:
    """Checks environments and npm locks; returns the number of packages.

    Raises:
        notices.UnknownLicense: a license is unknown or unwanted, or a place holds no package.
    """
    count = 0
    for place in places:
        found = of_environment(place) if place.is_dir() else of_npm(place)
        if problems := [*refused(found), *([] if found else ["no package"])]:
            raise notices.UnknownLicense(f"{place}: {', '.join(problems)}")
        count += len(found)
    return count


if __name__ == "__main__":
    check([Path(each) for each in sys.argv[1:]])
