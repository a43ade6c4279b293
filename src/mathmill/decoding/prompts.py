"""From questions to token ids, and from token ids to batches of like length.

Used as: `ids = encode(tokenizer, [render(tokenizer, question)])`; `plan(lengths, 64)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def render(tokenizer: Any, question: str, **switches: Any) -> str:
    """Return the prompt of a question: the tokenizer's chat template, or the bare question."""
    if not getattr(tokenizer, "chat_template", None):
        return question
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False,
        **switches)
    assert isinstance(text, str)
    return text


def render_chat(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> str:
    """Return the prompt of a conversation (`role`, `content` each), ready for the next answer.

    Without a chat template: the turns' texts under each other. Raises what the template does
    for roles that it has no place for.
    """
    if not getattr(tokenizer, "chat_template", None):
        return "\n\n".join(turn["content"] for turn in messages)
    text = tokenizer.apply_chat_template([dict(turn) for turn in messages],
                                         add_generation_prompt=True, tokenize=False)
    assert isinstance(text, str)
    return text


def plan(lengths: Sequence[int], batch: int) -> list[list[int]]:
    """Return batches of places, longest prompts first, so that little is padded.

    The plan depends on the lengths and the batch size alone: a resumed run makes the same.
    """
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    return [order[start:start + batch] for start in range(0, len(order), batch)]


def encode(tokenizer: Any, prompts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of rendered prompts (a template writes its own special tokens)."""
    special = not getattr(tokenizer, "chat_template", None)
    return [list(ids) for ids in
            tokenizer(list(prompts), add_special_tokens=special, verbose=False)["input_ids"]
            ] if prompts else []
