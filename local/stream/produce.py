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
from local.demo.client import audio, consent
from local.demo.readers import RATE, Reader, load, wav
from local.demo.script import SETTINGS
from local.runner import deployment
from local.stream.call import SessionSnapshot, StreamedSession
from local.stream.client import Client, GaveUpError, RefusedError
from local.stream.recording import CHUNK_SECONDS, SourceRecording, UnplayableError
from local.stream.view import SessionView


def main() -> int:
    """Runs the command; returns 0 if the session was decided, whatever the decision."""
    arguments = _arguments()
    try:
        with _service(arguments) as (endpoint, content):
            return _play(endpoint, content, arguments)
    except (BonafideError, GaveUpError, OSError, RefusedError, UnplayableError) as error:
        print(error, file=sys.stderr)
        return 1


def _play(endpoint: str, content: bytes, arguments: argparse.Namespace) -> int:
    recording = SourceRecording.read(content, arguments.channel)
    session = StreamedSession(endpoint, arguments.domain, arguments.speaker, recording)
    view = SessionView()
    view.opening(recording, arguments.speaker, session.session)
    snapshot: SessionSnapshot | None = None
    for snapshot in session.play(arguments.speed, arguments.chunk_seconds):
        view.show(snapshot)
    if snapshot:
        view.closing(snapshot)
    return 0


@contextmanager
def _service(arguments: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    """Yields the endpoint and the content of the recording."""
    if arguments.endpoint:
        if arguments.file is None:
            raise UnplayableError("an endpoint needs a file to play")
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
        raise UnplayableError(f"without an endpoint the speaker is one of {', '.join(readers)}")
    return readers[name]


def enroll(endpoint: str, domain: str, reader: Reader) -> None:
    """Creates a domain and enrolls a reader with all passages but the last, at 16 kHz."""
    client = Client(endpoint)
    client.send("PUT", f"/v1/domains/{domain}", SETTINGS)
    body = {"audio": audio(wav(reader.enrolment[: 60 * RATE])), "consent": consent(f"stream-{reader.name}")}
    client.send("POST", f"/v1/domains/{domain}/speakers/{reader.name}/enrollments", body)
    client.close()


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
