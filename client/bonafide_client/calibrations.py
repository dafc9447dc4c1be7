"""The calls of the REST contract about calibrations of domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bonafide_client import answers, paths
from bonafide_client.connection import ApiConnection


class CalibrationCalls(ApiConnection):
    """Proposes, promotes, revokes and reads calibrations; part of `Client`, whose errors it raises."""

    def propose_calibration(
        self, domain: str, calibration: Mapping[str, Any], reason: str, canary_share: float = 0.1
    ) -> answers.CalibrationDocument:
        """Proposes a calibration; once it passed the gate, it judges a share of the speakers.

        Args:
            domain: whose it is.
            calibration: as `make calibration ARGS="fit ..."` wrote it.
            reason: for the audit trail; no personal data.
            canary_share: share of the speakers.
        """
        body = {"calibration": dict(calibration), "reason": reason, "canary_share": canary_share}
        return cast("answers.CalibrationDocument", self.send("POST", paths.of_calibrations(domain), body))

    def promote_calibration(self, domain: str, version: int, reason: str) -> answers.CalibrationsDocument:
        """Lets the calibration in canary judge all speakers of the domain."""
        path = f"{paths.of_calibration(domain, version)}/promotion"
        return cast("answers.CalibrationsDocument", self.send("POST", path, {"reason": reason}))

    def revoke_calibration(self, domain: str, version: int, reason: str) -> answers.CalibrationsDocument:
        """Takes a calibration out of use for good."""
        path = f"{paths.of_calibration(domain, version)}/revocation"
        return cast("answers.CalibrationsDocument", self.send("POST", path, {"reason": reason}))

    def calibration(self, domain: str, version: int) -> answers.CalibrationDocument:
        """Reads a calibration, whatever its state."""
        return cast("answers.CalibrationDocument", self.send("GET", paths.of_calibration(domain, version)))

    def calibrations(self, domain: str, before: int | None = None) -> answers.CalibrationsDocument:
        """Reads the calibrations in use, and the newest changes, or those before a change."""
        query = f"?before={before}" if before is not None else ""
        return cast("answers.CalibrationsDocument", self.send("GET", f"{paths.of_calibrations(domain)}{query}"))
