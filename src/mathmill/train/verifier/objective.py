"""What a verifier is trained for: labels on tokens, and two terms that may be added.

Why: TinyGSM found that a label on every token beats one on the whole sequence. Each program's
tokens share its weight, so that a long one counts as much as a short one; a problem's weights
are 1 in all, so that a step is a mean over problems.

Used as: `loss = objective(verifier, bundles, settings)` -> a sum over problems, for backward.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mathmill.decoding.bundles import Bundle, Packed, pack
from mathmill.decoding.verifier import last_of, states
from mathmill.train.verifier.settings import LAST, Settings

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Task:
    """One problem as token ids, with the label and the weight of each of its programs."""

    bundle: Bundle
    right: tuple[bool, ...]
    weights: tuple[float, ...]


def parts(tasks: Sequence[Task], together: int) -> Iterator[list[Task]]:
    """Yield the tasks in runs of at most `together` tokens, padding counted (a longer one alone).

    The objective is a sum over tasks, so that a step in parts is the step in one.
    """
    run: list[Task] = []
    for task in sorted(tasks, key=lambda task: task.bundle.length):
        if run and (len(run) + 1) * task.bundle.length > together:
            yield run
            run = []
        run.append(task)
    if run:
        yield run


def objective(verifier: Any, tasks: Sequence[Task], settings: Settings, pad: int) -> Tensor:
    """Return the loss, summed over the tasks.

    Binary cross-entropy of each token (or of the last) of each program by its weight; with
    `pairwise`, the mean over a problem's pairs of -log sigmoid(right - wrong) on last tokens;
    with `lm`, the mean over the right programs' tokens of the next-token loss.
    """
    import torch
    from torch.nn import functional

    packed = _packed(verifier, tasks, pad)
    hidden = states(verifier.lm, packed)
    dropped = functional.dropout(hidden, settings.dropout, verifier.training)
    said = verifier.says(packed, dropped)
    labels, weights = torch.zeros_like(said), torch.zeros_like(said)
    right = [each for task in tasks for each in task.right]
    shares = [each for task in tasks for each in task.weights]
    for span, label, weight in zip(packed.spans, right, shares, strict=True):
        start = span.stop - 1 if settings.supervision == LAST else span.start
        labels[span.row, start:span.stop] = float(label)
        weights[span.row, start:span.stop] = weight / (span.stop - start)
    loss = (functional.binary_cross_entropy_with_logits(said, labels, reduction="none")
            * weights).sum()
    if settings.pairwise:
        loss = loss + settings.pairwise * _pairs(last_of(said, packed), tasks)
    if settings.lm:
        loss = loss + settings.lm * _next_tokens(verifier.lm, hidden, packed, right, shares)
    return loss


def _packed(verifier: Any, tasks: Sequence[Task], pad: int) -> Packed:
    """Return the tasks' bundles as one batch: each as a row, or each program where none share."""
    bundles = [task.bundle for task in tasks]
    if not verifier.shares:
        bundles = [Bundle(bundle.prompt, [body]) for bundle in bundles for body in bundle.bodies]
    return pack(bundles, pad, verifier.head.weight.device)


def _pairs(last: Tensor, tasks: Sequence[Task]) -> Tensor:
    """Return the sum over problems of the mean loss of their (right, wrong) pairs."""
    from torch.nn import functional

    total, at = last.sum() * 0, 0
    for task in tasks:
        count = sum(task.right)  # right ones stand first
        here = last[at:at + len(task.right)]
        at += len(task.right)
        if 0 < count < len(task.right):
            total = total + functional.softplus(here[None, count:] - here[:count, None]).mean()
    return total


def _next_tokens(lm: Any, hidden: Tensor, packed: Packed, right: Sequence[bool],
                 shares: Sequence[float]) -> Tensor:
    """Return the next-token loss of the right programs, by twice their weights (1 a problem)."""
    import torch
    from torch.nn import functional

    places: list[tuple[int, int, int, float]] = []
    for span, label, weight in zip(packed.spans, right, shares, strict=True):
        if label:
            before = [span.prompt - 1, *range(span.start, span.stop - 1)]
            share = 2 * weight / len(before)
            places += [(span.row, seen, told, share)
                       for seen, told in zip(before, range(span.start, span.stop), strict=True)]
    if not places:
        return hidden.sum() * 0
    rows, seen, told, each = zip(*places, strict=True)
    logits = lm.get_output_embeddings()(hidden[list(rows), list(seen)])
    wanted = packed.ids[list(rows), list(told)]
    loss = functional.cross_entropy(logits.float(), wanted, reduction="none")
    return (loss * torch.tensor(each, device=loss.device)).sum()
