"""vLLM as the teacher, against a stand-in with the calls that its documentation describes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from mathmill.errors import MissingExtra, UsageError
from mathmill.stages.asking import Asking
from mathmill.teachers.registry import open_teacher
from mathmill.types import Message, Request


class Letters:
    """A tokenizer whose tokens are letters."""

    chat_template = "one"

    def apply_chat_template(self, messages, *, add_generation_prompt, tokenize):
        assert add_generation_prompt
        assert not tokenize
        return "|".join(f"{turn['role']}: {turn['content']}" for turn in messages)

    def __call__(self, texts, add_special_tokens, verbose):
        assert not add_special_tokens, "the template writes its own"
        return {"input_ids": [[ord(letter) for letter in text] for text in texts]}


@dataclass
class SamplingParams:
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = 16
    stop: list[str] = field(default_factory=list)
    seed: int | None = None
    logprobs: int | None = None


class LLM:
    made: ClassVar[list[LLM]] = []

    def __init__(self, model: str, **settings: Any) -> None:
        if model == "org/broken":
            raise ValueError("No CUDA GPUs are available")
        self.model, self.settings, self.calls = model, settings, []
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=60))
        LLM.made.append(self)

    def get_tokenizer(self) -> Letters:
        return Letters()

    def generate(self, prompts, sampling_params, *, use_tqdm):
        assert not use_tqdm
        self.calls.append((prompts, sampling_params))
        return [SimpleNamespace(num_cached_tokens=2, outputs=[SimpleNamespace(
            text="<think>hm</think>four" if len(prompt["prompt_token_ids"]) % 2 else "five",
            token_ids=[1] * 7, cumulative_logprob=-1.5,
            finish_reason="abort" if settings.stop == ["abort"] else "stop")])
            for prompt, settings in zip(prompts, sampling_params, strict=True)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[LLM]:
    module: Any = ModuleType("vllm")
    module.LLM, module.SamplingParams = LLM, SamplingParams
    monkeypatch.setitem(sys.modules, "vllm", module)
    LLM.made.clear()
    return LLM


def request(text: str, **fields: Any) -> Request:
    return Request((Message("system", "s"), Message("user", text)), **fields)


def test_a_request_becomes_token_ids_and_sampling_parameters(engine):
    asked = [request("odd", temperature=0.5, top_p=0.9, stop=("###",), logprobs=True),
             request("even", sample=1), request("x" * 99), request("zero", max_tokens=0),
             request("gone", stop=("abort",))]
    with Asking(open_teacher("vllm:org/name@v2")) as asking:
        odd, even, long, zero, gone = asking.all(asked)
    [made] = engine.made
    assert (made.model, made.settings["revision"]) == ("org/name", "v2")
    assert made.settings["trust_remote_code"] is False
    [(prompts, settings)] = made.calls
    assert bytes(prompts[0]["prompt_token_ids"]) == b"system: s|user: odd"
    first = settings[0]
    assert (first.temperature, first.top_p, first.stop, first.logprobs) == (0.5, 0.9, ["###"], 0)
    assert first.max_tokens == 60 - 19, "the window holds prompt and answer"
    assert settings[1].seed != first.seed
    assert settings[1].logprobs is None
    assert (odd.text, odd.reasoning, odd.logprob) == ("four", "hm", -1.5)
    assert (odd.prompt_tokens, odd.completion_tokens, odd.cached_tokens) == (19, 7, 2)
    assert (even.text, even.logprob, even.teacher) == ("five", None, "vllm:org/name@v2")
    assert "115 tokens and the model's window is 60" in long.error
    assert "max_tokens=0" in zero.error
    assert "abort" in gone.error


def test_without_vllm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtra, match=r"mathmill\[vllm\]"), Asking(
            open_teacher("vllm:org/name")) as asking:
        asking.all([request("a")])


def test_a_model_that_vllm_cannot_open_is_one_line(engine):
    with pytest.raises(UsageError, match="No CUDA GPUs are available") as caught, Asking(
            open_teacher("vllm:org/broken")) as asking:
        asking.all([request("a")])
    assert "\n" not in str(caught.value)
