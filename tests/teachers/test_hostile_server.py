"""The engine against a server that does what real ones seldom do: the matrix of the issue.

Each behaviour stands once in a table beside what must follow. The pauses are shortened.
"""

from __future__ import annotations

import json
import logging
from collections import Counter

import pytest

from clocks import quiet
from hostile_makers import KEY, NAME, ask, ask_all, engine, request, requests
from hostile_replies import BEHAVIOURS
from hostile_server import HostileServer, expected, fingerprint, key_of
from mathmill.errors import TeacherError
from mathmill.teachers.journal import Journaled

pytest.importorskip("aiohttp")
ONE = key_of("How many?")

MENDED = ["429", "429=0.05", "500", "502", "503", "503=0.05", "504", "408", "529", "reset", "cut",
          "drop", "bad_json", "empty_body", "not_utf8", "html", "empty_choices", "no_choices",
          "number_content", "list", "error_in_200"]
HANGING = ["never", "silence", "endless"]
ROWS = {"400": "Invalid value", "413": "too large", "context": "400: This model's maximum context "
        "length is 4096 tokens. However, your messages resulted in 9 tokens",
        "moderated": "content filter", "filter": "content filter", "echo_400": "bad request"}
STOPS = {"401": "refused the key", "402": "credit", "403": "let this key use",
         "404": "no such model", "quota": "credit"}
READ = {"ok": {}, "length": {"finish": "length"}, "same_id": {}, "no_finish": {}, "text_type": {},
        "no_usage": {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0},
        "null_usage": {"completion_tokens": 0}, "odd_usage": {"completion_tokens": 0},
        "reasoning_content": {"reasoning": "hm, 6"}, "reasoning": {"reasoning": "hm, 6"},
        "think": {"reasoning": "hm, 6"}, "logprobs": {"logprob": -1.75}, "trickle=0.005": {},
        "null_content": {"text": ""}}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr("mathmill.teachers.engine.PAUSE", 0.02)


def test_every_behaviour_of_the_server_stands_in_a_table():
    tables = {name.partition("=")[0] for table in (MENDED, HANGING, ROWS, STOPS, READ)
              for name in table}
    elsewhere = {"stream", "unsupported", "limited", "echo_500", "echo_ok"}
    assert tables | elsewhere == set(BEHAVIOURS)


@pytest.mark.parametrize("behaviour", [
    pytest.param(name, marks=pytest.mark.slow) if name in ("429=0.05", "503", "503=0.05", "529")
    else name for name in MENDED])  # the slow ones are busy servers, which are given half a second
def test_what_may_come_right_is_sent_again(behaviour):
    with HostileServer(script={ONE: [behaviour, behaviour, "ok"]}) as server:
        reply = ask(engine(server))
    assert (reply.text, reply.finish) == (expected(ONE), "stop")
    assert server.sent == {ONE: 3}
    assert server.answered[ONE] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", HANGING)
def test_what_hangs_is_cut_and_sent_again(behaviour):
    with HostileServer(script={ONE: [behaviour, "ok"]}) as server:
        began = quiet()
        reply = ask(engine(server, timeout=0.4, stall=0.2))
    assert reply.text == expected(ONE)
    assert server.sent == {ONE: 2}
    assert quiet() - began < 3


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", [name for name in MENDED if name[:3] not in
                                       ("429", "503", "529")])
def test_what_never_comes_right_is_a_failed_reply_with_its_last_error(behaviour):
    with HostileServer(script={ONE: [behaviour]}) as server:
        reply = ask(engine(server, tries=3))
    assert (reply.text, reply.finish) == ("", "error")
    assert reply.error
    assert "\n" not in reply.error
    assert server.sent == {ONE: 3}


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["429", "429=0.01", "503", "529"])
def test_a_server_that_stays_busy_is_borne_for_so_long_and_no_longer(behaviour):
    with HostileServer(script={"*": [behaviour]}) as server:
        try:
            error = ask(engine(server, patience=0.5)).error
        except TeacherError as stopped:  # nobody got an answer all that time
            error = str(stopped)
    assert behaviour[:3] in error
    assert 2 <= server.sent[ONE] < 500


