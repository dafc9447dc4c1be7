"""Releases that differ in their model: registered, promoted by the registry, and released by the pipeline."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from bonafide_client import Client
from layers.model.build import MANIFEST
from layers.packages import sha256
from local.cloud.releases.deploy import UpdateStatus
from local.cloud.releases.target import SynthesizedVersion
from local.promotion.formation import LocalFormation
from local.promotion.pipeline import LocalPipeline
from local.rehearse.rehearsal import Rehearsal
from local.rehearse.results import ScenarioResult
from local.rehearse.scenarios import BUNDLE, Scenario
from ops.registry.client import ModelRegistry
from ops.synthesis import ROOT

# Longer than an event takes.
EVENT_SECONDS = 30

# Plays the release of a version.
type Play = Callable[[SynthesizedVersion], ScenarioResult]


@dataclass(slots=True)
class ModelRehearsal:
    """The registry of a rehearsal's deployment, and the pipeline that its promotions start.

    Attributes:
        rehearsal: deployment.
        stage: one of cdk.json.
        folder: for bundles, sources and assemblies.
        requested: details of the events that ask for promotions.
    """

    rehearsal: Rehearsal
    stage: str
    folder: Path
    requested: SimpleQueue[Mapping[str, Any]]
    registry: ModelRegistry = field(init=False)
    formation: LocalFormation = field(init=False)
    _folders: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.registry = ModelRegistry(Client(self.rehearsal.stack.running.endpoint))
        self.formation = LocalFormation(self.rehearsal.stack)

    def play(self, scenario: Scenario, play: Play) -> tuple[ScenarioResult, SynthesizedVersion]:
        """Promotes a challenger, and rolls it back if it was promoted; returns the last release."""
        self._begin()
        champion = self.registry.aliases()["champion"]
        challenger = self._challenger(scenario)
        last, version = self._carry_out(self.registry.promote(challenger, scenario.title), play)
        wrong = self._differs(last, {True: challenger, False: champion})
        if last.status is UpdateStatus.PROMOTED:
            last, version = self._carry_out(self.registry.rollback("the rehearsal is over"), play)
            wrong += self._differs(last, {True: champion, False: challenger})
        self._print_history()
        return replace(last, wrong=wrong), version

    def _begin(self) -> None:
        """Makes the bundle that runs the first champion, which takes no release."""
        if self.registry.aliases()["champion"] is None:
            digest = self.registry.register(ROOT / BUNDLE, [], "the bundle that is deployed")
            id_ = self.registry.promote(digest, "what is deployed", "the first champion was compared with none")
            self._pipeline(_refuse).carry_out(self._event(id_))

    def _challenger(self, scenario: Scenario) -> str:
        """Registers the changed bundle, whose gates passed, as the challenger; returns its digest."""
        assert scenario.challenger
        bundle = self.folder / scenario.name
        shutil.copytree(ROOT / BUNDLE, bundle)
        scenario.challenger(bundle)
        gates = bundle.with_name(f"{scenario.name}.gates") / "gates.json"
        gates.parent.mkdir()
        gates.write_text(json.dumps(_passed(sha256(bundle / MANIFEST), self.registry.aliases()["champion"])))
        digest = self.registry.register(bundle, [gates], scenario.title)
        self.registry.challenge(digest, scenario.title)
        return digest

    def _carry_out(self, id_: str, play: Play) -> tuple[ScenarioResult, SynthesizedVersion]:
        played: list[tuple[ScenarioResult, SynthesizedVersion]] = []

        def release(version: SynthesizedVersion) -> tuple[UpdateStatus, str]:
            played.append((play(version), version))
            return played[0][0].status, played[0][0].reason

        self._pipeline(release).carry_out(self._event(id_))
        return played[0]

    def _pipeline(self, release: Callable[[SynthesizedVersion], tuple[UpdateStatus, str]]) -> LocalPipeline:
        self._folders += 1
        folder = self.folder / f"pipeline-{self._folders}"
        return LocalPipeline(self.stage, self.registry, self.formation, folder, release)

    def _event(self, id_: str) -> str:
        """Waits for the event of a promotion, which starts the pipeline; returns the promotion's id."""
        detail = self.requested.get(timeout=EVENT_SECONDS)
        assert detail["promotion"] == id_
        return id_

    def _differs(self, result: ScenarioResult, champions: Mapping[bool, str]) -> list[str]:
        """Returns what the registry says wrongly after a release."""
        champion = self.registry.aliases()["champion"]
        wanted = champions[result.status is UpdateStatus.PROMOTED]
        return [] if champion == wanted else [f"the champion is {champion}, and has to be {wanted}"]

    def _print_history(self) -> None:
        for entry in reversed(list(self.registry.history())):
            print(f"        {entry['sequence']:>3} {entry['action']:<19} {entry['digest'][:12]}  {entry['reason']}")


def _refuse(_version: SynthesizedVersion) -> tuple[UpdateStatus, str]:
    raise RuntimeError("a release, although the bundle is deployed already")


def _passed(digest: str, champion: str | None) -> Mapping[str, Any]:
    """Returns a report of gates that let a challenger pass: what the rehearsal is about is that gates may be wrong."""
    gate = {"gate": "rehearsed", "criterion": "none: stands for gates that see nothing wrong", "cohort": None}
    result = gate | {"bound": 0, "found": 0, "interval": None, "passed": True}
    named = {"schema": 1, "gates_version": "rehearsal", "candidate": digest, "champion": champion}
    return named | {"passed": True, "results": [result]}
