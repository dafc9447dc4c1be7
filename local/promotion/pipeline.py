"""The release pipeline of the local run: promotions of the model, by the very code that carries them out on AWS.

What is different: the released revision is a copy of the sources of when the run began, CloudFormation and CodeDeploy
are this machine's imitation, and no error budget is asked for.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from local.cloud.releases.deploy import UpdateStatus
from local.cloud.releases.target import SynthesizedVersion, read
from local.promotion.formation import LocalFormation
from local.rehearse.scenarios import BUNDLE, unchanged
from local.rehearse.versions import copy, synthesize
from ops.promotion.__main__ import PromotionError, StagePromotion
from ops.promotion.bundle import BundleCache, install
from ops.promotion.stage import FAILURES
from ops.registry.client import ModelRegistry

IDLE_SECONDS = 60

# Releases a version; returns how it ended, and why if it was rolled back.
type Release = Callable[[SynthesizedVersion], tuple[UpdateStatus, str]]


@dataclass(slots=True)
class LocalPipeline:
    """Carries out promotions on the deployment of this machine.

    Attributes:
        stage: one of cdk.json.
        registry: of the deployment.
        formation: the stack that runs.
        folder: for sources and assemblies.
        release: releases versions.
    """

    stage: str
    registry: ModelRegistry
    formation: LocalFormation
    folder: Path
    release: Release
    _built: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        copy(self._released, unchanged)

    @property
    def _released(self) -> Path:
        """The sources of what runs."""
        return self.folder / "released"

    def carry_out(self, id_: str) -> int:
        """Carries out a promotion; returns 0 if its model is deployed.

        Raises:
            PromotionError: it cannot go on.
        """
        promotion = StagePromotion(
            self.stage, self.registry, self._build, self._deploy, lambda _: None, formation=self.formation
        )
        return promotion.run(id_)

    def _build(self, _revision: str, digest: str) -> Path:
        """Synthesizes the released sources with another bundle; returns the cloud assembly."""
        bundle = BundleCache().fetch(digest, self.registry.download)
        self._built += 1
        name = f"{self._built}-{digest[:12]}"

        def change(root: Path) -> None:
            install(bundle, digest, root / BUNDLE)

        return synthesize(self.folder, {name: change}, self.stage, self._released)[name]

    def _deploy(self, arguments: Sequence[str]) -> int:
        """Does what `make deploy` does; returns 0 if the release is complete."""
        assembly = Path(next(each for each in arguments if each.startswith("RELEASE=")).removeprefix("RELEASE="))
        stack = self.formation.stack
        version = read(assembly, self.stage, stack.version.service, stack.published)
        self.formation.begin(version)
        status, reason = self.release(version)
        self.formation.end(status, reason)
        return int(status is not UpdateStatus.PROMOTED)


class PromotionQueue:
    """Carries out promotions in the order of their requests, in a thread of its own."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[str | None] = SimpleQueue()

    def put(self, detail: Mapping[str, Any]) -> None:
        """Takes the detail of an event."""
        self._waiting.put(str(detail["promotion"]))

    def start(self, pipeline: LocalPipeline, idle: Callable[[], None]) -> None:
        """Begins to carry out promotions.

        Args:
            pipeline: carries them out.
            idle: called each minute in which nothing was asked for.
        """
        threading.Thread(target=self._run, args=(pipeline, idle), daemon=True).start()

    def stop(self) -> None:
        """Takes no more promotions."""
        self._waiting.put(None)

    def _run(self, pipeline: LocalPipeline, idle: Callable[[], None]) -> None:
        while True:
            try:
                id_ = self._waiting.get(timeout=IDLE_SECONDS)
            except Empty:
                idle()
                continue
            if id_ is None:
                return
            try:
                pipeline.carry_out(id_)
            except (PromotionError, *FAILURES) as error:
                print(f"promotion {id_}: {error}", flush=True)
