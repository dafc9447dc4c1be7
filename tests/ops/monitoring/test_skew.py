"""A decision that comes out as it was served is no skew; one that does not is named."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bonafide.audio.decode import decode
from bonafide.biometrics.scoring import Calibration
from bonafide.contracts.decisions import ledger_entry
from ops.monitoring.skew import check, shown
from tests.audio.signals import pcm
from tests.audio.wav_writer import wav
from tests.calibrations import a_calibration
from tests.decisions import decision_record
from tests.services.parts import Chords, sound


@dataclass
class Served:
    """A decision on a recording, as it would be answered."""

    models: Chords = field(default_factory=Chords)

    def decision(self, content: bytes, **changes: Any) -> dict[str, Any]:
        calibration = Calibration.parse(self.models.calibrations[0])
        evidence = self.models.observe(decode(content, encoding="wav"))
        made = ledger_entry(decision_record()).model_dump(mode="json")
        comparison = decision_record().case.comparison
        assert comparison
        llr = float(calibration.llr(replace(comparison, embedding_space=self.models.embedding_space)))
        quality = {"level_dbfs": evidence.quality.level_dbfs, "clipped": 0.0, "snr_db": evidence.quality.snr_db}
        return {
            **made,
            "bundle": self.models.digest,
            "calibration": calibration.digest,
            "speaker": {"llr": llr, "score": 50.0},
            "speech_seconds": evidence.speech_seconds,
            "quality": quality,
            "liveness": {"llr": evidence.liveness, "score": 50.0, "state": "bona_fide"},
            **changes,
        }


def test_decisions_that_come_out_the_same_are_no_skew(tmp_path: Path) -> None:
    content = wav(pcm(sound("ann")), 16000)
    (tmp_path / "decision-1").write_bytes(content)
    served = Served()
    models: Any = served.models
    report = check([served.decision(content), served.decision(content, bundle="e" * 64)], models, tmp_path)
    assert report.skewed == []
    assert report.other_bundle == 1
    assert report.compared.keys() >= {"speaker_llr", "speech_seconds", "level_dbfs", "liveness_llr"}
    assert "left out" in shown(report)


@pytest.mark.parametrize("name", ["speaker_llr", "speech_seconds", "level_dbfs", "liveness_llr"])
def test_a_value_that_was_served_otherwise_is_named(name: str, tmp_path: Path) -> None:
    content = wav(pcm(sound("ann")), 16000)
    (tmp_path / "decision-1").write_bytes(content)
    served = Served()
    decision = served.decision(content)
    wrong: dict[str, Any] = {
        "speaker_llr": {"speaker": {"llr": decision["speaker"]["llr"] + 1e-6, "score": 50.0}},
        "speech_seconds": {"speech_seconds": decision["speech_seconds"] + 0.1},
        "level_dbfs": {"quality": {**decision["quality"], "level_dbfs": decision["quality"]["level_dbfs"] + 1.0}},
        "liveness_llr": {"liveness": {**decision["liveness"], "llr": 3.0}},
    }
    models: Any = served.models
    assert check([{**decision, **wrong[name]}], models, tmp_path).skewed == [("decision-1", name)]


def test_a_decision_is_scored_again_with_the_calibration_that_judged_it() -> None:
    served = Served()
    base = Calibration.parse(served.models.calibrations[0])
    own = a_calibration(base)
    decision = served.decision(wav(pcm(sound("ann")), 16000))
    comparison = decision_record().case.comparison
    assert comparison
    llr = float(own.of(base).llr(replace(comparison, embedding_space=base.embedding_space)))
    judged = {**decision, "calibration": own.of(base).digest, "speaker": {"llr": llr, "score": 50.0}}
    models: Any = served.models
    assert "speaker_llr" not in check([judged], models).compared
    assert check([judged], models, corrections=[own]).largest == {"speaker_llr": 0.0}
