"""A screenshot with 256 colours at most: a third of the size, and no difference that a reader of text would see.

Reads and writes the PNG that browsers make: eight bits a channel, no interlacing (W3C, PNG, third edition).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
CHANNELS = {2: 3, 6: 4}  # by colour type

Bytes = NDArray[np.uint8]


def small(png: bytes) -> bytes:
    """The same picture with a palette of its most frequent colours; the others become the nearest of them."""
    pixels = _pixels(png)
    flat = pixels.reshape(-1, 3).astype(np.uint32)
    codes = flat[:, 0] << 16 | flat[:, 1] << 8 | flat[:, 2]
    found, which, counts = np.unique(codes, return_inverse=True, return_counts=True)
    palette = np.sort(np.argsort(counts)[::-1][:COLOURS])
    rgb = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.int32)
    apart = ((rgb[:, None, :] - rgb[palette][None, :, :]) ** 2).sum(axis=2)
    places = np.argmin(apart, axis=1).astype(np.uint8)[which.reshape(-1)]
    rows = places.reshape(pixels.shape[:2])
    lines = np.hstack([np.zeros((len(rows), 1), np.uint8), rows]).tobytes()
    height, width = rows.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    table = rgb[palette].astype(np.uint8).tobytes()
    parts = ((b"IHDR", head), (b"PLTE", table), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _pixels(png: bytes) -> Bytes:
    chunks = list(_chunks(png))
    width, height, depth, colour = struct.unpack_from(">IIBB", dict(chunks)[b"IHDR"])
    if depth != 8 or colour not in CHANNELS:
        raise ValueError("not a picture as browsers make it")
    channels = CHANNELS[colour]
    raw = zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT"))
    lines = np.frombuffer(raw, np.uint8).reshape(height, 1 + width * channels)
    above: Any = np.zeros((width, channels), np.int32)
    rows = []
    for line in lines:
        above = _row(int(line[0]), line[1:].reshape(width, channels).astype(np.int32), above)
        rows.append(above.astype(np.uint8))
    return np.stack(rows)[:, :, :3]


def _row(kind: int, line: Any, above: Any) -> Any:
    """A line without its filter (section 9.2)."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line, axis=0) & 255
    if kind == 2:
        return (line + above) & 255
    left, corner, found = [0] * line.shape[1], [0] * line.shape[1], []
    for one, up in zip(line.tolist(), above.tolist(), strict=True):
        guess = [_guess(kind, *three) for three in zip(left, up, corner, strict=True)]
        left = [(value + add) & 255 for value, add in zip(one, guess, strict=True)]
        corner = up
        found.append(left)
    return np.array(found, np.int32)


def _guess(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 3:
        return (left + up) // 2
    far = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
    return (left, up, corner)[far.index(min(far))]
