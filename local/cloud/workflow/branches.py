"""Gives each branch of a Parallel state its own context, as in AWS.

The emulator lets branches share one, so that tasks that run side by side would send each other's task tokens.
"""

import copy
from typing import Any

from ministack.services import stepfunctions  # type: ignore[import-untyped]


def separate() -> None:
    """Changes the emulator in this process."""
    shared = stepfunctions._run_sub_machine

    def run(states: Any, start: Any, given: Any, execution: Any, context: Any) -> Any:
        return shared(states, start, given, execution, copy.deepcopy(context))

    stepfunctions._run_sub_machine = run
