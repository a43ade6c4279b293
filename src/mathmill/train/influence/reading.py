"""A set of rows read with a reference model, block after block, into a matrix of features.

Why blocks: what is written is written for good, and a kill costs one block. A block's rows, their
batches and the order in which they are multiplied hang on the rows' places alone, so that a
reading that was killed ends with the very bytes of an undisturbed one (on one thread). A row that
cannot be read is never passed over in silence: it is kept in a list beside the matrix.

Used as: `features, left = read(folder, rows, lens, settings)`, by `train.influence.run`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.decoding.generation import window
from mathmill.errors import StepFailed
from mathmill.io import files_of, rows_in
from mathmill.train.data import render
from mathmill.train.influence.features import Features, Writer
from mathmill.train.influence.gradients import Reader
from mathmill.train.influence.header import ADAM, GRADIENT, RADEMACHER, Header, Space
from mathmill.train.influence.projection import Projection
from mathmill.train.influence.settings import Settings
from mathmill.train.items import items
from mathmill.types import Drop, Problem, Sample, seed_as_sample
from mathmill.workbench import Progress, Workbench, silent

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 256  # rows a block, where their gradients fit into MEMORY: seconds of work
MEMORY = 1 << 30  # bytes of gradients that are held before they are projected
LEFT_OUT = "left_out.jsonl"
NOT_FINITE = "gradient is not finite"
EPSILON = 1e-8  # inside the root, as LESS has it


@dataclass(frozen=True)
class Lens:
    """One state of a reference model, ready to read rows."""

    reader: Reader
    projection: Projection
    tokenizer: Any
    model: str
    "Id of the model in this state."
    moments: tuple[Tensor, Tensor] | None = None
    "Adam's two moments (weights,), in a gradient's order, and ..."
    betas: tuple[float, float] = (0.9, 0.999)
    "... how fast it forgets them."

    def header(self, settings: Settings, direction: str) -> Header:
        """Return what a matrix read through this lens says of itself."""
        space = Space(RADEMACHER, settings.dimension, settings.seed, settings.block,
                      self.reader.parameters, self.model)
        return Header(space, direction, form=settings.form, precision=settings.precision,
                      learn_output=settings.learn_output,
                      max_length=min(settings.max_length, window(self.reader.model)))

    def steps(self, gradients: Tensor) -> Tensor:
        """Return the step (rows, weights) that Adam would take at each gradient, but for its rate.

        LESS's form: no correction for the first steps, which a cosine would not see anyway.
        """
        assert self.moments is not None
        (mean, square), (first, second) = self.moments, self.betas
        scale = (second * square + (1 - second) * gradients.square() + EPSILON).sqrt()
        return (first * mean + (1 - first) * gradients) / scale


def read(folder: Path, rows: Iterable[Sample], lens: Lens, settings: Settings,
         direction: str = GRADIENT, show: Progress = silent, total: int | None = None
         ) -> tuple[Features, list[Drop]]:
    """Return a set's features, and the rows that are left out or whose gradient is not finite.

    The latter stay in the matrix as zeros, so that all checkpoints have the same rows. A folder
    that was begun goes on. Raises StepFailed where no row of a first block can be used at all.
    """
    header = lens.header(settings, direction)
    writer = Writer(folder, header)
    left = _left(folder / LEFT_OUT, writer.taken)
    coming = islice(iter(rows), writer.taken, None)
    size = max(1, min(ROWS, MEMORY // (4 * lens.reader.size)))
    try:
        with (folder / LEFT_OUT).open("a", encoding="utf-8") as file:
            while block := list(islice(coming, size)):
                kept, found, drops = _block(block, lens, header, settings)
                if writer.taken == 0 and kept and not found.any():
                    _refuse(kept, drops)
                for drop in drops:
                    line = {"behind": writer.taken, **asdict(drop)}
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                writer.append([row.id for row in kept], [row.seed for row in kept], found,
                              writer.taken + len(block))
                left += drops
                show(writer.taken, total, f"rows read for {folder.parent.name}")
    except BaseException:
        writer.leave()
        raise
    return writer.close(), left


def _block(rows: Sequence[Sample], lens: Lens, header: Header, settings: Settings
           ) -> tuple[list[Sample], Any, list[Drop]]:
    """Return rows that could be rendered, their features (rows, dimension), and the drops."""
    import torch

    rendered, drops = render(rows, lens.tokenizer, header.max_length, form=settings.form,
                             learn_output=settings.learn_output)
    kept = [rows[place] for place in rendered.kept]
    made = items(rendered)
    gradients = lens.reader([made[place] for place in range(len(kept))])
    fit = gradients.isfinite().all(dim=1)
    if not bool(fit.all()):
        gradients = torch.where(fit[:, None], gradients, 0.0)
        drops += [Drop(row.id, NOT_FINITE, f"under {lens.model[:12]}", method=row.method)
                  for row, ok in zip(kept, fit.tolist(), strict=True) if not ok]
    if header.direction == ADAM:
        gradients = lens.steps(gradients) * fit[:, None]
    return kept, lens.projection(gradients).cpu().numpy(), drops


def _refuse(kept: Sequence[Sample], drops: Sequence[Drop]) -> None:
    bad = [drop.id for drop in drops if drop.reason == NOT_FINITE]
    raise StepFailed(
        f"the gradients of the first {len(kept)} rows are all "
        f"{'not finite' if bad else 'zero'} (row {bad[0] if bad else kept[0].id} is the first); "
        "look at the reference model: its training must end with a loss")


def _left(path: Path, taken: int) -> list[Drop]:
    """Return the drops of the blocks on disk; forget those of a block that is not there."""
    lines: list[dict[str, Any]] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:  # a kill within the last line
                break
    known = [line for line in lines if line["behind"] < taken]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in known),
                    encoding="utf-8")
    return [Drop(**{name: value for name, value in line.items() if name != "behind"})
            for line in known]


def rows_of(bench: Workbench, name: str) -> Iterator[Sample]:
    """Yield an input's rows as samples; problems as far as they have a solution of their own."""
    import pyarrow.parquet as pq

    if "verdict" in pq.read_schema(files_of(rows_in(bench.inputs[name]))[0]).names:
        yield from bench.rows(name, Sample)
        return
    for row in bench.rows(name, Problem):
        if row.solution:
            yield seed_as_sample(row, row.solution, row.answer)
