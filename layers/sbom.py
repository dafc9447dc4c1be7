"""Writes the software bill of materials of what is deployed: `python -m layers.sbom`.

CycloneDX 1.6, of what `layers.notices` finds in the built layers: packages with the digests that the lock takes, the
libraries inside them, the models with their digests and origins, and other parts. The product is the subject.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from bonafide import __version__
from layers import notices
from layers.packages import sha256

LOCK = notices.ROOT / "layers/runtime/requirements.txt"
TARGET = notices.ROOT / ".build/release.cdx.json"
PRODUCT, LICENSE = "bonafide", "Apache-2.0"
ENTRY = re.compile(r"^([a-z0-9.-]+)==[^\n]*((?:\n {4}--hash=[^\n]+)+)", re.MULTILINE)


def locked(lock: Path = LOCK) -> Mapping[str, list[str]]:
    """Returns the SHA-256 digests of the files that the lock takes for each package."""
    return {name: re.findall(r"sha256:([0-9a-f]{64})", hashes) for name, hashes in ENTRY.findall(lock.read_text())}


def bill(release: str, archive: Path | None = None) -> Bom:
    """Returns the bill of the built layers.

    Args:
        release: id of the release.
        archive: the release's archive, whose digest the subject gets.

    Raises:
        UnknownLicense: a part is under a license that is not allowed.
    """
    parts = [*_packages(), _bundle(), *map(_other, notices.OTHER_PARTS)]
    subject = Component(
        name=PRODUCT,
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref=PRODUCT,
        licenses=[LicenseExpression(LICENSE)],
        hashes=[_digest(sha256(archive))] if archive else (),
        properties=[Property(name="bonafide:release", value=release)],
    )
    made = Bom(components=parts, metadata=BomMetaData(component=subject))
    made.register_dependency(subject, parts)
    return made


def write(release: str, archive: Path | None = None, target: Path = TARGET) -> Path:
    """Writes the bill as JSON; returns the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(JsonV1Dot6(bill(release, archive)).output_as_string(indent=1) + "\n")
    return target


def _packages() -> list[Component]:
    found, digests = notices.packages(), locked()
    inside = list(notices.libraries(found))
    notices.check([*found, *inside, *notices.OTHER_PARTS])
    return [_package(each, digests[each.name], [part for part in inside if part.within == each.name]) for each in found]


def _package(package: notices.Component, digests: Sequence[str], inside: Sequence[notices.Component]) -> Component:
    url = PackageURL("pypi", name=package.name, version=package.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{package.name}/{package.version}/#files"),
        comment="the files that the lock takes, one of which is installed",
        hashes=map(_digest, digests),
    )
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=url.to_string(),
        purl=url,
        licenses=[LicenseExpression(package.license)],
        external_references=[files],
        components=[_library(each) for each in inside],
    )


def _library(library: notices.Component) -> Component:
    reference = f"{library.within}#{library.name}"
    return Component(name=library.name, bom_ref=reference, licenses=[LicenseExpression(library.license)])


def _bundle(bundle: Path = notices.BUNDLE) -> Component:
    manifest = bundle / "manifest.json"
    files: Mapping[str, str] = json.loads(manifest.read_text())["files"]
    origins = notices.origins(bundle)
    return Component(
        name="models",
        version=sha256(manifest)[:12],
        type=ComponentType.MACHINE_LEARNING_MODEL,
        description="The bundle; its digest is that of manifest.json, which names the digest of each file.",
        bom_ref="models",
        hashes=[_digest(sha256(manifest))],
        licenses=[LicenseExpression(LICENSE)],
        components=[_file(name, digest, origins.get(name)) for name, digest in files.items()],
    )


def _file(name: str, digest: str, origins: Sequence[Mapping[str, str]] | None) -> Component:
    """Returns a graph with the packages that its weights are from, or a file of parameters, which is our own."""
    licenses = sorted({LICENSE, *(each["licence"] for each in origins or ())})
    return Component(
        name=name,
        type=ComponentType.DATA if origins is None else ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"models#{name}",
        hashes=[_digest(digest)],
        licenses=[LicenseExpression(" AND ".join(licenses))],
        copyright="\n".join(notices.COPYRIGHT[each["name"]] for each in origins or ()) or None,
        pedigree=Pedigree(ancestors=[_origin(name, each) for each in origins]) if origins else None,
    )


def _origin(file: str, package: Mapping[str, str]) -> Component:
    url = PackageURL("pypi", name=package["name"], version=package["version"])
    return Component(
        name=package["name"],
        version=package["version"],
        bom_ref=f"models#{file}#{package['name']}",
        purl=url,
        hashes=[_digest(package["sha256"])],
        licenses=[LicenseExpression(package["licence"])],
    )


def _other(part: notices.Component) -> Component:
    name = part.name.replace("`", "")
    return Component(
        name=name,
        type=ComponentType.DATA if "recordings" in name else ComponentType.LIBRARY,
        bom_ref=name,
        description=f"Part of {part.within.replace('`', '')}",
        publisher=part.publisher,
        licenses=[LicenseExpression(part.license)],
    )


def _digest(value: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=value)


if __name__ == "__main__":
    write("unreleased")
