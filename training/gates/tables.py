"""Draws the criteria of the gates as a table for people."""

from collections.abc import Iterator, Mapping, Sequence

from training.gates.criteria import GateCriteria

HEAD = ("gate", "reads", "refuses")


def markdown(criteria: GateCriteria) -> str:
    """Returns the table of training/README.md."""
    rows = [HEAD, ("---",) * len(HEAD), *_measured(criteria), *_others(criteria)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _measured(criteria: GateCriteria) -> Iterator[Sequence[str]]:
    for rule in criteria.measured:
        cohort = "" if rule.cohort_margin is None else f" ({rule.cohort_margin:g} in a cohort)"
        worse = f"more than {rule.margin:g}{cohort} above the champion's, or above {rule.bound:g}, beyond doubt"
        if rule.unless:
            worse = f"more than {rule.margin:g}{cohort} from the champion's, up or down, or {rule.bound:g} from 0"
            worse += ", beyond doubt, unless Cllr - min Cllr is lower beyond doubt"
        yield f"`{rule.gate}`", f"evaluation.json: {rule.criterion}", worse


def _others(criteria: GateCriteria) -> Iterator[Sequence[str]]:
    golden, latency, size = criteria.golden, criteria.latency, criteria.size
    parity = ", ".join(f"{graph} {most:g}" for graph, most in criteria.parity.items())
    told: Mapping[str, tuple[str, str]] = {
        "golden": (
            "evaluation.json: decisions on the golden recordings, and on calls of readers",
            "a wrong decision that the champion does not take; more than "
            f"{golden['flips']:.0%} of calls decided otherwise, "
            f"{golden['accepted_impostors']:.0%} of impostors newly accepted, "
            f"{golden['refused_speakers']:.0%} of speakers no longer, "
            f"{golden['accepted_copies']:.0%} more of the copies",
        ),
        "latency": (
            "both bundles, in turn: processor time of each graph and rate, and of loading",
            f"{latency['ratio']:g} times the champion's, beyond doubt",
        ),
        "size": (
            "the bundle",
            f"more than {size['bytes'] / 1e6:g} MB, or {size['ratio']:g} times the champion's without "
            "the former networks of either",
        ),
        "parity": ("every graph, and parity.npz, what the graph that was trained gave", f"a distance above {parity}"),
        "licence": (
            "data.csv, and every source and package of the lineage",
            "a row that no license of the list allows",
        ),
        "reproducibility": ("a second build from the recorded inputs", "any file of another digest"),
        "contract": (
            "manifest, signatures and answers of the graphs, calibration",
            f"another contract than {criteria.contract}, graphs that this code cannot serve, or a bundle that does not "
            "serve the champion's embedding space",
        ),
        "integrity": (
            "all files, data.csv, evaluation.json",
            "a file that is not the one named, or that nothing names",
        ),
    }
    yield from ((f"`{gate}`", *each) for gate, each in told.items())
