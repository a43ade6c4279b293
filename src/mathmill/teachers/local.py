"""A model on this machine as a teacher: `local:PATH`, `local:embedded:`, `local:ORG/NAME@REV`.

Why: a model that mathmill trained should teach the next without a server between, and small
models on a CPU, or one GPU, are worth using well: many rows at a time, sorted by length, in as
much memory as there is.

Used as: `open_local(identity("local:runs/demo/steps/train-3f2a"), "runs/demo/steps/train-3f2a")`.
"""

from __future__ import annotations

import gc
import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mathmill.decoding import models
from mathmill.decoding.generation import Ask, Written, decode, window
from mathmill.decoding.prompts import encode, render_chat
from mathmill.memory import free_memory
from mathmill.teachers.http.reading import apart
from mathmill.teachers.inprocess import InProcess, Refused
from mathmill.types import Reply, Request

BATCH = 64  # rows at a time on a CPU: more of them gain little there
BATCH_GPU = 256
SMALL = 10_000_000  # weights below which one thread is best: with two, on two busy cores, the
# embedded base wrote 445 tokens a second where it wrote 4,400 with one
SHARE = 0.5  # of the memory that is free, for the cache of a batch and what computing it takes
# What decides what a model says, besides its weights.
BESIDE = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer.model",
          "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def whose(name: str) -> str:
    """Return the identity of `local:NAME`: the folder's name with a digest of what lies in it.

    A hub id stands for itself, with its revision where one is named. Raises as
    `models.place` does.
    """
    found = models.place(name)
    if not isinstance(found, Path):
        return f"local:{found}"
    plain = "embedded" if name == models.EMBEDDED else _plain(found)
    return f"local:{plain}#{content(found)}"


def content(folder: Path) -> str:
    """Return 12 hex digits over the weights and all else that decides what a model says."""
    files = sorted({*folder.glob("*.safetensors"), *(folder / name for name in BESIDE)})
    return _digest(tuple((str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns)
                         for file in files if file.is_file()))


def open_local(identity: str, name: str, device: str | None = None) -> InProcess:
    """Return the teacher of this identity from the model `name` (a folder, `embedded:`, hub id).

    Nothing is loaded before the first request.
    """
    batch = BATCH_GPU if device != "cpu" and shutil.which("nvidia-smi") else BATCH
    return InProcess(identity, LocalMachine(name, batch, device), batch)


