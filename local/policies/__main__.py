"""Changes policies while people call: `python -m local.policies`.

Eight threads authenticate and stream sessions, each request sent once, while single settings are patched, policies are
staged, judged in shadow, activated and taken back. Afterwards every decision is judged again under the policy that the
history has for the version that it names, and under the one that was staged.
"""

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.policies.dynamodb import DynamoStagingStore
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, SpaceCalibrations
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import StagedPolicy
from bonafide.services.policies.life_cycle import Policies
from bonafide_client import Client
from layers.golden.readers import RATE, load
from local.demo.replay import stored
from local.policies.calls import Callers, ToldDecision, enroll
from local.runner import Deployment, ExtraServices, deployment

DOMAIN, BUNDLE = "policies", Path(".build/layers/model/bundle")
# The readers' recordings are short and few, and used again and again.
POLICY = {"minimum_enrolment_seconds": 6, "minimum_decision_seconds": 1.5, "failure_limit": None}
READERS, CALLERS, STREAMERS = 4, 5, 3
# Each is staged beside what the one before left.
TRIED: Sequence[Mapping[str, Any]] = (
    {"requires": ["another_factor"]},
    {"uncertain_margin": 3.0},
    {"false_accept_cost": 5000.0, "spoof_accept_cost": 5000.0},
    {"minimum_decision_seconds": 4.0},
)
# Decisions that are waited for between two changes.
BETWEEN = 12


