"""Encoders of a core-set: whose points they are, made once for a step, on disk as float16.

Why: what is far apart depends on who looks. `hashed` (`embed`) needs no model and is the
default; `svd` turns words into the 128 directions in which a sample of the rows differs most;
`sentence-transformers:NAME` is a model's space. Points are rounded to the grid, so that the
choice from a file of points is exact whoever made them. (Those of `svd` and of a model differ
by machine in their last digits; of `hashed` in none.)

Points are written in blocks, and how far is written beside them: a step that was killed goes on
where it was.

Used as: `points = points_of("svd", chunks, count, folder, order, key)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import UsageError
from mathmill.io import read_json, write_json
from mathmill.stages.select.coreset.points import Stored, opened
from mathmill.stages.select.embed import GRID
from mathmill.stages.select.embed_on_disk import embed_on_disk
from mathmill.stages.sentence_model import PREFIX, SentenceModel, digest_of

HASHED, SVD = "hashed", "svd"
DIMS = 256  # of hashed points
DIRECTIONS = 128
SAMPLE = 20_000  # texts by which directions are found
BLOCK = 8_192  # texts between two notes of how far it is
Chunks = Callable[[], Iterable[Sequence[str]]]


class Encoder(Protocol):
    """Makes points of texts."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return points of length 1 or less, shape (texts, dims)."""
        ...


def check_encoder(name: str) -> None:
    """Raise UsageError for an encoder that there is not."""
    if name not in (HASHED, SVD) and (not name.startswith(PREFIX) or name == PREFIX):
        raise UsageError(f"there is no encoder {name!r}; say {HASHED}, {SVD} or {PREFIX}NAME")


def encoder_literals(encoder: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what an encoder adds to a step's identity and to its tools; nothing for the default.

    A model in a folder is known by its content, wherever it lies.
    """
    if encoder is None or encoder == HASHED:
        return {}, {}
    check_encoder(encoder)
    name = encoder.removeprefix(PREFIX)
    digest = digest_of(name) if encoder.startswith(PREFIX) else None
    if digest is None:
        return {"encoder": encoder}, {}
    return ({"encoder": PREFIX + Path(name).resolve().name, "encoder_content": digest},
            {"encoder": str(Path(name).resolve())})


def points_of(name: str, chunks: Chunks, count: int, folder: Path, order: NDArray[np.int64],
              key: str, place: str | None = None, show: Callable[[int, int | None, str], None]
              = lambda done, total, words: None) -> Stored:
    """Return the points of texts, mapped from a file in `folder`; those that are there stay.

    `chunks` gives the same `count` texts whenever it is called; `order`: at which row each
    stands; `key`: of which texts and encoder the points are; `place`: where a model lies.
    """
    path, note = folder / "points.npy", folder / "points.json"
    before = read_json(note) if note.exists() and path.exists() else {}
    done = before["done"] if before.get("key") == key else 0
    folder.mkdir(parents=True, exist_ok=True)
    if done < count and name == HASHED:
        note.unlink(missing_ok=True)
        embed_on_disk(_shown(chunks(), count, show), count, folder, DIMS, order)
        write_json(note, {"key": key, "done": count})
    elif done < count:
        encoder = (SentenceModel(place or name.removeprefix(PREFIX)) if name != SVD
                   else _directions(chunks, count, order))
        _encoded(encoder, chunks, count, path, order,
                 lambda far: write_json(note, {"key": key, "done": far}), done, show)
    return opened(path)


def _encoded(encoder: Encoder, chunks: Chunks, count: int, path: Path, order: NDArray[np.int64],
             note: Callable[[int], None], done: int,
             show: Callable[[int, int | None, str], None]) -> None:
    """Write points from text number `done` on, noting how far it is after each block."""
    file = np.lib.format.open_memmap(path, "r+") if done else None
    for texts in _blocks(chunks(), done):
        points = encoder.encode(texts)
        if file is None:
            file = np.lib.format.open_memmap(path, "w+", np.float16, (count, points.shape[1]))
        file[order[done:done + len(texts)]] = np.rint(points * GRID)
        file.flush()
        done += len(texts)
        note(done)
        show(done, count, "rows embedded")
    assert done == count, f"{done} texts came, and {count} were told"


def _blocks(chunks: Iterable[Sequence[str]], skip: int) -> Iterator[list[str]]:
    """Yield texts in blocks of `BLOCK`, without the first `skip`."""
    held: list[str] = []
    for texts in chunks:
        left = max(0, min(skip, len(texts)))
        skip -= left
        held += texts[left:]
        while len(held) >= BLOCK:
            yield held[:BLOCK]
            held = held[BLOCK:]
    if held:
        yield held


def _shown(chunks: Iterable[Sequence[str]], count: int,
           show: Callable[[int, int | None, str], None]) -> Iterator[Sequence[str]]:
    done = 0
    for texts in chunks:
        yield texts
        done += len(texts)
        show(done, count, "rows embedded")


def _directions(chunks: Chunks, count: int, order: NDArray[np.int64]) -> Encoder:
    """Return words in the directions in which the first `SAMPLE` rows differ most."""
    from mathmill.stages.decontaminate.encoders import Svd

    found: dict[int, str] = {}
    at = 0
    for texts in chunks():
        found.update((int(order[at + here]), text) for here, text in enumerate(texts)
                     if order[at + here] < SAMPLE)
        at += len(texts)
    encoder = Svd((0,), DIRECTIONS)
    encoder.fit([found[row] for row in sorted(found)])
    return encoder
