"""Starts the release pipeline on GitHub when a promotion is requested.

https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
"""

from aws_cdk import Duration, SecretValue
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

WORKFLOW = "promote.yml"
# Whoever waits for a promotion sees it fail by then; a late start would surprise everybody.
LATEST = Duration.hours(1)


class ReleaseTrigger(Construct):
    """A rule for requested promotions of one stage, with GitHub's REST API as its target."""

    def __init__(self, scope: Construct, id_: str, *, stage: str, repository: str, secret: str) -> None:
        """Adds the rule.

        Args:
            scope: of the construct.
            id_: of the construct.
            stage: of the deployment.
            repository: owner/name on GitHub.
            secret: name of a secret `Bearer TOKEN`, whose token may run this repository's workflows and nothing else.
        """
        super().__init__(scope, id_)
        connection = events.Connection(
            self,
            "Connection",
            description=f"Runs workflows of {repository}",
            authorization=events.Authorization.api_key("Authorization", SecretValue.secrets_manager(secret)),
            header_parameters={
                "Accept": events.HttpParameter.from_string("application/vnd.github+json"),
                "X-GitHub-Api-Version": events.HttpParameter.from_string("2022-11-28"),
            },
        )
        destination = events.ApiDestination(
            self,
            "Workflow",
            api_destination_name=f"bonafide-{stage}-promote",
            connection=connection,
            endpoint=f"https://api.github.com/repos/{repository}/actions/workflows/{WORKFLOW}/dispatches",
            http_method=events.HttpMethod.POST,
            rate_limit_per_second=1,
        )
        events.Rule(
            self,
            "Requested",
            event_pattern=events.EventPattern(
                source=["bonafide.models"], detail_type=["Model promotion requested"], detail={"stage": [stage]}
            ),
            targets=[
                targets.ApiDestination(destination, event=_dispatch(), retry_attempts=10, max_event_age=LATEST),
            ],
        )


def _dispatch() -> events.RuleTargetInput:
    named = {name: events.EventField.from_path(f"$.detail.{name}") for name in ("stage", "promotion", "digest")}
    return events.RuleTargetInput.from_object({"ref": "main", "inputs": named})
