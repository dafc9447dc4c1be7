"""Reads functions, routes and other resources from synthesized CloudFormation templates."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.aws.api.limits import RateLimit
from local.aws.functions.function import ACCOUNT, REGION, FunctionDefinition

PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
ALIAS_IN_URI = re.compile(r":lambda:path/2015-03-31/functions/(\w+)/invocations$")


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """A method of a resource of the API.

    Attributes:
        method: HTTP method, or ANY.
        path: resource path such as /v1/domains/{domain}.
        function: name of the function that it integrates with.
        signed: whether requests have to be signed (IAM).
        seconds: integration timeout.
        limit: for all clients together, if the route has one of its own.
    """

    method: str
    path: str
    function: str
    signed: bool
    seconds: float
    limit: RateLimit | None = None


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """The answer of the API to one type of error, without a function."""

    status: int | None
    content_type: str
    template: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StackTemplate:
    """A template with the values that other stacks export to it.

    Attributes:
        folder: the cloud assembly.
        name: name of the stack.
        content: the template as deployed.
        exports: values by export name.
        numbers: numbers of function versions by logical id, 1 if absent.
    """

    folder: Path
    name: str
    content: Mapping[str, Any]
    exports: Mapping[str, str]
    numbers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, name: str, exports: Mapping[str, str]) -> "StackTemplate":
        """Reads the template of a stack."""
        content = json.loads((folder / f"{name}.template.json").read_text())
        return cls(folder, name, content, exports)

    def resource_names(self) -> dict[str, str]:
        """Returns the logical id of each function, which is its name in AWS here, by its local name."""
        return {_name(id_): id_ for id_, _ in self.raw("AWS::Lambda::Function")}

    def exported(self) -> dict[str, str]:
        """Returns the exports of the stack by name."""
        outputs = self.content.get("Outputs", {}).values()
        return {each["Export"]["Name"]: self.resolve(each["Value"]) for each in outputs if "Export" in each}

    def versions(self) -> dict[str, str]:
        """Returns the logical id of each function's version by the function's name."""
        return {_name(each["FunctionName"]["Ref"]): id_ for id_, each in self.raw("AWS::Lambda::Version")}

    def number(self, version: str) -> str:
        """Returns the number of a version."""
        return self.numbers.get(version, "1")

    def resolve(self, value: Any) -> Any:
        """Evaluates intrinsic functions; a reference to a resource of this stack becomes its logical id."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._intrinsic(name, argument)
        return {name: self.resolve(each) for name, each in value.items()}

    def _intrinsic(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                parameter = self.content.get("Parameters", {}).get(argument, {})
                return PSEUDO.get(argument, parameter.get("Default", argument))
            case "Fn::ImportValue":
                return self.exports[self.resolve(argument)]
            case "Fn::GetAtt":
                return self.number(argument[0]) if argument[1] == "Version" else argument[0]
            case "Fn::Join":
                return argument[0].join(map(str, self.resolve(argument[1])))
            case "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", lambda found: PSEUDO.get(found[1], found[1]), argument)
        raise NotImplementedError(f"{name} in the template of {self.name}")

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields logical id and resolved properties of the resources of one type."""
        for logical_id, properties in self.raw(kind):
            yield logical_id, self.resolve(properties)

    def raw(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields logical id and unresolved properties of the resources of one type."""
        for logical_id, resource in self.content["Resources"].items():
            if resource["Type"] == kind:
                yield logical_id, resource.get("Properties", {})

    def function(self, reference: Any) -> str:
        """Returns the name of the function that a value refers to, directly or by an alias."""
        names = {logical_id: _name(logical_id) for logical_id, _ in self.raw("AWS::Lambda::Function")}
        names |= self._targets()
        found = next((names[each] for each in _strings(reference) if each in names), None)
        if found is None:
            raise NotImplementedError(f"a target other than a function of {self.name}: {reference}")
        return found

    def stage(self) -> str:
        """Returns the name of the API's stage."""
        return str(next(properties["StageName"] for _, properties in self.resources("AWS::ApiGateway::Stage")))

    def binary_types(self) -> Sequence[str]:
        """Returns the media types that the API treats as binary."""
        return [
            each for _, api in self.resources("AWS::ApiGateway::RestApi") for each in api.get("BinaryMediaTypes", [])
        ]

    def functions(self) -> list[FunctionDefinition]:
        """Returns the functions, with their assets as folders of the assembly."""
        layers = {id_: self._asset(layer["Content"]) for id_, layer in self.resources("AWS::Lambda::LayerVersion")}
        return [self._definition(id_, each, layers) for id_, each in self.resources("AWS::Lambda::Function")]

    def _definition(
        self, logical_id: str, function: Mapping[str, Any], layers: Mapping[str, Path]
    ) -> FunctionDefinition:
        version = self.versions().get(_name(logical_id))
        return FunctionDefinition(
            name=_name(logical_id),
            handler=function["Handler"],
            code=self._asset(function["Code"]),
            layers=[layers[layer] for layer in function.get("Layers", [])],
            environment=function.get("Environment", {}).get("Variables", {}),
            memory=function.get("MemorySize", 128),
            timeout=function.get("Timeout", 3),
            version=self.number(version) if version else "$LATEST",
            reserved=function.get("ReservedConcurrentExecutions"),
        )

    def _asset(self, location: Mapping[str, str]) -> Path:
        key = location["S3Key"].removesuffix(".zip")
        files = json.loads((self.folder / f"{self.name}.assets.json").read_text())["files"]
        return self.folder / str(files[key]["source"]["path"])

    def routes(self) -> list[ApiRoute]:
        """Returns the routes of the API, each with the function of its alias."""
        paths = self._paths()
        targets = self._targets()
        limits = self._limits()
        return [
            ApiRoute(
                method=method["HttpMethod"],
                path=paths.get(method["ResourceId"], "/"),
                function=targets[self._alias(method["Integration"])],
                signed=method.get("AuthorizationType") == "AWS_IAM",
                seconds=method["Integration"].get("TimeoutInMillis", 29_000) / 1000,
                limit=limits.get((method["HttpMethod"], paths.get(method["ResourceId"], "/"))),
            )
            for _, method in self.resources("AWS::ApiGateway::Method")
        ]

    def _limits(self) -> dict[tuple[str, str], RateLimit]:
        """Returns the limits of single routes; a slash of their path is written as `~1`."""
        ((_, stage),) = self.resources("AWS::ApiGateway::Stage")
        return {
            (each["HttpMethod"], each["ResourcePath"][1:].replace("~1", "/")): RateLimit(
                each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"]
            )
            for each in stage.get("MethodSettings", [])
            if each["HttpMethod"] != "*"
        }

    def _paths(self) -> dict[str, str]:
        resources = dict(self.resources("AWS::ApiGateway::Resource"))

        def path(logical_id: str) -> str:
            resource = resources.get(logical_id)
            return f"{path(resource['ParentId'])}/{resource['PathPart']}" if resource else ""

        return {logical_id: path(logical_id) for logical_id in resources}

    def _targets(self) -> dict[str, str]:
        names = {version: name for name, version in self.versions().items()}
        return {id_: names[alias["FunctionVersion"]["Fn::GetAtt"][0]] for id_, alias in self.raw("AWS::Lambda::Alias")}

    def _alias(self, integration: Mapping[str, Any]) -> str:
        found = ALIAS_IN_URI.search(integration["Uri"])
        if integration["Type"] != "AWS_PROXY" or not found:
            raise NotImplementedError(f"an integration other than a proxy to an alias: {integration}")
        return found[1]

    def gateway_responses(self) -> dict[str, GatewayResponse]:
        """Returns the gateway responses of the API by their type."""
        return {
            response["ResponseType"]: _gateway_response(response)
            for _, response in self.resources("AWS::ApiGateway::GatewayResponse")
        }


def _gateway_response(response: Mapping[str, Any]) -> GatewayResponse:
    content_type, template = next(iter(response["ResponseTemplates"].items()))
    parameters = response.get("ResponseParameters", {})
    headers = {name.removeprefix("gatewayresponse.header."): value.strip("'") for name, value in parameters.items()}
    status = response.get("StatusCode")
    return GatewayResponse(int(status) if status else None, content_type, template, headers)


def _strings(value: Any) -> Iterator[str]:
    """Yields every string in a value, among them the logical ids that it refers to."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(each)


def _name(logical_id: str) -> str:
    """Converts a logical id such as ManageDomainsFunction05767D89 to manage_domains."""
    words = re.sub(r"(Function)?[0-9A-F]{8}$", "", logical_id)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", words).lower()
