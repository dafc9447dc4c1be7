import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from bonafide.adapters.bundle import BundleCorrupt
from bonafide.adapters.networks import SpeakerNetwork, find_ending, open_graph, outputs
from bonafide.adapters.onnx import SHORTEST_SPEECH_SECONDS, Bundle
from bonafide.audio.resample import resample
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.presentation.voices import voice_alerts
from layers.model.build import build
from layers.model.graph import Graph
from layers.packages import sha256
from tests.hosted import HOSTED
from tests.readings import call, lasting, reading
from training.corpus.telephone import telephone

BOTH = (Channel.NARROWBAND, Channel.WIDEBAND)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle")
    build(out)
    return out


@pytest.fixture(scope="module")
def bundle(directory: Path) -> Bundle:
    return Bundle.load(directory, sha256(directory / "manifest.json"))


@pytest.fixture
def copied(directory: Path, tmp_path: Path) -> Path:
    return shutil.copytree(directory, tmp_path / "copy")


def _silence(seconds: float, rate: int = 16000) -> Waveform:
    return Waveform(np.zeros(round(seconds * rate), np.float32), rate)


@pytest.mark.parametrize("file", ["vad.onnx", "speaker.onnx", "manifest.json"])
def test_one_wrong_byte_in_any_file_refuses_the_bundle(copied: Path, file: str) -> None:
    digest = sha256(copied / "manifest.json")
    content = bytearray((copied / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / file).write_bytes(content)
    with pytest.raises(BundleCorrupt, match=file):
        Bundle.load(copied, digest)


def test_a_missing_file_refuses_the_bundle(copied: Path) -> None:
    (copied / "vad.onnx").unlink()
    with pytest.raises(BundleCorrupt, match=r"vad\.onnx"):
        Bundle.load(copied, None)


def test_another_bundle_than_the_configured_one_is_refused(directory: Path) -> None:
    with pytest.raises(BundleCorrupt):
        Bundle.load(directory, "0" * 64)


def test_a_bundle_of_another_contract_is_refused(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_bytes())
    (copied / "manifest.json").write_text(json.dumps(manifest | {"contract": 2}))
    with pytest.raises(BundleCorrupt, match="contract 2"):
        Bundle.load(copied, sha256(copied / "manifest.json"))


def test_a_bundle_knows_its_digest_and_space(bundle: Bundle, directory: Path) -> None:
    assert bundle.digest == sha256(directory / "manifest.json")
    assert bundle.embedding_space == json.loads((directory / "manifest.json").read_bytes())["embedding_space"]


def test_parts_are_told_by_the_way_and_change_no_embedding(bundle: Bundle, directory: Path) -> None:
    content = (directory / "speaker.onnx").read_bytes()
    plain, opened, heard = open_graph(content, 1), bundle._speaker, bundle.find_speech(reading()).waveform
    unit, _, frames = outputs(opened.graph, heard)
    assert np.array_equal(unit, outputs(plain, heard)[0])
    assert opened.ending
    assert opened.ending.embed(frames[0, :, 0]) == pytest.approx(unit, abs=1e-5)
    assert find_ending((directory / "vad.onnx").read_bytes()) is None


def test_a_graph_that_ends_otherwise_tells_no_parts(bundle: Bundle) -> None:
    other = replace(bundle._speaker, ending=None, graph=bundle._vad)
    assert other.embed(reading()).parts is None


def test_a_network_of_another_kind_that_has_a_mean_and_a_matrix_is_served_without_parts() -> None:
    """Windows of four samples, a matrix, and the mean of the windows, as a recurrent network ends."""
    graph = Graph()
    windows = graph.op("Reshape", "samples", graph.ints([-1, 4]))
    found = graph.op("Gemm", windows, graph.floats(np.eye(4)), graph.floats(np.ones(4)))
    graph.rename(graph.op("ReduceMean", found, graph.ints([0]), keepdims=0), "embedding")
    inputs = [("samples", TensorProto.FLOAT, ("n",)), ("rate", TensorProto.INT64, ())]
    content = graph.model("other", inputs, [("embedding", TensorProto.FLOAT, (4,))]).SerializeToString()
    assert find_ending(content)
    network = SpeakerNetwork.open(content, 1)
    found_parts = network.embed(Waveform(np.ones(16000, np.float32), 16000))
    assert (network.ending, found_parts.parts) == (None, None)
    assert found_parts.unit == pytest.approx(np.full(4, 0.5))


def test_of_two_readers_on_one_line_the_second_is_noticed(bundle: Bundle) -> None:
    both = np.concatenate([call("train_grace").samples, call("train_atkins").samples])
    alone, found = (
        replace(bundle, _detector=None).observe(each) for each in (call("train_grace"), Waveform(both, 8000))
    )
    assert voice_alerts([alone], alone.channel) == ()
    assert voice_alerts([found], found.channel) == (Reason.VOICE_CHANGED, Reason.SEVERAL_VOICES)


def test_each_graph_runs_on_the_threads_that_were_asked_for(bundle: Bundle, directory: Path) -> None:
    two = Bundle.load(directory, None, threads=2)
    for loaded, threads in ((bundle, 1), (two, 2)):
        for session in (loaded._vad, loaded._speaker.graph):
            assert session.get_session_options().intra_op_num_threads == threads
            assert session.get_session_options().inter_op_num_threads == 1


def test_a_reading_gives_both_bands_when_both_are_asked_for(bundle: Bundle) -> None:
    evidence = bundle.observe(reading(), BOTH)
    assert set(evidence.embeddings) == set(BOTH)
    assert evidence.channel is Channel.WIDEBAND
    assert evidence.embedding_space == bundle.embedding_space


def test_a_recording_always_gives_its_own_band(bundle: Bundle) -> None:
    assert set(bundle.observe(reading()).embeddings) == {Channel.WIDEBAND}
    assert set(bundle.observe(call()).embeddings) == {Channel.NARROWBAND}


def test_a_call_has_no_wideband_embedding(bundle: Bundle) -> None:
    assert set(bundle.observe(call(), BOTH).embeddings) == {Channel.NARROWBAND}
    with pytest.raises(ValueError, match="narrowband"):
        bundle.embed(bundle.find_speech(call()), Channel.WIDEBAND)


def test_a_call_stored_at_16_khz_is_still_a_call(bundle: Bundle) -> None:
    upsampled = Waveform(resample(call().samples, 8000, 16000), 16000)
    evidence = bundle.observe(upsampled, BOTH)
    same, other = (bundle.observe(call(who)).embeddings[Channel.NARROWBAND] for who in ("train_grace", "train_atkins"))
    assert set(evidence.embeddings) == {evidence.channel} == {Channel.NARROWBAND}
    assert evidence.embeddings[Channel.NARROWBAND] @ same > 0.8 > evidence.embeddings[Channel.NARROWBAND] @ other


def test_a_template_made_from_a_reading_expects_the_call_of_it(bundle: Bundle) -> None:
    expected = bundle.observe(reading(), BOTH).embeddings[Channel.NARROWBAND]
    heard = bundle.observe(to_narrowband(reading())).embeddings[Channel.NARROWBAND]
    assert expected @ heard > 0.98


@pytest.mark.parametrize("rate", [8000, 16000])
def test_silence_is_evidence_of_nothing(bundle: Bundle, rate: int) -> None:
    evidence = bundle.observe(_silence(2.0, rate))
    assert evidence.speech_seconds == 0.0
    assert not evidence.embeddings


def test_a_line_that_hums_at_16_khz_and_says_nothing_is_evidence_of_nothing(bundle: Bundle) -> None:
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(3 * 8000) / 8000)
    evidence = bundle.observe(Waveform(resample(hum.astype(np.float32), 8000, 16000), 16000))
    assert (evidence.channel, evidence.speech_seconds) == (Channel.NARROWBAND, 0.0)
    assert not evidence.embeddings


