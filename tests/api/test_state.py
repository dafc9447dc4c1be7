"""Where the deployed functions keep their state."""

from local.runner import Deployment

TABLES = {"Tenants", "Decisions", "Idempotency", "Sessions", "Fingerprints", "Models", "TemplateKeys", "Calls"}


def test_state_is_in_the_tables_of_the_template(bonafide: Deployment) -> None:
    tables = bonafide.emulator.client("dynamodb").list_tables()["TableNames"]
    assert {name.split("-")[3].rstrip("0123456789ABCDEF") for name in tables} == TABLES


def test_functions_are_led_to_the_emulator(bonafide: Deployment) -> None:
    environments = [function.definition.environment for function in bonafide.functions.values()]
    names = {value for each in environments for name, value in each.items() if name.endswith("_TABLE")}
    assert names == set(bonafide.emulator.client("dynamodb").list_tables()["TableNames"])