@dataclass(slots=True)
class PolicyTrial:
    """One deployment under calls, and what is found.

    Attributes:
        running: the deployment.
        client: of its API.
        callers: who call meanwhile.
        acknowledged: time and policy version of each change, as it was answered.
        failed: claims that did not hold.
    """

    running: Deployment
    client: Client
    callers: Callers
    acknowledged: list[tuple[float, int]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def play(self) -> None:
        """Changes policies while people call, and judges again what was decided."""
        self.callers.start(CALLERS, STREAMERS)
        self.callers.wait(BETWEEN)
        for number, changes in enumerate(TRIED):
            self._patch({"false_reject_cost": 5.0 + number})
            self._try(changes)
            if number % 2 == 0:
                self._roll_back()
            self.callers.wait(BETWEEN)
        self.callers.stop()
        self._judge_again()

    def _patch(self, changes: Mapping[str, Any]) -> None:
        body = {"policy": dict(changes)}
        self._changed(self.client.patch_domain(DOMAIN, body, self.client.domain_etag(DOMAIN)))

    def _try(self, changes: Mapping[str, Any]) -> None:
        staged = self.client.stage_policy(DOMAIN, changes, "to be tried in shadow")
        self.callers.wait(BETWEEN, lambda each: each.decision_id is not None)
        # The index of decisions is up to date a moment later.
        time.sleep(1)
        report = self.client.staged_report(DOMAIN)
        flips = sum(each["count"] for each in report["counts"] if each["before"] != each["after"])
        self._claim(f"{dict(changes)} in shadow: {report['compared']} decisions, {flips} flips", report["compared"])
        etag = self.client.domain_etag(DOMAIN)
        self._changed(self.client.activate_policy(DOMAIN, staged["staged_version"], "as wanted", etag=etag))
        self.callers.wait(BETWEEN)

    def _roll_back(self) -> None:
        active = self.client.get_domain(DOMAIN)["policy_version"]
        self._changed(self.client.roll_back_policy(DOMAIN, active, "not as wanted"))

    def _changed(self, domain: Any) -> None:
        self.acknowledged.append((time.monotonic(), domain["policy_version"]))

    def _judge_again(self) -> None:
        told, requests = self.callers.told, self.callers.requests
        failed, throttled = self.callers.failed, self.callers.throttled
        text = f"{requests} requests by {CALLERS + STREAMERS} threads, {len(failed)} failed {failed[:3]}"
        self._claim(f"{text}, {throttled} chunks came too fast for this machine and were sent again", not failed)
        late = [each for each in told if each.asked_at and each.policy_version < self._acknowledged(each.asked_at)]
        self._claim(f"{len(late)} answers under a policy that had been left before they were asked for", not late)
        across = sum(bool(each.began_under and each.began_under != each.policy_version) for each in told)
        self._claim(f"{across} sessions began under one policy and ended under another", across)
        time.sleep(1)
        history = History.read(self.running)
        records = {each.decision_id: each for each in stored(history.decisions, DOMAIN)}
        self._claim(
            f"{len(records)} decisions by policy version: {dict(sorted(_versions(records.values()).items()))}",
            all(_is_told(each, records) for each in told),
        )
        equal = sum(history.is_reproduced(each) for each in records.values())
        self._claim(f"{equal} of them come out the same under the version that they name", equal == len(records))
        shadowed = [each for each in records.values() if each.staged]
        same = sum(history.is_reproduced_in_shadow(each) for each in shadowed)
        self._claim(f"{same} of {len(shadowed)} come out the same under the staged policy", same == len(shadowed) > 0)

    def _acknowledged(self, asked_at: float) -> int:
        return max((version for at, version in self.acknowledged if at < asked_at), default=1)

    def _claim(self, text: str, holds: object) -> None:
        print(f"{'ok' if holds else 'NOT'}  {text}", flush=True)
        if not holds:
            self.failed.append(text)


@dataclass(frozen=True, slots=True)
class History:
    """Stored decisions and policies of the domain, read past the API.

    Attributes:
        decisions: store of them.
        policies: reads versions.
        stagings: reads policies that were staged.
        domain: as it is now.
        calibrations: of the bundle, by digest.
    """

    decisions: DynamoDecisionStore
    policies: Policies
    stagings: DynamoStagingStore
    domain: DomainRecord
    calibrations: Mapping[str, Calibration]
    _known: dict[int, Policy] = field(default_factory=dict)
    _staged: dict[int, StagedPolicy | None] = field(default_factory=dict)

    @classmethod
    def read(cls, running: Deployment) -> "History":
        """Opens the tables of a deployment."""
        environment = running.functions["authenticate_caller"].definition.environment
        client, table = running.emulator.client("dynamodb"), environment["BONAFIDE_DOMAIN_TABLE"]
        domains, stagings = DynamoDomainStore(client, table), DynamoStagingStore(client, table)
        documents = BundleFiles.open(BUNDLE, environment["BONAFIDE_BUNDLE_DIGEST"]).calibrations()
        found = domains.domain(DOMAIN)
        assert found is not None  # it was not deleted
        decisions = DynamoDecisionStore(client, environment["BONAFIDE_DECISION_TABLE"])
        known = {each.digest: each for each in SpaceCalibrations.parse(documents).newest_first}
        return cls(decisions, Policies(domains, stagings), stagings, found, known)

    def is_reproduced(self, record: DecisionRecord) -> bool:
        """Tells whether a decision comes out the same under the policy of the version that it names."""
        version = record.policy_version
        if version not in self._known:
            self._known[version] = self.policies.version(DOMAIN, version).record.policy
        judgement = judge(record.case, self._known[version], self.calibrations[record.calibration or ""])
        return judgement == record.judgement and record.policy == self._known[version]

    def is_reproduced_in_shadow(self, record: DecisionRecord) -> bool:
        """Tells whether the staged policy that a decision names would have made what is stored with it."""
        assert record.staged is not None  # asked of such only
        version = record.staged.staged_version
        if version not in self._staged:
            self._staged[version] = self.stagings.staged_before(self.domain, version)
        policy = self._staged[version]
        return policy is not None and (
            policy.judged(record.case, self.calibrations[record.calibration or ""]) == record.staged
        )


def _versions(records: Any) -> Counter[int]:
    return Counter(each.policy_version for each in records)


def _is_told(told: ToldDecision, records: Mapping[str | None, DecisionRecord]) -> bool:
    """Tells whether a decision is stored as it was told; a provisional one is not stored."""
    if told.decision_id is None:
        return True
    record = records.get(told.decision_id)
    return record is not None and (record.judgement.decision, record.policy_version) == (
        told.decision,
        told.policy_version,
    )


def main() -> int:
    """Runs the command; returns the number of claims that did not hold."""
    readers = [each for each in load().values() if len(each.enrollment) > 6.5 * RATE][:READERS]
    with deployment(services=ExtraServices(pause=0.1)) as running, Client(running.endpoint) as client:
        client.put_domain(DOMAIN, policy=POLICY, retention={"replay_days": 0})
        enroll(client, DOMAIN, readers)
        trial = PolicyTrial(running, client, Callers(running.endpoint, DOMAIN, readers))
        trial.play()
    return len(trial.failed)


if __name__ == "__main__":
    sys.exit(main())