@pytest.mark.parametrize("seconds", [0.02, SHORTEST_SPEECH_SECONDS, 0.3, 0.5, 1.0])
def test_however_short_it_is_it_is_answered(bundle: Bundle, seconds: float) -> None:
    for waveform in (lasting(reading(), seconds), lasting(call(), seconds)):
        evidence = bundle.observe(waveform, BOTH)
        assert all(np.isfinite(vector).all() for vector in evidence.embeddings.values())


def test_pauses_are_not_counted_as_speech(bundle: Bundle) -> None:
    spoken = reading()
    parts = [_silence(3.0).samples, spoken.samples, _silence(3.0).samples]
    paused = bundle.find_speech(Waveform(np.concatenate(parts), 16000))
    assert paused.seconds == pytest.approx(bundle.find_speech(spoken).seconds, abs=0.3)
    assert paused.waveform.seconds < paused.seconds + 2.0


def test_a_minute_of_speech_is_the_same_voice_as_its_beginning(bundle: Bundle) -> None:
    whole = bundle.observe(lasting(reading(), 60.0)).embeddings[Channel.WIDEBAND]
    beginning = bundle.observe(reading()).embeddings[Channel.WIDEBAND]
    assert np.linalg.norm(whole) == pytest.approx(1.0, abs=1e-5)
    assert whole @ beginning > 0.95


