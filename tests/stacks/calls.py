"""Calls to AWS that a function can make: follows its code from the handler to the clients.

The function is composed as at its start, with clients that never call, so that `self._store.put(x)` leads to the method
that would run. All branches are followed, also those that only a concurrent writer or a fault leads to.
"""

import ast
import importlib.util
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from botocore.client import BaseClient

# Actions that calls need, where their names differ.
ACTION_NAMES = {
    "DeleteObjects": "DeleteObject",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
    "HeadObject": "GetObject",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjectsV2": "ListBucket",
}
# Parameters that name the resource of a call.
RESOURCE_PARAMETERS = ("TableName", "StreamName", "Bucket")
PERSISTENCE = ("_get_record", "_put_record", "_update_record", "_delete_record")
UNKNOWN = object()

# Service, action, and the name of the table, stream or bucket.
type Action = tuple[str, str, str]


class Reading:
    """Collects the actions that are reachable."""

    def __init__(self) -> None:
        self.actions: set[Action] = set()
        self._seen: set[tuple[Any, ...]] = set()

    def module(self, module: ModuleType) -> None:
        """Follows a handler: its start, and every function in it."""
        self._follow(ast.parse(inspect.getsource(module)), dict(vars(module)), None)

    def function(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        """Follows one function or method with what is known of its arguments."""
        plain = inspect.unwrap(function)
        # `Base.method(self)` names its owner.
        owner = function.__self__ if isinstance(function, MethodType) else arguments.get("self")
        code = plain.__func__ if isinstance(plain, MethodType) else plain
        known = {name: value for name, value in arguments.items() if value is not UNKNOWN}
        key = (code, id(owner), *sorted((name, id(value)) for name, value in known.items()))
        if key in self._seen or not isinstance(code, FunctionType):
            return
        self._seen.add(key)
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
        names = inspect.signature(code).parameters
        bound = dict.fromkeys(names, UNKNOWN) | ({next(iter(names)): owner} if owner is not None else {}) | known
        self._follow(tree, {**code.__globals__, **inspect.getclosurevars(code).nonlocals, **bound}, owner)
        self._follow_members(tree, owner)

    def _follow_members(self, tree: ast.AST, owner: Any) -> None:
        """Follows what is called on the members of a list that the owner holds, whichever of them it is."""
        functions = [each.func for each in ast.walk(tree) if isinstance(each, ast.Call)]
        called = {each.attr for each in functions if isinstance(each, ast.Attribute)}
        members = [
            each for value in getattr(owner, "__dict__", {}).values() if isinstance(value, list) for each in value
        ]
        for method in (getattr(each, name, None) for each in members for name in called):
            self._passed(method)

    def _follow(self, tree: ast.AST, scope: dict[str, Any], owner: Any) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = self._value(node.value, scope)
                if value is not UNKNOWN:
                    scope[node.targets[0].id] = value
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                self._call(node, scope, owner)
            elif isinstance(node, ast.Attribute):
                self._property(node, scope)

    def _call(self, node: ast.Call, scope: dict[str, Any], owner: Any) -> None:
        target = self._value(node.func, scope)
        values = [self._value(each, scope) for each in node.args]
        named = {each.arg: self._value(each.value, scope) for each in node.keywords if each.arg}
        for value in [*values, *named.values()]:
            self._passed(value)
        if isinstance(getattr(target, "__self__", None), BaseClient):
            self.actions.update(_actions(target, node, values, named, owner))
            self.actions.update(self._transacted(target, node, scope, owner))
        elif _own(target):
            self.function(target, _bound(target, values, named))

    def _transacted(self, method: Any, node: ast.Call, scope: Mapping[str, Any], owner: Any) -> Iterator[Action]:
        """Yields the reads or writes of a transaction: each names its table, unless it was put together elsewhere."""
        service, name = method.__self__.meta.service_model.service_name, method.__name__
        if name not in {"transact_get_items", "transact_write_items"}:
            return
        for each in (each for each in ast.walk(node) if isinstance(each, ast.Dict)):
            for key, value in zip(each.keys, each.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in {"ConditionCheck", "Get", "Put", "Update", "Delete"}:
                    yield service, f"{key.value}Item", self._table_of(value, scope) or vars(owner)["_table"]

    def _table_of(self, write: ast.expr, scope: Mapping[str, Any]) -> str:
        pairs = zip(write.keys, write.values, strict=True) if isinstance(write, ast.Dict) else ()
        named = (value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "TableName")
        return next((str(self._value(value, scope)) for value in named), "")

    def _passed(self, value: Any) -> None:
        """Follows arguments that will be called: callbacks, and the persistence of idempotency."""
        if isinstance(value, BasePersistenceLayer):
            for name in PERSISTENCE:
                self.function(getattr(value, name), {})
        elif isinstance(value, FunctionType | MethodType) and _own(value):
            self.function(value, {})

    def _property(self, node: ast.Attribute, scope: dict[str, Any]) -> None:
        owner = self._value(node.value, scope)
        found = inspect.getattr_static(type(owner), node.attr, None) if owner is not UNKNOWN else None
        if isinstance(found, property) and found.fget and _own(found.fget):
            self.function(MethodType(found.fget, owner), {})

    def _value(self, node: ast.expr, scope: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return scope.get(name, UNKNOWN)
            case ast.Attribute(value=inner, attr=name):
                return _attribute(self._value(inner, scope), name)
            case ast.Call(func=function, args=[]) if _composes(found := self._value(function, scope)):
                return found()
            case ast.Call(
                func=ast.Attribute(value=inner, attr="get_paginator"), args=[ast.Constant(value=str(operation))]
            ):
                return _Paginator(self._value(inner, scope), operation)
        return UNKNOWN


class _Paginator:
    """Replaces boto3's: paginating calls the operation."""

    def __init__(self, client: Any, operation: str) -> None:
        self.paginate = getattr(client, operation, UNKNOWN)


def _attribute(owner: Any, name: str) -> Any:
    static = inspect.getattr_static(type(owner), name, None)
    if owner is UNKNOWN or (isinstance(static, property) and _own(static.fget)):
        return UNKNOWN
    return getattr(owner, name, UNKNOWN)


def _own(function: Any) -> bool:
    return isinstance(function, FunctionType | MethodType) and (function.__module__ or "").split(".")[0] in {
        "bonafide",
        "handler",
    }


def _composes(function: Any) -> bool:
    return callable(function) and (getattr(function, "__module__", "") or "").startswith("bonafide.bootstrap")


def _bound(function: Any, values: list[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    names = list(inspect.signature(function).parameters)
    return dict(zip(names, values, strict=False)) | {name: named[name] for name in named if name in names}


def _actions(method: Any, node: ast.Call, values: list[Any], named: Mapping[str, Any], owner: Any) -> Iterator[Action]:
    client = method.__self__
    service, name = client.meta.service_model.service_name, method.__name__
    operation = values[0] if name == "generate_presigned_url" else name
    action = client.meta.method_to_api_mapping.get(operation)
    if action == "GetObject" and any(each.arg == "VersionId" for each in node.keywords):
        action = "GetObjectVersion"
    place = next((named[each] for each in RESOURCE_PARAMETERS if isinstance(named.get(each), str)), None)
    place = place or next((vars(owner)[each] for each in ("_table", "_bucket", "_stream") if each in vars(owner)), "")
    # The key is the same for all; what it is used for is up to the class.
    place = type(owner).__name__ if service == "kms" else place
    if action and not action.startswith("Transact"):
        for each in vars(owner).get("_tables", (place,)):
            yield service, ACTION_NAMES.get(action, action), each


def reachable(handler: Path) -> set[Action]:
    """Returns the actions that a function can call; its environment has to be set."""
    spec = importlib.util.spec_from_file_location("handler", handler)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reading = Reading()
    reading.module(module)
    return reading.actions
