"""Plays a recording into Bonafide as a contact center: `python -m local.stream.produce --speaker NAME [--file F]`.

Without an endpoint it starts one on this machine, enrolls the demo's reader of that name, and plays the reader's last
passage if no file is given. With an endpoint, the speaker has to be enrolled there; requests to AWS are signed.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bonafide.errors import BonafideError
from layers.golden.readers import RATE, Reader, load, wav
from local.demo.client import audio, consent
from local.demo.script import SETTINGS
from local.runner import deployment
from local.stream.call import SessionSnapshot, StreamedSession
from local.stream.client import Client, GaveUpError, RefusedError
from local.stream.recording import CHUNK_SECONDS, SourceRecording, UnplayableError
from local.stream.view import SessionView


def main() -> int:
    """The command; 0 if the call was decided, whatever was decided."""
    arguments = _arguments()
    try:
        with _service(arguments) as (endpoint, content):
            return _play(endpoint, content, arguments)
    except (BonafideError, GaveUpError, OSError, RefusedError, UnplayableError) as error:
        print(error, file=sys.stderr)
        return 1


def _play(endpoint: str, content: bytes, arguments: argparse.Namespace) -> int:
    recording = SourceRecording.read(content, arguments.channel)
    call = StreamedSession(endpoint, arguments.domain, arguments.speaker, recording)
    view = SessionView()
    view.opening(recording, arguments.speaker, call.session)
    look: SessionSnapshot | None = None
    for look in call.play(arguments.speed, arguments.chunk_seconds):
        view.show(look)
    if look:
        view.closing(look)
    return 0


@contextmanager
def _service(arguments: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    """Where to call, and what to play."""
    if arguments.endpoint:
        if arguments.file is None:
            raise UnplayableError("an endpoint needs a file to play")
        yield arguments.endpoint, arguments.file.read_bytes()
        return
    reader = _reader(arguments.speaker)
    content = arguments.file.read_bytes() if arguments.file else wav(reader.call)
    print("Starting Bonafide here ...", file=sys.stderr, flush=True)
    with deployment() as running:
        enroll(running.endpoint, arguments.domain, reader)
        yield running.endpoint, content


def _reader(name: str | None) -> Reader:
    readers = load()
    if name not in readers:
        raise UnplayableError(f"without an endpoint the speaker is one of {', '.join(readers)}")
    return readers[name]


def enroll(endpoint: str, domain: str, reader: Reader) -> None:
    """Makes a domain and enrolls a reader with all passages but the last, in wideband."""
    client = Client(endpoint)
    client.send("PUT", f"/v1/domains/{domain}", SETTINGS)
    body = {"audio": audio(wav(reader.enrollment[: 60 * RATE])), "consent": consent(f"stream-{reader.name}")}
    client.send("POST", f"/v1/domains/{domain}/speakers/{reader.name}/enrollments", body)
    client.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Play a recording into a call and watch its score form.")
    parser.add_argument("--file", type=Path, help="WAV or FLAC, up to an hour")
    parser.add_argument("--speaker", help="who the caller claims to be")
    parser.add_argument("--domain", default="demo")
    parser.add_argument("--endpoint", help="URL; without one, Bonafide is started here")
    parser.add_argument("--speed", type=float, default=1.0, help="times real time; 0 is as fast as possible")
    parser.add_argument("--channel", type=int, help="which channel of the file holds the caller, from 0")
    parser.add_argument("--chunk-seconds", type=float, default=CHUNK_SECONDS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
