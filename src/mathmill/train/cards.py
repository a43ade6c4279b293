"""Model cards: what a model was made from, how, and what it can and cannot do.

Why: weights without their history cannot be judged or made again. The card is written by the
code that trained the model, from what it measured, never by hand.

Used as: `(folder / "CARD.md").write_text(base_card(facts))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def base_card(facts: Mapping[str, Any]) -> str:
    """Return the card of a base model from the facts of its pre-training."""
    rows = "\n".join(f"| {name.replace('_', ' ')} | {_shown(value)} |"
                     for name, value in sorted(facts.items()))
    return f"""# mathmill embedded base

A Llama-architecture language model with {_shown(facts['weights'])} weights, trained from random
weights on plain text of mathmill's symbolic world: stories with numbers, statements and worked
sums in English and Chinese. It has read no question with its answer; fine-tuning adds that.

| fact | value |
|---|---|
{rows}

- Data: written by the program `mathmill.teachers.symbolic` alone, from the seed above; no text
  from any other source. `check loss` is the mean loss in nats a token on text held out from it.
- Made by `mathmill run base_model`.
- Use: showing on a laptop what synthetic data does. It knows nothing outside that world: on real
  problems such as GSM8K it scores near zero.
- Licence: Apache-2.0, weights and text alike.
"""


def tuned_card(facts: Mapping[str, Any], base: str) -> str:
    """Return the card of a fine-tuned model from the facts of its training."""
    stages = "\n".join(
        f"| {number} | {_shown(stage['rows'])} | {_shown(stage['steps'])} | "
        f"{stage['loss']} | {_shown(stage['tokens_per_second'])} | {stage['seconds']} |"
        for number, stage in enumerate(facts["stages"], 1))
    return f"""# Fine-tuned from `{base}` by mathmill

| stage | rows | steps | last loss | tokens/s | seconds |
|---|---|---|---|---|---|
{stages}

Loss on the answer only; prompts in the Alpaca form that the tokenizer's chat template holds.
The licence of the base model and of the data applies.
"""


def verifier_card(facts: Mapping[str, Any]) -> str:
    """Return the card of a verifier from the facts of its training."""
    data, last = facts["data"], facts["passes"][-1]
    names = {"pair_accuracy": "within-problem pair accuracy",
             "pair_accuracy_numbers": "the same, both programs gave an answer",
             "auc": "pooled AUC", "loss": "loss of the last pass"}
    rows = "\n".join(f"| {words} | {last[name]} |" for name, words in names.items()
                     if last.get(name) is not None)
    return f"""# A verifier made from `{facts['base']}` by mathmill

It reads a problem and a program and says, at the program's last token, how probable it is that
the program is right. Learned from {_shown(data['learned'])} problems with
{_shown(data['learned_programs'])} programs, in {_shown(facts['steps'])} steps.

| measure (on {_shown(data['held_out'])} problems kept apart) | value |
|---|---|
{rows}

The licence of the base model and of the data applies.
"""


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
