"""Encodes and decodes PCM by the G.729 library that is named, in a process of its own: stdin to stdout.

    python g729.py LIBRARY MARKS < in.pcm > out.pcm

Samples are 16 bits at 8 kHz. MARKS has a 1 for each packet of 20 ms that is lost, else 0; missing ones arrive.
"""

import ctypes
import sys

FRAME_BYTES, CODED_BYTES = 160, 10
FRAMES_PER_PACKET = 2


def main() -> None:
    """Codes the frames of 10 ms one by one."""
    library = ctypes.CDLL(sys.argv[1])
    for name in ("initBcg729EncoderChannel", "initBcg729DecoderChannel"):
        getattr(library, name).restype = ctypes.c_void_p
    encoder = ctypes.c_void_p(library.initBcg729EncoderChannel(0))
    decoder = ctypes.c_void_p(library.initBcg729DecoderChannel())
    coded, length = ctypes.create_string_buffer(CODED_BYTES), ctypes.c_uint8()
    heard = ctypes.create_string_buffer(FRAME_BYTES)
    pcm, marks = sys.stdin.buffer.read(), sys.argv[2]
    for number, start in enumerate(range(0, len(pcm), FRAME_BYTES)):
        frame = ctypes.create_string_buffer(pcm[start : start + FRAME_BYTES], FRAME_BYTES)
        library.bcg729Encoder(encoder, frame, coded, ctypes.byref(length))
        lost = marks[number // FRAMES_PER_PACKET :][:1] == "1"
        library.bcg729Decoder(decoder, coded, length, int(lost), 0, 0, heard)
        sys.stdout.buffer.write(heard.raw)


if __name__ == "__main__":
    main()
