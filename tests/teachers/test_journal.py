"""Every reply is kept before it is used, asked for once, and survives a kill."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mathmill.errors import StepFailed, TeacherError
from mathmill.teachers.journal import Journaled
from mathmill.types import Message, Reply, Request


def request(number: int, sample: int = 0) -> Request:
    return Request((Message("user", f"question {number}"),), sample=sample)


class Counting:
    """Answers slowly enough for requests to meet, and counts what it is asked."""

    def __init__(self, name: str = "counting:", fail: Exception | None = None,
                 finish: str = "stop") -> None:
        self.name, self.asked, self.fail, self.finish = name, 0, fail, finish

    async def answer(self, asked: Request) -> Reply:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0.002)
        if self.fail:
            raise self.fail
        return Reply(asked.id, f"réponse {number}\n答案\u2028\ud800 {asked.sample}", self.name,
                     finish=self.finish, prompt_tokens=3, completion_tokens=4, seconds=0.5)


def ask(journal: Journaled, *requests: Request) -> list[Reply]:
    async def everything() -> list[Reply]:
        return await asyncio.gather(*(journal.answer(each) for each in requests))

    return [replace(reply, found=False) for reply in asyncio.run(everything())]


def test_a_second_run_finds_every_reply_whole_and_asks_nothing(tmp_path: Path):
    path = tmp_path / "deep" / "journal.jsonl"
    requests = [request(number) for number in range(20)]
    first, second = Counting(), Counting()
    replies = ask(Journaled(first, path), *requests)
    assert len({reply.text for reply in replies}) == 20
    again = Journaled(second, path)
    assert ask(again, *requests) == replies
    assert (first.asked, second.asked) == (20, 0)
    assert again.counts == {"found": 20, "asked": 0, "failed": 0, "torn": 0}
    assert ask(again, request(99))[0].request == request(99).id
    assert second.asked == 1


def test_equal_requests_at_the_same_time_are_asked_once(tmp_path: Path):
    teacher = Counting()
    journal = Journaled(teacher, tmp_path / "j")
    replies = ask(journal, *[request(1)] * 8, request(1, sample=1))
    assert teacher.asked == 2
    assert len(set(replies)) == 2
    assert ask(journal, request(1)) == replies[:1]


def test_teachers_of_different_names_do_not_answer_for_each_other(tmp_path: Path):
    one, other = Counting("one:"), Counting("other:")
    path = tmp_path / "j"
    ask(Journaled(one, path), request(1))
    ask(Journaled(other, path), request(1))
    assert (one.asked, other.asked) == (1, 1)
    ask(Journaled(one, path), request(1))
    assert one.asked == 1


def test_a_failed_reply_is_shared_but_not_kept(tmp_path: Path):
    failing = Counting(finish="error")
    journal = Journaled(failing, tmp_path / "j")
    assert [reply.finish for reply in ask(journal, request(1), request(1))] == ["error"] * 2
    assert failing.asked == 1
    ask(journal, request(1))
    assert failing.asked == 2
    assert (tmp_path / "j").read_bytes() == b""
    assert journal.counts["failed"] == 2


def test_a_reply_that_was_cut_off_is_kept_as_such(tmp_path: Path):
    ask(Journaled(Counting(finish="length"), tmp_path / "j"), request(1))
    again = Counting()
    assert ask(Journaled(again, tmp_path / "j"), request(1))[0].finish == "length"
    assert again.asked == 0


def test_an_error_of_the_teacher_passes_through_and_leaves_nobody_waiting(tmp_path: Path):
    journal = Journaled(Counting(fail=TeacherError("no key; set one")), tmp_path / "j")

    async def both() -> list[object]:
        return await asyncio.wait_for(asyncio.gather(
            journal.answer(request(1)), journal.answer(request(1)), return_exceptions=True), 5)

    assert [str(result) for result in asyncio.run(both())] == ["no key; set one"] * 2


def test_if_the_first_asker_is_cancelled_the_next_one_asks(tmp_path: Path):
    teacher = Counting()
    journal = Journaled(teacher, tmp_path / "j")

    async def race() -> Reply:
        first = asyncio.create_task(journal.answer(request(1)))
        second = asyncio.create_task(journal.answer(request(1)))
        await asyncio.sleep(0.0005)
        first.cancel()
        return await asyncio.wait_for(second, 5)

    assert asyncio.run(race()).request == request(1).id
    assert teacher.asked == 2


def test_a_journal_cut_at_any_byte_loses_the_cut_record_only(tmp_path: Path):
    path = tmp_path / "j"
    requests = [request(number) for number in range(3)]
    replies = ask(Journaled(Counting(), path), *requests)
    whole = path.read_bytes()
    start_of_last = whole.rstrip(b"\n").rfind(b"\n") + 1
    by_line = sorted(replies, key=lambda reply: whole.find(reply.request.encode()))
    last = by_line[-1].request
    for cut in range(start_of_last + 1, len(whole) - 1, 7):
        path.write_bytes(whole[:cut])
        teacher = Counting()
        journal = Journaled(teacher, path)
        found = ask(journal, *requests)
        assert teacher.asked == 1
        assert [reply for reply in found if reply.request != last] == [
            reply for reply in replies if reply.request != last]
        assert journal.counts["torn"] == 1
        after = Counting()
        assert ask(Journaled(after, path), *requests) == found
        assert after.asked == 0


def test_a_tear_by_another_process_meanwhile_spoils_no_new_record(tmp_path: Path):
    path = tmp_path / "j"
    journal = Journaled(Counting(), path)
    ask(journal, request(1))
    with path.open("ab") as other:
        other.write(b'{"request": "torn')
    replies = ask(journal, request(2), request(1))
    after = Counting()
    assert ask(Journaled(after, path), request(2), request(1)) == replies
    assert after.asked == 0


def test_two_processes_may_append_to_one_file(tmp_path: Path):
    path = tmp_path / "j"
    one, other = Journaled(Counting("a:"), path), Journaled(Counting("a:"), path)

    async def both() -> None:
        await asyncio.gather(*(journal.answer(request(number, sample))
                               for number in range(50)
                               for sample, journal in enumerate((one, other))))

    asyncio.run(both())
    assert len(path.read_bytes().splitlines()) == 100
    again = Counting("a:")
    ask(Journaled(again, path), *(request(n, s) for n in range(50) for s in (0, 1)))
    assert again.asked == 0


@pytest.mark.parametrize("line", ["[]", "5", "null", "{}", '{"request": 5}', "\x00\x00", "{" * 9])
def test_a_line_that_is_no_record_is_passed_over(line, tmp_path: Path):
    path = tmp_path / "j"
    reply = ask(Journaled(Counting(), path), request(1))[0]
    path.write_bytes(line.encode() + b"\n\n" + path.read_bytes())
    journal = Journaled(Counting(), path)
    assert ask(journal, request(1)) == [reply]
    assert journal.counts["torn"] == 1


def test_a_full_disk_is_one_line_with_the_path_and_the_cure(tmp_path: Path, monkeypatch):
    path = tmp_path / "j"
    journal = Journaled(Counting(), path)
    kept = ask(journal, request(1))

    def full(file: int, text: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StepFailed, match=rf"{path}: .*No space left.*make room") as caught:
        ask(journal, request(2))
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert ask(Journaled(Counting(), path), request(1)) == kept


def test_a_file_that_may_really_grow_no_further_says_so_and_keeps_what_it_held(tmp_path: Path):
    path = tmp_path / "j"
    kept = ask(Journaled(Counting(), path), request(1))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for a part of the next record only: it is torn, as on a disk that fills up.
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, limit[1]))
    try:
        with pytest.raises(StepFailed, match="a reply cannot be kept"):
            ask(Journaled(Counting(), path), request(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    after = Counting()
    assert ask(Journaled(after, path), request(1), request(2))[:1] == kept
    assert after.asked == 1


def test_a_device_in_place_of_a_file_is_refused_before_it_is_read():
    with pytest.raises(StepFailed, match="not a regular file"):
        ask(Journaled(Counting(), Path("/dev/null")), request(1))


def test_a_path_that_cannot_be_a_file_is_one_line(tmp_path: Path):
    with pytest.raises(StepFailed, match="cannot be opened"):
        ask(Journaled(Counting(), tmp_path), request(1))


def test_closing_and_asking_again_works(tmp_path: Path):
    journal = Journaled(Counting(), tmp_path / "j")
    replies = ask(journal, request(1))
    asyncio.run(journal.aclose())
    assert ask(journal, request(1)) == replies


WORKER = """
import asyncio, sys, time
from pathlib import Path
from mathmill.teachers.journal import Journaled
from mathmill.types import Message, Reply, Request