def test_the_same_recording_gives_the_same_bits(bundle: Bundle) -> None:
    first, second = (bundle.observe(reading()).embeddings[Channel.WIDEBAND] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_recording_is_listened_to_for_liveness_in_either_band_and_however_short(bundle: Bundle) -> None:
    speech = reading()
    heard = [lasting(speech, 12.0), to_narrowband(lasting(speech, 12.0)), lasting(speech, 1.0)]
    found = [bundle.observe(each).liveness for each in heard]
    assert all(llr is not None and np.isfinite(llr) for llr in found)


def test_a_call_stored_at_16_khz_sounds_as_human_as_it_is(bundle: Bundle) -> None:
    upsampled = Waveform(resample(call().samples, 8000, 16000), 16000)
    found, expected = (bundle.observe(each).liveness for each in (upsampled, call()))
    assert found == pytest.approx(expected, abs=0.5)


@HOSTED
def test_how_a_line_cuts_low_tones_says_little_about_liveness(bundle: Bundle) -> None:
    changes = []
    for reader in ("train_atkins", "train_dotrice", "train_grace", "train_kennard"):
        cut, whole = (bundle.observe(line(reading(reader))).liveness for line in (telephone, to_narrowband))
        assert cut is not None
        assert whole is not None
        changes.append(abs(cut - whole))
    assert np.mean(changes) < 0.1


def test_windows_without_speech_say_nothing_about_liveness(bundle: Bundle) -> None:
    speech = reading()
    spoken = lasting(speech, 8.0)
    silence = np.zeros(40 * speech.rate, np.float32)
    whole = Waveform(np.concatenate([spoken.samples, silence]), speech.rate)
    found = bundle.find_speech(whole)
    unweighted = replace(found, spoken=np.ones_like(found.spoken))
    alone, surrounded, diluted = (bundle.liveness(each) for each in (bundle.find_speech(spoken), found, unweighted))
    assert alone is not None
    assert surrounded is not None
    assert diluted is not None
    assert abs(surrounded - alone) < abs(diluted - alone)


@pytest.mark.parametrize("seconds", [3.0, 5.9, 11.0])
def test_no_half_second_of_speech_goes_unheard(bundle: Bundle, seconds: float) -> None:
    speech = bundle.find_speech(lasting(reading(), seconds))
    step, unchanged = speech.whole.rate // 2, bundle.liveness(speech)
    for start in range(0, len(speech.spoken), step):
        other = speech.whole.samples.copy()
        other[start : start + step] *= -0.5
        changed = replace(speech, whole=Waveform(other, speech.whole.rate))
        assert bundle.liveness(changed) != unchanged, start


def test_where_nobody_speaks_no_liveness_is_known(bundle: Bundle) -> None:
    assert bundle.liveness(bundle.find_speech(_silence(5.0))) is None


def test_what_is_known_of_speech_is_not_listened_to_again(bundle: Bundle) -> None:
    speech = bundle.find_speech(reading())
    known = replace(bundle.evidence(speech), liveness=-42.0)
    both = bundle.evidence(speech, [Channel.NARROWBAND], known)
    assert both.liveness == -42.0
    assert set(both.embeddings) == set(Channel)


def test_a_recording_has_the_components_of_its_embedding_along_the_directions_of_the_bundle(
    bundle: Bundle, directory: Path
) -> None:
    axes = np.array(json.loads((directory / "distributions.json").read_bytes())["directions"])
    assert axes @ axes.T == pytest.approx(np.eye(4), abs=1e-3)
    for waveform in (reading(), call()):
        evidence = bundle.observe(waveform, BOTH)
        own = evidence.embeddings[evidence.channel]
        assert evidence.embedding_directions == pytest.approx(axes @ own, abs=6e-4)
    assert bundle.observe(_silence(2.0)).embedding_directions == ()


def test_directions_of_another_network_are_left_out(copied: Path) -> None:
    found = json.loads((copied / "distributions.json").read_bytes())
    (copied / "distributions.json").write_text(json.dumps(found | {"graphs": {"speaker.onnx": "0" * 64}}))
    manifest = json.loads((copied / "manifest.json").read_bytes())
    manifest["files"]["distributions.json"] = sha256(copied / "distributions.json")
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert Bundle.load(copied).observe(call()).embedding_directions == ()


def test_a_former_network_is_served_beside_and_opened_when_it_is_needed(directory: Path, tmp_path: Path) -> None:
    served = Bundle.load(serving_a_former(directory, tmp_path), liveness=False)
    assert served.spaces == ["newer", json.loads((directory / "manifest.json").read_bytes())["embedding_space"]]
    assert [each["embedding_space"] for each in served.calibrations] == served.spaces
    former = served._former[served.spaces[1]]
    speech = served.find_speech(reading())
    own = served.evidence(speech)
    assert former._network is None
    found = served.evidence(speech, [], replace(own, liveness=-42.0), served.spaces[1])
    assert former._network is not None
    assert (own.embedding_space, found.embedding_space, found.liveness) == (*served.spaces, -42.0)
    # Drift is watched by one network, whatever space a speaker is compared in.
    assert own.embedding_norm
    assert found.embedding_norm == own.embedding_norm
    alone = served.evidence(speech, embedding_space=served.spaces[1])
    assert (alone.embedding_norm, alone.embedding_directions) == (None, ())


def test_a_former_network_of_another_digest_stops_the_start(directory: Path, tmp_path: Path) -> None:
    folder = serving_a_former(directory, tmp_path)
    (folder / "former.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleCorrupt):
        Bundle.load(folder)


def serving_a_former(directory: Path, folder: Path) -> Path:
    """A bundle of another space with the built one's network as a former one."""
    manifest = json.loads((directory / "manifest.json").read_bytes())
    calibration = json.loads((directory / "calibration.json").read_bytes())
    (folder / "calibration.json").write_text(json.dumps({**calibration, "embedding_space": "newer"}))
    for name, copied in [(each, each) for each in ("vad.onnx", "spoof.onnx", "spoof.json", "speaker.onnx")] + [
        ("speaker.onnx", "former.onnx"),
        ("calibration.json", "former.json"),
    ]:
        (folder / copied).write_bytes((directory / name).read_bytes())
    own = {"embedding_space": manifest["embedding_space"], "dimension": 192}
    files = {each.name: sha256(each) for each in folder.iterdir()}
    former = [{**own, "speaker": "former.onnx", "calibration": "former.json"}]
    changed = {**manifest, "embedding_space": "newer", "files": files, "former": former}
    (folder / "manifest.json").write_text(json.dumps(changed))
    return folder


def test_without_its_detector_a_bundle_knows_nothing_of_liveness(directory: Path) -> None:
    assert Bundle.load(directory, liveness=False).observe(reading()).liveness is None
