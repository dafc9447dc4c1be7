"""Runs `ops.migration` against a local deployment, in a process of its own, so that it can be killed.

The versions of functions run beside the emulator, which does not know them; so what is served is given as arguments.
"""

import sys

from local.aws.emulator import Emulator
from ops.migration.__main__ import arguments, run
from ops.migration.releases import NotReadyError, ServedBundles


def main() -> int:
    """Runs `worker ENDPOINT LIVE[,LIVE] BEFORE ARGUMENTS ...`."""
    endpoint, live, before, *line = sys.argv[1:]
    aws, served = Emulator(endpoint), ServedBundles(tuple(live.split(",")), before or None)
    try:
        print(run(arguments(line), lambda service, **_: aws.client(service), lambda *_: served))
    except NotReadyError as error:
        print(f"refused: {error}")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
