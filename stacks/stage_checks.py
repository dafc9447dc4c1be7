"""Checks of single settings of a stage."""

import re
from collections.abc import Mapping, Sequence

# Longest period of DynamoDB's point-in-time recovery, and its default.
LONGEST_RECOVERY_DAYS = 35
# As in bonafide.access. The functions read them from an environment of 4 KB in all.
ROLES = ("administrator", "analyst", "auditor", "integrator", "model_engineer")
MOST_PRINCIPALS = 20
# Each has five policies, one for each role, in the service stack, which has up to 462 resources without them.
# A stack may have 500: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_POLICY_DOMAINS = 7
PRINCIPAL = re.compile(
    r"(arn:aws[a-z0-9-]*:iam::[0-9]{12}:)?(role|user)/([!-)+-.0-~]+/)*\*?[\w+=,.@-][\w+=,.@*-]*"
    r"|arn:aws[a-z0-9-]*:iam::[0-9]{12}:root"
)


class StageSettingError(ValueError):
    """A setting in cdk.json that cannot be deployed; the message names it."""


def check_concurrency(provisioned: Mapping[str, int], reserved: Mapping[str, int]) -> None:
    """Checks that no function keeps more environments ready than it may use.

    Raises:
        StageSettingError: Lambda would refuse the alias.
    """
    # https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
    for service, count in provisioned.items():
        if service in reserved and count > reserved[service]:
            raise StageSettingError(
                f"provisioned of {service} is {count}, which is more than the {reserved[service]} that are reserved"
            )


def check_principals(principals: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Checks principals by role, and returns them.

    Raises:
        StageSettingError: a role is unknown, a principal is no user or role, or there are too many.
    """
    if unknown := sorted(set(principals) - set(ROLES)):
        raise StageSettingError(f"principals has {', '.join(unknown)}; roles are {', '.join(ROLES)}")
    every = [each for patterns in principals.values() for each in patterns]
    if wrong := [each for each in every if not PRINCIPAL.fullmatch(each)]:
        raise StageSettingError(f"principals has {wrong[0]}; needed is role/NAME, user/NAME, or an ARN of one")
    if len(every) > MOST_PRINCIPALS:
        raise StageSettingError(f"principals has {len(every)} entries; there may be {MOST_PRINCIPALS}")
    return principals


def policy_domains(domains: Sequence[str]) -> tuple[str, ...]:
    """Checks the domains for whose roles the stack makes policies, and returns them.

    Raises:
        StageSettingError: there are too many for one stack.
    """
    if len(domains) > MOST_POLICY_DOMAINS:
        raise StageSettingError(
            f"policies names {len(domains)} domains; there may be {MOST_POLICY_DOMAINS}, since the service stack may"
            " have 500 resources: make the policies of others with `make policy`"
        )
    return tuple(domains)


def template_form(form: str) -> str:
    """Checks the form in which templates are written, and returns it.

    Raises:
        StageSettingError: there is no such form.
    """
    if form not in ("plain", "protected"):
        raise StageSettingError(f"template_form has to be plain or protected, is {form}")
    return form


def shadow_share(share: float) -> float:
    """Checks a share, and returns it.

    Raises:
        StageSettingError: it is none.
    """
    if not 0.0 <= share <= 1.0:
        raise StageSettingError(f"shadow_share has to be 0 to 1, is {share}")
    return float(share)


def recovery_period(days: int) -> int:
    """Checks a period of point-in-time recovery in days, and returns it.

    Raises:
        StageSettingError: DynamoDB has no such period.
    """
    if not 1 <= days <= LONGEST_RECOVERY_DAYS:
        raise StageSettingError(f"recovery_days has to be 1 to {LONGEST_RECOVERY_DAYS}, is {days}")
    return days
