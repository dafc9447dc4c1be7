"""The check of a domain's archive against its seals."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from bonafide.records.ledger.verification import Finding, KnownRoot, verify
from ops.ledger.stage import LedgerOfStage


def verified(
    ledger: LedgerOfStage, domain: str, days: Sequence[date] | None, known: KnownRoot | None, now: datetime
) -> tuple[str, bool]:
    """Compares the archive with its seals; returns the report, and whether nothing was found.

    Args:
        ledger: of the stage.
        domain: whose decisions are checked.
        days: whose entries are read; None reads all. The chain of seals is always checked as a whole.
        known: a root that was kept elsewhere.
        now: time of the check.
    """
    seals = list(ledger.seals.seals(domain))
    read: dict[date, Mapping[str, bytes]] = {}

    def contents(day: date) -> Mapping[str, bytes]:
        if day not in read:
            read[day] = ledger.archive.contents(domain, day)
        return read[day]

    wanted = set(days or [])
    with_entries = [each for each in ledger.archive.days(domain) if not wanted or each in wanted]
    found = verify(seals, with_entries, contents, now, known, only=wanted or None)
    lines = [_shown(each) for each in found]
    checked = [each for each in seals if not wanted or each.day in wanted]
    lines.append(f"{sum(len(each.entries) for each in checked)} records of {len(checked)} sealed days checked")
    if waiting := len(set(with_entries) - {each.day for each in seals}):
        lines.append(f"{waiting} days are not sealed yet")
    if seals:
        lines.append(f"newest root: {seals[-1].day}={seals[-1].root}")
    return "\n".join(lines), not found


def _shown(finding: Finding) -> str:
    return f"{finding.fault}: {finding.day}{f' decision {finding.decision_id}' if finding.decision_id else ''}"
