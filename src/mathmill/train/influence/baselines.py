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

Used as: `by_perplexity(model, rendered.tokens, rendered.prompts)`, by `train.influence.run`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mathmill.candidates import Candidate
from mathmill.errors import UsageError
from mathmill.identity import content_id, draw
from mathmill.types import Sample

BASELINES = RANDOM, PERPLEXITY, VERIFIER, ONE_SHOT = (
    "random", "perplexity", "verifier", "one_shot")
TOGETHER = 4096  # tokens a forward, padding counted; a longer row goes alone
SHOTS = 16  # target problems that a row is tried on as an example
Rows = Sequence[Sequence[int]]
Score = Callable[[Sequence[Candidate]], Sequence[float]]


def by_draw(ids: Sequence[str], seed: int) -> list[float]:
    """Return a number from 0 to 1 for each id: the same for a row whatever its company."""
    return [draw("value", seed, each).random() for each in ids]


def by_perplexity(model: Any, tokens: Rows, prompts: Sequence[int], whole: bool = False,
                  together: int = TOGETHER) -> list[float]:
    """Return minus the mean loss (nats a token) of each row's answer, end token included.

    `tokens`: prompt and answer of each row; `prompts`: how many of them are the prompt. `whole`:
    the prompt counts too, but for the first token.
    """
    return [-loss for loss in losses(model, tokens, [1] * len(tokens) if whole else prompts,
                                     together)]


def losses(model: Any, tokens: Rows, prompts: Sequence[int], together: int = TOGETHER
           ) -> list[float]:
    """Return the mean loss in nats over the tokens of each row behind its prompt; NaN for none."""
    import torch

    from mathmill.train.items import IGNORED, collate
    from mathmill.train.lora import inner
    from mathmill.train.trainer import answer_losses

    values = [float("nan")] * len(tokens)
    model.eval()
    with torch.inference_mode():
        for batch in batches([len(row) for row in tokens], together):
            rows = [{"input_ids": list(tokens[row]), "labels": [
                IGNORED] * prompts[row] + list(tokens[row][prompts[row]:])} for row in batch]
            inputs = {name: each.to(model.device) for name, each in
                      collate(rows, model.config.pad_token_id or 0).items()}
            each, wanted = answer_losses(inner(model), inputs)
            parts = torch.split(each, wanted.sum(1).tolist())
            for row, part in zip(batch, parts, strict=True):
                values[row] = float(part.mean())
    return values


def batches(lengths: Sequence[int], together: int) -> list[list[int]]:
    """Return row numbers in batches of at most `together` tokens, rows of like length together."""
    made: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row)):
        if made and (len(made[-1]) + 1) * lengths[row] <= together:
            made[-1].append(row)
        else:
            made.append([row])
    return made


def by_score(rows: Sequence[Sample], score: Score) -> list[float]:
    """Return what a verifier says of each row's question and solution.

    `score`: from candidates to a number each (`decoding.verifier.scores`); handed in, for a
    reward model is not ours to know.
    """
    found = [float(value) for value in score([_candidate(row) for row in rows])]
    if len(found) != len(rows):
        raise UsageError(f"the scorer gave {len(found)} scores for {len(rows)} rows; it must give "
                         "one for each")
    return found


def _candidate(row: Sample) -> Candidate:
    """Return a row as what a verifier reads; what it does not read is left empty."""
    return Candidate(
        id=row.id, item=row.parent, suite="", question=row.question, gold=row.expected or "",
        response=row.solution, program="", answer=row.answer, kind="value", error="",
        verdict=row.verdict, model=row.teacher, temperature=0.0, sample=0, tokens=0,
        finish="stop", level=row.level, subject=row.subject, signature=row.signature)


def shots(ids: Sequence[str], count: int = SHOTS, seed: int = 0) -> list[int]:
    """Return places of the target rows on which examples are tried: a draw by their ids alone."""
    if not ids:
        raise UsageError("one_shot needs target problems to try the rows on; give a target set")
    order = sorted(range(len(ids)), key=lambda place: content_id("shot", seed, ids[place]))
    return sorted(order[:count])


def by_one_shot(model: Any, tokens: Rows, targets: tuple[Rows, Sequence[int]],
                between: Sequence[int], room: int, first: int = 0, together: int = TOGETHER
                ) -> list[float]:
    """Return for each row the mean drop of the targets' losses with it as an example before them.

    `tokens`: the rows, prompt and answer, their end token last (it is left out: behind it a
    model may forget); `targets`: tokens and prompts of the target rows; `between`: tokens set
    between example and problem; `room`: most tokens that the model reads; `first`: tokens that
    begin every row (a mark of the beginning) and stand before the example only. A target that
    has no room behind a row does not count, and a row behind which none has is NaN.
    """
    known, lengths = targets
    before = losses(model, known, lengths, together)
    values: list[float] = []
    at = max(1, together // max(1, max(map(len, known), default=1)))  # rows a round
    for start in range(0, len(tokens), at):
        fronts = [[*row[:-1], *between] for row in tokens[start:start + at]]
        pairs = [(row, target) for row, front in enumerate(fronts)
                 for target in range(len(known)) if len(front) + len(known[target]) - first <= room]
        after = losses(
            model, [[*fronts[row], *known[target][first:]] for row, target in pairs],
            [len(fronts[row]) + lengths[target] - first for row, target in pairs], together)
        drops: list[list[float]] = [[] for _ in fronts]
        for (row, target), loss in zip(pairs, after, strict=True):
            drops[row].append(before[target] - loss)
        values += [sum(each) / len(each) if each else float("nan") for each in drops]
    return values
