"""Every reply is kept before it is used, asked for once, and found by whoever asks next."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from mathmill.errors import StepFailed, TeacherError
from mathmill.identity import content_id
from mathmill.teachers.journal import Journaled
from mathmill.types import Message, Reply, Request

FILE = "journal.jsonl"


def test_a_second_run_finds_every_reply_whole_and_asks_nothing(
        tmp_path: Path, counting, numbered, ask):
    folder = tmp_path / "deep" / "down"
    requests = [numbered(number) for number in range(20)]
    first, second = counting(), counting()
    replies = ask(Journaled(first, folder), *requests)
    assert len({reply.text for reply in replies}) == 20
    again = Journaled(second, folder)
    assert ask(again, *requests) == replies
    assert (first.asked, second.asked) == (20, 0)
    assert again.counts == {"found": 20, "asked": 0, "failed": 0, "in use": 0, "torn": 0}
    assert ask(again, numbered(99))[0].request == numbered(99).id
    assert second.asked == 1


def test_every_field_of_a_reply_comes_back(tmp_path: Path, counting, numbered, ask):
    told = {"finish": "length", "reasoning": "hm \u2029 \x00", "cached_tokens": 7, "cost": 0.0125,
            "logprob": -3.5, "teacher": "inner:one"}
    replies = ask(Journaled(counting(**told), tmp_path), numbered(1))
    assert ask(Journaled(counting(), tmp_path), numbered(1)) == replies
    assert replies[0].teacher == "inner:one"


def test_a_logprob_that_json_cannot_hold_is_left_out(tmp_path: Path, counting, numbered, ask):
    ask(Journaled(counting(logprob=float("-inf")), tmp_path), numbered(1))
    assert ask(Journaled(counting(), tmp_path), numbered(1))[0].logprob is None
    json.loads((tmp_path / FILE).read_bytes(), parse_constant=pytest.fail)


def test_what_was_not_paid_now_is_marked(tmp_path: Path, counting, numbered):
    journal = Journaled(counting(), tmp_path)

    async def three() -> list[bool]:
        same = await asyncio.gather(journal.answer(numbered(1)), journal.answer(numbered(1)))
        return [reply.found for reply in [*same, await journal.answer(numbered(1))]]

    assert asyncio.run(three()) == [False, True, True]


def test_every_part_of_a_request_tells_it_from_another(tmp_path: Path, counting, ask):
    messages = (Message("user", "2 + 2?"),)
    requests = [
        Request(messages), Request(messages, temperature=0.1), Request(messages, max_tokens=9),
        Request(messages, stop=("x",)), Request(messages, sample=1),
        Request(messages, top_p=0.5), Request(messages, logprobs=True),
        Request((Message("system", "2 + 2?"),)), Request((*messages, *messages))]
    teacher = counting()
    ask(Journaled(teacher, tmp_path), *requests)
    assert teacher.asked == len(requests)
    ask(Journaled(teacher, tmp_path), Request(messages, prompt="another/name@2"))
    assert teacher.asked == len(requests)


def test_equal_requests_at_the_same_time_are_asked_once(tmp_path: Path, counting, numbered, ask):
    teacher = counting()
    journal = Journaled(teacher, tmp_path)
    replies = ask(journal, *[numbered(1)] * 8, numbered(1, sample=1))
    assert teacher.asked == 2
    assert len(set(replies)) == 2
    assert ask(journal, numbered(1)) == replies[:1]


def test_it_says_how_many_are_being_asked_for(tmp_path: Path, counting, numbered):
    journal = Journaled(counting(), tmp_path)

    async def look() -> int:
        tasks = [asyncio.create_task(journal.answer(numbered(n % 5))) for n in range(10)]
        await asyncio.sleep(0.0005)
        during = journal.counts["in use"]
        await asyncio.gather(*tasks)
        return during

    assert asyncio.run(look()) == 5
    assert journal.counts["in use"] == 0


def test_teachers_of_different_names_do_not_answer_for_each_other(
        tmp_path: Path, counting, numbered, ask):
    one, other = counting("one:"), counting('ot"he\\r: 日')
    ask(Journaled(one, tmp_path), numbered(1))
    ask(Journaled(other, tmp_path), numbered(1))
    assert (one.asked, other.asked) == (1, 1)
    ask(Journaled(one, tmp_path), numbered(1))
    ask(Journaled(other, tmp_path), numbered(1))
    assert (one.asked, other.asked) == (1, 1)


def test_a_failed_reply_is_shared_but_not_kept(tmp_path: Path, counting, numbered, ask):
    failing = counting(finish="error")
    journal = Journaled(failing, tmp_path)
    assert [reply.finish for reply in ask(journal, numbered(1), numbered(1))] == ["error"] * 2
    assert failing.asked == 1
    ask(journal, numbered(1))
    assert failing.asked == 2
    assert (tmp_path / FILE).read_bytes() == b""
    assert journal.counts["failed"] == 2


def test_an_error_of_the_teacher_passes_through_and_leaves_nobody_waiting(
        tmp_path: Path, counting, numbered):
    journal = Journaled(counting(fail=TeacherError("no key; set one")), tmp_path)

    async def both() -> list[object]:
        return await asyncio.wait_for(asyncio.gather(
            journal.answer(numbered(1)), journal.answer(numbered(1)), return_exceptions=True), 5)

    assert [str(result) for result in asyncio.run(both())] == ["no key; set one"] * 2


def test_if_the_first_asker_is_cancelled_the_next_one_asks(tmp_path: Path, counting, numbered):
    teacher = counting()
    journal = Journaled(teacher, tmp_path)

    async def race() -> Reply:
        first = asyncio.create_task(journal.answer(numbered(1)))
        second = asyncio.create_task(journal.answer(numbered(1)))
        await asyncio.sleep(0.0005)
        first.cancel()
        return await asyncio.wait_for(second, 5)

    assert asyncio.run(race()).request == numbered(1).id
    assert teacher.asked == 2


def test_how_many_at_once_is_the_teachers_to_say(tmp_path: Path, counting):
    teacher = counting()
    assert getattr(Journaled(teacher, tmp_path), "in_flight", 64) == 64
    teacher.in_flight = 4096
    assert getattr(Journaled(teacher, tmp_path), "in_flight", 64) == 4096


def test_closing_closes_the_teacher_and_asking_again_works(
        tmp_path: Path, counting, numbered, ask):
    journal = Journaled(counting(), tmp_path)
    replies = ask(journal, numbered(1))
    asyncio.run(journal.aclose())
    assert journal.teacher.closed
    assert ask(journal, numbered(1)) == replies


def test_teachers_that_share_a_folder_share_the_file(tmp_path: Path, counting, numbered, ask):
    one, other = Journaled(counting("a:"), tmp_path), Journaled(counting("b:"), tmp_path / ".")
    ask(one, numbered(1))
    ask(other, numbered(1))
    assert one._file is other._file
    one.close()
    assert ask(other, numbered(2))[0].teacher == "b:"
    other.close()
    assert len((tmp_path / FILE).read_bytes().splitlines()) == 3


def test_a_child_process_opens_the_journal_for_itself(tmp_path: Path, counting, numbered, ask):
    journal = Journaled(counting(), tmp_path)
    ask(journal, numbered(1))
    child = os.fork()
    if child == 0:
        try:
            ask(journal, numbered(1), numbered(2))
            code = 0 if journal.counts["found"] == 1 else 1
        except BaseException:
            code = 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ask(journal, numbered(2))
    assert journal.counts["found"] == 1


def test_requests_are_readable_beside_replies_unless_they_are_not_wanted(
        tmp_path: Path, counting, numbered, ask, monkeypatch):
    monkeypatch.delenv("MATHMILL_JOURNAL_REQUESTS", raising=False)
    request = numbered(1, stop=("\n\n",), prompt="metamath/rephrase@1")
    ask(Journaled(counting(), tmp_path / "with"), request)
    monkeypatch.setenv("MATHMILL_JOURNAL_REQUESTS", "0")
    ask(Journaled(counting(), tmp_path / "without"), request)
    whole = json.loads((tmp_path / "with" / FILE).read_bytes())
    assert whole["asked"] == {
        "messages": [{"role": "user", "content": "question 1"}], "temperature": 0.7,
        "max_tokens": 1024, "sample": 0, "stop": ["\n\n"]}
    assert whole["prompt"] == "metamath/rephrase@1"
    short = json.loads((tmp_path / "without" / FILE).read_bytes())
    assert set(whole) - set(short) == {"asked"}
    assert whole["kept"].endswith("Z")
    for folder in ("with", "without"):
        teacher = counting()
        ask(Journaled(teacher, tmp_path / folder), request)
        assert teacher.asked == 0


def as_before(request: Request, teacher: str, text: str) -> str:
    """Return a line as earlier versions wrote it."""
    return json.dumps({"request": request.id, "text": text, "teacher": teacher, "finish": "stop",
                       "prompt_tokens": 3, "completion_tokens": 4, "seconds": 0.5, "error": ""})


def test_a_journal_of_an_earlier_version_is_read_and_written_on(
        tmp_path: Path, counting, numbered, ask):
    lines = [as_before(numbered(n), "counting:", f"old {n}") for n in range(3)]
    (tmp_path / FILE).write_text("\n".join(lines) + "\n" + lines[0][:40], encoding="utf-8")
    teacher = counting()
    journal = Journaled(teacher, tmp_path)
    replies = ask(journal, *(numbered(n) for n in range(4)))
    assert [reply.text for reply in replies[:3]] == ["old 0", "old 1", "old 2"]
    assert teacher.asked == 1
    after = counting()
    assert ask(Journaled(after, tmp_path), *(numbered(n) for n in range(4))) == replies
    assert after.asked == 0


def test_replies_that_an_earlier_version_left_in_the_runs_folder_are_found(
        tmp_path: Path, counting, numbered, ask):
    run, shared = tmp_path / "runs" / "demo", tmp_path / "runs" / "journal"
    run.mkdir(parents=True)
    line = as_before(numbered(1), "counting:", "old")
    (run / FILE).write_text(line + "\n", encoding="utf-8")
    teacher = counting()
    journal = Journaled(teacher, shared, older=run)
    assert ask(journal, numbered(1), numbered(2))[0].text == "old"
    assert teacher.asked == 1
    journal.close()
    assert (run / FILE).read_text(encoding="utf-8") == line + "\n"
    assert sorted(file.name for file in run.iterdir()) == [FILE]
    assert len((shared / FILE).read_bytes().splitlines()) == 1


def test_a_path_that_cannot_be_a_folder_is_one_line(tmp_path: Path, counting, numbered, ask):
    (tmp_path / "file").write_text("")
    with pytest.raises(StepFailed, match="cannot be opened") as caught:
        ask(Journaled(counting(), tmp_path / "file"), numbered(1))
    assert "\n" not in str(caught.value)


def test_no_secret_reaches_the_journal(tmp_path: Path, counting, numbered, ask, monkeypatch):
    secret = "sk-" + content_id("secret")
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "AZURE_API_KEY"):
        monkeypatch.setenv(name, secret)
    teacher = counting("openai:gpt-5-mini", error=f"refused the key {secret}")
    teacher.key, teacher.headers = secret, {"Authorization": f"Bearer {secret}"}
    journal = Journaled(teacher, tmp_path)
    ask(journal, *(numbered(n) for n in range(5)))
    journal.close()
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"question 1" in content for content in written)
    assert all(secret.encode() not in content for content in written)
    assert secret not in repr(journal)
