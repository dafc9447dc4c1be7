"""Sets, releases or shows a brake: `python -m ops.brake --stage S [--reason R] [--off] [--domain D]`.

While a brake is on, STEP_UP is the best decision of the domain, or of the whole stage. With a stage it asks
CloudFormation for the API's URL; requests to AWS are signed with the credentials of the environment.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from bonafide_client import BonafideClientError, Client
from bonafide_client.answers import BrakeChangeDocument, BrakeDocument
from ops.target import NotDeployedError, add_target, url_of


def main() -> int:
    """Runs the command; returns 0 if the brake is as it was asked to be."""
    parser = argparse.ArgumentParser(description="Set, release or show a brake.")
    add_target(parser)
    parser.add_argument("--domain", help="whose brake it is; that of the stage by default")
    parser.add_argument("--reason", help="for the audit trail, without personal data; without it the brake is shown")
    parser.add_argument("--off", action="store_true", help="release the brake")
    given = parser.parse_args()
    if given.off and not given.reason:
        parser.error("to release a brake takes a reason")
    try:
        with Client(url_of(given)) as client:
            print(shown(switch(client, given.reason, given.domain, off=given.off)))
    except (NotDeployedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def switch(client: Client, reason: str | None, domain: str | None, *, off: bool) -> BrakeDocument:
    """Sets or releases a brake, or reads it if no reason is given."""
    if reason is None:
        return client.brake(domain)
    return client.release_brake(reason, domain) if off else client.set_brake(reason, domain)


def shown(brake: BrakeDocument) -> str:
    """Returns the state of a brake and its newest changes as lines of text."""
    name = "the stage" if brake["domain"] is None else f"the domain {brake['domain']}"
    since = f" since {brake['since']}" if brake["since"] else ""
    effect = "; no decision is better than STEP_UP" if brake["on"] else ""
    head = f"brake of {name}: {'ON' if brake['on'] else 'off'}{since}{effect}"
    return "\n".join([head, *(_line(change) for change in brake["changes"])])


def _line(change: BrakeChangeDocument) -> str:
    what = "set" if change["on"] else "released"
    return f"  {change['changed_at']}  {what} by {change['changed_by'] or 'unsigned request'}: {change['reason']}"


if __name__ == "__main__":
    sys.exit(main())
