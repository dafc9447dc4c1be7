"""Checks that a stage's release before reads what a new one writes: `python -m ops.protection.readable --stage S ...`.

    python -m ops.protection.readable --stage S --assembly DIR

While a release is in canary, and after a rollback, the release before answers, too. One that does not know protected
voiceprints would take their owners for people without any, and write that.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.migration.releases import ENROLLS, FORM, NotReadyError, deployed_versions


def main() -> None:
    """Runs the command; exits with a message if voiceprints could be lost."""
    parser = argparse.ArgumentParser(description="Check that the release before reads the form that is written.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--assembly", required=True, type=Path, help="folder of the synthesized templates")
    given = parser.parse_args()
    try:
        found = problem(given.stage, given.assembly, boto3.client)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"template_form: {error}")
    if found:
        sys.exit(f"template_form: {found}")


def problem(stage: str, assembly: Path, connect: Callable[..., Any]) -> str | None:
    """Tells why the stage must not be deployed so, and what helps; None if it may."""
    template = json.loads((assembly / f"Bonafide-{stage}-Service.template.json").read_text())
    if not _is_protected(template) or all(FORM in each for each in _live(stage, connect)):
        return None
    return (
        f"stage {stage} would write protected voiceprints, which the release that is live cannot read: in a canary or "
        'after a rollback it would lose them. Set "template_form": "plain" for the stage in cdk.json, deploy, and set '
        '"protected" for the release after this one (docs/operations/templates.md).'
    )


def _is_protected(template: Any) -> bool:
    functions = (each.get("Properties", {}) for id_, each in template["Resources"].items() if id_.startswith(ENROLLS))
    settings = [each.get("Environment", {}).get("Variables", {}) for each in functions]
    return any(each.get(FORM) == "protected" for each in settings)


def _live(stage: str, connect: Callable[..., Any]) -> list[Any]:
    """Returns the settings of the versions that answer; none before the first deployment."""
    try:
        versions, live = deployed_versions(stage, connect)
    except NotReadyError:
        return []
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ValidationError", "ResourceNotFoundException"):
            return []
        raise
    return [versions[each] for each in live]


if __name__ == "__main__":
    main()
