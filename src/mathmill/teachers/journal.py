"""The journal: every reply is on disk before anybody uses it, and is never bought twice.

Why: replies are the only part of a run that costs money. A process that is killed at any
moment loses what was on the wire and nothing else; its successor finds the rest here.

The file is JSONL, one record a reply, keyed by (teacher's name, request id). Each record is
one `write` to a descriptor opened for appending, so two processes may share a file. A torn
last line (a kill, a full disk) is passed over on reading and closed off before the next
record. Failed replies are not kept: the next run asks again. Records reach the kernel before
the reply is returned (so `kill -9` loses nothing) and the platter within `SYNC_SECONDS` while
replies come in (so a power cut loses at most that much).

Used as: `Journaled(teacher, home / "replies.jsonl")`, by `registry.open_teacher`.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from mathmill.errors import StepFailed
from mathmill.teachers.base import Teacher
from mathmill.types import Reply, Request

SYNC_SECONDS = 1.0  # one fdatasync costs some milliseconds: ten a second are still cheap
_FIELDS = tuple(field.name for field in fields(Reply))


class Journaled:
    """A teacher whose replies are kept; `counts` says what was found, asked and failed."""

    def __init__(self, teacher: Teacher, path: Path) -> None:
        """Wrap a teacher; the file is read and opened at the first request."""
        self.teacher = teacher
        self.path = Path(path)
        self.counts = {"found": 0, "asked": 0, "failed": 0, "torn": 0}
        self._places: dict[str, tuple[int, int]] = {}
        self._asking: dict[str, asyncio.Future[Reply | None]] = {}
        self._file: int | None = None
        self._synced = 0.0

    @property
    def name(self) -> str:
        """Return the wrapped teacher's name: a journal changes nothing of an answer."""
        return self.teacher.name

    async def answer(self, request: Request) -> Reply:
        """Return the kept reply, or ask for it and keep it; equal requests are asked once.

        Raises StepFailed where the file cannot be read or written, TeacherError as the
        teacher does.
        """
        key = request.id
        self._open()
        while True:
            if key in self._places:
                self.counts["found"] += 1
                return self._read(key)
            if key not in self._asking:
                return await self._ask(key, request)
            reply = await asyncio.shield(self._asking[key])
            if reply is not None:
                return reply
            # Whoever asked first was cancelled or met an exception: it is our turn now.

    def close(self) -> None:
        """Bring what was written to the platter and close the file."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
            self._places.clear()

    async def aclose(self) -> None:
        """Let the teacher close what it opened, then close the file."""
        close = getattr(self.teacher, "aclose", None)
        if close is not None:
            await close()
        self.close()

    async def _ask(self, key: str, request: Request) -> Reply:
        """Ask the teacher; whoever asks for the same meanwhile waits for this reply."""
        waiting = asyncio.get_running_loop().create_future()
        self._asking[key] = waiting
        reply: Reply | None = None
        try:
            answered = await self.teacher.answer(request)
            self.counts["asked"] += 1
            if answered.finish == "error":
                self.counts["failed"] += 1
            else:
                self._write(key, answered)
            reply = answered
            return answered
        finally:
            del self._asking[key]
            waiting.set_result(reply)

    def _open(self) -> None:
        """Open the file and learn which replies it holds, once."""
        if self._file is not None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            if not stat.S_ISREG(os.fstat(self._file).st_mode):
                raise OSError(0, "it is not a regular file")
            place = 0
            with self.path.open("rb") as lines:
                for line in lines:
                    self._learn(line, place)
                    place += len(line)
        except OSError as error:
            if self._file is not None:
                os.close(self._file)
                self._file = None
            raise StepFailed(f"{self.path}: the journal of replies cannot be opened "
                             f"({error.strerror or error}); check the path and its permissions"
                             ) from error

    def _learn(self, line: bytes, place: int) -> None:
        """Note where a reply of this teacher stands; pass over what is torn or another's."""
        if not line.strip():
            return
        try:
            record = json.loads(line)
            _reply(record)
        except (ValueError, TypeError, KeyError):
            self.counts["torn"] += 1
            return
        if record["teacher"] == self.name:
            self._places.setdefault(record["request"], (place, len(line)))

    def _read(self, key: str) -> Reply:
        """Return the reply that stands under a key."""
        assert self._file is not None
        place, length = self._places[key]
        try:
            return _reply(json.loads(os.pread(self._file, length, place)))
        except (OSError, ValueError) as error:
            raise StepFailed(f"{self.path}: a reply that was here cannot be read again "
                             f"({error}); do not edit the journal of a run at work") from error

    def _write(self, key: str, reply: Reply) -> None:
        """Append one record in one write, on a line of its own."""
        assert self._file is not None
        record = {name: getattr(reply, name) for name in _FIELDS}
        record.update(request=key, teacher=self.name)
        try:
            line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError:  # a lone surrogate: only an escape can hold it
            line = json.dumps(record).encode() + b"\n"
        try:
            size = os.fstat(self._file).st_size
            torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"
            text = b"\n" + line if torn else line
            written = os.write(self._file, text)
            if written < len(text):
                raise OSError(0, f"only {written} of {len(text)} bytes fitted")
            # Another process may have appended since: where the write ended is certain.
            end = os.lseek(self._file, 0, os.SEEK_CUR)
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                os.fdatasync(self._file)
                self._synced = time.monotonic()
        except OSError as error:
            raise StepFailed(f"{self.path}: a reply cannot be kept ({error.strerror or error}); "
                             "make room on the disk and run again: what is there is used"
                             ) from error
        self._places[key] = (end - len(line), len(line))


def _reply(record: dict[str, Any]) -> Reply:
    """Return the reply of a record; raises KeyError or TypeError where it is none."""
    # Records of earlier versions lack the later fields, which have defaults.
    reply = Reply(**{name: record[name] for name in _FIELDS if name in record})
    if not (isinstance(reply.text, str) and isinstance(reply.request, str)):
        raise TypeError("not a reply")
    return reply
