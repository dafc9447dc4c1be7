"""Protects the voiceprints of a domain, and renews them under another key.

    python -m ops.protection convert|rotate|retire --stage S --domain D [--apply] [--rate N]

`convert` stores what is still plain in the protected form, and what is under a former key under the current one;
without --apply it counts. `rotate` makes another key, and with it another rotation, for what is written from now on.
`retire` deletes the former keys once nothing is under them. Each may be killed and repeated.
docs/operations/templates.md.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.errors import BonafideError
from bonafide.services.voiceprints.renewal import TemplateRenewal
from ops.migration.progress import show_progress
from ops.migration.releases import NotReadyError
from ops.migration.voiceprints import protected_store, speakers, watchlists

SPEAKERS_A_SECOND = 20.0


def main() -> int:
    """Runs the command; returns 0 if it could be done."""
    given = arguments()
    try:
        print(run(given, boto3.client))
    except (NotReadyError, BonafideError, BotoCoreError, ClientError) as error:
        sys.exit(f"protection: {error}")
    if not given.apply:
        print("Nothing was written. The same command with --apply writes (make: APPLY=yes).")
    return 0


def run(given: argparse.Namespace, connect: Callable[..., Any]) -> str:
    """Runs an action; returns its report.

    Raises:
        NotReadyError: there is no such domain, or something is still under a former key.
    """
    store, keys = protected_store(given.stage, connect, writes=True, renews=True)
    found = store.domain(given.domain)
    if found is None:
        raise NotReadyError(f"there is no domain {given.domain}")
    if given.action == "rotate":
        return f"the current key is {keys.add(given.domain)}" if given.apply else "there would be another key"
    lists = watchlists(given.stage, connect, keys)
    if given.action == "retire":
        return _retired(given, keys, lists.former(found))
    converted = _converted(given, store, keys)
    voices = lists.renew(found) if given.apply else lists.former(found)
    return f"{converted}\n{voices:6} voices of watchlists" if voices else converted


def _retired(given: argparse.Namespace, keys: DomainKeys, voices: int) -> str:
    current = keys.current(given.domain).name
    former = {name: count for name, count in keys.in_use(given.domain).items() if name != current}
    if former:
        raise NotReadyError(
            f"{sum(former.values())} speakers and sessions are under former keys; convert, and wait for sessions to "
            "expire, a day after the rotation"
        )
    if voices:
        raise NotReadyError(f"{voices} voices of watchlists are under former keys; convert")
    if given.apply:
        keys.retire(given.domain)
    return "the former keys are deleted" if given.apply else "nothing is under a former key"


def _converted(given: argparse.Namespace, store: DynamoDomainStore, keys: DomainKeys) -> str:
    renewal, current = TemplateRenewal(store), keys.current(given.domain).name
    outcomes: Counter[str] = Counter()
    for number, each in enumerate(speakers(store, given.domain), 1):
        started = time.monotonic()
        outcome = renewal.renew(given.domain, each.speaker, current, apply=given.apply)
        outcomes[outcome] += 1
        show_progress(number, outcome)
        time.sleep(max(0.0, 1 / given.rate - (time.monotonic() - started)))
    return "\n".join(f"{count:6} {outcome}" for outcome, count in outcomes.most_common())


def arguments(line: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Protect a domain's voiceprints, and renew them under another key.")
    parser.add_argument("action", choices=["convert", "rotate", "retire"])
    parser.add_argument("--stage", required=True, help="one of cdk.json, in the account and region of the environment")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--apply", action="store_true", help="write; otherwise only say what would be written")
    parser.add_argument("--rate", type=float, default=SPEAKERS_A_SECOND, help="speakers a second at most")
    return parser.parse_args(line)


if __name__ == "__main__":
    sys.exit(main())
