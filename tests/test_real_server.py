"""Skywork-Math over all of GSM8K's real training problems, with a real server as the teacher.

The server is `transformers serve`; its model is made here and writes nonsense, which is the
point: every stage must complete, and every row must be kept or dropped for a reason.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import TeacherError
from mathmill.io import read_json, read_rows, rows_in
from mathmill.types import Drop, Message, Problem, Reply, Request, Sample, Score

ROOT = Path(__file__).resolve().parents[1]
PHRASES = ["\nThe answer is 7", "\nThe answer is 12", "Rephrased problem:", "Rewritten problem:",
           "Final problem:", "Statement:", "Check:", " How many are there?", " apples", " 3", " is",
           " the", " and", " of", " x", "\n"]

RECIPE = """
import sys
from pathlib import Path
from mathmill.execution import local
from mathmill.pipeline import Stage
from mathmill_recipes import demo, skywork_math

if __name__ == "__main__":
    demo.TEST = "symbolic:count=100,seed=2"
    skywork_math.STAGE = Stage(steps=10)
    skywork_math.SCORING = {"max_new_tokens": 24, "batch": 128}  # of nonsense a little is enough
    print(local.run(skywork_math.recipe(samples=200, seeds=sys.argv[1], teacher=sys.argv[2]),
                    Path(sys.argv[3]), jobs=2))
"""


def make_model(folder: Path) -> None:
    """Save a one-layer Llama that likes a few phrases and ends after some twenty tokens."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<pad>", "<end>", *alphabet]
    core = Tokenizer(models.BPE(vocab={word: n for n, word in enumerate(words)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_tokens([AddedToken(phrase, normalized=False) for phrase in PHRASES])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<end>",
                                        pad_token="<pad>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=4096, eos_token_id=1, pad_token_id=0,
        bos_token_id=None))
    with torch.no_grad():  # every hidden state shares a direction, to which few tokens answer
        model.model.embed_tokens.weight[:, 0] += 4.0
        model.lm_head.weight[len(words):, 0] += 1.2
        model.lm_head.weight[1, 0] += 1.2
    model.generation_config.do_sample = True  # else the server takes the likeliest token only
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("fastapi", reason="transformers serve needs fastapi")
    folder = tmp_path_factory.mktemp("teacher")
    make_model(folder / "model")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("transformers")), "serve", str(folder / "model"),
         "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"})
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield f"openai:{folder / 'model'}@{url}/v1"
    finally:
        process.kill()
        process.wait()


def ask(server: str, *requests: Request, samples: int = 1) -> list[Reply]:
    """Return the replies of the real server through the engine, `samples` to each request."""
    from mathmill.teachers.openai import open_openai

    async def everything() -> list[Reply]:
        teacher = open_openai(server, server.removeprefix("openai:"))
        try:
            answers = await asyncio.gather(*[teacher.answers(each, samples) for each in requests])
        finally:
            await teacher.aclose()
        return [reply for replies in answers for reply in replies]

    return asyncio.run(everything())


def asked(text: str = "How many?", **fields: Any) -> Request:
    return Request((Message("user", text),), **{"max_tokens": 24, **fields})


@pytest.mark.slow
def test_a_real_server_gives_usage_and_says_what_it_cut_off(server: str) -> None:
    replies = ask(server, *[asked(f"{n} and 3?", max_tokens=4, sample=n) for n in range(12)])
    assert [reply.error for reply in replies] == [""] * 12
    assert all(reply.prompt_tokens > 3 and 0 < reply.completion_tokens <= 4 for reply in replies)
    assert {reply.finish for reply in replies} <= {"stop", "length"}
    for reply in replies:
        assert reply.completion_tokens < 4 or reply.finish == "length", reply
    assert any(reply.finish == "length" for reply in replies)


@pytest.mark.slow
def test_samples_of_a_real_server_are_each_a_reply_of_its_own(server: str) -> None:
    replies = ask(server, asked(sample=2, temperature=1.0), samples=3)
    assert [reply.request for reply in replies] == [
        asked(sample=n, temperature=1.0).id for n in (2, 3, 4)]
    assert len({reply.text for reply in replies}) > 1