@pytest.mark.parametrize(("behaviour", "why"), ROWS.items())
def test_a_request_that_cannot_be_answered_fails_alone_and_is_not_sent_again(behaviour, why):
    with HostileServer(script={ONE: [behaviour]}) as server:
        replies = ask_all(engine(server), [request(), *requests(20)])
    assert replies[0].finish == "error"
    assert why in replies[0].error
    assert [reply.finish for reply in replies[1:]] == ["stop"] * 20
    assert max(server.sent.values()) == 1


@pytest.mark.parametrize(("behaviour", "why"), STOPS.items())
def test_what_no_call_can_get_past_stops_the_run_at_once(behaviour, why):
    with (HostileServer(script={"*": [behaviour]}) as server,
          pytest.raises(TeacherError, match=rf"^{NAME}: .*{why}.*;") as caught):
        ask_all(engine(server, ceiling=8), requests(100))
    assert server.requests <= 8
    assert max(server.sent.values()) == 1
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("behaviour", "fields"), READ.items())
def test_a_reply_with_something_odd_about_it_is_read(behaviour, fields):
    with HostileServer(script={"*": [behaviour]}) as server:
        reply = ask(engine(server))
    wanted = {"text": expected(ONE), "finish": "stop", "completion_tokens": 7, "reasoning": "",
              "error": "", **fields}
    assert {name: getattr(reply, name) for name in wanted} == wanted
    assert server.sent == {ONE: 1}


def test_duplicated_ids_do_not_mix_rows_up():
    with HostileServer(script={"*": ["same_id"]}, latency="uniform:0,0.05") as server:
        replies = ask_all(engine(server), requests(200))
    assert [reply.text for reply in replies] == [
        expected(key_of(f"question {number}")) for number in range(200)]


@pytest.mark.parametrize("parameter", ["max_tokens", "temperature", "seed", "stop", "top_p"])
def test_a_parameter_refused_by_name_is_left_out_from_then_on(parameter, caplog):
    with HostileServer(script={"*": [f"unsupported={parameter}"]}) as server:
        teacher = engine(server)
        replies = ask_all(teacher, requests(1, stop=("##",), top_p=0.9))
        replies += ask_all(teacher, requests(4, stop=("##",), top_p=0.9)[1:])
    assert [reply.finish for reply in replies] == ["stop"] * 4
    assert server.requests == 5  # one refusal
    assert sum(parameter in record.message for record in caplog.records) == 1


def test_several_samples_come_in_one_call_and_each_is_its_own_reply():
    import asyncio

    async def go(teacher):
        try:
            return await teacher.answers(request(), 3)
        finally:
            await teacher.aclose()

    with HostileServer() as server:
        replies = asyncio.run(go(engine(server)))
    assert [reply.text for reply in replies] == [expected(ONE, n) for n in range(3)]
    assert [reply.request for reply in replies] == [request(sample=n).id for n in range(3)]
    assert sum(reply.completion_tokens for reply in replies) == server.billed.total()
    assert server.calls[0].body["n"] == 3


@pytest.mark.slow
def test_a_stream_is_read_and_a_stalled_one_is_cut_and_sent_again():
    with HostileServer(script={ONE: ["stream=3", "ok"]}) as server:
        reply = ask(engine(server, stream=True, stall=0.2))
    assert (reply.text, reply.finish, reply.completion_tokens) == (expected(ONE), "stop", 7)
    assert server.sent == {ONE: 2}


EVERYTHING = {**{name: 0.01 for name in MENDED if "=" not in name}, "never": 0.01,
              "silence": 0.01, "trickle=0.002": 0.02, "no_usage": 0.02, "same_id": 0.02}


