"""The engine alone: a file of prompts in, a file of replies out, in the same order.

Why: some people want just that. Prompts are read as hands fall free and replies written as
their turn comes, so memory holds what is in flight, whatever the file's size. A row that cannot
be read is counted, named by its number and stands in the output with its reason; the rest goes
on. Every reply is in the journal before it is written here, so the same command, given again
after whatever stopped it, pays for nothing twice.

A row holds a prompt's text (`prompt`, `question` or `problem`, or the field that is named) or a
conversation (`messages`: a list of objects with `role` and `content`).

Used as: `generate(Path("prompts.jsonl"), Path("out.jsonl"), teacher, Sampling(n=4))`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathmill.dollars import in_words
from mathmill.errors import InputError, UsageError
from mathmill.io import json_lines, parse_json_line, read_parquet_rows
from mathmill.stages.asking import CONCURRENCY, Asking, Usage
from mathmill.stages.completions import Completions, completed, unreadable
from mathmill.teachers.base import Teacher
from mathmill.types import Message, Reply, Request
from mathmill.words import counted

FIELDS = ("messages", "prompt", "question", "problem")
ROLES = ("system", "developer", "user", "assistant")
NAMED = 5  # broken rows that are named; the others are in the output
Tell = Callable[[int, int, str], None]
"""Is told how many replies are written, of how many, and what they cost."""


@dataclass(frozen=True)
class Sampling:
    """How each prompt is asked."""

    n: int = 1
    "Replies a prompt."
    temperature: float = 0.7
    "Sampling temperature; 0 is greedy."
    max_tokens: int = 1024
    "Most tokens of a reply."
    stop: tuple[str, ...] = ()
    "Texts at which a reply ends."
    top_p: float = 1.0
    "Share of probability that is drawn from."
    system: str = ""
    "Put before prompts that have no system message of their own."
    logprobs: bool = False
    "Whether the log-probability of each reply is asked for."

    def check(self) -> None:
        """Raise UsageError for what cannot be right."""
        for option, value, right in (("--n", self.n, self.n >= 1),
                                     ("--temperature", self.temperature, self.temperature >= 0),
                                     ("--max-tokens", self.max_tokens, self.max_tokens >= 1),
                                     ("--top-p", self.top_p, 0 < self.top_p <= 1)):
            if not right:
                raise UsageError(f"{option} {value} cannot be; give a number "
                                 + {"--n": "of replies from 1 on", "--temperature": "from 0 on",
                                    "--max-tokens": "of tokens from 1 on",
                                    "--top-p": "above 0, at most 1"}[option])
        if not all(self.stop):
            raise UsageError("--stop '' would end every reply at once; give a text")


@dataclass
class Summary:
    """What came of a file of prompts."""

    out: Path
    "Where the replies are."
    prompts: int = 0
    "Rows that were asked."
    cut: int = 0
    "Replies that were cut off by length."
    usage: Usage = field(default_factory=Usage)
    "What they cost."
    broken: int = 0
    "Rows that could not be read."
    named: list[str] = field(default_factory=list)
    "The first of them, with place and reason."
    failure: str = ""
    "Why the first call that failed for good did, with its place."

    free: bool = False
    "Whether the teacher costs nothing, so that there is no money to tell of."

    def text(self) -> str:
        """Return it as a line for people."""
        used = self.usage
        notes = [f"{count:,} {what}" for count, what in (
            (self.cut, "cut off by length"), (used.failed, "failed")) if count]
        if self.broken:
            notes.append(f"{counted(self.broken, 'row')} could not be read")
        return (f"{self.out}: {counted(used.requests - used.failed, 'reply')} to "
                f"{counted(self.prompts, 'prompt')}"
                + (f" ({', '.join(notes)})" if notes else "")
                + f"; {counted(used.tokens_in, 'token')} read, {used.tokens_out:,} written"
                + f"; {self.money()}".rstrip("; "))

    def money(self) -> str:
        """Return what was paid now, and what was found that had been paid for before."""
        used = self.usage
        words = [] if self.free else [f"{in_words(used.worth - used.worth_found)} paid"]
        if used.found:
            words.append(f"{used.found:,} found" + (
                "" if self.free else f" (worth {in_words(used.worth_found)})"))
        if used.unpriced and not self.free:
            words.append(f"{used.unpriced:,} of unknown price")
        return ", ".join(words)


def generate(prompts: Path, out: Path, teacher: Teacher, sampling: Sampling | None = None,
             prompt_field: str | None = None, tell: Tell | None = None, *,
             free: bool = False) -> Summary:
    """Ask a teacher every prompt of a JSONL or Parquet file; return what came of it.

    `free`: the teacher costs nothing, and no money is told of.
    Raises InputError for a file without any prompt that can be read, UsageError for options or
    an `out` that cannot be right, TeacherError and BudgetSpent as the teacher does; what came
    until then is in its journal, and in `OUT.partial.jsonl`.
    """
    sampling = sampling or Sampling()
    file, total = check(prompts, out, sampling)
    level: Any = getattr(teacher, "in_flight", CONCURRENCY)
    with Asking(teacher, int(level)) as asking, file as written:
        summary = Summary(out, usage=asking.usage, free=free)
        work = _Work(prompts, prompt_field, sampling, written, summary,
                     lambda done: tell(done, total, summary.money()) if tell else None)
        asking.each(work.requests(), work.take)
        if not summary.prompts:
            written.count = 0  # reasons only: nothing to keep
            raise InputError(prompts, "no row holds a prompt that can be read" + (
                f" (the first: {summary.named[0]})" if summary.named else ""),
                "name the field with --field, or mend the file")
    return summary


def check(prompts: Path, out: Path, sampling: Sampling) -> tuple[Completions, int]:
    """Return the file to write and how many replies there will be; nothing is made yet.

    Raises UsageError for options or an `out` that cannot be right, InputError for no prompts.
    """
    sampling.check()
    file = Completions(out)
    if out.resolve() == prompts.resolve():
        raise UsageError(f"{out}: this is the file of prompts; write to another")
    return file, count_rows(prompts) * sampling.n


@dataclass
class _Work:
    """Between the file of prompts and that of replies: who is still waited for, in order."""

    path: Path
    prompt_field: str | None
    sampling: Sampling
    written: Completions
    summary: Summary
    tell: Callable[[int], None]
    waiting: deque[tuple[int, str | None, str]] = field(default_factory=deque)
    "Of each row or sample: row number, id, and why it cannot be asked (empty where it is)."

    def requests(self) -> Iterator[Request]:
        """Yield a request for each sample of each prompt."""
        plain = self.sampling
        for number, row in rows_of(self.path):
            try:
                if isinstance(row, str):
                    raise ValueError(row)
                messages = messages_of(row, self.prompt_field, plain.system)
            except ValueError as error:
                self._broken(number, str(error))
                continue
            self.summary.prompts += 1
            name = row.get("id")
            for sample in range(plain.n):
                self.waiting.append((number, None if name is None else str(name), ""))
                yield Request(messages, plain.temperature, plain.max_tokens, plain.stop, sample,
                              top_p=plain.top_p, logprobs=plain.logprobs, method="generate")

    def take(self, request: Request, reply: Reply) -> None:
        """Write a reply, and the broken rows that follow it."""
        number, name, _ = self.waiting.popleft()
        self.summary.cut += reply.finish == "length"
        row = completed(number, name, request, reply)
        if reply.finish == "error" and not self.summary.failure:
            self.summary.failure = f"{self.path}:{number}: {row['error']}"
        self.written.write(row)
        self._write_broken()
        self.tell(self.written.count)

    def _broken(self, number: int, why: str) -> None:
        self.summary.broken += 1
        if len(self.summary.named) < NAMED:
            self.summary.named.append(f"{self.path}:{number}: {why}")
        self.waiting.append((number, None, why))
        self._write_broken()

    def _write_broken(self) -> None:
        """Write the broken rows whose turn it is."""
        while self.waiting and self.waiting[0][2]:
            number, _, why = self.waiting.popleft()
            self.written.write(unreadable(number, why))


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield 1-based row and fields, or why there are none, of JSONL (`.gz` too) or Parquet."""
    if path.suffix == ".parquet":
        lost: list[tuple[int, str]] = []
        for number, row in read_parquet_rows(path, None, lambda *bad: lost.append(bad)):
            yield from lost
            lost.clear()
            yield number, row
        yield from lost
        return
    for number, line in json_lines(path):
        found = parse_json_line(line)
        if found != "":
            yield number, found