@pytest.mark.slow
def test_a_stop_ends_the_reply_of_a_real_server(server: str) -> None:
    free = ask(server, *[asked(sample=n, temperature=1.0) for n in range(8)])
    held = ask(server, *[asked(sample=n, temperature=1.0, stop=("apples",)) for n in range(8)])
    assert any("apples" in reply.text for reply in free)
    assert all("apples" not in reply.text.removesuffix("apples") for reply in held)


@pytest.mark.slow
def test_an_unknown_model_at_a_real_server_stops_the_run(server: str) -> None:
    _, _, url = server.partition("@")
    with pytest.raises(TeacherError, match="no such model"):
        ask(f"openai:/nowhere/at/all@{url}", asked())


@pytest.mark.slow
def test_skywork_math_over_real_problems_and_a_real_server_completes(
        server: str, shared_data: Path, tmp_path: Path) -> None:
    script = tmp_path / "go.py"
    script.write_text(RECIPE)
    result = subprocess.run(
        [sys.executable, str(script), str(shared_data / "gsm8k" / "train.jsonl"), server,
         str(tmp_path / "run")], capture_output=True, text=True, timeout=1500,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    assert result.returncode == 0, result.stderr[-3000:]
    manifests = {path.parent: read_json(path)
                 for path in (tmp_path / "run/steps").glob("*/manifest.json")}
    steps = {manifest["label"]: (folder, manifest) for folder, manifest in manifests.items()}

    assert steps["seeds"][1]["tally"]["kept"]["rows"] > 7_400  # a few train problems are twins
    drops = list(read_rows(rows_in(steps["normal synthesis"][0], "drops"), Drop))
    reasons = Counter(drop.reason for drop in drops)
    assert sum(reasons.values()) > 300
    assert len(reasons) >= 3, reasons
    assert all(drop.reason for drop in drops)

    rows = list(read_rows(steps["normal synthesis"][0] / "rows.parquet", Sample))
    masked = [row for row in rows if row.method in ("metamath.fobar",
                                                    "metamath.self_verification")]
    assert masked, "no backward question came through"
    questions = {seed.id: seed.question.replace(",", "")
                 for seed in read_rows(steps["seeds"][0] / "rows.parquet", Problem)}
    for row in masked:  # real masks from real numbers (number words aside)
        assert Fraction(row.expected or "") >= 0
        assert "unknown variable" in row.question
    assert sum((row.expected or "?") in questions[row.seed] for row in masked) > len(masked) / 2

    clean = steps["decontaminate normal"][1]["tally"]["facts"]
    assert "gsm8k" in str(clean)
    scores = list(read_rows(steps["score stage 2"][0] / "rows.parquet", Score))
    assert sum(score.suite == "gsm8k" for score in scores) == 1_319
    page = (Path(result.stdout.strip().splitlines()[-1]) / "report.html").read_text("utf-8")
    assert "n = 1,319" in page


@pytest.mark.slow
def test_a_model_in_this_process_says_greedily_what_its_server_says(server: str) -> None:
    from mathmill.stages.asking import Asking
    from mathmill.teachers.registry import open_teacher
    from mathmill.types import Message, Request

    folder = server.removeprefix("openai:").partition("@")[0]
    asked = [Request((Message("user", f"Tom has {n} pens and {'1' * (n % 5)}2 apples."),),
                     temperature=0.0, max_tokens=16 + n) for n in range(8)]
    turns = (Message("system", "Be short."), Message("user", "How many?"),
             Message("assistant", "Seven."), Message("user", "And pens?"))
    asked.append(Request(turns, temperature=0.0, max_tokens=20))
    replies = []
    for name in (server, f"local:{folder}"):
        with Asking(open_teacher(name), concurrency=9) as asking:
            replies.append(asking.all(asked))
    for there, here in zip(*replies, strict=True):
        assert there.finish in ("stop", "length"), there.error
        assert (here.text, here.finish) == (there.text, there.finish)
        assert here.prompt_tokens == there.prompt_tokens
        assert here.completion_tokens in (there.completion_tokens, there.completion_tokens - 1), (
            "a server may count the end token")
    assert len({reply.text for reply in replies[1]}) > 3
