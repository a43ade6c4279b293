"""Values without a gradient: by chance, by perplexity, by a verifier, by the help in one shot.

Why: these are what JiuZhang3.0 compares its choice by gradients with (papers: 2.7), so a study
needs them as switches of one step. The paper tells no more of them than their names; what is
open there is a setting here. Everywhere the greater value is the better one, and NaN stands
where none could be told.

- `random`: a number drawn from the row's id and a seed.
- `perplexity`: minus the mean loss of a row's answer under a model; the lowest perplexity is best.
- `verifier`: the score that a verifier, or a reward model, gives to question and solution.
- `one_shot`: how much lower the loss of some target problems is with the row as the one example in
  front of them; it costs two passes over every target for each row, so the targets are few.

Used as: `by_perplexity(model, items(rendered))`, by `train.influence.run`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mathmill.candidates import Candidate
from mathmill.decoding.forms import BY_ROW, PROSE, form_of, target
from mathmill.errors import UsageError
from mathmill.identity import content_id, draw
from mathmill.train.items import IGNORED, batches, collate
from mathmill.types import Sample

BASELINES = RANDOM, PERPLEXITY, VERIFIER, ONE_SHOT = (
    "random", "perplexity", "verifier", "one_shot")
TOGETHER = 4096  # tokens a forward, padding counted; a longer row goes alone
SHOTS = 16  # target problems that a row is tried on as an example
Row = Mapping[str, Any]
"""A row as `train.items` has it: `input_ids`, and `labels` where something is learned."""
Score = Callable[[Sequence[Candidate]], Sequence[float]]


def by_draw(ids: Sequence[str], seed: int) -> list[float]:
    """Return a number from 0 to 1 for each id: the same for a row whatever its company."""
    return [draw("value", seed, each).random() for each in ids]


def by_perplexity(model: Any, rows: Sequence[Row], whole: bool = False, together: int = TOGETHER
                  ) -> list[float]:
    """Return minus the mean loss (nats a token) of each row's answer, end token included.

    `whole`: the problem counts too, and what else is not learned, but for the first token.
    """
    if whole:
        rows = [{"input_ids": row["input_ids"], "labels": [IGNORED, *row["input_ids"][1:]]}
                for row in rows]
    return [-loss for loss in losses(model, rows, together)]


def losses(model: Any, rows: Sequence[Row], together: int = TOGETHER) -> list[float]:
    """Return each row's mean loss in nats where it has labels; NaN for a row without any."""
    import torch

    from mathmill.train.lora import inner
    from mathmill.train.trainer import answer_losses

    values = [float("nan")] * len(rows)
    model.eval()
    with torch.inference_mode():
        for batch in batches([len(row["input_ids"]) for row in rows], together):
            inputs = {name: each.to(model.device) for name, each in collate(
                [dict(rows[row]) for row in batch], model.config.pad_token_id or 0).items()}
            each, wanted = answer_losses(inner(model), inputs)
            parts = torch.split(each, wanted.sum(1).tolist())
            for row, part in zip(batch, parts, strict=True):
                values[row] = float(part.mean())
    return values


def by_score(rows: Sequence[Sample], score: Score, form: str = PROSE) -> list[float]:
    """Return what a verifier says of each row's question and solution.

    `score`: from candidates to a number each (`decoding.verifier.scores`); handed in, for a
    reward model is not ours to know. `form`: in which the verifier reads solutions
    (`decoding.forms`); a row without the program that it wants is NaN.
    """
    values, read = [float("nan")] * len(rows), []
    for place, row in enumerate(rows):
        with suppress(UsageError):
            own = form_of(row.solution) if form == BY_ROW else form
            read.append((place, _candidate(row, target(row.solution, own))))
    found = score([each for _, each in read])
    if len(found) != len(read):
        raise UsageError(f"the scorer gave {len(found)} scores for {len(read)} rows; it must give "
                         "one for each")
    for (place, _), value in zip(read, found, strict=True):
        values[place] = float(value)
    return values


def _candidate(row: Sample, response: str) -> Candidate:
    """Return a row as what a verifier reads; what it does not read is left empty."""
    return Candidate(
        id=row.id, item=row.parent, suite="", question=row.question, gold=row.expected or "",
        response=response, program="", answer=row.answer, kind="value", error="",
        verdict=row.verdict, model=row.teacher, temperature=0.0, sample=0, tokens=0,
        finish="stop", level=row.level, subject=row.subject, signature=row.signature)


def shots(ids: Sequence[str], count: int = SHOTS, seed: int = 0) -> list[int]:
    """Return places of the target rows on which examples are tried: a draw by their ids alone."""
    if not ids:
        raise UsageError("one_shot needs target problems to try the rows on; give a target set")
    order = sorted(range(len(ids)), key=lambda place: content_id("shot", seed, ids[place]))
    return sorted(order[:count])


def by_one_shot(model: Any, rows: Sequence[Row], targets: Sequence[Row], between: Sequence[int],
                room: int, first: int = 0, together: int = TOGETHER) -> list[float]:
    """Return for each row the mean drop of the targets' losses with it as an example before them.

    The end token of `rows` is left out: behind it a model may forget. `between`: tokens set
    between example and problem; `room`: most tokens that the model reads; `first`: tokens that
    begin every row (a mark of the beginning) and stand before the example only. A target that
    has no room behind a row does not count, and a row behind which none has is NaN.
    """
    before = losses(model, targets, together)
    lengths = [len(aim["input_ids"]) - first for aim in targets]
    at = max(1, together // max(lengths, default=1))  # rows whose passes share batches
    values: list[float] = []
    for start in range(0, len(rows), at):
        fronts = [[*row["input_ids"][:-1], *between] for row in rows[start:start + at]]
        pairs = [(row, aim) for row, front in enumerate(fronts)
                 for aim, length in enumerate(lengths) if len(front) + length <= room]
        after = losses(model, [_behind(fronts[row], targets[aim], first) for row, aim in pairs],
                       together)
        drops: list[list[float]] = [[] for _ in fronts]
        for (row, aim), loss in zip(pairs, after, strict=True):
            drops[row].append(before[aim] - loss)
        values += [sum(each) / len(each) if each else float("nan") for each in drops]
    return values


def _behind(front: Sequence[int], row: Row, first: int) -> Row:
    """Return a row, but for its first tokens, behind others of which nothing is learned."""
    return {"input_ids": [*front, *row["input_ids"][first:]],
            "labels": [*[IGNORED] * len(front), *row["labels"][first:]]}
