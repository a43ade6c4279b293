"""Samples of one prompt come in one call where the server can, and singly where it cannot."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hostile_makers import engine
from hostile_server import HostileServer
from mathmill.dollars import PICO
from mathmill.errors import BudgetSpent, TeacherError
from mathmill.stages.asking import Asking
from mathmill.teachers.base import at_once, bundles
from mathmill.teachers.bundle import MOST
from mathmill.teachers.engine import Engine
from mathmill.teachers.http.faults import ROW, STOP, TROUBLE, Fault
from mathmill.teachers.journal import Journaled
from mathmill.teachers.mixture import Fallback, Mixture, Routes
from mathmill.teachers.money.amount import Caps
from mathmill.teachers.money.budget import Budgeted
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import Price
from mathmill.teachers.money.purse import Purse, worst_tokens
from mathmill.teachers.scripted import ScriptedTeacher
from mathmill.types import Message, Reply, Request

URL = "http://localhost/v1"
PROMPT, WRITTEN = 30, 7  # tokens
Answers = Callable[[Request, int], Sequence[str]]


class Server:
    """Stands where an endpoint stands; `answers` returns the texts of one call, or raises."""

    timeout, url, model = 600.0, URL, "tiny"

    def __init__(self, answers: Answers | None = None) -> None:
        self.answers = answers or (lambda r, n: [f"{r.sample + place}" for place in range(n)])
        self.name, self.limits, self.answered = "", {}, False
        self.asked: list[tuple[str, int, int]] = []
        self.parameters = type("Parameters", (), {"extra_bytes": 0})()

    @property
    def sizes(self) -> list[int]:
        return [size for _, _, size in self.asked]

    async def send(self, request: Request, samples: int = 1) -> list[Reply]:
        self.asked.append((request.messages[0].content, request.sample, samples))
        await asyncio.sleep(0.001)
        texts = self.answers(request, samples)
        self.answered = True
        return [Reply(one.id, text, self.name, prompt_tokens=PROMPT * (not place),
                      completion_tokens=WRITTEN)
                for place, (one, text) in enumerate(zip(samples_of(len(texts), request), texts,
                                                        strict=True))]

    async def aclose(self) -> None:
        pass


def samples_of(count: int, request: Request | None = None, question: str = "How many?",
               first: int = 0, **more: object) -> list[Request]:
    if request is not None:
        question, first = request.messages[0].content, request.sample
        more = {"temperature": request.temperature}
    return [Request((Message("user", question),), sample=first + n, **more) for n in range(count)]


def engine_of(*servers: Server, name: str = "openai:tiny", **settings: object) -> Engine:
    return Engine(name, [(server, 1.0) for server in servers], **settings)


def ask(teacher: object, requests: Sequence[Request]) -> list[Reply]:
    with Asking(teacher, 64) as asking:
        return asking.all(requests)


def kept(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathmill.teachers.engine.PAUSE", 0.001)


def test_eight_samples_are_one_call_that_pays_for_the_prompt_once(tmp_path: Path):
    server = Server()
    replies = ask(Journaled(engine_of(server), tmp_path), samples_of(8))
    assert server.asked == [("How many?", 0, 8)]
    assert [reply.text for reply in replies] == [str(n) for n in range(8)]
    assert [reply.request for reply in replies] == [each.id for each in samples_of(8)]
    assert sum(reply.prompt_tokens for reply in replies) == PROMPT
    records = kept(tmp_path)
    assert [each["request"] for each in records] == [each.id for each in samples_of(8)]
    assert [each["prompt_tokens"] for each in records] == [PROMPT] + [0] * 7


def test_a_sample_is_found_one_by_one_or_together_and_only_the_missing_are_asked(tmp_path: Path):
    first = Journaled(engine_of(Server()), tmp_path)
    ask(first, [samples_of(8)[place] for place in (2, 5)])
    server = Server()
    replies = ask(Journaled(engine_of(server), tmp_path), samples_of(8))
    assert [reply.text for reply in replies] == [str(n) for n in range(8)]
    assert [reply.found for reply in replies] == [n in (2, 5) for n in range(8)]
    asked = Counter(start + n for _, start, size in server.asked for n in range(size))
    assert asked == Counter([0, 1, 3, 4, 6, 7])
    last = Server()
    ask(Journaled(engine_of(last), tmp_path), samples_of(8))
    assert not last.asked


def test_only_what_differs_in_the_sample_number_alone_is_asked_together():
    many = [*samples_of(3), *samples_of(2, first=5), *samples_of(2, question="Why?"),
            *samples_of(2, question="Why?", first=2, method="other"), *samples_of(40)]
    assert [len(group) for group in bundles(many, lambda: MOST)] == [3, 2, 2, 2, 32, 8]
    assert all(len(group) == 1 for group in bundles(many, lambda: 1))
    assert [each for group in bundles(iter(many), lambda: 4) for each in group] == many


def test_the_first_call_is_a_trial_and_what_is_sent_while_it_is_out_goes_singly(tmp_path: Path):
    out: list[int] = []

    class Watched(Server):
        async def send(self, request: Request, samples: int = 1) -> list[Reply]:
            assert sum(out) == 0 or samples == 1 or self.answered
            out.append(samples > 1)
            try:
                return await super().send(request, samples)
            finally:
                out.remove(samples > 1)

    server = Watched()
    requests = [each for n in range(9) for each in samples_of(5, question=f"q{n}")]
    replies = ask(Journaled(engine_of(server), tmp_path), requests)
    assert [reply.text for reply in replies] == [str(n) for _ in range(9) for n in range(5)]
    assert server.sizes[:2] == [5, 1]
    assert len(server.sizes) < 20, "45 without such calls"


def refuses(words: str, above: int = 1) -> Answers:
    def answers(request: Request, samples: int) -> list[str]:
        if samples > above:
            raise Fault(ROW, f"400: {words}", status=400, sent=False)
        return [f"{request.sample + n}" for n in range(samples)]

    return answers


def test_a_server_that_refuses_n_is_asked_singly_from_then_on(tmp_path: Path, caplog):
    server = Server(refuses("'n' : number must be at most 1"))
    replies = ask(Journaled(engine_of(server), tmp_path), samples_of(4))
    assert [reply.text for reply in replies] == ["0", "1", "2", "3"]
    assert server.sizes == [4, 1, 2, 1, 1, 1]
    assert sum("asked for alone" in record.message for record in caplog.records) == 1


def test_of_two_servers_the_one_that_refuses_n_is_asked_singly_and_the_other_not(tmp_path: Path):
    one, other = Server(refuses("no n")), Server()
    journal = Journaled(engine_of(one, other), tmp_path)
    for number in range(6):
        ask(journal, samples_of(4, question=f"q{number}"))
    assert [size for size in one.sizes if size > 1] == [4, 2]
    assert [size for size in other.sizes if size > 1][-1] == 3, "it is not held to what one takes"


def test_a_server_that_takes_few_at_a_time_is_asked_for_so_many(tmp_path: Path):
    server = Server(refuses("n must be at most 3", above=3))
    journal = Journaled(engine_of(server), tmp_path)
    assert len(ask(journal, samples_of(16))) == 16
    assert at_once(journal) == 3 or server.sizes[-1] <= 3
    del server.asked[:]
    ask(journal, samples_of(8, question="next"))
    assert max(server.sizes) <= 3


def test_a_row_that_is_bad_in_itself_fails_whole_and_turns_nothing_off(tmp_path: Path):
    server = Server()
    journal = Journaled(engine_of(server), tmp_path)
    ask(journal, samples_of(4))
    good, server.answers = server.answers, refuses("content", above=0)
    replies = ask(journal, samples_of(4, question="bad"))
    assert [(reply.finish, reply.error) for reply in replies] == [("error", "400: content")] * 4
    server.answers = good
    del server.asked[:]
    ask(journal, samples_of(4, question="good"))
    assert server.sizes == [4]


def test_a_server_that_takes_no_notice_of_n_is_asked_singly_from_then_on(tmp_path: Path, caplog):
    server = Server(lambda request, samples: [f"{request.sample}"])
    replies = ask(Journaled(engine_of(server), tmp_path), samples_of(4))
    assert [reply.text for reply in replies] == ["0", "1", "2", "3"]
    assert server.sizes == [4, 1, 1, 1]
    assert "gives one reply a call" in caplog.text


def test_fewer_than_asked_are_kept_and_the_rest_is_asked_for(tmp_path: Path):
    server = Server(lambda request, samples: [f"{request.sample + n}" for n in range(
        min(samples, 3))])
    replies = ask(Journaled(engine_of(server), tmp_path), samples_of(8))
    assert [reply.text for reply in replies] == [str(n) for n in range(8)]
    assert server.asked == [("How many?", 0, 8), ("How many?", 3, 5), ("How many?", 6, 2)]


def test_a_part_is_in_the_journal_before_the_rest_is_asked_for(tmp_path: Path):
    def answers(request: Request, samples: int) -> list[str]:
        if request.sample:
            assert len(kept(tmp_path)) == 2
            raise Fault(STOP, "the credit is used up", sent=False)
        return ["0", "1"]

    with pytest.raises(TeacherError, match="credit is used up"):
        ask(Journaled(engine_of(Server(answers)), tmp_path), samples_of(5))
    server = Server()
    ask(Journaled(engine_of(server), tmp_path), samples_of(5))
    assert server.asked == [("How many?", 2, 3)], "what came is not asked for again"


def test_copies_are_no_samples_and_a_server_that_writes_them_is_asked_singly(
        tmp_path: Path, caplog):
    server = Server(lambda request, samples: [f"seed {request.sample}"] * samples)
    journal = Journaled(engine_of(server), tmp_path)
    replies = [reply for n in range(3) for reply in ask(journal, samples_of(6, question=f"{n}"))]
    assert [reply.text for reply in replies] == [f"seed {n}" for _ in range(3) for n in range(6)]
    assert sum(size > 1 for size in server.sizes) == 3
    assert "the same text for all samples" in caplog.text


def test_equal_replies_are_samples_once_a_server_was_seen_to_draw(tmp_path: Path):
    server = Server()
    journal = Journaled(engine_of(server), tmp_path)
    ask(journal, samples_of(3))
    server.answers = lambda request, samples: ["yes"] * samples
    del server.asked[:]
    assert [each.text for each in ask(journal, samples_of(3, question="sure?"))] == ["yes"] * 3
    assert server.sizes == [3]


def test_greedy_replies_are_asked_singly(tmp_path: Path):
    server = Server()
    ask(Journaled(engine_of(server), tmp_path), samples_of(4, temperature=0.0))
    assert server.sizes == [1] * 4


def test_a_call_that_fails_for_good_is_as_many_failed_replies_and_none_is_kept(tmp_path: Path):
    def answers(request: Request, samples: int) -> list[str]:
        raise Fault(TROUBLE, "500: oh")

    server = Server(answers)
    replies = ask(Journaled(engine_of(server, tries=2), tmp_path), samples_of(4))
    assert [reply.error for reply in replies] == ["500: oh"] * 4
    assert [reply.request for reply in replies] == [each.id for each in samples_of(4)]
    assert (server.sizes, kept(tmp_path)) == ([4, 4], [])


def test_equal_samples_in_flight_are_asked_for_once(tmp_path: Path):
    server = Server()
    journal = Journaled(engine_of(server), tmp_path)

    async def work() -> list[list[Reply]]:
        return await asyncio.gather(*(journal.answer_all(samples_of(5, first=start))
                                      for start in (0, 2, 0, 4)))

    groups = asyncio.run(work())
    assert [[reply.text for reply in group] for group in groups] == [
        [str(start + n) for n in range(5)] for start in (0, 2, 0, 4)]
    asked = Counter(start + n for _, start, size in server.asked for n in range(size))
    assert asked == Counter(range(9))


def test_whoever_waits_for_one_of_a_call_that_broke_asks_itself(tmp_path: Path):
    calls = []

    def answers(request: Request, samples: int) -> list[str]:
        calls.append(samples)
        if len(calls) == 1:
            raise RuntimeError("broken")
        return [f"{request.sample + n}" for n in range(samples)]

    journal = Journaled(engine_of(Server(answers)), tmp_path)

    async def work() -> list[object]:
        return await asyncio.gather(journal.answer_all(samples_of(3)),
                                    journal.answer(samples_of(2)[1]), return_exceptions=True)

    broken, reply = asyncio.run(work())
    assert isinstance(broken, RuntimeError)
    assert reply.text == "1"
    assert journal.counts["in use"] == 0


def budgeted(server: Server, folder: Path, **caps: int) -> Journaled:
    price = Price(10**6, 10**5, 4 * 10**6)
    purse = Purse(Account(folder / "spent.jsonl", "openai:tiny"), Caps(**caps),
                  {("tiny", URL): price})
    return Journaled(Budgeted(engine_of(server), purse), folder)


def test_the_worst_case_of_all_samples_is_held_and_the_bill_is_of_one_call(tmp_path: Path):
    held = []

    def answers(request: Request, samples: int) -> list[str]:
        held.append(journal.teacher.purse.account.own.held)
        return [f"{n}" for n in range(samples)]

    journal = budgeted(Server(answers), tmp_path, cost=PICO)
    replies = ask(journal, samples_of(4))
    read, written = worst_tokens(samples_of(1)[0], 4)
    assert [(each.read, each.written) for each in held] == [(read, written)]
    spent = journal.teacher.purse.account.own.spent
    assert (spent.calls, spent.read, spent.written) == (1, PROMPT, 4 * WRITTEN)
    assert sum(round(reply.cost * PICO) for reply in replies) == spent.cost


@pytest.mark.parametrize("room", range(1, 7))
def test_where_a_cap_has_no_room_for_all_samples_fewer_are_asked_for(tmp_path: Path, room: int):
    read, written = worst_tokens(samples_of(1)[0])
    server = Server()
    spent = 6 * (PROMPT + WRITTEN)
    journal = budgeted(server, tmp_path, tokens=room * (read + written) + spent)
    assert len(ask(journal, samples_of(6))) == 6, "each costs far less than its worst case"
    assert server.sizes[0] <= room
    assert sum(server.sizes) == 6


def test_a_cap_for_no_sample_at_all_sends_nothing(tmp_path: Path):
    server = Server()
    with pytest.raises(BudgetSpent, match="too small for a single call"):
        ask(budgeted(server, tmp_path, tokens=100), samples_of(6))
    assert not server.asked


def test_a_mixture_asks_each_member_for_its_own_samples_of_a_prompt_together(tmp_path: Path):
    servers = [Server(), Server()]
    members = [Journaled(engine_of(server, name=f"openai:{place}"), tmp_path / str(place))
               for place, server in enumerate(servers)]
    mixture = Mixture([(member, 1.0) for member in members])
    replies = ask(mixture, samples_of(32))
    assert [reply.text for reply in replies] == [str(n) for n in range(32)]
    assert [reply.teacher for reply in replies] == [
        mixture.member(each).name for each in samples_of(32)]
    calls = sum(len(server.asked) for server in servers)
    assert calls < 32
    assert all(reply.found for reply in ask(mixture, samples_of(32)))
    assert sum(len(server.asked) for server in servers) == calls


def test_a_fallback_asks_the_next_for_the_samples_that_the_first_declines(tmp_path: Path):
    first = Server(lambda r, n: ["" if (r.sample + k) % 2 else f"a{r.sample + k}"
                                 for k in range(n)])
    second = Server(lambda r, n: [f"b{r.sample + k}" for k in range(n)])
    members = [Journaled(engine_of(server, name=name), tmp_path / name[-1])
               for server, name in ((first, "openai:a"), (second, "openai:b"))]
    replies = ask(Fallback(members), samples_of(6))
    assert [reply.text for reply in replies] == ["a0", "b1", "a2", "b3", "a4", "b5"]
    assert first.sizes == [6]


def test_routes_and_members_without_such_calls_answer_each_sample(tmp_path: Path):
    server = Server()
    journal = Journaled(engine_of(server), tmp_path)
    plain = ScriptedTeacher(lambda request: Reply("", f"plain {request.sample}", ""), "plain:")
    routes = Routes([("solve", journal), ("*", plain)], "routes:")
    assert at_once(routes) == MOST
    asked = [*samples_of(3, method="solve"), *samples_of(3, method="rephrase")]
    assert [reply.text for reply in ask(routes, asked)] == [
        "0", "1", "2", "plain 0", "plain 1", "plain 2"]
    assert server.sizes == [3]


def test_where_n_is_refused_by_name_every_sample_still_comes_each_for_itself(tmp_path: Path):
    pytest.importorskip("aiohttp")
    with HostileServer(script={"*": ["unsupported=n"]}) as server, \
            Asking(Journaled(engine(server), tmp_path), 8) as asking:
        replies = asking.all(samples_of(6))
    assert [reply.finish for reply in replies] == ["stop"] * 6
    assert server.requests == 7  # one refusal
    assert [call.body.get("n") for call in server.calls] == [6] + [None] * 6
    assert {call.body["seed"] for call in server.calls} == set(range(6))