@pytest.mark.slow
def test_with_everything_at_once_no_row_is_lost_doubled_or_given_to_another(tmp_path):
    asked = requests(600)
    with HostileServer(draw=EVERYTHING, seed=7, latency="uniform:0,0.02") as server:
        first = ask_all(Journaled(engine(server, timeout=1.0, stall=0.3), tmp_path), asked)
        sent = server.requests
        again = ask_all(Journaled(engine(server), tmp_path), asked)
        assert server.requests == sent  # all were bought, none is bought again
    wanted = [expected(key_of(f"question {number}")) for number in range(600)]
    assert [reply.text for reply in first] == wanted
    assert [reply.text for reply in again] == wanted
    kept = Counter(json.loads(line)["request"]
                   for line in (tmp_path / "journal.jsonl").read_text().splitlines())
    assert set(kept) == {each.id for each in asked}
    assert set(kept.values()) == {1}
    assert set(EVERYTHING) <= {call.behaviour for call in server.calls}
    fine = Counter(call.key for call in server.calls if call.behaviour.partition("=")[0] in
                   ("ok", "trickle", "no_usage", "same_id"))
    assert set(fine.values()) == {1}  # nothing that came whole was sent again
    assert len(fine) == 600


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["bad_json", "html", "500"])
def test_servers_that_never_gave_a_reply_stop_the_run_early(behaviour, monkeypatch):
    monkeypatch.setattr("mathmill.teachers.engine.EARLY", 0.5)
    with (HostileServer(script={"*": [behaviour]}) as server,
          pytest.raises(TeacherError, match=r"no reply came for .*run again")):
        ask_all(engine(server), requests(2_000))
    assert server.requests < 500


def test_too_large_a_share_of_failed_rows_stops_the_run_early():
    with (HostileServer(draw={"bad_json": 0.7}) as server,
          pytest.raises(TeacherError, match=r"of the (first|last) \d+ calls failed for good"
                                            r" \(last: .*no JSON.*journal")):
        ask_all(engine(server, tries=1, ceiling=50), requests(3_000))
    assert server.requests < 300


@pytest.mark.slow
def test_a_pool_goes_on_without_the_server_that_refuses_the_key_or_is_gone(caplog):
    with HostileServer() as good, HostileServer(key="sk-other") as closed:
        with HostileServer() as gone:
            pass
        replies = ask_all(engine(good, closed, gone), requests(100))
    assert [reply.finish for reply in replies] == ["stop"] * 100
    assert good.answered.total() == 100
    assert max(good.sent.values()) == 1
    assert "goes on" in caplog.text or "go on" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("headers", ["", "retry-after", "retry-after-ms", "date", "x-ratelimit"])
def test_a_rate_limit_is_found_with_and_without_headers(headers):
    with HostileServer(rate=100, headers=headers, latency="0.05") as server:
        began = quiet()
        replies = ask_all(engine(server, timeout=60), requests(700))
        seconds = quiet() - began
    assert [reply.finish for reply in replies] == ["stop"] * 700
    assert seconds < 20  # 7 s at the limit: a little is for finding it
    assert server.statuses["429"] < 280  # two of five, as for any number of rows


@pytest.mark.slow
def test_more_than_a_server_can_hold_at_once_is_not_sent_forever():
    with HostileServer(capacity=20, latency="0.05") as server:
        replies = ask_all(engine(server), requests(400))
    assert [reply.finish for reply in replies] == ["stop"] * 400
    assert max(server.answered.values()) == 1
    assert server.statuses["503"] < 400


@pytest.mark.parametrize("behaviour", ["401", "echo_400", "echo_500", "echo_ok"])
def test_a_key_that_the_server_tells_back_is_written_nowhere(behaviour, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with HostileServer(script={"*": [behaviour]}) as server:
        teacher = Journaled(engine(server, tries=2), tmp_path)
        try:
            said = str(ask_all(teacher, requests(3)))
        except TeacherError as error:
            said = f"{error} {error.__cause__} {error.__context__}"
    assert server.calls[0].headers["authorization"] == fingerprint(KEY)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for text in (said, repr(teacher), repr(teacher.teacher), caplog.text, *capfd.readouterr(),
                 written.decode()):
        assert KEY not in text
        assert KEY[3:] not in text
