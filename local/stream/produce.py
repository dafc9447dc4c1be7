"""Plays a recording into Bonafide as a contact center: `python -m local.stream.produce --speaker NAME [--file F]`.

Without an endpoint it starts one on this machine, enrolls the demo's reader of that name, and plays the reader's last
passage if no file is given. With an endpoint, the speaker has to be enrolled there; requests to AWS are signed.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bonafide_client import (
    BonafideClientError,
    Client,
    SessionProducer,
    SourceRecording,
    StreamProgress,
    UnplayableRecording,
    bodies,
)
from bonafide_client.chunks import CHUNK_SECONDS
from layers.golden.readers import RATE, Reader, load, wav
from local.demo.script import SETTINGS
from local.runner import deployment
from local.stream.view import SessionView


def main() -> int:
    """Runs the command; returns 0 if the session was decided, whatever the decision."""
    arguments = _arguments()
    try:
        with _service(arguments) as (endpoint, content):
            return _play(endpoint, content, arguments)
    except (BonafideClientError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _play(endpoint: str, content: bytes, arguments: argparse.Namespace) -> int:
    recording = SourceRecording.read(content, arguments.channel)
    view = SessionView()
    progress: StreamProgress | None = None
    with Client(endpoint) as client:
        producer = SessionProducer(client, arguments.domain, arguments.speaker, recording)
        view.opening(recording, arguments.speaker, producer.session)
        for progress in producer.play(arguments.speed, arguments.chunk_seconds):
            view.show(progress)
    if progress:
        view.closing(progress)
    return 0


@contextmanager
def _service(arguments: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    """Yields the endpoint and the content of the recording."""
    if arguments.endpoint:
        if arguments.file is None:
            raise UnplayableRecording("an endpoint needs a file to play")
        yield arguments.endpoint, arguments.file.read_bytes()
        return
    reader = _reader(arguments.speaker)
    content = arguments.file.read_bytes() if arguments.file else wav(reader.call)
    print("Starting Bonafide on this machine ...", file=sys.stderr, flush=True)
    with deployment() as running:
        enroll(running.endpoint, arguments.domain, reader)
        yield running.endpoint, content


def _reader(name: str | None) -> Reader:
    readers = load()
    if name not in readers:
        raise UnplayableRecording(f"without an endpoint the speaker is one of {', '.join(readers)}")
    return readers[name]


def enroll(endpoint: str, domain: str, reader: Reader) -> None:
    """Creates a domain and enrolls a reader with all passages but the last, at 16 kHz."""
    with Client(endpoint) as client:
        client.put_domain(domain, **SETTINGS)
        recording, receipt = wav(reader.enrollment[: 60 * RATE]), bodies.consent(f"stream-{reader.name}")
        client.enroll(domain, reader.name, recording, receipt)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Play a recording into a session and print its evaluations.")
    parser.add_argument("--file", type=Path, help="WAV or FLAC, up to an hour")
    parser.add_argument("--speaker", help="claimed speaker")
    parser.add_argument("--domain", default="demo")
    parser.add_argument("--endpoint", help="URL of the API's stage; started on this machine by default")
    parser.add_argument("--speed", type=float, default=1.0, help="factor of real time; 0 is as fast as possible")
    parser.add_argument("--channel", type=int, help="channel of the caller, from 0")
    parser.add_argument("--chunk-seconds", type=float, default=CHUNK_SECONDS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
