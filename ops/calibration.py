"""Shows and changes the calibrations of a domain: `python -m ops.calibration --stage S --domain D ACTION ...`.

    list                     those in use, and every change
    show VERSION             one calibration, as JSON
    propose FILE [--share P] what `make calibration ARGS="fit ..."` wrote; it judges a share of the speakers
    promote VERSION          the canary judges all speakers
    revoke VERSION           out of use for good

Changes take --reason. With a stage it asks CloudFormation for the API's URL; requests to AWS are signed with the
credentials of the environment.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from bonafide_client import BonafideClientError, Client
from bonafide_client.answers import CalibrationChangeDocument, CalibrationDocument, CalibrationsDocument
from ops.target import NotDeployedError, add_target, url_of

CHANGING = ("propose", "promote", "revoke")


def main() -> int:
    """Runs the command; returns 0 if it was done."""
    given = _arguments()
    try:
        with Client(url_of(given)) as client:
            print("\n".join(act(client, given)))
    except (NotDeployedError, BonafideClientError, BotoCoreError, ClientError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def act(client: Client, given: argparse.Namespace) -> Iterator[str]:
    """Does what was asked; yields lines to print."""
    match given.action:
        case "show":
            yield json.dumps(client.calibration(given.domain, given.version), indent=1)
        case "propose":
            document = json.loads(given.file.read_text(encoding="utf-8"))
            yield _line(client.propose_calibration(given.domain, document, given.reason, given.share))
        case "promote":
            yield from shown(client.promote_calibration(given.domain, given.version, given.reason))
        case "revoke":
            yield from shown(client.revoke_calibration(given.domain, given.version, given.reason))
        case _:
            yield from _everything(client, given.domain)


def shown(document: CalibrationsDocument) -> Iterator[str]:
    """Yields calibrations in use and changes as lines of text."""
    yield f"active: {_line(document['active']) if document['active'] else 'that of the bundle'}"
    if document["canary"]:
        yield f"canary: {_line(document['canary'])}, {document['canary_share']:.0%} of the speakers"
    yield from (_change(each) for each in document["changes"])


def _everything(client: Client, domain: str) -> Iterator[str]:
    page = client.calibrations(domain)
    yield from shown(page)
    while page["next_before"] is not None:
        page = client.calibrations(domain, page["next_before"])
        yield from (_change(each) for each in page["changes"])


def _line(known: CalibrationDocument) -> str:
    conditions = ", ".join(
        f"{name} Cllr {each['cllr']:.3f} (bundle {each['global_cllr']:.3f}, min {each['min_cllr']:.3f}) "
        f"from {each['speakers']} speakers"
        for name, each in known["calibration"]["conditions"].items()
    )
    return f"version {known['version']} {known['state']}: {conditions}"


def _change(change: CalibrationChangeDocument) -> str:
    who = change["changed_by"] or "unsigned request"
    return f"  {change['changed_at']}  version {change['version']} {change['action']} by {who}: {change['reason']}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Show and change the calibrations of a domain.")
    add_target(parser)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--reason", help="for the audit trail, without personal data")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list")
    for name in ("show", "promote", "revoke"):
        actions.add_parser(name).add_argument("version", type=int)
    propose = actions.add_parser("propose")
    propose.add_argument("file", type=Path)
    propose.add_argument("--share", type=float, default=0.1, help="share of the speakers")
    given = parser.parse_args()
    if given.action in CHANGING and not given.reason:
        parser.error(f"to {given.action} takes a reason")
    return given


if __name__ == "__main__":
    sys.exit(main())
