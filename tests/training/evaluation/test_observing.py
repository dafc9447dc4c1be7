"""Evidence of several bundles, extracted at once."""

from pathlib import Path

from training.evaluation.paired.observing import GraphPart, ObservationCache


def named(bundle: Path, path: Path) -> str:
    return f"{bundle.name} {path.name} {path.read_text()}"


def test_what_graphs_of_several_bundles_give_is_extracted_once_and_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.write_text(path.name)
    kept = ObservationCache(tmp_path / "kept", processes=1)
    parts = [GraphPart(name, named, tmp_path / name) for name in ("first", "second")]
    kept.fill(parts, paths)
    assert kept.all(parts[1], paths) == ["second one one", "second two two"]
    again = ObservationCache(tmp_path / "kept", processes=1)
    gone = GraphPart("first", named, tmp_path / "gone")
    assert again.all(gone, paths[:1]) == ["first one one"]
    assert again.all(GraphPart("third", named, tmp_path / "third"), paths[:1]) == ["third one one"]
