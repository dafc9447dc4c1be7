"""Frozen records of the domain model, each with its stored form and schema version.

A stored form is a JSON document. Attributes are only ever added to it, and readers ignore those that they do not know,
so that the release before and the release after can read each other's rows.
"""

from collections.abc import Mapping
from typing import Any

type StoredForm = dict[str, Any]
type Stored = Mapping[str, Any]
