"""A teacher whose replies are kept: what is in the journal is not asked for again.

Why: a rerun, a changed later step, a second recipe or the successor of a killed run must pay
for nothing twice. Replies are found by the teacher's identity and the whole request.

Used as: `Journaled(teacher, place(name, home), older=home)`, by `registry.open_teacher`.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from mathmill.teachers.base import Teacher
from mathmill.teachers.journal.record import key_of, reply_of, to_line
from mathmill.teachers.journal.store import NAME, JournalFile
from mathmill.types import Reply, Request

VARIABLE = "MATHMILL_JOURNAL_REQUESTS"


class Journaled:
    """A teacher with a journal; `counts` says what was found, asked, failed, torn, in use."""

    def __init__(self, teacher: Teacher, folder: Path, older: Path | None = None,
                 requests: bool | None = None) -> None:
        """Wrap a teacher; the journal in `folder` is opened at the first request.

        `older` is a folder whose journal is read too, where there is one (runs of earlier
        versions kept theirs in the run's folder). `requests` says whether requests are kept
        beside the replies, for people: nothing reads them again (default: yes, unless the
        variable MATHMILL_JOURNAL_REQUESTS is 0).
        """
        self.teacher = teacher
        self.folder = Path(folder)
        self.requests = os.environ.get(VARIABLE) != "0" if requests is None else requests
        self._older_folder = older
        self._counts = {"found": 0, "asked": 0, "failed": 0}
        self._asking: dict[str, asyncio.Future[Reply | None]] = {}
        self._file: JournalFile | None = None
        self._older: JournalFile | None = None
        self._torn = 0

    @property
    def name(self) -> str:
        """Return the wrapped teacher's name: a journal changes nothing of an answer."""
        return self.teacher.name

    @property
    def in_flight(self) -> int:
        """Return how many requests the teacher can use at once, where it says so."""
        return self.teacher.in_flight  # type: ignore[attr-defined, no-any-return]

    @property
    def counts(self) -> dict[str, int]:
        """Return counts of replies found, asked for (of these failed) and being asked for just
        now (`in use`), and of records in the file that are torn.
        """
        if self._file is not None:
            self._torn = self._file.torn
        return {**self._counts, "in use": len(self._asking), "torn": self._torn}

    async def answer(self, request: Request) -> Reply:
        """Return the kept reply, or ask for it and keep it; equal requests are asked once.

        Raises StepFailed where the journal cannot be read or written, BusyDirectory while it
        is pruned, TeacherError as the teacher does.
        """
        file = self._file
        if file is None or file.pid != os.getpid():
            file = self._open()
        key = request.id
        while True:
            waiting = self._asking.get(key)
            if waiting is not None:
                reply = await asyncio.shield(waiting)
                if reply is not None:  # one call, paid by whoever asked first
                    return replace(reply, found=True)
                # Whoever asked first was cancelled or met an exception: it is our turn now.
                continue
            found = file.find(self.name, key)
            if found is None and self._older is not None:
                found = self._older.find(self.name, key)
            if found is not None:
                self._counts["found"] += 1
                return reply_of(found)
            return await self._ask(file, key, request)

    def close(self) -> None:
        """Bring what was written to the platter and close the file."""
        file, self._file, older, self._older = self._file, None, self._older, None
        if older is not None:
            older.close()
        if file is not None:
            self._torn = file.torn
            file.release()

    async def aclose(self) -> None:
        """Let the teacher close what it opened, then close the file."""
        try:
            close: Any = getattr(self.teacher, "aclose", None)
            if close is not None:
                await close()
        finally:
            self.close()

    def _open(self) -> JournalFile:
        """Open the journal, and the older one where there is one."""
        self._file = JournalFile.opened(self.folder)
        older = self._older_folder
        if older is not None and (older / NAME).is_file() and not _same(older, self.folder):
            self._older = JournalFile(older, write=False)
        return self._file

    async def _ask(self, file: JournalFile, key: str, request: Request) -> Reply:
        """Ask the teacher; whoever asks for the same meanwhile waits for this reply."""
        file.check_room(len(self._asking))
        waiting = asyncio.get_running_loop().create_future()
        self._asking[key] = waiting
        reply: Reply | None = None
        try:
            answered = await self.teacher.answer(request)
            self._counts["asked"] += 1
            if answered.finish == "error":
                self._counts["failed"] += 1
            else:
                file.append(key_of(self.name, key),
                            to_line(self.name, request, key, answered, self.requests))
            reply = answered
            return answered
        finally:
            del self._asking[key]
            waiting.set_result(reply)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
