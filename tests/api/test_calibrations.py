"""A calibration of a domain over REST: proposed, promoted and revoked by the operator's command while callers call."""

import json
from pathlib import Path
from typing import Any

import pytest

from bonafide.biometrics.domain_calibration import DomainCalibration
from bonafide.biometrics.scoring import Condition
from ops.calibration import main
from tests.api.parts import Api, audio, enrol
from tests.calibrations import CORRECTION, EVIDENCE
from tests.readings import reading


def test_a_calibration_judges_from_its_promotion_to_its_revocation(
    api: Api, domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*arguments: str) -> str:
        argv = ["calibration", "--endpoint", api.endpoint, "--domain", domain, "--reason", "new headsets", *arguments]
        monkeypatch.setattr("sys.argv", argv)
        assert main() == 0
        return capsys.readouterr().out

    def decide() -> Any:
        path = f"/v1/domains/{domain}/speakers/grace/authentications"
        answer = api.call("POST", path, {"audio": audio(reading("train_grace", 2))}).document
        return api.call("GET", f"/v1/domains/{domain}/decisions/{answer['decision_id']}").document

    enrol(api, domain, "grace", "train_grace")
    before = decide()
    own = DomainCalibration(
        domain=domain,
        bundle=before["bundle"],
        base=before["calibration"],
        embedding_space=_space(),
        corrections=dict.fromkeys(Condition, CORRECTION),
        evidence=dict.fromkeys(Condition, EVIDENCE),
        fitted_from="f" * 64,
    )
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(own.to_document()))
    assert command("propose", str(file), "--share", "0.1").startswith("version 1 CANARY: ")
    assert command("promote", "1").startswith("active: version 1 ACTIVE: ")
    during = decide()
    assert during["calibration"] != before["calibration"]
    assert during["speaker"]["llr"] < before["speaker"]["llr"] - 1.0
    assert during["degraded"] == []
    assert command("revoke", "1").startswith("active: that of the bundle\n")
    after = decide()
    assert (after["calibration"], after["speaker"]) == (before["calibration"], before["speaker"])
    assert json.loads(command("show", "1"))["state"] == "REVOKED"
    assert len(command("list").splitlines()) == 4
    refused = api.call("POST", f"/v1/domains/{domain}/calibrations/1/promotion", {"reason": "back"})
    assert (refused.status, refused.document["code"]) == (409, "calibration_revoked")


def _space() -> str:
    document = json.loads((Path(__file__).parents[2] / "layers/model/calibration/calibration.json").read_text())
    return str(document["embedding_space"])