asked = open(sys.argv[2], "a", buffering=1)

class Slow:
    name = "slow:"
    async def answer(self, request):
        await asyncio.sleep(0.02)
        asked.write(request.id + "\\n")
        return Reply(request.id, "r" * 500 + request.id, self.name)

async def main():
    journal = Journaled(Slow(), Path(sys.argv[1]))
    bound = asyncio.Semaphore(4)
    async def one(number):
        async with bound:
            return await journal.answer(Request((Message("user", str(number)),)))
    replies = await asyncio.gather(*(one(number) for number in range(200)))
    assert all(reply.text == "r" * 500 + reply.request for reply in replies)
    print(journal.counts["found"], journal.counts["asked"])

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("answered", [1, 40, 120])
def test_a_killed_run_pays_again_for_nothing_that_was_answered(answered: int, tmp_path: Path):
    journal, asked = tmp_path / "j", tmp_path / "asked"
    command = [sys.executable, "-c", WORKER, str(journal), str(asked)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not asked.exists() or asked.read_text().count("\n") < answered:
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    paid = asked.read_text().splitlines()
    kept = [json.loads(line)["request"] for line in journal.read_bytes().splitlines()
            if line.endswith(b"}")]
    # A reply may be lost between the server's answer and the write: at most those in flight.
    assert len(set(paid) - set(kept)) <= 4
    rerun = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found, new = map(int, rerun.stdout.split())
    assert (found, new) == (len(kept), 200 - len(kept))
    assert len(kept) >= answered - 4
    every = asked.read_text().splitlines()
    assert len(set(every)) == 200
    assert len(every) - 200 == len(set(paid) - set(kept))
