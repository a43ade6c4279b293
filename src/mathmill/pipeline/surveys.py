"""Statistics of files: what rows of any shape hold, with the tokens of a model where one is named.

Used as: `print(sheet(survey(["train.jsonl"], tokenizer="embedded:")))`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mathmill.stages.stats import Surveys


def survey(files: Sequence[str], *, field: str | None = None, tokenizer: str | None = None,
           tell: Callable[[int], None] = lambda _: None) -> Surveys:
    """Return what the rows of files, folders and patterns hold, each beside the others.

    `field`: that of the rows with the text, a dot reaching into objects; None: a shape that is
    known. `tokenizer`: `embedded:`, a folder with a model, or a Hugging Face id, whose tokens
    are counted too. `tell` hears how many rows are read. Raises UsageError, InputError,
    MissingExtra.
    """
    from mathmill.stages.stats import survey_files

    return survey_files(files, field, None if tokenizer is None else _tokens(tokenizer), tell)


def shown(surveys: Surveys) -> str:
    """Return statistics as a sheet for people."""
    from mathmill.stages.stats import sheet

    return sheet(surveys)


def _tokens(name: str) -> Callable[[Sequence[str]], list[int]]:
    """Return what counts the tokens of texts, without those that only begin or end a prompt."""
    from mathmill.decoding.models import open_tokenizer

    tokenizer = open_tokenizer(name)

    def count(texts: Sequence[str]) -> list[int]:
        found = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [len(ids) for ids in found]

    return count
