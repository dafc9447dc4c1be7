"""Functions that were deployed without a setting refuse to start, and say which."""

from dataclasses import fields
from pathlib import Path

import pytest

from bonafide.settings import AudioBucket, BundleSettings, FromEnvironment, MissingSetting

# By name, since giving a class slots makes it anew, and the first one may still be around.
KINDS = list({kind.__name__: kind for kind in FromEnvironment.__subclasses__()}.values())


def complete(kind: type[FromEnvironment]) -> dict[str, str]:
    return {f"BONAFIDE_{each.name.upper()}": f"value of {each.name}" for each in fields(kind)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_setting_that_is_missing_or_empty_is_named(kind: type[FromEnvironment]) -> None:
    for name in complete(kind):
        for environment in ({**complete(kind), name: ""}, {k: v for k, v in complete(kind).items() if k != name}):
            with pytest.raises(MissingSetting, match=f"{name} "):
                kind.read(environment)


def test_each_setting_is_read_from_the_variable_of_its_name() -> None:
    assert AudioBucket.read(complete(AudioBucket)).audio_bucket == "value of audio_bucket"
    bundle = BundleSettings.read({"BONAFIDE_BUNDLE_DIR": "/opt/bundle", "BONAFIDE_BUNDLE_DIGEST": "d"})
    assert (bundle.bundle_dir, bundle.bundle_digest) == (Path("/opt/bundle"), "d")
