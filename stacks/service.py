"""The service stack: the capabilities behind the REST API.

To add a capability:

1. Write `functions/<verb_noun>/handler.py`.
2. Write one construct in `stacks/constructs/`: its functions, wave, release alarms, access to stores, and routes.
3. Add the construct to `CAPABILITIES` below; the order has no meaning.
4. Name its functions in an objective of `stacks/slo.yaml`, which says when their answers are late.
5. Add it to the expectations in `tests/stacks/delivery.py` and `test_template.py`, and run `make openapi`.
"""

from collections.abc import Callable, Sequence

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.assets import Assets
from stacks.constructs.authentication import AuthenticationCapability
from stacks.constructs.decisions import DecisionsCapability
from stacks.constructs.description import DescriptionCapability
from stacks.constructs.domain_policies import DomainPoliciesCapability
from stacks.constructs.domains import DomainsCapability
from stacks.constructs.drift import DriftCapability
from stacks.constructs.enrollment import EnrollmentCapability
from stacks.constructs.ledger import LedgerCapability
from stacks.constructs.models import ModelsCapability
from stacks.constructs.probes import ProbesCapability
from stacks.constructs.sessions import SessionsCapability
from stacks.constructs.shadow import ShadowCapability
from stacks.constructs.speakers import SpeakersCapability
from stacks.constructs.streaming import StreamingCapability
from stacks.constructs.watchlists import WatchlistsCapability
from stacks.data import DataStack
from stacks.platform.caller_policies import caller_policies
from stacks.platform.cause_alarms import CauseAlarms
from stacks.platform.function import ServiceFunction
from stacks.platform.service_platform import ServicePlatform
from stacks.stage import DeploymentStage

CAPABILITIES: Sequence[Callable[[Construct, ServicePlatform], Construct]] = (
    AuthenticationCapability,
    SessionsCapability,
    SpeakersCapability,
    EnrollmentCapability,
    DomainsCapability,
    DomainPoliciesCapability,
    DecisionsCapability,
    StreamingCapability,
    ModelsCapability,
    DescriptionCapability,
    ProbesCapability,
    DriftCapability,
    ShadowCapability,
    LedgerCapability,
    WatchlistsCapability,
    caller_policies,
)


class ServiceStack(Stack):
    """The stateless half: it can be deleted and deployed again without losing anything.

    Attributes:
        api: the REST API.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: DeploymentStage, data: DataStack, assets: Assets) -> None:
        super().__init__(scope, id_, description="Bonafide: functions and REST API")
        platform = ServicePlatform(self, stage=stage, data=data, assets=assets)
        self.api = platform.api
        for capability in CAPABILITIES:
            capability(self, platform)
        platform.releases.check_provisioned()
        platform.check_reserved()
        CfnOutput(
            self, "Release", value=stage.release, description="What is deployed: revision, time of its build, model"
        )
        model = CfnOutput(
            self, "BundleDigest", value=assets.bundle_digest(), description="The models that functions load"
        )
        # The layer is the construct of that name.
        model.override_logical_id("Model")
        functions: list[ServiceFunction] = []
        platform.releases.each(functions.append)
        CauseAlarms(self, "Causes", stage=stage.name, stores=platform.stores, functions=functions)
