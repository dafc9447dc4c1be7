"""The registry in words and columns, for a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

type Version = Mapping[str, Any]

SHORT = 12
UNSIGNED = "unsigned request"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Returns rows with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def listed(versions: Iterable[Version], aliases: Mapping[str, Any]) -> str:
    """Returns a line for each version."""
    names = {aliases[name]: name for name in ("previous", "challenger", "champion") if aliases[name]}
    rows = [["DIGEST", "ALIAS", "GATES", "MB", "REGISTERED", "BY"]]
    for version in versions:
        gates = {None: "no report", True: "passed", False: "NOT PASSED"}[version["gates_passed"]]
        size = f"{version['bytes'] / 1e6:.1f}"
        registered = [minute(version["registered_at"]), person(version["registered_by"])]
        rows.append([version["digest"][:SHORT], names.get(version["digest"], ""), gates, size, *registered])
    return table(rows) if len(rows) > 1 else "no version is registered"


def aliases_shown(aliases: Mapping[str, Any]) -> str:
    """Returns where the aliases point, and what is pending."""
    lines = [f"{name:<11}{aliases[name] or 'none'}" for name in ("champion", "challenger", "previous")]
    if pending := aliases["pending"]:
        lines.append(f"pending    promotion {pending['id']}: {pending['kind']} {pending['digest'][:SHORT]}")
    return "\n".join(lines)


def shown(version: Version) -> str:
    """Returns everything about one version."""
    manifest, lineage = version["manifest"], version["manifest"].get("lineage") or {}
    facts = [
        ["digest", version["digest"]],
        ["registered", f"{minute(version['registered_at'])} by {person(version['registered_by'])}"],
        ["contract", str(manifest.get("contract", 1))],
        ["embedding space", str(manifest["embedding_space"])],
        *[
            [f"lineage {name}", str(lineage[name])]
            for name in ("code", "data", "lock", "run", "parent")
            if lineage.get(name)
        ],
    ]
    files = [
        [file["name"], f"{file['bytes']:,}", file["sha256"], "document" if file["document"] else ""]
        for file in version["files"]
    ]
    return "\n\n".join([table(facts), table([["FILE", "BYTES", "SHA-256", ""], *files]), gates_shown(version["gates"])])


def gates_shown(gates: Mapping[str, Any] | None) -> str:
    """Returns a line for each gate, those that did not pass first."""
    if gates is None:
        return "gates: no report"
    outcome = "passed" if gates["passed"] else "NOT PASSED"
    against = f"against {gates['champion'][:SHORT]}" if gates["champion"] else "without a champion"
    results = sorted(gates["results"], key=lambda each: bool(each["passed"]))
    rows = [["", "GATE", "COHORT", "BOUND", "FOUND"], *[_gate(each) for each in results]]
    return f"gates {gates['gates_version']}, {against}: {outcome}\n{table(rows)}"


def _gate(result: Mapping[str, Any]) -> list[str]:
    mark = "ok" if result["passed"] else "FAILED"
    return [mark, result["gate"], result["cohort"] or "all", str(result["bound"]), str(result["found"])]


def compared(one: Version, other: Version) -> str:
    """Returns two versions side by side: files, calibration, metrics and gates that one of them has."""
    parts = [
        ("FILES", _files(one), _files(other)),
        ("CALIBRATION", _flat(_calibration(one)), _flat(_calibration(other))),
        ("METRICS", _flat(one["manifest"].get("metrics") or {}), _flat(other["manifest"].get("metrics") or {})),
        ("GATES", _gates(one), _gates(other)),
    ]
    names = ["", one["digest"][:SHORT], other["digest"][:SHORT], ""]
    return "\n\n".join(f"{title}\n{table([names, *_beside(left, right)])}" for title, left, right in parts)


def _beside(left: Mapping[str, str], right: Mapping[str, str]) -> Iterator[list[str]]:
    names = list(dict.fromkeys([*left, *right]))
    for name in names or ["none"]:
        one, other = left.get(name, "-"), right.get(name, "-")
        yield [name, one, other, "" if one == other else _change(one, other)]


def _change(one: str, other: str) -> str:
    try:
        return f"{float(other) - float(one):+.4g}"
    except ValueError:
        return "differs"


def _files(version: Version) -> dict[str, str]:
    return {file["name"]: f"{file['sha256'][:SHORT]} {file['bytes']:,} B" for file in version["files"]}


def _calibration(version: Version) -> dict[str, Any]:
    """Returns what the manifest says of the data that the calibration was fitted on."""
    lineage = (version["manifest"].get("lineage") or {}).get("calibration") or {}
    return {name: value for name, value in lineage.items() if not isinstance(value, list | dict)}


def _gates(version: Version) -> dict[str, str]:
    if version["gates"] is None:
        return {}
    return {
        " ".join(filter(None, [each["gate"], each["cohort"]])): f"{each['found']}"
        + ("" if each["passed"] else " FAILED")
        for each in version["gates"]["results"]
    }


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Returns nested numbers by their path."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat


# What happened, for a person.
SENTENCES = {
    "REGISTERED": "registered {digest}",
    "CHALLENGED": "made {digest} the challenger, instead of {former}",
    "PROMOTION_REQUESTED": "asked to promote {digest} over {former}",
    "PROMOTED": "champion is {digest}, was {former}",
    "PROMOTION_FAILED": "promotion of {digest} FAILED, champion stays {former}",
    "ROLLBACK_REQUESTED": "asked to roll back from {former} to {digest}",
    "ROLLED_BACK": "champion is {digest} again, was {former}",
    "ROLLBACK_FAILED": "rollback to {digest} FAILED, champion stays {former}",
}


def history_line(entry: Mapping[str, Any]) -> str:
    """Returns one entry of the history as a sentence, with who and why below it."""
    former = (entry["former"] or "none")[:SHORT]
    sentence = SENTENCES[entry["action"]].format(digest=entry["digest"][:SHORT], former=former)
    lines = [f"{entry['sequence']:>5}  {minute(entry['at'])}  {sentence}"]
    lines.append(f"       by {person(entry['principal'])}: {entry['reason']}")
    if entry["override"]:
        lines.append(f"       OVERRIDE: {entry['override']}")
    if entry["promotion"]:
        lines.append(f"       outcome of promotion {entry['promotion']}, release {entry['release']}")
    return "\n".join(lines)


def promotion_shown(promotion: Mapping[str, Any]) -> str:
    """Returns how far a promotion is."""
    head = f"promotion {promotion['id']}: {promotion['kind']} {promotion['digest'][:SHORT]}, {promotion['state']}"
    asked = f"  asked {minute(promotion['requested_at'])} by {person(promotion['requested_by'])}: {promotion['reason']}"
    lines = [head, asked]
    if promotion["override"]:
        lines.append(f"  OVERRIDE: {promotion['override']}")
    if promotion["release"]:
        completed = f"{minute(promotion['completed_at'])} by {person(promotion['completed_by'])}"
        lines.append(f"  completed {completed}, release {promotion['release']}: {promotion['detail']}")
    return "\n".join(lines)


def minute(time: str | None) -> str:
    """Returns a time to the minute."""
    return f"{time[:10]} {time[11:16]}" if time else "-"


def person(principal: str | None) -> str:
    """Returns who it was: the last parts of an ARN."""
    return principal.rpartition(":")[2] if principal else UNSIGNED
