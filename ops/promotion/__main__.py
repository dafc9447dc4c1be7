"""Carries out a promotion or a rollback of the model: `python -m ops.promotion --stage S --promotion ID`.

The released revision is built with the promotion's bundle and deployed like any release: new function versions, the
same waves, golden calls, canary and alarms. Then the registry is told how it ended.

It may be killed anywhere and started again: where things stand is read from the stack each time. A deployment that is
under way is waited for, one that ended is reported and not begun a second time, and a report that was given changes
nothing when it is given again.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

from ops.promotion.archive import BuildError, ReleaseBuild, ReleaseIdentity
from ops.promotion.bundle import BundleCache
from ops.promotion.stage import FAILURES, SHORT, registry_of, service_stack
from ops.registry.client import ModelRegistry
from ops.rollback import FAILED, POLL_SECONDS, Make, run_make
from ops.stack_state import StackState

PENDING, SUCCEEDED = "PENDING", "SUCCEEDED"
ROLLBACK = "rollback"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
FUNCTION = "AWS::Lambda::Function"
# CloudFormation's reason for what it gave up because something else failed.
CANCELED = "Resource update cancel"
# What an entry of the history takes.
LONGEST_DETAIL = 200

# Builds the revision of a release with the bundle of a digest; returns the archive.
type Build = Callable[[str, str], Path]


class PromotionError(Exception):
    """The promotion can be neither carried out nor reported as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class StagePromotion:
    """Promotions of one stage.

    Attributes:
        stage: one of cdk.json.
        registry: of the stage.
        build: builds archives.
        make: deploys them.
        pause: waits for seconds.
        formation: client of CloudFormation.
    """

    stage: str
    registry: ModelRegistry
    build: Build
    make: Make = run_make
    pause: Callable[[float], None] = time.sleep
    formation: Any = field(default_factory=lambda: boto3.client("cloudformation"))

    def run(self, id_: str, *, traffic: str = "", digest: str = "", settle: bool = False) -> int:
        """Carries out a promotion, or goes on with it; returns 0 if its model is deployed.

        Args:
            id_: of the promotion.
            traffic: `ALL_AT_ONCE`, for rollbacks only, or empty.
            digest: of the bundle that whoever starts this expects; may be empty.
            settle: begin no deployment; wait for one that is under way, and report.

        Raises:
            PromotionError: it cannot go on.
        """
        promotion = self.registry.promotion(id_)
        self._check(promotion, traffic, digest)
        if promotion["state"] != PENDING:
            print(f"{id_}: {promotion['state']} already", flush=True)
            return int(promotion["state"] != SUCCEEDED)
        stack = self._at_rest()
        problem = ""
        if not settle and not self._is_over(stack, promotion):
            problem = self._deploy(stack, promotion, traffic)
            stack = self._at_rest()
        return self._report(stack, promotion, problem or "no deployment was begun")

    def _check(self, promotion: Mapping[str, Any], traffic: str, digest: str) -> None:
        if digest and promotion["digest"] != digest:
            raise PromotionError(f"the promotion is one of {promotion['digest']}, and not of {digest}")
        if traffic and promotion["kind"] != ROLLBACK:
            raise PromotionError("only a rollback may shift all traffic at once: callers have not met a new model")

    def _at_rest(self) -> StackState:
        """Waits until no update and no rollback of the stack is under way; returns its state."""
        while (stack := service_stack(self.formation, self.stage)) and stack.status.endswith("_IN_PROGRESS"):
            print(f"{stack.name}: {stack.status}, waiting", flush=True)
            self.pause(POLL_SECONDS)
        if stack is None:
            raise PromotionError(f"{self.stage} is not deployed")
        if stack.status == FAILED:
            raise PromotionError(f"{stack.name}: {FAILED}. `make rollback STAGE={self.stage}`, then this again")
        return stack

    def _is_over(self, stack: StackState, promotion: Mapping[str, Any]) -> bool:
        """Tells whether the promotion's model is deployed, or was, and has been taken back."""
        return stack.outputs.get("Model") == promotion["digest"] or bool(self._attempt(stack, promotion))

    def _attempt(self, stack: StackState, promotion: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Returns the events of the stack since the promotion updated functions, newest first; none if it did not."""
        since = datetime.fromisoformat(promotion["requested_at"])
        pages = self.formation.get_paginator("describe_stack_events").paginate(StackName=stack.name)
        found: list[Mapping[str, Any]] = []
        for event in (each for page in pages for each in page["StackEvents"]):
            if event["Timestamp"] < since:
                break
            found.append(event)
        # Functions that load the bundle have its digest among their properties.
        updated = [
            place
            for place, event in enumerate(found)
            if event["ResourceType"] == FUNCTION and promotion["digest"] in event.get("ResourceProperties", "")
        ]
        return found[: updated[-1] + 1] if updated else []

    def _deploy(self, stack: StackState, promotion: Mapping[str, Any], traffic: str) -> str:
        """Builds and deploys; returns why no deployment came about, or that one ended badly, or an empty text."""
        digest, release = promotion["digest"], stack.outputs["Release"]
        print(f"{promotion['id']}: {release} of {self.stage} gets model {digest[:SHORT]}", flush=True)
        try:
            archive = self.build(release, digest)
        except (BuildError, *FAILURES) as error:
            return f"not built: {error}"
        arguments = [f"STAGE={self.stage}", f"RELEASE={archive}", f"PROMOTION={promotion['id']}"]
        if promotion["kind"] == ROLLBACK:
            # A rollback is needed most when the error budget is gone.
            arguments.append(f"REASON=rollback of the model to {digest[:SHORT]}")
        status = self.make(["deploy", *arguments, *([f"TRAFFIC={traffic}"] if traffic else [])])
        return f"`make deploy` ended with status {status} before it changed a function" if status else ""

    def _report(self, stack: StackState, promotion: Mapping[str, Any], problem: str) -> int:
        """Tells the registry what the stack says; returns 0 if the promotion's model is deployed."""
        succeeded = stack.outputs.get("Model") == promotion["digest"]
        found = "deployed" if succeeded else cause(self._attempt(stack, promotion)) or problem
        detail = " ".join(found.split())[:LONGEST_DETAIL]
        self.registry.complete(promotion["id"], succeeded, stack.outputs["Release"], detail)
        print(f"{promotion['id']}: {'the champion' if succeeded else 'taken back'}: {detail}", flush=True)
        return int(not succeeded)


def cause(events: Sequence[Mapping[str, Any]]) -> str:
    """Returns what first failed, out of the events of a stack, newest first; empty if nothing did."""
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    reasons = [(event["LogicalResourceId"], event.get("ResourceStatusReason", "")) for event in reversed(failed)]
    first = next(((name, reason) for name, reason in reasons if not reason.startswith(CANCELED)), None)
    if first:
        return f"{first[0]}: {first[1]}"
    return "the update was rolled back" if events else ""


def main() -> int:
    """Runs the command; returns 0 if the promotion's model is deployed."""
    parser = argparse.ArgumentParser(prog="python -m ops.promotion", description="Carry out a promotion of a model.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--promotion", required=True, help="its id")
    parser.add_argument("--digest", default="", help="digest of the bundle, if it is to be checked")
    parser.add_argument("--traffic", default="", choices=["", "ALL_AT_ONCE"])
    parser.add_argument("--settle", action="store_true", help="begin no deployment, only report how things ended")
    given = parser.parse_args()
    if not ID.fullmatch(given.promotion):
        parser.error("this is no id of a promotion")
    try:
        registry = registry_of(given.stage)
        promotion = StagePromotion(given.stage, registry, builder(given.stage, registry))
        return promotion.run(given.promotion, traffic=given.traffic, digest=given.digest, settle=given.settle)
    except (PromotionError, *FAILURES) as error:
        print(f"promotion: {error}", file=sys.stderr)
        return os.EX_TEMPFAIL


def builder(stage: str, registry: ModelRegistry) -> Build:
    """Returns what fetches a bundle of a registry, and builds the revision of a release with it."""
    releases = ReleaseBuild(stage)

    def build(release: str, digest: str) -> Path:
        revision = ReleaseIdentity(release, "").revision
        BundleCache(releases.root / ".build" / "models").fetch(digest, registry.download)
        return releases.build(revision, digest)

    return build


if __name__ == "__main__":
    sys.exit(main())
