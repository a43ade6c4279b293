"""A model that vLLM runs in this process: `vllm:MODEL` (a folder, a step's folder, a hub id).

Why: on a GPU vLLM writes many times faster than a loop of one's own, and needs no server.

Written after vLLM's documentation of `LLM.generate` and `SamplingParams` and tested against a
stand-in for them: it has never run here, where there is no GPU.

Used as: `open_vllm("vllm:Qwen/Qwen3-8B", "Qwen/Qwen3-8B")`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.decoding.models import place
from mathmill.decoding.prompts import encode, render_chat
from mathmill.errors import MissingExtra, UsageError
from mathmill.teachers.http.reading import apart
from mathmill.teachers.inprocess import InProcess, Refused
from mathmill.types import Reply, Request

BATCH = 512  # requests handed over at once: vLLM makes batches of its own from them


def whose(name: str) -> str:
    """Return the identity of `vllm:NAME`: as that of `local:NAME`, for another engine."""
    from mathmill.teachers import local

    return "vllm:" + local.whose(name).partition(":")[2]


def open_vllm(identity: str, name: str) -> InProcess:
    """Return the teacher of this identity; nothing is loaded before the first request."""
    return InProcess(identity, VllmMachine(name), BATCH)


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request as vLLM takes it."""

    ids: list[int]
    "Token ids of the prompt."
    settings: Any
    "Its `SamplingParams`."


class VllmMachine:
    """vLLM's `LLM`, asked for many answers at a time."""

    def __init__(self, name: str) -> None:
        """Take the model's name."""
        self.name = name
        self._engine: Any = None
        self._tokenizer: Any = None
        self._settings: Any = None
        self._window = 0

    def open(self) -> None:
        """Load the model; raises MissingExtra, UsageError where vLLM cannot open it."""
        try:
            from vllm import LLM, SamplingParams
        except ImportError as error:
            raise MissingExtra("vllm", "vllm") from error
        found = place(self.name)
        source, _, revision = ((str(found), "", "") if isinstance(found, Path)
                               else found.partition("@"))
        more = {"revision": revision} if revision else {}
        try:
            # No code that comes with a model is run. Its own sampling defaults (a repetition
            # penalty, say) are left out: a request says all that decides its reply.
            self._engine = LLM(model=source, trust_remote_code=False, generation_config="vllm",
                               **more)
        except (OSError, ValueError, RuntimeError) as error:
            raise UsageError(f"vllm:{self.name} cannot be opened "
                             f"({' '.join(str(error).split())[:200]}); check the name, and that "
                             "a GPU holds the model") from error
        self._tokenizer = self._engine.get_tokenizer()
        self._settings = SamplingParams
        self._window = int(self._engine.llm_engine.model_config.max_model_len)

    def read(self, request: Request) -> _Ask:
        """Return the request in tokens; raises Refused for one too long for the model."""
        try:
            text = render_chat(self._tokenizer, [{"role": turn.role, "content": turn.content}
                                                 for turn in request.messages])
        except Exception as error:  # a template is a program of the model's makers
            raise Refused("the model's chat template cannot take this conversation "
                          f"({str(error)[:200]})") from error
        ids = encode(self._tokenizer, [text])[0]
        if not ids or len(ids) >= self._window:
            raise Refused(f"the prompt has {len(ids):,} tokens and the model's window is "
                          f"{self._window:,}: shorten it, or take a model with a longer one"
                          if ids else "an empty prompt cannot be answered")
        if request.max_tokens < 1:
            raise Refused(f"max_tokens={request.max_tokens} leaves no room for an answer")
        return _Ask(ids, self._settings(
            temperature=request.temperature, top_p=request.top_p,
            max_tokens=min(request.max_tokens, self._window - len(ids)),
            stop=list(request.stop), seed=int(request.id[:8], 16),
            logprobs=0 if request.logprobs else None))

    def batches(self, asks: Sequence[_Ask]) -> Iterable[list[int]]:
        """Return batches as they come: vLLM sorts and bounds them itself."""
        return [list(range(start, min(start + BATCH, len(asks))))
                for start in range(0, len(asks), BATCH)]

    def run(self, asks: Sequence[_Ask], wanted: Callable[[int], bool]) -> list[Reply | Refused]:
        """Return one answer an ask; a batch once begun is finished (`wanted` is not asked)."""
        outs = self._engine.generate([{"prompt_token_ids": ask.ids} for ask in asks],
                                     [ask.settings for ask in asks], use_tqdm=False)
        return [_reply(ask, out) for ask, out in zip(asks, outs, strict=True)]

    def close(self) -> None:
        """Let go of the model and its memory."""
        self._engine = self._tokenizer = None
        gc.collect()


def _reply(ask: _Ask, out: Any) -> Reply | Refused:
    """Return vLLM's output as a reply."""
    said = out.outputs[0]
    if said.finish_reason not in ("stop", "length"):
        return Refused(f"vLLM broke the answer off ({said.finish_reason})")
    text, thought = apart(said.text) if "think" in said.text else (said.text, "")
    known = said.cumulative_logprob if ask.settings.logprobs is not None else None
    return Reply(request="", text=text, teacher="", finish=said.finish_reason,
                 prompt_tokens=len(ask.ids), completion_tokens=len(said.token_ids),
                 cached_tokens=int(getattr(out, "num_cached_tokens", None) or 0),
                 reasoning=thought, logprob=known)
