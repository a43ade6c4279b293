"""What goes into a batch: rows one by one, or several laid end to end, as token numbers.

Why: millions of rows lie on disk (`train.shelf`) and a batch holds a few hundred, so an item is
made when it is asked for, from wherever its rows lie. Where several share a sequence, positions
start anew with each of them: transformers reads from that where one row ends, and keeps the
attention of each to itself.

Used as: `Items(shelf, order, starts)[0]["input_ids"]`, `items(rendered, bins)`; `collate(chosen,
pad)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

IGNORED = -100  # PyTorch's label for "no loss here"
FILLS = {"labels": IGNORED, "position_ids": 0}


class Source(Protocol):
    """Where rows lie: `train.data.Rendered` or `train.shelf.Shelf`."""

    def row(self, place: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return a row's tokens and labels; the label is `IGNORED` where nothing is learned."""
        ...


class Items(Sequence[dict[str, "NDArray[Any]"]]):
    """Rows of a source, or runs of rows that share a sequence, made as they are asked for."""

    def __init__(self, source: Source, order: NDArray[Any], starts: NDArray[Any] | None = None
                 ) -> None:
        """Take the rows in order; `starts`: where in it each shared sequence begins, and its end.

        Without `starts` each row is an item of its own, and has no positions: a model counts.
        """
        self.source, self.order, self.starts = source, order, starts

    def __len__(self) -> int:
        return len(self.order) if self.starts is None else len(self.starts) - 1

    def __getitem__(self, place: Any) -> Any:
        import numpy as np

        if self.starts is None:
            ids, labels = self.source.row(int(self.order[place]))
            return {"input_ids": ids, "labels": labels}
        begin, end = self.starts[place], self.starts[place + 1]
        rows = [self.source.row(int(row)) for row in self.order[begin:end]]
        return {"input_ids": np.concatenate([ids for ids, _ in rows]),
                "labels": np.concatenate([labels for _, labels in rows]),
                "position_ids": np.concatenate([np.arange(len(ids)) for ids, _ in rows])}

    def lengths(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the tokens of each item, where `rows` are those of each row of the source."""
        import numpy as np

        tokens: NDArray[Any] = np.asarray(rows)[self.order]
        if self.starts is not None and len(self):
            tokens = np.add.reduceat(tokens, self.starts[:-1])
        return tokens


class Joined(Sequence[dict[str, "NDArray[Any]"]]):
    """Several lists of items as one, each behind the one before."""

    def __init__(self, parts: Sequence[Items]) -> None:
        """Take the lists."""
        self.parts = parts

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __getitem__(self, place: Any) -> Any:
        for part in self.parts:
            if place < len(part):
                return part[place]
            place -= len(part)
        raise IndexError(place)


def items(source: Any, bins: Sequence[Sequence[int]] | None = None) -> Items:
    """Return all rows of `train.data.Rendered` as items, or the bins of rows that `pack` made."""
    import numpy as np

    if bins is None:
        return Items(source, np.arange(len(source.tokens)))
    return Items(source, *laid(bins))


def laid(bins: Sequence[Sequence[int]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return bins of rows as one order of rows and where in it each bin begins, and its end."""
    import numpy as np

    return (np.array([row for part in bins for row in part], dtype=np.uint32),
            np.cumsum([0, *map(len, bins)]))


def batches(lengths: Sequence[int], together: int) -> list[list[int]]:
    """Return row numbers in batches of at most `together` tokens, rows of like length together.

    Padding is counted; a row that is longer by itself goes alone.
    """
    made: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row)):
        if made and (len(made[-1]) + 1) * lengths[row] <= together:
            made[-1].append(row)
        else:
            made.append([row])
    return made


def labelled(tokens: Sequence[int], prompt: int, silent: Sequence[tuple[int, int]] = ()
             ) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a row's tokens and labels as arrays.

    Nothing is learned at the prompt, at `silent` runs of tokens (first, behind the last), and
    at the first token: in a shared sequence it would follow another row's last one.
    """
    import numpy as np

    ids = np.array(tokens, dtype=np.int64)
    labels = ids.copy()
    labels[:max(prompt, 1)] = IGNORED
    for first, behind in silent:
        labels[first:behind] = IGNORED
    return ids, labels


def collate(rows: Sequence[dict[str, Any]], pad: int) -> dict[str, Tensor]:
    """Return items as (batch, longest) tensors, padded on the right.

    No attention mask: attention looks back only, so a real token never sees the padding
    behind it, and the padding's own outputs carry no label.
    """
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    batch = {name: torch.full((len(rows), longest), FILLS.get(name, pad)) for name in rows[0]}
    for place, row in enumerate(rows):
        for name, filled in batch.items():
            filled[place, :len(row[name])] = torch.as_tensor(row[name])
    return batch