class LocalMachine:
    """A transformers model that answers batches of a bounded size."""

    def __init__(self, name: str, batch: int = BATCH, device: str | None = None,
                 room: int | None = None) -> None:
        """Take the model's name, the rows of a full batch, and where it is to run.

        `room`: positions, padding included, that a batch may have in memory (default: by the
        memory that is free once the model is loaded).
        """
        self.name = name
        self.batch = batch
        self.device = device
        self.room = room
        self.model: Any = None
        self.tokenizer: Any = None
        self._threads = 0  # of torch's before this model came

    def open(self) -> None:
        """Load the model; raises as `open_model` does."""
        self.model, self.tokenizer = models.open_model(self.name, self.device)
        if self.model.device.type == "cpu" and self.model.num_parameters() < SMALL:
            import torch

            self._threads = torch.get_num_threads()
            torch.set_num_threads(1)
        if self.room is None:
            self.room = max(1, int(SHARE * _free_bytes(self.model) / _bytes_a_token(self.model)))

    def read(self, request: Request) -> Ask:
        """Return the request in tokens; raises Refused for one too long for the model."""
        try:
            text = render_chat(self.tokenizer, [{"role": turn.role, "content": turn.content}
                                                for turn in request.messages])
        except Exception as error:  # a template is a program of the model's makers
            raise Refused("the model's chat template cannot take this conversation "
                          f"({str(error)[:200]})") from error
        ids = encode(self.tokenizer, [text])[0]
        most = window(self.model)
        if len(ids) >= most:
            raise Refused(f"the prompt has {len(ids):,} tokens and the model's window is {most:,}: "
                          "shorten it, or take a model with a longer one")
        if not ids or request.max_tokens < 1:
            raise Refused("an empty prompt cannot be answered" if not ids else
                          f"max_tokens={request.max_tokens} leaves no room for an answer")
        return Ask(ids, min(request.max_tokens, most - len(ids)), request.temperature,
                   request.top_p, int(request.id[:16], 16), request.stop, request.logprobs)

    def batches(self, asks: Sequence[Ask]) -> Iterable[list[int]]:
        """Return batches, longest prompts first, each within the bounds of rows and memory."""
        assert self.room is not None, "it is set when the model is opened"
        order = sorted(range(len(asks)), key=lambda place: (-len(asks[place].ids), place))
        batch: list[int] = []
        width = answer = 0
        for place in order:
            ask = asks[place]
            longest = max(answer, ask.max_tokens)
            if batch and (len(batch) == self.batch
                          or (len(batch) + 1) * (width + longest) > self.room):
                yield batch
                batch = []
            if not batch:
                width, longest = len(ask.ids), ask.max_tokens
            answer = longest
            batch.append(place)
        if batch:
            yield batch

    def run(self, asks: Sequence[Ask], wanted: Callable[[int], bool]) -> list[Reply | Refused]:
        """Return one answer an ask; a batch that meets the end of memory is tried in halves."""
        try:
            written = decode(self.model, self.tokenizer, asks, wanted)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
        else:
            return [_reply(ask, out) for ask, out in zip(asks, written, strict=True)]
        self._sweep()
        if len(asks) == 1:
            return [Refused(f"memory does not hold {len(asks[0].ids):,} tokens of prompt and up to "
                            f"{asks[0].max_tokens:,} of answer: ask for fewer (max_tokens)")]
        half = (len(asks) + 1) // 2
        self.room = max(1, min(self.room or 1, half * max(len(a.ids) + a.max_tokens for a in asks)))
        return [*self.run(asks[:half], wanted),
                *self.run(asks[half:], lambda place: wanted(place + half))]

    def close(self) -> None:
        """Let go of the model and its memory."""
        self.model = self.tokenizer = None
        self._sweep()
        if self._threads:
            import torch

            torch.set_num_threads(self._threads)
            self._threads = 0

    def _sweep(self) -> None:
        import sys

        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()


def _reply(ask: Ask, out: Written) -> Reply:
    """Return what was written as a reply, its thinking apart."""
    text, thought = apart(out.text) if "think" in out.text else (out.text, "")
    return Reply(request="", text=text, teacher="", finish=out.finish,
                 prompt_tokens=len(ask.ids), completion_tokens=out.tokens, reasoning=thought,
                 logprob=out.logprob)


def _plain(folder: Path) -> str:
    """Return a model folder's name as people know it: a step's, where it lies in one."""
    folder = folder.resolve()
    return folder.parent.name if folder.name == "model" else folder.name


@lru_cache(maxsize=64)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    """Return the digest of files by names and contents; sizes and times say when to look again."""
    digest = hashlib.blake2b(digest_size=6)
    for path, size, _ in files:
        digest.update(f"{Path(path).name}\0{size}\0".encode())
        with open(path, "rb") as file:
            while piece := file.read(1 << 22):
                digest.update(piece)
    return digest.hexdigest()


def _bytes_a_token(model: Any) -> int:
    """Return the memory of one position of a batch: keys and values, and one layer's work on it."""
    config = model.config
    size = next(model.parameters()).element_size()
    heads = config.num_attention_heads
    wide = getattr(config, "head_dim", None) or config.hidden_size // heads
    kept = 2 * config.num_hidden_layers * (getattr(config, "num_key_value_heads", None)
                                           or heads) * wide
    work = 4 * config.hidden_size + 3 * (getattr(config, "intermediate_size", None)
                                         or 4 * config.hidden_size)
    return int((1.5 * kept + work) * size)  # a cache that grows holds up to half as much again


def _free_bytes(model: Any) -> int:
    """Return the memory that is free where the model lies."""
    import torch

    device = next(model.parameters()).device
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    free = free_memory()
    return max(1 << 31 if free is None else free, 1 << 27)


def _out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of torch's means that memory did not suffice."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or any(
        words in str(error).lower() for words in ("out of memory", "can't allocate memory",
                                                  "not enough memory"))
