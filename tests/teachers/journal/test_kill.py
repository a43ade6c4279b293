"""Runs that are killed, alone or several at once, pay again only for what was on the wire."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from mathmill.teachers.journal.inspect import stats

HANDS = 4

# Asks 400 requests, four at a time, of a teacher that notes whom it answered before it does.
WORKER = """
import asyncio, sys
from pathlib import Path
from mathmill.teachers.journal import Journaled
from mathmill.types import Message, Reply, Request

count, step = int(sys.argv[3]), int(sys.argv[4])
asked = open(sys.argv[2], "a", buffering=1)

class Slow:
    name = "slow:"
    async def answer(self, request):
        await asyncio.sleep(0.01)
        asked.write(request.id + "\\n")
        return Reply(request.id, "r" * 5000 + request.id, self.name)

async def main():
    journal = Journaled(Slow(), Path(sys.argv[1]))
    numbers = iter(range(count)[::step])
    async def hand():
        for number in numbers:
            reply = await journal.answer(Request((Message("user", str(number)),)))
            assert reply.text == "r" * 5000 + reply.request
    await asyncio.gather(*(hand() for _ in range(4)))
    await journal.aclose()
    print(journal.counts["found"], journal.counts["asked"])

asyncio.run(main())
"""


def worker(folder: Path, asked: Path, count: int, step: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(asked), str(count),
                             str(step)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answered(asked: Path) -> list[str]:
    return [line for line in asked.read_text().splitlines() if len(line) == 32] \
        if asked.exists() else []


def wait_for(asked: Path, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(answered(asked)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 120])
def test_a_killed_run_pays_again_for_nothing_that_was_answered(number: int, tmp_path: Path):
    asked = tmp_path / "asked"
    running = worker(tmp_path, asked, 200)
    wait_for(asked, number)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    paid = answered(asked)
    kept = [json.loads(line)["request"]
            for line in (tmp_path / "journal.jsonl").read_bytes().splitlines()
            if line.endswith(b"}")]
    # A reply may be lost between the server's answer and the write: at most those in flight.
    assert len(set(paid) - set(kept)) <= HANDS
    out, err = worker(tmp_path, asked, 200).communicate(timeout=60)
    assert out.split() == [str(len(kept)), str(200 - len(kept))], err
    every = answered(asked)
    assert len(set(every)) == 200
    assert len(every) - 200 == len(set(paid) - set(kept))


@pytest.mark.slow
def test_two_writers_killed_again_and_again_lose_and_double_only_what_was_on_the_wire(
        tmp_path: Path):
    """One goes up through the requests, one down; each is killed and started anew."""
    count, draw, kills = 400, random.Random(5), 0
    asked = [tmp_path / "up", tmp_path / "down"]
    runs = [worker(tmp_path, asked[0], count), worker(tmp_path, asked[1], count, -1)]
    while any(run.poll() is None for run in runs):
        victim = draw.randrange(2)
        more = len(answered(asked[victim])) + draw.randrange(1, 40)
        while len(answered(asked[victim])) < more and runs[victim].poll() is None:
            time.sleep(0.005)
        if runs[victim].poll() is None and kills < 8:
            runs[victim].send_signal(signal.SIGKILL)
            runs[victim].communicate()
            kills += 1
            runs[victim] = worker(tmp_path, asked[victim], count, 1 if victim == 0 else -1)
    for run in runs:
        out, err = run.communicate(timeout=60)
        assert run.returncode == 0, err
        assert sum(map(int, out.split())) == count
    assert kills >= 3, "the runs were too quick to be killed: this test would show nothing"
    held = stats(tmp_path)
    assert held.teachers["slow:"].replies == count  # rows lost: none
    again, err = worker(tmp_path, tmp_path / "after", count).communicate(timeout=60)
    assert again.split() == [str(count), "0"], err
    calls = Counter(answered(asked[0]) + answered(asked[1]))
    assert len(calls) == count
    # Twice were asked those on the wire at a kill, and where the two met from both sides.
    assert sum(calls.values()) - count <= HANDS * kills + 2 * HANDS
    assert held.torn <= kills
    assert held.doubled <= 2 * HANDS


# Writes numbered records of all lengths, and looks for those of the others as it goes.
WRITER = """
import sys
from pathlib import Path
from mathmill.teachers.journal.record import key_of, to_line
from mathmill.teachers.journal.store import JournalFile
from mathmill.types import Message, Reply, Request

file, mine = JournalFile(Path(sys.argv[1])), int(sys.argv[2])
for number in range(400):
    for whose in range(3):
        asked = Request((Message("user", f"{whose} {number}"),))
        text = str(number) * (number ** 2 % 40_009)
        if whose == mine:
            line = to_line("t:", asked, asked.id, Reply(asked.id, text, "t:"), False)
            file.append(key_of("t:", asked.id), line)
        elif (found := file.find("t:", asked.id)) is not None:
            assert found["text"] == text
assert file.torn == 0
file.close()
"""


@pytest.mark.slow
def test_records_of_several_writers_never_run_into_each_other(tmp_path: Path):
    runs = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(whose)],
                             stderr=subprocess.PIPE, text=True) for whose in range(3)]
    for run in runs:
        _, err = run.communicate(timeout=60)
        assert run.returncode == 0, err
    held = stats(tmp_path)
    assert (held.teachers["t:"].replies, held.torn, held.doubled) == (1_200, 0, 0)
