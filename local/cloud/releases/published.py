"""Versions of functions, which Lambda publishes under its own conditions and CloudFormation keeps or deletes.

https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from local.aws.template import StackTemplate

# What no version holds, since it belongs to the function.
OUTSIDE = {"Tags", "ReservedConcurrentExecutions"}


class VersionExistsError(Exception):
    """Lambda has published a version of the same code and configuration last, and publishes no other."""


@dataclass(slots=True)
class PublishedVersions:
    """The versions of all functions of a stack.

    Attributes:
        contents: code and configuration of the versions that exist, oldest first, by function and number.
        newest: the highest number that each function has had; a number is never given twice.
    """

    contents: dict[str, dict[str, str]] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)

    def deploy(self, old: StackTemplate | None, new: StackTemplate) -> StackTemplate:
        """Publishes the versions of a template that the one before does not have; returns the template with numbers.

        Raises:
            VersionExistsError: a function has not changed since its last version, whatever the template calls it.
        """
        known = set(old.versions().values()) if old else set()
        numbers = dict(old.numbers) if old else {}
        for function, version in new.versions().items():
            if version not in known:
                numbers[version] = self._publish(function, _content(function, new))
        return replace(new, numbers=numbers)

    def roll_back(self, old: StackTemplate, new: StackTemplate) -> None:
        """Deletes the versions that a failed update made, except those that the template retains even so."""
        known = set(old.versions().values())
        for function, version in new.versions().items():
            if version not in known and new.content["Resources"][version].get("DeletionPolicy") != "Retain":
                self.contents[function].pop(new.number(version), None)

    def _publish(self, function: str, content: str) -> str:
        published = self.contents.setdefault(function, {})
        last = next(reversed(published), None)
        if last and published[last] == content:
            raise VersionExistsError(f"A version for this Lambda function exists ( {last} ): {function}")
        self.newest[function] = self.newest.get(function, 0) + 1
        number = str(self.newest[function])
        published[number] = content
        return number


def _content(function: str, template: StackTemplate) -> str:
    """Returns code and configuration, as far as the template says it; layers by their content."""
    properties = dict(template.raw("AWS::Lambda::Function"))[template.resource_names()[function]]
    layers = dict(template.raw("AWS::Lambda::LayerVersion"))
    contents = [layers[each]["Content"] for each in _references(properties.get("Layers", [])) if each in layers]
    return json.dumps([{name: each for name, each in properties.items() if name not in OUTSIDE}, contents])


def _references(layers: list[Any]) -> Iterator[str]:
    yield from (each["Ref"] for each in layers if isinstance(each, dict) and "Ref" in each)
