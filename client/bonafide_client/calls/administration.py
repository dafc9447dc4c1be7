"""Calls of administrators, analysts and auditors: brakes, calibrations, attempts, settings, erasures, the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from bonafide_client import paths
from bonafide_client.connection import ApiConnection, accepted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bonafide_client import answers


class AdministrationCalls(ApiConnection):
    """Calls beside enrollment and authentication."""

    def set_brake(self, reason: str, domain: str | None = None) -> answers.BrakeDocument:
        """Sets the brake of a domain, or of the stage: STEP_UP is the best decision until it is released.

        Args:
            reason: for the audit trail; no personal data.
            domain: whose brake it is; None for the brake of the stage.
        """
        return cast("answers.BrakeDocument", self.send("PUT", paths.of_brake(domain), {"reason": reason}))

    def release_brake(self, reason: str, domain: str | None = None) -> answers.BrakeDocument:
        """Releases the brake of a domain, or of the stage; arguments as of `set_brake`."""
        path = f"{paths.of_brake(domain)}?{urlencode({'reason': reason})}"
        return cast("answers.BrakeDocument", self.send("DELETE", path))

    def brake(self, domain: str | None = None) -> answers.BrakeDocument:
        """Reads the brake of a domain, or of the stage, and its newest changes."""
        return cast("answers.BrakeDocument", self.send("GET", paths.of_brake(domain)))

    def propose_calibration(
        self, domain: str, calibration: Mapping[str, Any], reason: str, canary_share: float = 0.1
    ) -> answers.CalibrationDocument:
        """Proposes a calibration that `make calibration ARGS="fit ..."` wrote; it judges a share of the speakers."""
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

    def audit(self, domain: str | None = None, cursor: str = "") -> answers.AuditPageDocument:
        """Reads a page of the audit trail of a domain, or of the stage."""
        query = f"?{urlencode({'cursor': cursor})}" if cursor else ""
        return cast("answers.AuditPageDocument", self.send("GET", f"{paths.of_audit(domain)}{query}"))

    def domain_etag(self, domain: str) -> str:
        """Reads the tag of a domain's settings as they are now."""
        answer = self.request("GET", paths.of_domain(domain))
        accepted(answer)
        return {name.lower(): value for name, value in answer.headers.items()}.get("etag", "")

    def patch_domain(self, domain: str, changes: Mapping[str, Any], etag: str) -> answers.DomainDocument:
        """Changes single settings of a domain, if they are still as they were read.

        After a fault it may have been done: then the repeated request is refused with 412, since the tag has changed.

        Args:
            domain: to change.
            changes: of `policy`, `retention`, `principals` and `quota`; what is left out stays as it is.
            etag: of the settings that the changes were made from: see `domain_etag`.
        """
        answer = self.request("PATCH", paths.of_domain(domain), dict(changes), headers={"If-Match": etag})
        return cast("answers.DomainDocument", accepted(answer))

    def domain_versions(self, domain: str, before: int | None = None) -> Any:
        """Reads former settings of a domain, the newest first, or those before a version."""
        query = f"?before={before}" if before is not None else ""
        return self.send("GET", f"{paths.of_domain(domain)}/versions{query}")

    def domain_version(self, domain: str, version: int) -> Any:
        """Reads one version of a domain's settings."""
        return self.send("GET", f"{paths.of_domain(domain)}/versions/{int(version)}")

    def attempts(self, domain: str, speaker: str) -> Any:
        """Reads how many attempts at a speaker failed, and until when that limits decisions."""
        return self.send("GET", f"{paths.of_speaker(domain, speaker)}/attempts")

    def reset_attempts(self, domain: str, reason: str, *, speaker: str | None = None, caller: str | None = None) -> Any:
        """Lets failed attempts so far no longer limit decisions.

        Args:
            domain: of the speaker.
            reason: for the history; no personal data.
            speaker: at whom attempts failed; or
            caller: your reference to who made them.
        """
        who = {"speaker": speaker} if speaker else {"caller": caller}
        return self.send("POST", f"{paths.of_domain(domain)}/attempts/reset", {"reason": reason, **who})

    def contributions(self, domain: str, speaker: str) -> answers.ContributionsDocument:
        """Reads what was sent to be added to a voiceprint, the newest first, and whether it counts."""
        path = paths.of_contributions(domain, speaker)
        return cast("answers.ContributionsDocument", self.send("GET", path))

    def take_back_contribution(self, domain: str, speaker: str, contribution: str) -> answers.SpeakerDocument:
        """Makes the voiceprint what it was without a contribution; named by its `enrollment_id`."""
        path = paths.of_contribution(domain, speaker, contribution)
        return cast("answers.SpeakerDocument", self.send("DELETE", path))

    def export(self, domain: str, speaker: str) -> Any:
        """Reads all that is held on a person."""
        return self.send("GET", f"{paths.of_speaker(domain, speaker)}/export")

    def erasures(self, domain: str) -> Any:
        """Reads what was erased lately in a domain, also in one that is gone."""
        return self.send("GET", f"{paths.of_domain(domain)}/erasures")

    def erasure(self, domain: str, erasure: str) -> Any:
        """Reads how far an erasure is, store by store."""
        return self.send("GET", paths.of_erasure(domain, erasure))
