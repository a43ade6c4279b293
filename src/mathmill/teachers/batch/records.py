"""What was given to a provider, on disk before anybody waits for it.

Why: a batch goes on at the provider when this process is gone, and it is paid for. So each step
towards it is a line, on the platter before the next is taken: what is to be sent (`sending`),
that the provider is about to be asked (`creating`, with the uploaded file, by which the batch can
be found again), the batch's id (`created`), which of its requests came to nothing (`undone`) and
that nothing more is to be had from it (`over`). Whoever comes later reads where things stand.

The file lies beside the journal of replies, and is locked while one process submits: another
that wants the same replies then finds the batch and waits for it too. It holds ids and sums, no
texts and no key.

Used as: `async with records.lock(): records.read(); records.write(token, "created", ...)`.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathmill.errors import StepFailed

NAME = "batches.jsonl"
KEPT = 30 * 86_400.0  # seconds for which providers keep a batch's files, unless told otherwise
LOOK = 0.1  # seconds between two tries to get the lock


@dataclass(eq=False)
class Given:
    """One batch, from the decision to send it to its last reply."""

    token: str
    "Our own name of it, drawn before the provider gave one."
    requests: list[str]
    "Ids of the requests, which are the custom ids of its lines."
    held: list[list[int]] = field(default_factory=list)
    "Of each: picodollars, tokens read and written that were held for it."
    home: str = ""
    "Folder of the run whose account holds that."
    process: str = ""
    "Who holds it."
    at: float = 0.0
    "When it was decided, in seconds since the epoch."
    asked: float = 0.0
    "When the provider was asked to create it; 0 where it never was."
    file: str = ""
    "The provider's id of the uploaded file."
    batch: str = ""
    "The provider's id of the batch."
    without: list[str] = field(default_factory=list)
    "Parameters that were not sent, as the provider had refused them before."
    settled: bool = False
    "Whether somebody began to put bills into the account, in place of what was held."
    over: bool = False
    "Whether nothing more is to be had from it."
    left: set[str] = field(default_factory=set)
    "Requests whose replies nobody took yet."


class Records:
    """The lines of one teacher at one address; `folder` None keeps all in memory."""

    def __init__(self, folder: Path | None, teacher: str, url: str) -> None:
        """Keep the place; nothing is opened before it is read."""
        self.path = None if folder is None else Path(folder) / NAME
        self._whose = {"teacher": teacher, "url": url}
        self._file: int | None = None
        self._place = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.given: dict[str, Given] = {}
        "By token, those that are not over."
        self._latest: dict[str, Given] = {}
        self._seen: set[str] = set()  # what is written here is read again, and must not count

    def of(self, request: str) -> Given | None:
        """Return the batch that a request is in, None where it is in none."""
        return self._latest.get(request)

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        """Let no other process submit meanwhile, and know all that those before it did."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._turn = loop, asyncio.Lock()
        async with self._turn:  # the file's lock is the process's, and would let in others of ours
            if self.path is None:
                yield
                return
            file = self._open()
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(LOOK)
            try:
                self.read()
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)

    def read(self) -> None:
        """Take in what was written since the last look; a torn line is not counted."""
        if self.path is None:
            return
        file = self._open()
        text = os.pread(file, os.fstat(file).st_size - self._place, self._place)
        whole = text[:text.rfind(b"\n") + 1]
        self._place += len(whole)
        for line in whole.splitlines():
            try:
                record = json.loads(line)
                self._take(record)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # torn by a kill: the step that it stood for was not taken either

    def write(self, token: str, event: str, **facts: Any) -> None:
        """Add a line and bring it to the platter; raises StepFailed where that fails."""
        record = {"event": event, "token": token, **self._whose, **facts}
        if self.path is not None:
            file = self._open()
            line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
            try:
                size = os.fstat(file).st_size
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                line = b"\n" + line if torn else line
                while line:
                    line = line[os.write(file, line):]
                os.fsync(file)
            except OSError as error:
                raise StepFailed(f"{self.path}: what is given to the provider cannot be noted ("
                                 f"{error.strerror or error}), so nothing is sent; make room or "
                                 "mend the path, and run again") from error
        self._take(record)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            assert self.path is not None
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            except OSError as error:
                raise StepFailed(f"{self.path}: {error.strerror or error}; mend the path"
                                 ) from error
        return self._file

    def _take(self, record: dict[str, Any]) -> None:
        """Take one line into account; the same line twice changes nothing."""
        if any(record[key] != value for key, value in self._whose.items()):
            return
        token, event = record["token"], record["event"]
        if event == "sending":
            if token in self._seen or record["at"] < time.time() - KEPT:
                return
            self._seen.add(token)
            given = Given(token, record["requests"], record["held"], record["home"],
                          record["process"], record["at"], without=record["without"],
                          left=set(record["requests"]))
            self.given[token] = given
            for request in given.requests:
                self._latest[request] = given
            return
        known = self.given.get(token)
        if known is None:
            return
        if event == "creating":
            known.file, known.asked = record["file"], record["at"]
        elif event == "created":
            known.batch = record["batch"]
        elif event == "settled":
            known.settled = True
        elif event == "undone":
            self._forget(known, record["requests"])
        elif event == "over":
            known.over = True
            del self.given[token]
            self._forget(known, known.requests)

    def _forget(self, given: Given, requests: list[str]) -> None:
        """Let requests be sent again: nothing more is to be had from this batch for them."""
        given.left.difference_update(requests)
        for request in requests:
            if self._latest.get(request) is given:
                del self._latest[request]
