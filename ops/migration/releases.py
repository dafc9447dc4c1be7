"""Which bundles a stage serves: that of the release that answers, and that of the release before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.resources import list_resources

ALIAS = "live"
FUNCTION = "AWS::Lambda::Function"
# Beginning of the logical id of the function that enrolls; every function with models has the same bundle.
ENROLLS = "EnrollSpeaker"
DIGEST = "BONAFIDE_BUNDLE_DIGEST"
# The form in which templates are written; no release that has no such setting reads the protected one.
FORM = "BONAFIDE_TEMPLATE_FORM"


class NotReadyError(Exception):
    """The stage does not serve what the migration needs; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ServedBundles:
    """Digests of the bundles of a stage.

    Attributes:
        live: of the versions that answer: two while a release shifts traffic.
        before: of the version before them, to which a rollback goes; None if there is none.
    """

    live: tuple[str, ...]
    before: str | None

    @classmethod
    def read(cls, stage: str, connect: Callable[..., Any]) -> "ServedBundles":
        """Reads the versions of the function that enrolls.

        Raises:
            NotReadyError: the stage has no such function.
        """
        versions, live = deployed_versions(stage, connect)
        digests = {version: settings[DIGEST] for version, settings in versions.items()}
        earlier = [version for version in digests if version < min(live)]
        return cls(tuple(digests[each] for each in live), digests[max(earlier)] if earlier else None)

    def require_live(self, digest: str) -> None:
        """Refuses a bundle that does not answer callers.

        Raises:
            NotReadyError: it is not deployed.
        """
        if digest not in self.live:
            raise NotReadyError(
                f"the bundle here is {digest[:12]}, the stage serves {_short(self.live)}: build that one"
            )

    def require_settled(self, digest: str) -> None:
        """Refuses a bundle that the release before does not have: after a rollback, voiceprints would be missing.

        Raises:
            NotReadyError: a release is under way, or the release before has another bundle.
        """
        self.require_live(digest)
        if len(self.live) > 1:
            raise NotReadyError("a release is shifting traffic: wait for its end")
        if self.before not in {None, digest}:
            raise NotReadyError(
                f"the release before has the bundle {_short([self.before])}, and a rollback to it needs the former "
                "voiceprints: repeat this after the next release"
            )


def _function(stage: str, formation: Any) -> str:
    for each in list_resources(formation, f"Bonafide-{stage}-Service"):
        if each["ResourceType"] == FUNCTION and each["LogicalResourceId"].startswith(ENROLLS):
            return each["PhysicalResourceId"]
    raise NotReadyError(f"Bonafide-{stage}-Service has no function that enrolls")


def deployed_versions(stage: str, connect: Callable[..., Any]) -> tuple[Mapping[int, Mapping[str, str]], Sequence[int]]:
    """Returns the settings of each version of the function that enrolls, and which versions answer.

    Raises:
        NotReadyError: the stage has no such function.
    """
    client, name = connect("lambda"), _function(stage, connect("cloudformation"))
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    versions = [each for page in pages for each in page["Versions"] if each["Version"].isdigit()]
    alias = client.get_alias(FunctionName=name, Name=ALIAS)
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    settings = {int(each["Version"]): each["Environment"]["Variables"] for each in versions}
    return settings, [int(alias["FunctionVersion"]), *map(int, weights)]


def writes_protected(stage: str, connect: Callable[..., Any]) -> bool:
    """Tells whether every version that answers writes templates in the protected form.

    Raises:
        NotReadyError: the stage has no function that enrolls.
    """
    versions, live = deployed_versions(stage, connect)
    return all(versions[each].get(FORM) == "protected" for each in live)


def _short(digests: Any) -> str:
    return ", ".join(each[:12] for each in digests)
