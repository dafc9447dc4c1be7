import json
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from bonafide.biometrics.decision import Decision
from tests.training.evaluation.test_spoof import scored
from tests.training.evaluation.test_tandem import claim
from training.evaluation import plots, report, tandem
from training.evaluation.metrics import Kind
from training.evaluation.report import ReportPage, decisions, detection, training
from training.evaluation.spoof import figures
from training.evaluation.tandem import ClaimTable

PNG = re.compile(r'src="data:image/png;base64,([^"]+)"')


def named(page: ReportPage) -> dict[str, float]:
    """How much there is to see in each picture of a page, by the names of the files beside it."""
    page.write()
    embedded = [b64decode(each) for each in PNG.findall((page.folder / "index.html").read_text())]
    files = {path.stem: path.read_bytes() for path in page.folder.glob("*.png")}
    assert sorted(embedded) == sorted(files.values())
    return {name: float(np.std(imread(BytesIO(content)))) for name, content in files.items()}


def test_a_page_holds_the_pictures_and_figures_of_a_detector(tmp_path: Path) -> None:
    page, both = ReportPage(tmp_path), {"native": scored(), "telephone": scored()}
    known = {"bundle": "b" * 64, "manifest": "m" * 64}
    detection(page, both, {name: {**known, **figures(each, (-1.0, 1.0))} for name, each in both.items()})
    pictures = named(page)
    assert set(pictures) == {"det", "calibration-native", "calibration-telephone"}
    assert min(pictures.values()) > 0.05
    assert f"{figures(scored(), (-1.0, 1.0))['uncertain']:.1%}" in "".join(page.parts)
    assert json.loads((tmp_path / "spoof-native.json").read_text())["at_chance"] == ["perfect"]


def test_a_page_marks_the_systems_at_chance_and_names_them_first(tmp_path: Path) -> None:
    page = ReportPage(tmp_path)
    known = {"bundle": "", "manifest": ""}
    detection(page, {"native": scored()}, {"native": {**known, **figures(scored(), (-1.0, 1.0))}})
    assert re.findall(r'<tr class="(.*?)"><td>(.*?)</td>', page.parts[-1]) == [("marked", "perfect")]
    assert page.parts[-1].index("perfect") < page.parts[-1].index("crude")


def test_a_page_holds_what_was_decided(tmp_path: Path) -> None:
    page, humans = ReportPage(tmp_path), [claim(Kind.TARGET, 8.0, 5.0), claim(Kind.NONTARGET, -8.0, 5.0)] * 5
    table = ClaimTable.of([*humans, *[claim(Kind.SPOOF, 8.0, -9.0, "vits")] * 5])
    counted = {"claims": {"target": 5, "nontarget": 5}, "spoofs": tandem.described(table)}
    decisions(page, {"native": table}, {"native": {**counted, **tandem.figures(table)}})
    assert min(named(page).values()) > 0.05
    assert "5 taken for perfect clones" in page.parts[1]
    assert "0.000 [too few speakers]" in page.parts[2]


def test_curves_are_drawn_when_they_were_kept(tmp_path: Path) -> None:
    kept = tmp_path / "curves.jsonl"
    kept.write_text('{"step": 0, "loss": 0.7}\n{"step": 50, "loss": 0.2, "held_out_eer": 0.1}\n')
    page = ReportPage(tmp_path)
    training(page, [tmp_path / "none.jsonl", kept])
    assert "No curves" not in page.parts[-1]
    training(page, [tmp_path / "none.jsonl"])
    assert named(page)["curves"] > 0.05
    assert len(plots.curves([json.loads(line) for line in kept.read_text().splitlines()]).axes) == 2
    assert "No curves" in page.parts[-1]


def test_what_a_manifest_says_is_shown_as_text(tmp_path: Path) -> None:
    page = ReportPage(tmp_path)
    page.table(["system"], [["<script>alert(1)</script>"]])
    assert "<script>" not in page.parts[0]


def test_says_what_is_wrong_with_a_manifest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text("path,label,system\n")
    monkeypatch.setattr("sys.argv", ["report", "--spoof", str(tmp_path / "m.csv"), "--out", str(tmp_path / "out")])
    assert report.main() == 2
    assert "names no recordings" in capsys.readouterr().err


def test_calibrated_llrs_lie_on_the_diagonal() -> None:
    generator = np.random.default_rng(5)
    human = np.arange(200_000) % 2 == 0
    llr = np.where(human, 2.0, -2.0) + 2.0 * generator.standard_normal(len(human))
    said, found = plots.reliability(llr, human)
    assert found == pytest.approx(said, abs=0.4)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_probits_keep_the_order_of_rates(low: float, high: float) -> None:
    first, second = plots.probit(np.array(sorted((low, high))))
    assert -4.0 < first <= second < 4.0


def test_every_decision_has_a_color() -> None:
    assert set(plots.MIX) == set(Decision)
