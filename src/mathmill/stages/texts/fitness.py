"""Why a document or a snippet cannot inspire a problem: binary, no licence, too short, ...

Why: each unfit snippet costs a teacher call and teaches the synthesizer nothing; and a text
that may not be used must not come in at all where licences are asked for.

Used as: `rules = Rules(shortest=100, languages=("en",), licences=("CC0-1.0",))`, then
`rules.of_document(document)` and `rules.of_text(text)` -> (reason, detail), or None.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mathmill.errors import UsageError
from mathmill.stages.texts.fields import Document
from mathmill.stages.texts.language import LANGUAGES, language_of

LOOKED_AT = 2_000  # characters of a document by which it is judged binary
CONTROL_SHARE = 0.01  # a scanned page has a stray sign here and there, a binary file a tenth
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd\ud800-\udfff]")
_CODED = re.compile(r"[A-Za-z0-9+/=_-]{120,}")  # base64 and the like; no word is that long
_FOLD = re.compile(r"[\s_/]+|(?<=\d)\.0(?=$|-)")
_COMMONS = re.compile(r"creativecommons\.org/(licenses|publicdomain)/([a-z-]+)/([\d.]+)")


@dataclass(frozen=True)
class Rules:
    """What a text must be to stay."""

    shortest: int = 100
    "Fewest characters of a snippet."
    languages: Sequence[str] = ("en",)
    "The languages that stay."
    licences: Sequence[str] | None = None
    "The licences that stay; all, and texts without one, where None."

    def __post_init__(self) -> None:
        """Raise UsageError for rules that nothing could meet."""
        if self.shortest < 1:
            raise UsageError(f"shortest={self.shortest}: give 1 or more characters")
        for name, given in (("languages", self.languages), ("licences", self.licences)):
            if isinstance(given, str):
                raise UsageError(f"{name}={given!r}: give a list of them, such as [{given!r}]")
        if not self.languages or set(self.languages) - set(LANGUAGES):
            raise UsageError(f"languages={list(self.languages)}: name some of "
                             f"{', '.join(LANGUAGES)}; there are prompts in no other")
        if self.licences is not None and not self.licences:
            raise UsageError("licences is empty, so that no text could stay; name those that "
                             "are allowed, or leave it out")

    def of_document(self, document: Document) -> tuple[str, str] | None:
        """Return why a whole document is unfit, before it is cut."""
        head = document.text[:LOOKED_AT] + (document.answer or "")[:LOOKED_AT]
        if binary(head):
            return "binary", f"{head[:60]!r}"
        if document.language and document.language not in self.languages:
            return "another language", f"its row says {document.language}"
        return self.of_licence(document.licence)

    def of_licence(self, licence: str | None) -> tuple[str, str] | None:
        """Return why a text may not be used, where licences are asked for."""
        if self.licences is None:
            return None
        if not licence:
            return "no licence", "nothing says under what terms it may be used"
        if folded(licence) not in {folded(allowed) for allowed in self.licences}:
            return "licence not allowed", licence[:200]
        return None

    def of_text(self, text: str) -> tuple[str, str, str]:
        """Return (reason, detail, language) of a snippet; no reason where it is fit."""
        if len(text) < self.shortest:
            return "too short", f"{len(text)} characters: {text[:200]}", "en"
        if sum(map(str.isalpha, text)) * 4 < len(text):
            return "hardly a word", text[:200], "en"
        language = language_of(text)
        if language not in self.languages:
            return "another language", f"{language}: {text[:200]}", language
        return "", "", language


def binary(text: str) -> bool:
    """Tell whether a text is no text: control signs, broken signs or coded data."""
    if not text:
        return False
    # One stray sign in a short text is a blemish, which is mended.
    if len(_CONTROL.findall(text)) > max(2, CONTROL_SHARE * len(text)):
        return True
    return sum(map(len, _CODED.findall(text))) * 2 > len(text)


def folded(licence: str) -> str:
    """Return a licence's name so that ways to write one are equal: `CC BY 4.0`, `cc-by-4.0`.

    Addresses of Creative Commons are read as the names that they stand for.
    """
    text = licence.strip().casefold()
    found = _COMMONS.search(text)
    if found:
        public, name, version = found.groups()
        text = {"zero": "cc0", "mark": "pdm"}.get(name, name) if public == "publicdomain" else (
            f"cc-{name}")
        text = f"{text}-{version}"
    return _FOLD.sub(lambda gap: "" if gap.group().startswith(".") else "-", text)
