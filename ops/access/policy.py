"""Prints an IAM policy for callers: `python -m ops.access.policy ROLE [--domain D] [--endpoint U] [--account N]`."""

import argparse
import json
import re

from stacks.platform.policies import policy, roles

ENDPOINT = re.compile(r"https://(\w+)\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/(\w+)/?")
# Placeholders, so that a policy that was not completed allows nothing.
API, REGION, STAGE = "API", "REGION", "STAGE"


def main() -> None:
    """Prints the document as JSON; needs no access to AWS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=roles())
    parser.add_argument("--domain", help="name of the domain; unless given, the routes that are about none")
    parser.add_argument("--endpoint", default="", help="URL of the API, as the deployment prints it")
    parser.add_argument("--account", default="ACCOUNT", help="number of the API's account")
    arguments = parser.parse_args()
    try:
        document = policy(arguments.role, prefix(arguments.endpoint, arguments.account), arguments.domain)
    except ValueError as error:
        parser.error(str(error))
    print(json.dumps(document, indent=1))


def prefix(endpoint: str, account: str) -> str:
    """Returns the ARN of the API's stage.

    Raises:
        ValueError: the endpoint is none of API Gateway.
    """
    found = ENDPOINT.fullmatch(endpoint)
    if endpoint and not found:
        raise ValueError(f"{endpoint} is no https://API.execute-api.REGION.amazonaws.com/STAGE")
    api, region, china, stage = found.groups() if found else (API, REGION, None, STAGE)
    partition = "aws-cn" if china else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return f"arn:{partition}:execute-api:{region}:{account}:{api}/{stage}"


if __name__ == "__main__":
    main()
