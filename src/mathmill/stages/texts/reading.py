"""One source of texts: its documents met, judged and cut, and what is fit written down.

Why: whatever the place, a text takes the same way: a row, a document, its snippets, each judged;
and what is left out is a drop with its place, so that a person can go and look.

Used as: `reading = Reading(bench, path, literals, rules, "prose", 1_000, aside)`, then
`reading.check()` and `reading.read()`; the texts lie in `aside` then.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.identity import content_id
from mathmill.io import write_rows
from mathmill.stages.texts import cut as cutting
from mathmill.stages.texts import places
from mathmill.stages.texts.fields import Document, document_of, roots
from mathmill.stages.texts.fitness import Rules
from mathmill.stages.texts.origin import made_options
from mathmill.texts import Text, make_text
from mathmill.types import Drop
from mathmill.workbench import Workbench

OF_OURS = ("shipped:", "symbolic:")
CURES = {
    "no licence": "say the licence of this source, {...: {\"licence\": \"CC-BY-4.0\"}}, or leave "
                  "out licences",
    "licence not allowed": "add it to licences, or give other texts",
    "too short": "ask for less with shortest, or give longer texts",
    "another language": "name it in languages (en, zh), or give other texts",
    "no text": "say which field it is with fields, {...: {\"fields\": {\"text\": \"page.body\"}}}",
    "cannot be read": "mend the file, or give another",
}
"What to do where the commonest reason leaves nothing of a source."
KEPT_OF_DROPPED = 2_000  # characters of a text that was left out: enough to see why


@dataclass
class Reading:
    """One source, as it is read, judged and cut."""

    bench: Workbench
    path: str
    entry: Mapping[str, Any]
    rules: Rules
    cut: str
    most: int
    aside: Path
    documents: int = 0
    "Documents met, unfit ones too."
    cut_into: int = 0
    "Snippets that their cuts gave."
    dropped: Counter[str] = field(default_factory=Counter)
    first: str = ""
    "What was left out first, for people."

    @property
    def name(self) -> str:
        """What people call the source."""
        return str(self.entry["source"])

    def check(self) -> None:
        """Raise an error for what cannot be read, before anything is."""
        if self.path.startswith("symbolic:"):
            made_options(self.path)
            if "symbolic" not in self.bench.tools.get("worlds", {}):
                raise UsageError(f"{self.path}: no world of this name is at hand; give a file")
        elif self.path.startswith("shipped:"):
            places.shipped(self.path)
        elif not self.path.startswith("hf:"):
            places.check(self.path)

    def read(self) -> None:
        """Write the fit texts beside the step; raises where not one is."""
        texts = self._made() if self.path.startswith("symbolic:") else self._cut()
        count = write_rows(self.aside, islice(self._shown(texts), self.entry.get("limit")), Text)
        if not count:
            if not self.documents:
                raise StepFailed(f"{self.name} holds no row; give other texts")
            common = self.dropped.most_common(4)
            raise StepFailed(f"{self.name}: not one text is left of {self.documents} documents ("
                             + ", ".join(f"{why}: {n}" for why, n in common) + ")"
                             + (f"; the first: {self.first[:300]}" if self.first else "") + "; "
                             + CURES.get(common[0][0] if common else "", "give other texts"))

    def _shown(self, texts: Iterator[Text]) -> Iterator[Text]:
        for number, text in enumerate(texts, 1):
            if number % 1000 == 0:
                self.bench.show(number, None, f"texts of {self.name}")
            yield text

    def _made(self) -> Iterator[Text]:
        """Yield the texts of a made world that are fit."""
        for text in self.bench.tools["worlds"]["symbolic"](**made_options(self.path)):
            self.documents += 1
            made = replace(text, kind=self.entry.get("kind") or text.kind,
                           licence=text.licence or self._licence())
            why = self.rules.of_licence(made.licence)
            if why:
                self._drop(made.source, *why, made.text)
            elif (fit := self._fit(made)) is not None:
                yield fit

    def _cut(self) -> Iterator[Text]:
        """Yield the fit snippets of a source's documents."""
        fields, seen = self.entry.get("fields"), Counter[str]()
        for found in places.found_at(self.path, roots(fields)):
            self.documents += 1
            if found.row is None:
                self._drop(found.where, "cannot be read", found.fault, "")
                continue
            document = document_of(found.row, found.where, fields=fields, hint=found.hint,
                                   kind=self.entry.get("kind"), licence=self._licence())
            if document is None:
                seen.update(map(str, found.row))
                self._drop(found.where, "no text", "has the fields "
                           + ", ".join(map(str, found.row))[:400], "")
            elif (why := self.rules.of_document(document)) is not None:
                self._drop(found.where, *why, document.text)
            else:
                yield from self._snippets(document)
        if self.documents and self.dropped["no text"] == self.documents:
            raise InputError(self.name, "no row has a text; the fields are "
                             + ", ".join(sorted(seen))[:400],
                             'say which one it is with fields, such as {"text": "page.body"}')

    def _snippets(self, document: Document) -> Iterator[Text]:
        whole = ""
        for number, title, text in cutting.pieces(document, self.cut, self.most):
            self.cut_into += 1
            if not number and text == document.text.strip() and document.answer is None:
                whole = ""  # the snippet is the whole document, and its id that of both
            else:
                whole = whole or _whole_id(document)
            made = make_text(text, kind=document.kind, source=document.source, part=number,
                             licence=document.licence, title=title,
                             **({"whole": whole} if whole else {}))
            fit = self._fit(made)
            if fit is not None:
                yield fit

    def _fit(self, text: Text) -> Text | None:
        """Return the text with its language, or None where it was dropped."""
        reason, detail, language = self.rules.of_text(text.text)
        if reason:
            self._drop(f"{text.source}#{text.part}" if text.part else text.source, reason, detail,
                       text.text)
            return None
        return replace(text, language=language)

    def _drop(self, where: str, reason: str, detail: str, text: str) -> None:
        self.dropped[reason] += 1
        self.first = self.first or " ".join(f"{where}: {reason}, {detail}".split())
        detail, text = (part.encode("utf-8", "replace").decode() for part in (
            f"{where}: {detail}"[:600], text[:KEPT_OF_DROPPED]))
        row = json.dumps({"source": where, "text": text}, ensure_ascii=False) if text else ""
        self.bench.drop(Drop(content_id("text dropped", self.name, where), reason, detail, row))

    def _licence(self) -> str | None:
        """Return the licence of rows that name none."""
        given: str | None = self.entry.get("licence")
        return given or (places.SHIPPED_LICENCE if self.path.startswith(OF_OURS) else None)

    def facts(self) -> dict[str, Any]:
        """Return what the report says of this source."""
        return {"source": self.name, "documents": self.documents,
                "dropped": dict(self.dropped.most_common())}


def _whole_id(document: Document) -> str:
    """Return the id of a document that is cut: over its text as it stands, at any length."""
    digest = hashlib.blake2b(b"document\0", digest_size=16)
    for text in (document.text, document.answer or ""):
        for start in range(0, len(text), 1 << 20):
            digest.update(text[start:start + (1 << 20)].encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()
