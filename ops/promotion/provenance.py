"""Verifies where a release archive comes from, before any of it is used: `python -m ops.promotion.provenance`.

GitHub attests what a workflow builds, signed as that workflow (https://docs.github.com/actions/security-guides/
using-artifact-attestations-to-establish-provenance-for-builds); its command line verifies that. Where nothing attests,
the archive is compared with the digest that was recorded when it was built.
"""

import argparse
import hmac
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from layers.packages import sha256
from ops.promotion.archive import BuildError, identity

# Of the stages that an archive holds; each names the same release.
STAGE = "dev"
BRANCH = "refs/heads/main"

# Called with a command; raises an error if it fails.
type Run = Callable[[list[str]], object]


class ProvenanceError(Exception):
    """An archive is not what it should be; the message says why."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Facts that have to hold of an archive; what is empty is not compared.

    Attributes:
        repository: `owner/name` whose workflow attested the archive.
        workflow: name of that workflow.
        digest: SHA-256 that was recorded when it was built, hex.
        revision: commit that it was built of.
    """

    repository: str = ""
    workflow: str = "release"
    digest: str = ""
    revision: str = ""

    def command(self, archive: Path) -> list[str]:
        """Returns the command that verifies the attestation: of this workflow, on main, on a machine of GitHub."""
        signer = f"{self.repository}/.github/workflows/{self.workflow}.yml"
        return [
            *("gh", "attestation", "verify", str(archive), "--repo", self.repository),
            *("--signer-workflow", signer, "--source-ref", BRANCH, "--deny-self-hosted-runners"),
        ]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def verify(archive: Path, wanted: Provenance, run: Run = _run) -> None:
    """Verifies an archive.

    Raises:
        ProvenanceError: it comes from elsewhere, or nothing was given that would tell.
    """
    if not (wanted.repository or wanted.digest):
        raise ProvenanceError("name a repository or a digest: nothing else tells where an archive comes from")
    if wanted.digest and not hmac.compare_digest(sha256(archive), wanted.digest):
        raise ProvenanceError(f"{archive} is not what was built: its digest is {sha256(archive)}")
    if wanted.repository:
        _attested(wanted.command(archive), run)
    # Read last: up to here the archive could be anybody's.
    if wanted.revision and not wanted.revision.startswith(identity(archive, STAGE).revision):
        raise ProvenanceError(f"{archive} was built of {identity(archive, STAGE).revision}, not of {wanted.revision}")


def _attested(command: list[str], run: Run) -> None:
    try:
        run(command)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProvenanceError(f"no attestation of the archive was verified: {error}") from error


def main() -> int:
    """Runs the command; returns 0 if the archive is what it should be."""
    parser = argparse.ArgumentParser(description="Verify where a release archive comes from.")
    parser.add_argument("--release", type=Path, required=True, help="the archive")
    parser.add_argument("--repository", default="", help="owner/name whose workflow attested it")
    parser.add_argument("--workflow", default="release", help="name of that workflow")
    parser.add_argument("--digest", default="", help="SHA-256 that was recorded when it was built")
    parser.add_argument("--revision", default="", help="commit that it was built of")
    given = parser.parse_args()
    try:
        verify(given.release, Provenance(given.repository, given.workflow, given.digest, given.revision))
    except (ProvenanceError, BuildError, OSError) as error:
        sys.exit(f"verify: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
