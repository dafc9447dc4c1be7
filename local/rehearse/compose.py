"""Synthesizes several versions at once: `python -m local.rehearse.compose ROOT ...`, each into its folder cdk.out.

One process for all versions saves starts of the CDK; the stacks are those of this repository.
"""

import sys
from pathlib import Path

import aws_cdk as cdk

from app import compose, context
from stacks.assets import Assets


def main() -> None:
    """Writes one cloud assembly for each root."""
    for root in map(Path, sys.argv[1:]):
        app = cdk.App(context=context(), outdir=str(root / "cdk.out"), analytics_reporting=False)
        compose(app, Assets(root))
        app.synth()


if __name__ == "__main__":
    main()
