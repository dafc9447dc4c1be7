"""access.yaml as CloudFormation would resolve it, with the intrinsic functions that it uses."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ACCESS = Path(__file__).parents[2] / "docs" / "operations" / "access.yaml"
ACCOUNT, REGION = "123456789012", "eu-west-1"
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": REGION}
# What leaves an entry out.
NOTHING = object()
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/issuer"


class Loader(yaml.SafeLoader):
    """Reads `!Sub x` as {"Sub": x}."""


def _function(loader: Loader, tag: str, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return {tag: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {tag: loader.construct_sequence(node, deep=True)}
    raise NotImplementedError(tag)


Loader.add_multi_constructor("!", _function)


@cache
def source() -> dict[str, Any]:
    """Returns the file's content, not resolved."""
    content: dict[str, Any] = yaml.load(ACCESS.read_text(), Loader)
    return content


class Access:
    """The stack with its parameters."""

    def __init__(self, **parameters: str) -> None:
        defaults = {name: each.get("Default", "") for name, each in source()["Parameters"].items()}
        self._values = {**PSEUDO, **defaults, "Provider": PROVIDER, **parameters}

    def __getitem__(self, resource: str) -> Any:
        """Returns the properties of a resource."""
        return self._resolve(source()["Resources"][resource]["Properties"])

    def makes(self, resource: str) -> bool:
        condition = source()["Resources"][resource].get("Condition")
        return condition is None or self._holds({"Condition": condition})

    def _resolve(self, value: Any) -> Any:
        match value:
            case {"Ref": name}:
                return self._ref(name)
            case {"Sub": [text, variables]}:
                return self._substitute(text, {name: self._resolve(each) for name, each in variables.items()})
            case {"Sub": str(text)}:
                return self._substitute(text, {})
            case {"FindInMap": [name, key, entry]}:
                return source()["Mappings"][name][self._resolve(key)][entry]
            case {"If": [condition, yes, no]}:
                return self._resolve(yes if self._holds({"Condition": condition}) else no)
        return self._parts(value)

    def _parts(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._resolve(each) for name, each in value.items()}
        if isinstance(value, list):
            return [each for each in map(self._resolve, value) if each is not NOTHING]
        return value

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in self._values:
            return str(self._values[name])
        return f"arn:aws:iam::{ACCOUNT}:policy/{self[name]['ManagedPolicyName']}"

    def _substitute(self, text: str, variables: dict[str, str]) -> str:
        return re.sub(r"\$\{([^}]*)}", lambda found: variables.get(found[1]) or self._ref(found[1]), text)

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(source()["Conditions"][name])
            case {"Equals": [left, right]}:
                return bool(self._resolve(left) == self._resolve(right))
            case {"And": every}:
                return all(map(self._holds, every))
        raise NotImplementedError(condition)
