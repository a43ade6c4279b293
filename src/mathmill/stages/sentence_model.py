"""Models of sentence-transformers: texts to points of unit length, the one place that opens them.

Why: a model sees meaning where hashed words see wording; it is an extra, 200 MB of packages and
its own weights, so nothing is imported before it is asked for. Texts of like length go together,
as many as fill a fixed number of signs: with a fixed number of texts a batch is mostly padding,
or does not fit. On a GPU where torch sees one.

Used as: `model = SentenceModel("some/folder")`; `points = model.encode(texts)`, by the encoders of
`select` and of `decontaminate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import InputError, MissingExtra

PREFIX = "sentence-transformers:"
SIGNS = 65_536  # of a batch, padding included: 256 questions of 256 signs
MOST = 1_024  # texts of a batch


class SentenceModel:
    """A model, opened."""

    def __init__(self, name: str) -> None:
        """Load a model by name or folder; raises MissingExtra, or InputError for no model."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtra("sentence-transformers", "embed") from error
        try:
            self._model: Any = SentenceTransformer(name)
        except (OSError, ValueError) as error:
            raise InputError(PREFIX + name, f"no model can be opened ({first_line(error)})",
                             "give a folder with one, or its name while online") from error

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return points of shape (texts, dims), of length 1 (or at the origin)."""
        found: list[Any] = [None] * len(texts)
        for places in batches(texts):
            points = self._model.encode([texts[at] for at in places], batch_size=len(places),
                                        show_progress_bar=False)
            for at, point in zip(places, np.asarray(points, np.float32), strict=True):
                found[at] = point
        points = np.stack(found)
        length = np.linalg.norm(points, axis=1, keepdims=True)
        return (points / np.where(length > 0, length, 1)).astype(np.float32)


def batches(texts: Sequence[str]) -> list[list[int]]:
    """Return the places of texts in batches of like length, the longest first.

    The longest come first so that memory that is too small shows at once.
    """
    order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
    found, start = [], 0
    while start < len(order):
        longest = max(1, len(texts[order[start]]))
        end = start + max(1, min(MOST, SIGNS // longest))
        found.append(order[start:end])
        start = end
    return found


def first_line(error: Exception) -> str:
    """Return the first line of what went wrong."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def digest_of(name: str) -> str | None:
    """Return 32 hex digits over the files of a model's folder; None for a name."""
    import hashlib

    folder = Path(name)
    if not folder.is_dir():
        return None
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(folder)).encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
