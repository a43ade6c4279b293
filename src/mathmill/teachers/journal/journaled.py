"""A teacher whose replies are kept: what is in the journal is not asked for again.

Why: a rerun, a changed later step, a second recipe or the successor of a killed run must pay
for nothing twice. Replies are found by the teacher's identity and the whole request.

Used as: `Journaled(teacher, place(name, home), older=home)`, by `registry.open_teacher`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mathmill.teachers.base import Teacher, bundles, together
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
    def at_once(self) -> int:
        """Return how many samples of one prompt the teacher takes in one call."""
        return int(getattr(self.teacher, "at_once", 1))

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
            found = self._find(file, key)
            return await self._ask(file, key, request) if found is None else found

    async def answer_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the reply to each of several samples of one prompt, in as few calls as can be.

        What is kept, or on its way for another, is not asked for. Raises as `answer` does; what
        came before that is kept.
        """
        file = self._file
        if file is None or file.pid != os.getpid():
            file = self._open()
        replies: dict[str, Reply] = {}
        missing: list[Request] = []
        for request in requests:
            if request.id not in self._asking:
                found = self._find(file, request.id)
                if found is None:
                    missing.append(request)
                else:
                    replies[request.id] = found
        # All of them are marked before the first is asked for: nobody asks for them meanwhile.
        marks: dict[str, asyncio.Future[Reply | None]] = {
            request.id: asyncio.get_running_loop().create_future() for request in missing}
        self._asking.update(marks)
        try:
            await together([self._buy(file, group, replies)
                            for group in bundles(missing, lambda: self.at_once)])
        finally:
            for key, mark in marks.items():
                if not mark.done():
                    del self._asking[key]
                    mark.set_result(None)
        for request in requests:  # those that somebody else was asking for
            if request.id not in replies:
                replies[request.id] = await self.answer(request)
        return [replies[request.id] for request in requests]

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

    def _find(self, file: JournalFile, key: str) -> Reply | None:
        """Return the kept reply, or None."""
        found = file.find(self.name, key)
        if found is None and self._older is not None:
            found = self._older.find(self.name, key)
        if found is None:
            return None
        self._counts["found"] += 1
        return reply_of(found)

    async def _ask(self, file: JournalFile, key: str, request: Request) -> Reply:
        """Ask the teacher; whoever asks for the same meanwhile waits for this reply."""
        file.check_room(len(self._asking))
        waiting = asyncio.get_running_loop().create_future()
        self._asking[key] = waiting
        reply: Reply | None = None
        try:
            answered = await self.teacher.answer(request)
            self._keep(file, key, request, answered)
            reply = answered
            return answered
        finally:
            del self._asking[key]
            waiting.set_result(reply)

    async def _buy(self, file: JournalFile, group: Sequence[Request],
                   replies: dict[str, Reply]) -> None:
        """Ask for samples that are marked as asked for, and keep what each call brings at once."""
        teacher: Any = self.teacher
        while group:
            file.check_room(len(self._asking))
            came = ([await teacher.answer(group[0])] if len(group) == 1
                    else await teacher.some(group[0], len(group)))
            for request, reply in zip(group, came, strict=False):
                self._keep(file, request.id, request, reply)
                replies[request.id] = reply
                self._asking.pop(request.id).set_result(reply)
            group = group[len(came):]
            if len(group) > 1 and self.at_once == 1:  # by now it is known to take one at a time
                await together([self._buy(file, [one], replies) for one in group])
                return

    def _keep(self, file: JournalFile, key: str, request: Request, reply: Reply) -> None:
        """Write a reply down, if it is one; raises StepFailed where that cannot be."""
        self._counts["asked"] += 1
        if reply.finish == "error":
            self._counts["failed"] += 1
        else:
            file.append(key_of(self.name, key),
                        to_line(self.name, request, key, reply, self.requests))


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
