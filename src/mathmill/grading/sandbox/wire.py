r"""The frames that a worker of pydantic-monty reads and writes: version 6 of its protocol.

Why: monty's own client takes three turns between three threads for a program, 130 us of CPU of
which the program is 30. Its protocol asks for no such thing (one process, pipes, each message a
length and protobuf), so programs are sent one behind the other here and their replies read as they
come. What a worker sends is not to be trusted: all is bounded by its frame, what does not read is
a ValueError, and of values only None, floats, texts and a group of texts are read at all.

Used as: `feed("x = 6 * 7\nx")`, `RESET` to a worker's standard input; `event(frame)` on what comes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mathmill.grading.sandbox.outcome import Limits

VERSION = 6  # of the protocol; a worker that speaks another says so and ends
PACKAGE = "1.4.0"  # told to the worker, for its messages only
PRINT, CALL, SYSTEM, NAME, FUTURES, COMPLETE, ERROR, OK, FATAL = 1, 2, 3, 4, 5, 6, 7, 10, 11
ASKS = (CALL, SYSTEM, NAME, FUTURES)  # the program waits for an answer from outside
SLEEP = 29  # the call of the system that sleeps
HEAD = struct.Struct("<I")
_NAPS = 10_000  # microseconds that a program may sleep; a longer one is for the second engine
_ASKED = 100  # questions that a program may ask
_DOUBLE = struct.Struct("<d")
_OKAY = b"R\0"
_FED = b"\x1a\0*\1/"  # no type check of it, and the working directory
Field = tuple[int, "int | bytes"]


def _frame(message: bytes) -> bytes:
    return HEAD.pack(len(message)) + message


RESET = _frame(b"J\0")  # ends a session, whatever state it is in


def configure(limits: Limits, depth: int, seed: int = 0, clock: float | None = None) -> bytes:
    """Return the frame that opens a session: its limits, random numbers from `seed`, the clock.

    `depth`: calls within calls. `clock`: where the clock stands, in
    seconds since 1970, UTC; None for the real one.
    """
    bounds = (_number(2, limits.memory_mb << 20) + _number(4, depth) + _number(5, _ASKED)
              + _number(6, round(limits.seconds * 1e6)) + _number(8, _NAPS))
    if clock is None:
        policy = _part(1, b"")
    else:
        policy = _part(3, _number(1, int(clock)) + _number(2, round(clock % 1 * 1e6)))
    start = seed.to_bytes(max(1, (seed.bit_length() + 7) // 8), "little")
    policy += (_part(4, _part(1, b"")) + _part(5, _part(1, _number(1, 10_000_000)))
               + _part(8, _part(1, start)) + _part(9, b""))
    return _frame(_part(1, _part(1, b"main.py") + _part(2, bounds) + _part(5, PACKAGE.encode())
                        + _number(6, 0) + _number(7, 1) + _number(9, VERSION)
                        + _part(11, policy)))


def feed(code: str) -> bytes:
    """Return the frame that runs code; its last expression is the value that comes back."""
    text = code.encode()
    return _frame(_part(3, b"\n" + _varint(len(text)) + text + _FED))


def taken(buffer: bytearray, longest: int) -> list[bytes]:
    """Take the whole frames off the front of a buffer. Raises ValueError for one over `longest`."""
    at, frames, end = 0, [], len(buffer)
    while end - at >= HEAD.size:
        length = HEAD.unpack_from(buffer, at)[0]
        if length > longest:
            raise ValueError(f"a frame of {length:,} bytes")
        if end - at - HEAD.size < length:
            break
        at += HEAD.size
        frames.append(bytes(buffer[at:at + length]))
        at += length
    del buffer[:at]
    return frames


def event(frame: bytes) -> tuple[int, bytes, int]:
    """Return what a frame is (`COMPLETE`, ...), its body, and the microseconds that code ran."""
    if frame == _OKAY:
        return OK, b"", 0
    kind, body, micros = 0, b"", 0
    for number, value in _fields(frame):
        if number < 20 and isinstance(value, bytes):
            kind, body = number, value
        elif number == 20 and isinstance(value, int):
            micros = value
            break
    return kind, body, micros


def value(body: bytes) -> object:
    """Return the value of a `COMPLETE`: None, a float, a text, a tuple of texts, else `...`."""
    root, graph = 0, b""
    for number, found in _fields(body):
        if number == 1 and isinstance(found, int):
            root = found
        elif isinstance(found, bytes):
            graph = found
    nodes = [found for number, found in _fields(graph)
             if number == 2 and isinstance(found, bytes)]
    if root >= len(nodes):
        raise ValueError("a value that is not there")
    number, held = _only(nodes[root])
    if number != 12:
        return _plain(number, held)
    places = _only(held)[1] if held else b""
    if any(place >= len(nodes) for place in places):  # 128 and more: two bytes, and too many
        return ...
    parts = [_plain(*_only(nodes[place])) for place in places]
    return tuple(parts) if all(isinstance(part, str) for part in parts) else ...


def raised(body: bytes) -> tuple[str, str]:
    """Return class name and message of an `ERROR`."""
    texts = {1: "", 2: ""}
    for number, found in _fields(_only(body)[1]):
        if number in texts and isinstance(found, bytes):
            texts[number] = found.decode(errors="replace")
        elif number > 2:
            break  # the traceback, 500 frames of it
    return texts[1].rpartition(".")[2], texts[2]


def printed(body: bytes) -> str:
    """Return what a `PRINT` brings of standard output."""
    text = b""
    for _, part in _fields(body):
        if isinstance(part, bytes):
            found = dict(_fields(part))
            more = found.get(2, b"")
            text += more if found.get(1) == 1 and isinstance(more, bytes) else b""
    return text.decode(errors="replace")


def told(body: bytes) -> str:
    """Return the words of a `FATAL`."""
    found = _only(body)[1]
    return found.decode(errors="replace")


def nap(kind: int, body: bytes) -> float:
    """Return the seconds that a program asks to sleep, 0.0 where it asks for something else."""
    found = dict(_fields(body)) if kind == SYSTEM else {}
    wanted = found.get(SLEEP, b"")
    if not isinstance(wanted, bytes) or len(wanted) != 9:
        return 0.0
    return max(0.0, float(_DOUBLE.unpack(wanted[1:])[0]))


def answer(kind: int, body: bytes) -> bytes:
    """Return the frame that answers a question: there is nothing of that name, no such system."""
    if kind == NAME:
        return _frame(_part(5, _part(3, b"")))
    found = dict(_fields(body))
    number, name = (4, 1) if kind == CALL else (1, 31)  # 31: an import
    called, wanted, values = found.get(number, 0), found.get(name, b""), b""
    if kind == SYSTEM and SLEEP in found:  # None
        said, values = _number(1, 0), _part(3, _number(1, 1) + _part(2, _part(2, b"")))
    elif kind == CALL and isinstance(wanted, bytes):
        said = _part(4, wanted)
    else:
        said = _part(4, b"import") if name in found else _part(5, b"")
    return _frame(_part(4, (_number(1, called) if isinstance(called, int) and called else b"")
                        + _part(2, said) + values))


def _varint(number: int) -> bytes:
    if number < 128:
        return bytes((number,))
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _part(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _fields(data: bytes) -> Iterator[Field]:
    """Yield number and value of each field; a group of four or eight bytes as bytes."""
    at, end = 0, len(data)
    try:
        while at < end:  # numbers of one byte are read in place: 2 us of a program's 40
            key = data[at]
            at += 1
            if key > 127:
                key, at = _read(data, at - 1)
            form = key & 7
            if form in (0, 2):
                number = data[at]
                at += 1
                if number > 127:
                    number, at = _read(data, at - 1)
                if form == 0:
                    yield key >> 3, number
                    continue
            elif form in (1, 5):
                number = 8 if form == 1 else 4
            else:
                raise ValueError(f"a field of form {form}")
            if number > end - at:
                raise ValueError("a field longer than its message")
            yield key >> 3, data[at:at + number]
            at += number
    except IndexError:
        raise ValueError("a field without an end") from None


def _read(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends."""
    number = shift = 0
    for place in range(at, min(at + 10, len(data))):
        byte = data[place]
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place + 1
        shift += 7
    raise ValueError("a number without an end")


def _only(data: bytes) -> tuple[int, bytes]:
    """Return number and bytes of the first field."""
    for number, found in _fields(data):
        return number, found if isinstance(found, bytes) else b""
    raise ValueError("an empty message")


def _plain(number: int, data: bytes) -> object:
    if number == 7 and len(data) == 8:
        return _DOUBLE.unpack(data)[0]
    if number == 8:
        return data.decode()
    return None if number == 2 else ...
