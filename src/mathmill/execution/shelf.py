"""Where finished shards lie until their step is done: a folder, or shared storage by its URL.

Why: a shard counts as done from the moment that its manifest is there, and that must hold on
S3 too, which renames nothing atomically. So data is written under the name of one attempt, and
the manifest last, by a write that fails where there is one: of two attempts at a shard (a node
that was believed dead) the first wins whole, and of the other nothing is ever read.

Used as: `shelf = Shelf(url)`; `shelf.manifests()`; `shelf.commit(7, files, manifest)`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import MissingExtra, UsageError

PACKAGES = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3")}


def system_of(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the path on it.

    Raises MissingExtra where its package is missing, UsageError for a scheme that there is not.
    """
    scheme = url.partition("://")[0]
    package, extra = PACKAGES.get(scheme, ("fsspec", "s3"))
    try:
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(url)
    except ImportError as error:
        if scheme in PACKAGES or "fsspec" in str(error).split("'"):
            raise MissingExtra(package, extra) from error
        raise UsageError(f"{url}: {error}") from error
    except ValueError as error:  # an unknown protocol
        raise UsageError(f"{url}: {error}; give a folder or a URL such as s3://BUCKET/PREFIX"
                         ) from error
    return found


class Unreached(OSError):
    """Shared storage did not do what was asked: it is gone, or refuses."""


@contextmanager
def reached(url: str) -> Iterator[None]:
    """Make one error of the many that a storage's own packages raise.

    Raises Unreached; FileExistsError, which is an answer, passes.
    """
    try:
        yield
    except (FileExistsError, Unreached):
        raise
    except Exception as error:
        why = str(error).strip().replace("\n", " ")[:300]
        raise Unreached(f"{url}: {type(error).__name__}: {why}") from error


def probe(url: str) -> None:
    """Write a file to shared storage and take it away; raises UsageError where that fails."""
    shelf, name = Shelf(url), f"probe-{uuid.uuid4().hex[:8]}"
    try:
        with reached(url):
            shelf._create(name, b"")
            shelf._remove(name)
    except Unreached as error:
        raise UsageError(f"--shared {error}; give storage that is there and can be written to"
                         ) from error


def fetch(url: str, to: Path) -> None:
    """Copy a file of shared storage here."""
    system, path = system_of(url)
    with reached(url):
        system.get_file(path, str(to))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The finished shards of one stage's part."""

    url: str
    "A folder's path, or a URL."

    @property
    def local(self) -> bool:
        """Whether it is a folder here."""
        return "://" not in self.url

    def place(self, name: str) -> str:
        """Return the path or URL of a file on the shelf."""
        return f"{self.url.rstrip('/')}/{name}"

    def manifests(self) -> dict[int, dict[str, Any]]:
        """Return the manifest of each finished shard by its number.

        One that cannot be read (a power cut) is taken away: its shard is to be done again.
        """
        found = {}
        for name, text in self._texts():
            try:
                found[int(name.partition(".")[0])] = json.loads(text)
            except ValueError:
                self._remove(name)
        return found

    def commit(self, number: int, files: Mapping[str, Path], manifest: Mapping[str, Any]
               ) -> dict[str, Any]:
        """Put files of a shard here and its manifest last; return the manifest that counts.

        `files`: by table, in a folder of `scratch`. That of another attempt counts where it
        came first: the work is pure, so both say the same.
        """
        names = {table: f"{number:06d}-{uuid.uuid4().hex[:8]}.{table}.parquet"
                 for table in files}
        whole = {**manifest, "files": names}
        try:
            for table, file in files.items():
                self._put(file, names[table])
            self._create(f"{number:06d}.json", json.dumps(whole).encode())
        except OSError as error:  # taken away: where a disk is full, each try would leave some
            for name in names.values():
                self._remove(name)
            if not isinstance(error, FileExistsError):
                raise
            return self.manifests()[number]
        return whole

    def fetch(self, name: str, to: Path) -> None:
        """Have a file of the shelf stand at `to` too: by a link where that can be."""
        if not self.local:
            fetch(self.place(name), to)
            return
        try:
            os.link(self.place(name), to)
        except OSError:  # a file system without links, or another one
            shutil.copyfile(self.place(name), to)

    def put(self, file: Path, name: str) -> str:
        """Copy a file here under a name of its own; return its path or URL."""
        if self.local:
            shutil.copyfile(file, self.place(name))
        else:
            self._put(file, name)
        return self.place(name)

    def clear(self) -> None:
        """Take everything away."""
        if self.local:
            shutil.rmtree(self.url, ignore_errors=True)
            return
        system, path = system_of(self.url)
        with reached(self.url), suppress(FileNotFoundError):
            system.invalidate_cache()
            system.rm(path, recursive=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Hold a folder for one attempt; on the shelf's own disk, so that it only renames."""
        if self.local:
            Path(self.url).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="attempt-", dir=self.url if self.local else None,
                                         ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def _texts(self) -> Iterator[tuple[str, str]]:
        if self.local:
            for path in sorted(Path(self.url).glob("*.json")):
                yield path.name, path.read_text(errors="replace")
            return
        system, root = system_of(self.url)
        with reached(self.url), suppress(FileNotFoundError):
            system.invalidate_cache()
            for path in sorted(system.find(root, maxdepth=1)):
                if path.endswith(".json"):
                    yield path.rpartition("/")[2], system.cat_file(path).decode(errors="replace")

    def _put(self, file: Path, name: str) -> None:
        if self.local:
            os.replace(file, self.place(name))
            return
        system, path = system_of(self.place(name))
        with reached(self.place(name)):
            if system.protocol == "file" or "file" in system.protocol:
                system.makedirs(path.rpartition("/")[0], exist_ok=True)
            system.put_file(str(file), path)

    def _create(self, name: str, content: bytes) -> None:
        """Write a small file that is not there yet; raises FileExistsError where it is."""
        if not self.local:
            system, path = system_of(self.place(name))
            with reached(self.place(name)):
                system.pipe_file(path, content, mode="create")
            return
        aside = Path(self.place(f".{name}.{uuid.uuid4().hex[:8]}"))
        try:
            aside.write_bytes(content)
            self._linked(aside, name)
        finally:
            aside.unlink(missing_ok=True)

    def _linked(self, aside: Path, name: str) -> None:
        try:
            os.link(aside, self.place(name))
        except FileExistsError:
            raise
        except OSError:  # no links here: exclusive, if not whole at once (then: not readable)
            with open(self.place(name), "xb") as file:
                try:
                    file.write(aside.read_bytes())
                    file.flush()
                except OSError:
                    os.unlink(self.place(name))
                    raise

    def _remove(self, name: str) -> None:
        with suppress(OSError), reached(self.place(name)):
            if self.local:
                os.unlink(self.place(name))
            else:
                system, path = system_of(self.place(name))
                system.rm_file(path)
