"""A model in this process as the teacher: its identity, its batches, what it cannot do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from clocks import quiet
from mathmill.errors import InputError, UsageError
from mathmill.stages.asking import Asking
from mathmill.teachers import local
from mathmill.teachers.local import LocalMachine
from mathmill.teachers.registry import identity, open_teacher
from mathmill.types import Message, Request

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved model of a few thousand weights where a step that trained it leaves it."""
    return shutil.copytree(base_folder,
                           tmp_path_factory.mktemp("step") / "train-abc" / "model")


def request(text: str, **fields) -> Request:
    return Request((Message("user", text),), **{"max_tokens": 12, **fields})


@pytest.mark.slow
def test_replies_are_those_of_any_batch_and_say_their_tokens_and_chances(folder):
    asked = [request(f"Tom has {n} pens.", sample=n, temperature=0.8, logprobs=n % 2 == 0,
                     max_tokens=4 + n % 9) for n in range(30)]
    with Asking(open_teacher(f"local:{folder}")) as asking:
        together = asking.all(asked)
    with Asking(open_teacher(f"local:{folder}"), concurrency=1) as asking:
        alone = asking.all(asked[::5])
    assert [reply.text for reply in alone] == [reply.text for reply in together[::5]]
    for ask, reply in zip(asked, together, strict=True):
        assert reply.teacher == identity(f"local:{folder}")
        assert 0 < reply.completion_tokens <= ask.max_tokens
        assert reply.finish == ("length" if reply.completion_tokens == ask.max_tokens else "stop")
        assert reply.prompt_tokens > 5
        assert (reply.logprob is not None) == ask.logprobs
        assert reply.logprob is None or reply.logprob < 0
    assert len({reply.text for reply in together}) > 25


