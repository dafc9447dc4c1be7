"""Networks that were pickled whole: nothing runs but what is on the list."""

import importlib
import io
import os
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from training.corpus.synthesis.pickled import ABSENT, MELGAN, TENSORS, importable, pickle_module


class Ran:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch ran",)


@pytest.mark.parametrize("allowed", [TENSORS, MELGAN])
@pytest.mark.parametrize("content", [Ran(), print, eval, io.StringIO])
def test_a_pickle_that_names_anything_else_is_refused(
    allowed: Any, content: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for protocol in (0, 2, 5):
        file = io.BytesIO(pickle.dumps(content, protocol))
        with pytest.raises(pickle.UnpicklingError, match="the pickle names"):
            pickle_module(allowed).load(file)
    assert not (tmp_path / "ran").exists()


def test_a_dotted_name_does_not_lead_past_the_list() -> None:
    content = b"\x80\x04\x8c\x0bcollections\x8c\x0fabc.sys.modules\x93."
    with pytest.raises(pickle.UnpicklingError, match=r"collections\.abc\.sys\.modules"):
        pickle_module(TENSORS).load(io.BytesIO(content))


def test_what_is_on_the_list_is_read() -> None:
    content = OrderedDict(weights=[1.0], names={"a"})
    assert pickle_module(TENSORS).load(io.BytesIO(pickle.dumps(content, 2))) == content


def test_the_list_names_no_function_but_the_two_that_make_tensors() -> None:
    names = {name for _, name in MELGAN if not name[0].isupper()}
    assert names == {"set", "_rebuild_parameter", "_rebuild_tensor_v2"}


def test_stand_ins_are_there_while_a_network_is_opened_and_not_after(tmp_path: Path) -> None:
    (tmp_path / "speaks.py").write_text(
        "from aukit.audio_io import Dict2Obj\n"
        "from aukit.audio_griffinlim import default_hparams, load_wav\n"
        "settings = Dict2Obj({**default_hparams, 'rate': 22050})\n"
    )
    with importable(tmp_path):
        module = importlib.import_module("speaks")
        assert module.settings == {"rate": 22050}
    assert str(tmp_path) not in sys.path
    assert not set(ABSENT) & set(sys.modules)
    del sys.modules["speaks"]
    with pytest.raises(NotImplementedError, match=r"aukit\.audio_griffinlim\.load_wav is not installed"):
        module.load_wav("x.wav")
