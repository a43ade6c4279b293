"""The journal's file: appended to by any number of processes, found in by each of them.

Why: replies are the only part of a run that costs money. A record is one `write` to a
descriptor opened for appending, so records of several processes follow each other whole; it
reached the kernel before anybody uses it, so `kill -9` loses nothing; a thread brings it to
the platter within `SYNC_SECONDS`, so a power cut loses at most that much. What another
process has bought meanwhile shows as growth of the file and is read before anything is asked.

A torn record (a kill or a full disk in the middle of a write) is closed off by whoever writes
next; where two met before that, reading cuts them apart (`record.places`). Writers hold a
shared lock on `journal.lock`, which they never wait for: only `prune` takes it alone.

Used as: `file = JournalFile.opened(folder)`; `file.append(key, line)`; `file.find(name, id)`;
`file.release()`.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

from mathmill.errors import BusyDirectory, StepFailed
from mathmill.teachers.journal import record
from mathmill.teachers.journal.index import Index

NAME, INDEX, LOCK = "journal.jsonl", "journal.index", "journal.lock"
SYNC_SECONDS = 1.0  # one fdatasync costs some milliseconds of a thread that waits
CHUNK = 4 << 20  # bytes read at a time
SAVE_AFTER = 20_000  # new records that make writing the index worth it: they are read in 50 ms
MARGIN = 8 << 20  # bytes of disk below which nothing is asked: 1,000 replies on the wire fit in
A_REPLY = 16 << 10  # bytes kept free for each reply on the wire besides
_open: dict[tuple[int, Path], JournalFile] = {}
_opening = threading.Lock()


class JournalFile:
    """One file with its index; teachers in one process that share a folder share it."""

    def __init__(self, folder: Path, write: bool = True) -> None:
        """Open the file and learn what it holds; without `write` nothing is made or changed.

        Raises StepFailed where it cannot be opened, BusyDirectory while it is being pruned.
        """
        self.folder, self.path, self.write = folder, folder / NAME, write
        self.pid = os.getpid()
        self.users = 0
        self.torn = 0
        self._lock = threading.Lock()
        self._seen = 0  # how far the index knows the file
        self._closed_end = -1  # where our last record ended, its line closed
        self._open_end = -1  # size of the file when what followed `_seen` was no whole record
        self._saved = 0
        self._room_checked = 0.0
        self._dirty = False
        self._sync_error: OSError | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._guard = -1
        try:
            self._file = self._descriptor()
        except OSError as error:
            self._unlock()
            raise StepFailed(f"{self.path}: the journal of replies cannot be opened "
                             f"({error.strerror or error}); check the path and its permissions"
                             ) from error
        self._learn()

    @classmethod
    def opened(cls, folder: Path) -> JournalFile:
        """Return the file of a folder, opened once a process; `release` it when done."""
        key = os.getpid(), Path(os.path.realpath(folder))
        with _opening:
            if key not in _open:
                _open[key] = cls(folder)
            _open[key].users += 1
            return _open[key]

    def release(self) -> None:
        """Be done with it; the last user brings it to the platter and closes it."""
        with _opening:
            self.users -= 1
            if self.users > 0:
                return
            for key in [key for key, file in _open.items() if file is self]:
                del _open[key]
        if self.pid == os.getpid():
            self.close()

    def close(self) -> None:
        """Sync, keep the index for the next run if it grew, and close."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        try:
            if self._dirty:
                os.fdatasync(self._file)
        except OSError as error:
            raise self._cannot_keep(error) from error
        finally:
            if self.write and len(self._index) - self._saved >= SAVE_AFTER:
                self._index.save(self.folder / INDEX, self._file, self._seen, self.torn)
            os.close(self._file)
            self._unlock()

    def find(self, teacher: str, request: str) -> dict[str, Any] | None:
        """Return the record of a request, whoever wrote it; None where there is none.

        Raises StepFailed where the disk cannot be read.
        """
        try:
            return self._find(teacher, request, record.key_of(teacher, request))
        except OSError as error:
            raise self._cannot_read(error) from error

    def _find(self, teacher: str, request: str, key: int) -> dict[str, Any] | None:
        """Return the record that stands under a key and is the request's, if any."""
        with self._lock:
            places = self._index.places(key)
            if not places:
                self._catch_up()
                places = self._index.places(key)
            for place, length in places:
                found = record.from_bytes(os.pread(self._file, length, place))
                # What was edited or damaged since, or shares the key, is not the reply.
                if found and found["request"] == request and found["teacher"] == teacher:
                    return found
        return None

    def append(self, key: int, line: bytes) -> None:
        """Write one record, whole, at the end of the file; raises StepFailed where it cannot."""
        with self._lock:
            try:
                if self._sync_error is not None:
                    raise self._sync_error
                state = os.fstat(self._file)
                if not state.st_nlink:
                    raise OSError(0, "the file was removed under a run at work")
                size = state.st_size
                torn = (size > 0 and size != self._closed_end
                        and os.pread(self._file, 1, size - 1) != b"\n")
                text = b"\n" + line if torn else line
                self._dirty = True
                written = os.write(self._file, text)
                if written < len(text):
                    raise OSError(0, f"only {written} of {len(text)} bytes fitted")
            except OSError as error:
                raise self._cannot_keep(error) from error
            # Another process may have appended since: where the write ended is certain.
            end = self._closed_end = os.lseek(self._file, 0, os.SEEK_CUR)
            self._index.add(key, end - len(line), len(line) - 1)
            if end - len(text) == self._seen:
                self._seen = end
            elif torn:
                self._catch_up()
            if self._thread is None:
                self._thread = threading.Thread(target=self._sync, name="journal", daemon=True)
                self._thread.start()

    def check_room(self, asked: int = 0) -> None:
        """Raise StepFailed where the disk is nearly full: what is asked for must fit then.

        `asked`: how many replies are on the wire already.
        """
        now = time.monotonic()
        if now - self._room_checked < SYNC_SECONDS:
            return
        self._room_checked = now
        try:
            state = os.fstatvfs(self._file)
        except OSError:
            return
        room = state.f_bavail * state.f_frsize
        if room < MARGIN + asked * A_REPLY and state.f_blocks:
            raise StepFailed(f"{self.path}: {room >> 20} MiB are left on the disk, too little to "
                             "keep the replies on the wire; make room and run again: what is "
                             "there is used")

    def _descriptor(self) -> int:
        """Return the open file, the lock held where it is to be written."""
        if self.write:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._guard = take_lock(self.folder, fcntl.LOCK_SH)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT if self.write else os.O_RDONLY
        # Not blocking: a pipe in its place must not hang us before it is refused.
        file = os.open(self.path, flags | os.O_NONBLOCK, 0o644)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(0, "it is not a regular file")
        return file

    def _learn(self) -> None:
        """Load the index that an earlier run kept, and read the file from there on."""
        try:
            self._index, self._seen, self.torn = Index.load(self.folder / INDEX, self._file)
            self._saved = len(self._index)
            self._catch_up()
        except OSError as error:
            os.close(self._file)
            self._unlock()
            raise self._cannot_read(error) from error
        if self.write and len(self._index) - self._saved >= SAVE_AFTER:
            self._index.save(self.folder / INDEX, self._file, self._seen, self.torn)
            self._saved = len(self._index)

    def _catch_up(self) -> None:
        """Index what the file has grown by since it was last looked at."""
        size = os.fstat(self._file).st_size
        if size in (self._seen, self._open_end):
            return
        if size < self._seen:  # somebody cut it by hand
            self._index, self._seen, self.torn = Index(), 0, 0
        chunk, length = b"", CHUNK
        while self._seen < size:
            chunk = os.pread(self._file, length, self._seen)
            whole = chunk.rfind(b"\n") + 1
            if not whole and len(chunk) == length:
                length *= 2  # a line longer than what was read of it
                continue
            found = list(record.places(chunk[:whole] if whole else chunk))
            if not whole and any(key == record.TORN for key, _, _ in found):
                self._open_end = size  # torn, or another process is writing it just now
                return
            for key, start, extent in found:
                if key == record.TORN:
                    self.torn += 1
                else:
                    self._index.add(key, self._seen + start, extent)
            self._seen += whole or len(chunk)
            if not chunk:
                return

    def _sync(self) -> None:
        """Bring what was written to the platter, once a second, in a thread of its own."""
        while not self._stop.wait(SYNC_SECONDS):
            if self._dirty:
                self._dirty = False
                try:
                    os.fdatasync(self._file)
                except OSError as error:  # said at the next write
                    self._sync_error = error
                    return

    def _cannot_read(self, error: OSError) -> StepFailed:
        return StepFailed(f"{self.path}: the journal of replies cannot be read "
                          f"({error.strerror or error}); check the disk")

    def _cannot_keep(self, error: OSError) -> StepFailed:
        return StepFailed(f"{self.path}: a reply cannot be kept ({error.strerror or error}); "
                          "make room on the disk and run again: what is there is used")

    def _unlock(self) -> None:
        if self._guard >= 0:
            os.close(self._guard)
            self._guard = -1


def take_lock(folder: Path, kind: int) -> int:
    """Return a descriptor that holds the journal's lock; closing it frees it.

    `kind` is `fcntl.LOCK_SH` (to write) or `LOCK_EX` (to prune). Raises BusyDirectory, at
    once, where the other kind is held; OSError where the file cannot be opened.
    """
    guard = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(guard, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(guard)
        raise BusyDirectory(
            f"{folder / NAME}: it is being pruned; wait for that to end and run again"
            if kind == fcntl.LOCK_SH else
            f"{folder / NAME}: a run is writing to it; prune when no run is at work") from error
    except OSError:  # a file system without locks: writing is safe there, pruning is not
        if kind == fcntl.LOCK_EX:
            os.close(guard)
            raise
    return guard
