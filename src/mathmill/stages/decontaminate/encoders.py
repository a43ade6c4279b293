"""Encoders: texts to points of unit length, with no model or with one that the user has.

Why: neighbours in space need points. `svd` needs no download: words, numbers and their order,
weighted by rarity, in the 256 directions in which the items differ most (a randomised SVD of
the items' features), which is what finds a question that was told anew with its numbers. Of
what was tried, words alone in such a space find 18 % of rephrased GSM8K questions where this
finds 94 %. `words` leaves the numbers out: it finds a copy with other numbers.
`sentence-transformers:NAME` is a model's own space.

Used as: `encoder = open_encoder("svd"); encoder.fit(items); points = encoder.encode(rows)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mathmill.errors import UsageError
from mathmill.stages.decontaminate.features import Floats, Kind, keys_of
from mathmill.stages.decontaminate.reading import Reader
from mathmill.stages.sentence_model import PREFIX, SentenceModel

DIMS = 256
SPARE = 16  # directions more that the random start has: with two rounds the 256 are exact enough
ROUNDS = 2
ENTRIES = 8_192  # features that are added up at a time: 17 MB
MODEL = PREFIX
OWN = {"svd": (0, 1, 2), "words": (0,)}
"Encoders without a model, and the kinds of features that they look at."


class Encoder(Protocol):
    """Makes points of texts."""

    def fit(self, items: Sequence[str]) -> None:
        """Learn from the benchmark's items, once, whatever there is to learn."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return points, shape (texts, dims), of length 1, or less where little is known."""


def check_name(name: str) -> None:
    """Raise UsageError for the name of an encoder that there is not."""
    if name not in OWN and (not name.startswith(MODEL) or name == MODEL):
        raise UsageError(f"there is no encoder {name!r}; say svd, words or {MODEL}NAME")


def open_encoder(name: str) -> Encoder:
    """Return an encoder by name; raises UsageError for an unknown one, MissingExtra."""
    check_name(name)
    return Svd(OWN[name]) if name in OWN else Model(name.removeprefix(MODEL))


class Svd:
    """Hashed features in the directions in which the items differ most."""

    def __init__(self, kinds: Sequence[int], dims: int = DIMS) -> None:
        """`kinds`: of words (0), numbers (1) and order (2) those that count; `dims`: at most."""
        self._dims = dims
        self._reader = Reader()
        self._which = tuple(kinds)
        self._kinds: list[Kind] = []
        self._into: Floats = np.zeros((0, 0), np.float32)

    def fit(self, items: Sequence[str]) -> None:
        """Find the directions; see `Encoder`."""
        read = self._reader.read(items)
        self._reader.close()
        keys = keys_of(read)
        self._kinds = [Kind(*keys[which], len(items)) for which in self._which]
        size = sum(len(kind.keys) for kind in self._kinds)
        rows, columns, values, _ = self._sparse(items)
        width = min(self._dims + SPARE, len(items), size)
        # A start by seed, so that the same items give the same space.
        space: Floats = np.random.default_rng(0).standard_normal((size, width), np.float32)
        for _ in range(ROUNDS + 1):
            base = np.linalg.qr(_product(rows, columns, values, space, len(items)))[0]
            space = _product(columns, rows, values, base.astype(np.float32), size)
        # By the small matrix of its products: a decomposition of `space` copies it thrice.
        squares, turns = np.linalg.eigh((space.T @ space).astype(np.float64))
        best = np.argsort(-squares, kind="stable")[:self._dims]
        best = best[squares[best] > 1e-8]
        self._into = (space @ (turns[:, best] / np.sqrt(squares[best])).astype(np.float32)).astype(
            np.float32)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return points; see `Encoder`."""
        rows, columns, values, known = self._sparse(texts)
        points = _unit(_product(rows, columns, values, self._into, len(texts)))
        placed: Floats = points * np.sqrt(known)[:, None].astype(np.float32)
        return placed

    def _sparse(self, texts: Sequence[str]) -> tuple[Any, Any, Any, Any]:
        """Return row, feature and weight of what the items know, and its share of each text.

        Of a text that shares one word with some item only that word has a direction: as long as
        any other it would lie right on the item.
        """
        keys = keys_of(self._reader.read(texts))
        rows, columns, values, before, whole = [], [], [], 0, np.zeros(len(texts))
        for which, kind in zip(self._which, self._kinds, strict=True):
            here = kind.of(*keys[which], len(texts))
            known = here.places >= 0
            rows.append(here.rows[known])
            columns.append(here.places[known] + before)
            values.append(np.sqrt(here.squares[known]))
            before += len(kind.keys)
            whole += here.norms.astype(np.float64) ** 2
        row, column, value = map(np.concatenate, (rows, columns, values))
        length = np.sqrt(np.bincount(row, value * value, len(texts)))
        known = np.divide(length, np.sqrt(whole), out=np.zeros(len(texts)), where=whole > 0)
        weights = (value / np.maximum(length, 1e-9)[row]).astype(np.float32)
        return row, column, weights, np.minimum(known, 1.0)


class Model:
    """A model of sentence-transformers, where that is installed."""

    def __init__(self, name: str) -> None:
        """Load the model; raises MissingExtra where the package is not there."""
        self._model = SentenceModel(name)

    def fit(self, items: Sequence[str]) -> None:
        """Learn nothing: the model is made."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return points; see `Encoder`."""
        return self._model.encode(texts)


def _product(rows: Any, columns: Any, values: Any, dense: Floats, count: int) -> Floats:
    """Return a sparse matrix, of `count` rows, times a dense one, some entries at a time."""
    order = np.argsort(rows, kind="stable")
    rows, columns, values = rows[order], columns[order], values[order]
    found = np.zeros((count, dense.shape[1]), np.float32)
    own, firsts = np.unique(rows, return_index=True)
    ends = np.append(firsts, len(rows))
    start = 0
    while start < len(own):  # as many rows as have `ENTRIES` together, but one at least
        end = max(start + 1, int(np.searchsorted(ends, ends[start] + ENTRIES, "right")) - 1)
        low, high = ends[start], ends[end]
        found[own[start:end]] = np.add.reduceat(
            dense[columns[low:high]] * values[low:high, None], firsts[start:end] - low)
        start = end
    return found


def _unit(points: Floats) -> Floats:
    """Return points at length 1; those at the origin stay there."""
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return (points / np.where(length > 0, length, 1)).astype(np.float32)
