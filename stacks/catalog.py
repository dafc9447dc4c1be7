"""Names, units and dimensions of the metrics that functions emit, from metrics.json."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NAMES = Path(__file__).parent.parent / "layers/core/python/bonafide/metrics.json"
_CATALOG: dict[str, Any] = json.loads(NAMES.read_text())
NAMESPACE: str = _CATALOG["namespace"]


class UnknownMetricError(ValueError):
    """No function emits a metric of this name, or not by these dimensions."""


def check(name: str, dimensions: Iterable[str] = ()) -> str:
    """Checks a name and, if there are any, the dimensions; returns the name.

    Raises:
        UnknownMetricError: an alarm on it would never fire.
    """
    if name not in _CATALOG["metrics"]:
        raise UnknownMetricError(f"no metric {name!r} in {NAMES.name}; there are {', '.join(_CATALOG['metrics'])}")
    recorded = [set(each) for each in _CATALOG["metrics"][name]["by"]]
    if (wanted := set(dimensions)) and wanted not in recorded:
        raise UnknownMetricError(f"{name} is recorded by {recorded} and not by {wanted}")
    return name