def count_rows(path: Path) -> int:
    """Return how many rows a file has, blank lines included; raises InputError for none."""
    if path.exists() and not path.is_file():
        raise InputError(path, "this is no file that can be read twice",
                         "save the prompts to a .jsonl or .parquet file and name that")
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return int(pq.read_metadata(path).num_rows)
        except (pa.ArrowException, OSError) as error:
            raise InputError(path, f"is not Parquet that can be read ({error})".replace("\n", " "),
                             "check the path and the file") from error
    return sum(1 for _ in json_lines(path))


def messages_of(row: dict[str, Any], prompt_field: str | None, system: str
                ) -> tuple[Message, ...]:
    """Return the conversation that a row holds; raises ValueError with why there is none."""
    if prompt_field is None:
        name = next((name for name in FIELDS if row.get(name) is not None), None)
        if name is None:
            raise ValueError(f"there is no field {', '.join(FIELDS[:-1])} or {FIELDS[-1]}; seen: "
                             + ", ".join(map(str, list(row)[:12])))
        value = row[name]
    else:
        name, value = prompt_field, _inside(row, prompt_field)
    if isinstance(value, str):
        messages = [_turn("user", value, f"the field {name!r}")]
    elif isinstance(value, list) and value:
        messages = []
        for place, turn in enumerate(value, 1):
            where = f"message {place} of the field {name!r}"
            if not isinstance(turn, dict) or turn.get("role") not in ROLES:
                raise ValueError(f"{where} has no role of {', '.join(ROLES)}")
            messages.append(_turn(turn["role"], turn.get("content"), where))
    else:
        raise ValueError(f"the field {name!r} is neither a text nor a list of messages")
    if system and messages[0].role not in ("system", "developer"):
        messages.insert(0, Message("system", system))
    return tuple(messages)


def _turn(role: str, content: Any, where: str) -> Message:
    if not isinstance(content, str):
        raise ValueError(f"{where} has no content that is a text")
    if not content.strip():
        raise ValueError(f"{where} is empty")
    try:
        content.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where} holds half a character (a lone surrogate)") from None
    return Message(role, content)


def _inside(row: dict[str, Any], path: str) -> Any:
    """Return a field's value; a dot in its name reaches into objects."""
    if path in row:
        return row[path]
    value: Any = row
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            raise ValueError(f"there is no field {path!r}; seen: "
                             + ", ".join(map(str, list(row)[:12])))
        value = value[part]
    return value
