"""Opens networks that were pickled whole, and lets their pickles name nothing but the classes of such networks.

A pickle may name any function and have it called. So every name is compared with a list that was read from the pinned
files, and any other is refused; the classes on the list are those of torch and of the package's own networks.
"""

import importlib
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

TENSORS = frozenset(
    {
        ("__builtin__", "set"),
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch.nn.modules.container", "ModuleList"),
        ("torch.nn.modules.container", "Sequential"),
        ("torch.nn.modules.conv", "Conv1d"),
    }
)
MELGAN = TENSORS | {
    ("melgan.model.generator", "Generator"),
    ("melgan.model.res_stack", "ResStack"),
    ("torch.nn.modules.activation", "LeakyReLU"),
    ("torch.nn.modules.activation", "Tanh"),
    ("torch.nn.modules.conv", "ConvTranspose1d"),
    ("torch.nn.modules.padding", "ReflectionPad1d"),
    ("torch.nn.utils.weight_norm", "WeightNorm"),
}
# Names that the package imports for training; two of them have to be values, since its modules use them at once.
ABSENT: Mapping[str, Mapping[str, Any]] = {
    "aukit": {},
    "aukit.audio_griffinlim": {
        "default_hparams": {},
        **dict.fromkeys(("load_wav", "save_wav", "save_wavenet_wav", "preemphasis", "inv_preemphasis")),
        **dict.fromkeys(("start_and_end_indices", "get_hop_size", "inv_linear_spectrogram", "inv_mel_spectrogram")),
        "librosa_pad_lr": None,
    },
    "aukit.audio_io": {"Dict2Obj": dict},
    "aukit.audio_spectrogram": {"linear_spectrogram": None, "mel_spectrogram": None},
}

Names = frozenset[tuple[str, str]]


def pickle_module(allowed: Names) -> ModuleType:
    """Returns a stand-in for the module `pickle`, for `torch.load`, whose unpickler resolves the allowed names only."""

    class NamedOnly(pickle.Unpickler):
        """An unpickler that refuses every name which is not allowed."""

        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in allowed:
                raise pickle.UnpicklingError(f"the pickle names {module}.{name}, which no network of this kind does")
            return super().find_class(module, name)

    stand_in = ModuleType("named_only")
    vars(stand_in).update(Unpickler=NamedOnly, load=lambda file, **options: NamedOnly(file, **options).load())
    return stand_in


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Makes the modules of an unpacked package importable, with stand-ins for packages that only its training needs."""
    stand_ins = {name: _stand_in(name, values) for name, values in ABSENT.items() if name not in sys.modules}
    sys.path.insert(0, str(folder))
    sys.modules.update(stand_ins)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in stand_ins:
            del sys.modules[name]


def _stand_in(name: str, values: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update({key: _unusable(f"{name}.{key}") if value is None else value for key, value in values.items()})
    return module


def _unusable(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise NotImplementedError(f"{name} is not installed: it is needed to train, not to speak")

    return refuse