def test_its_identity_is_what_the_model_is_and_not_where_it_lies(folder, tmp_path):
    name = identity(f"local:{folder}")
    assert name.startswith("local:train-abc#")
    assert identity(f"local:{folder.parent}") == name, "a step's folder is its model's"
    shutil.copytree(folder.parent, tmp_path / "train-abc")
    moved = tmp_path / "train-abc" / "model"
    assert identity(f"local:{moved}") == name
    (moved / "README.md").write_text("says nothing to a model")
    assert identity(f"local:{moved}") == name
    weights = bytearray((moved / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (moved / "model.safetensors").write_bytes(weights)
    changed = identity(f"local:{moved}")
    assert changed != name
    (moved / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert identity(f"local:{moved}") not in (name, changed)
    assert identity("local:ORG/NAME@main") == "local:ORG/NAME@main"
    assert identity(f"vllm:{folder}") == "vllm" + name.removeprefix("local")


def test_names_that_are_no_model_are_one_line(tmp_path):
    with pytest.raises(InputError, match="there is no such model"):
        identity("local:/no/such/folder")
    with pytest.raises(InputError, match=r"no config\.json"):
        identity(f"local:{tmp_path}")
    with pytest.raises(UsageError, match="no model"):
        identity("local:two words")
    with pytest.raises(UsageError, match="there is no teacher 'local:'"):
        identity("local:")


def test_a_prompt_too_long_fails_its_row_and_says_its_length(folder):
    with Asking(open_teacher(f"local:{folder}")) as asking:
        long, short = asking.all([request("pens " * 300), request("pens", max_tokens=10_000)])
    assert long.finish == "error"
    assert "tokens and the model's window is 256" in long.error
    assert short.finish in ("stop", "length")
    assert short.prompt_tokens + short.completion_tokens <= 256


def test_a_template_that_refuses_a_role_fails_the_row_with_its_own_words(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(
        "{{ raise_exception('no system here') if messages[0]['role'] == 'system' }}"
        "{{ messages[0]['content'] }}")
    turns = (Message("system", "Be kind."), Message("user", "Pens?"))
    with Asking(open_teacher(f"local:{tmp_path / 'model'}")) as asking:
        refused, fine = asking.all([Request(turns, max_tokens=5), request("Pens?")])
    assert "no system here" in refused.error
    assert fine.finish != "error"


def opened(folder: Path, **settings) -> LocalMachine:
    machine = LocalMachine(str(folder), device="cpu", **settings)
    machine.open()
    return machine


def test_batches_hold_every_row_once_longest_first_within_rows_and_room(folder):
    machine = opened(folder, batch=8, room=400)
    asks = [machine.read(request("pen " * (1 + n * 13 % 60), max_tokens=1 + n % 20))
            for n in range(50)]
    batches = list(machine.batches(asks))
    machine.close()
    assert sorted(place for batch in batches for place in batch) == list(range(50))
    lengths = [len(asks[place].ids) for batch in batches for place in batch]
    assert lengths == sorted(lengths, reverse=True)
    for batch in batches:
        room = len(batch) * (max(len(asks[p].ids) for p in batch)
                             + max(asks[p].max_tokens for p in batch))
        assert len(batch) == 1 or (len(batch) <= 8 and room <= 400)
    assert max(map(len, batches)) == 8
    assert len({len(batch) for batch in batches}) > 1


@pytest.mark.slow
def test_a_batch_that_memory_does_not_hold_is_made_in_halves(folder, monkeypatch):
    machine = opened(folder)
    whole, sizes = local.decode, []

    def narrow(model, tokenizer, asks, wanted):
        sizes.append(len(asks))
        if len(asks) > 3 or asks[0].max_tokens == 99:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return whole(model, tokenizer, asks, wanted)

    monkeypatch.setattr(local, "decode", narrow)
    asks = [machine.read(request(f"pens {n}")) for n in range(10)]
    replies = machine.run(asks, lambda place: True)
    assert sizes == [10, 5, 3, 2, 5, 3, 2]
    alone = [whole(machine.model, machine.tokenizer, [ask])[0].text for ask in asks]
    assert [reply.text for reply in replies] == alone
    assert max(map(len, machine.batches(asks))) < 10, "what did not fit is not tried again"
    refused = machine.run([machine.read(request("pens", max_tokens=99))], lambda place: True)
    assert "memory does not hold" in str(refused[0])
    machine.close()


def test_other_errors_of_the_model_are_not_swallowed(folder, monkeypatch):
    def broken(*_):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(local, "decode", broken)
    machine = opened(folder)
    with pytest.raises(RuntimeError, match="shapes"):
        machine.run([machine.read(request("pens"))], lambda place: True)
    machine.close()


def test_memory_is_what_the_machine_leaves_or_two_gib_where_it_does_not_tell(monkeypatch):
    model = torch.nn.Linear(1, 1)
    for free, counts in ((8 << 30, 8 << 30), (None, 2 << 30), (0, 1 << 27)):
        monkeypatch.setattr(local, "free_memory", lambda free=free: free)
        assert local._free_bytes(model) == counts


def test_thinking_is_kept_apart_from_the_answer():
    out = local.Written("<think>two and two</think>\n4", 9, "stop", None)
    reply = local._reply(local.Ask([1, 2], 9), out)
    assert (reply.text, reply.reasoning, reply.completion_tokens) == ("4", "two and two", 9)


def test_a_model_at_work_is_left_within_a_token(folder, monkeypatch):
    import asyncio
    import time

    whole = local.decode
    tokens = []

    def slow(model, tokenizer, asks, wanted):
        def look(row):
            tokens.append(time.sleep(0.02))
            return wanted(row)

        return whole(model, tokenizer, asks, look)

    monkeypatch.setattr(local, "decode", slow)

    async def go() -> float:
        teacher = open_teacher(f"local:{folder}")
        asked = [asyncio.ensure_future(teacher.answer(
            request(f"pens {n}", max_tokens=200, temperature=2.0, sample=n))) for n in range(3)]
        while not tokens:
            await asyncio.sleep(0.01)
        for each in asked:
            each.cancel()
        began = quiet()
        await teacher.aclose()
        return quiet() - began

    assert asyncio.run(go()) < 2.0, "two hundred tokens would have taken twelve seconds"
    assert len(tokens) < 100
