"""The frames of monty's protocol: the same as its own client's, and no bytes break the reader."""

from __future__ import annotations

import contextlib
import datetime
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.grading.sandbox import wire
from mathmill.grading.sandbox.outcome import Limits

ASKING = """import time, datetime
for action in (lambda: nowhere, lambda: nothing(3), lambda: open('/etc/passwd'),
               lambda: __import__('os').environ):
    try:
        action()
    except Exception:
        pass
time.sleep(0.001)
try:
    import numpy
except ImportError:
    numpy = None
x = 1
"""
TEE = """#!{python}
import subprocess, sys, threading
child = subprocess.Popen([{binary!r}, *sys.argv[1:]], stdin=subprocess.PIPE, bufsize=0)
with open({file!r}, "ab", buffering=0) as copy:
    while part := sys.stdin.buffer.raw.read(65536):
        copy.write(part)
        child.stdin.write(part)
child.stdin.close()
child.wait()
"""


def frames_of(data: bytes) -> list[bytes]:
    """Return the frames in which a stream consists, each with its length."""
    return [wire.HEAD.pack(len(one)) + one for one in wire.taken(bytearray(data), 1 << 20)]


@pytest.fixture
def heard(tmp_path: Path) -> Any:
    """Return what runs a program through monty's own client and gives the frames that it sent."""
    monty = pytest.importorskip("pydantic_monty", reason="the sandbox needs mathmill[sandbox]")
    from pydantic_monty._binary import find_monty_binary

    def listen(code: str, **settings: Any) -> list[bytes]:
        copy, binary = tmp_path / "sent", tmp_path / "monty"
        copy.write_bytes(b"")
        binary.write_text(TEE.format(python=sys.executable, binary=find_monty_binary(),
                                     file=str(copy)))
        binary.chmod(0o700)
        with monty.Monty(binary_path=binary, min_processes=1, max_processes=1) as pool, \
                pool.checkout(assert_message_annotations=False, **settings) as session:
            session.feed_run(code)
        return frames_of(copy.read_bytes())

    return listen


@pytest.mark.parametrize("clock", [None, datetime.datetime(2031, 5, 6, 7, 8, 9, 123,
                                                           tzinfo=datetime.UTC)])
def test_a_session_is_opened_and_a_program_sent_as_montys_own_client_does(
        heard: Any, clock: datetime.datetime | None) -> None:
    limits, code = Limits(seconds=2.5, memory_mb=64), "x = 'é' * 200\nx"
    policy = {"random_start": {"seed": 300}} | ({"datetime": clock} if clock else {})
    sent = heard(code, os_policy=policy, limits={
        "max_feed_duration_secs": 2.5, "max_memory": 64 << 20, "max_recursion_depth": 500,
        "max_total_sleep_secs": 0.01, "max_suspensions": 100})
    opening = wire.configure(limits, 500, 300, clock and clock.timestamp())
    assert sent[:3] == [opening, wire.feed(code), wire.RESET]


def test_what_a_program_asks_is_answered_as_montys_own_client_does(heard: Any) -> None:
    sent = heard(ASKING)
    answers = sent[2:sent.index(wire.RESET)]
    assert len(answers) == 6
    from pydantic_monty._binary import find_monty_binary

    from mathmill.grading.sandbox.worker import Worker
    given: list[bytes] = []
    worker = Worker([find_monty_binary(), "subprocess"], Limits(), 500)
    original = wire.answer
    try:
        wire.answer = lambda *asked: given.append(original(*asked)) or given[-1]  # type: ignore[assignment, func-returns-value]
        assert [one.kind for one in worker.replies([(ASKING, 0)], alone=True)] == [wire.COMPLETE]
    finally:
        wire.answer = original
        worker.end()
    assert given == answers


def test_the_package_that_is_spoken_to_is_the_one_that_is_pinned() -> None:
    text = Path(__file__).resolve().parents[3].joinpath("pyproject.toml").read_text("utf-8")
    assert re.findall(r"pydantic-monty==([\d.]+)", text) == [wire.PACKAGE]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.lists(st.tuples(
    st.integers(0, 40), st.binary(max_size=20)), max_size=5).map(
        lambda parts: b"".join(bytes([number << 3 & 127 | 2, len(data)]) + data
                               for number, data in parts)))
def test_whatever_a_worker_sends_is_read_or_is_a_value_error(data: bytes) -> None:
    def tried(action: Any) -> None:
        with contextlib.suppress(ValueError):
            action()

    tried(lambda: wire.event(data))
    tried(lambda: wire.value(data))
    tried(lambda: wire.raised(data))
    tried(lambda: wire.printed(data))
    tried(lambda: wire.told(data))
    for kind in (*wire.ASKS, 0):
        tried(lambda kind=kind: (wire.nap(kind, data), wire.answer(kind, data)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_frames_come_whole_however_the_stream_is_cut(bodies: list[bytes], data: Any) -> None:
    stream = b"".join(wire.HEAD.pack(len(one)) + one for one in bodies)
    buffer, found = bytearray(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        buffer += stream[:cut]
        stream = stream[cut:]
        found += wire.taken(buffer, 300)
    assert found == bodies
    assert not buffer


def test_a_frame_that_says_it_is_longer_than_it_may_be_is_not_awaited() -> None:
    with pytest.raises(ValueError, match="4,294,967,295 bytes"):
        wire.taken(bytearray(b"\xff\xff\xff\xff"), 1 << 20)
