"""Stored form of policies."""

from dataclasses import asdict

from bonafide.biometrics.policy import Disclosure, Factor, Policy, RejectingAlert, SyntheticEnrollment
from bonafide.records import Stored, StoredForm, known


def written_policy(policy: Policy) -> StoredForm:
    """Returns the stored form of a policy."""
    return asdict(policy) | {
        "requires": [str(each) for each in policy.requires],
        "reject_on": [str(each) for each in policy.reject_on],
    }


def read_policy(document: Stored) -> Policy:
    """Reads a stored policy.

    The first release stored no cost of accepting a spoof: that of an impostor counts. Releases that stored no
    disclosure told all scores, and whoever reads them goes on getting them; releases that stored no treatment of
    synthetic contributions added them. A required factor of a later release is one that this release does not see.
    """
    before = {
        "spoof_accept_cost": document["false_accept_cost"],
        "disclosure": Disclosure.FULL,
        "synthetic_enrollment": SyntheticEnrollment.RECORD,
    }
    stored = {**before, **known(Policy, document)}
    required = {Factor(name) if name in Factor else Factor.ANOTHER for name in stored.get("requires", ())}
    named = {
        "disclosure": Disclosure(stored["disclosure"]),
        "synthetic_enrollment": SyntheticEnrollment(stored["synthetic_enrollment"]),
        "requires": tuple(sorted(required)),
        "reject_on": tuple(RejectingAlert(name) for name in stored.get("reject_on", ()) if name in RejectingAlert),
    }
    return Policy(**{**stored, **named})
