"""What can be told of a question from its wording alone: clean form, language, proof or not.

Why: the same question must have the same text (and so the same id) whatever editor saved
it, and a problem that asks for a proof has no answer that could be compared.

Used as: `clean(raw)`, `language_of(question)`, `asks_for_proof(question)`.
"""

from __future__ import annotations

import re
import unicodedata

_MATHS = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+", re.DOTALL)
_CJK = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_BLANKS = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")  # all but the one plain blank of most gaps
_LINES = re.compile(r" ?\n ?")
_GAPS = re.compile(r"\n{3,}")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# An order to prove stands at the start of a sentence or clause: "Records show that the team
# has won three matches" is no order, "Show that n is even" is one.
_PROOF = re.compile(
    r"(?:^|[.;:?!,(\n])\s*(?:\(?[a-z0-9]{1,3}\)\s*)?(?:(?:and|then|hence|now|please|also)\s+)*"
    r"(?:prove|show|demonstrate|verify)\s+(?:that|why)\b"
    r"|\bprove\s+(?:that|or|the|each|every)\b|\bgive an? proof\b", re.IGNORECASE)
_PROOF_ZH = re.compile(r"证明|求证|試證|试证")
_PROOF_PARTS = ("prove", "show", "demonstrate", "verify", "proof")  # one is in all that is ASCII
_VALUE = re.compile(
    r"\b(?:find|determine|calculate|compute|evaluate|how (?:many|much|long|far|old)|what)\b"
    r"|求(?!证)", re.IGNORECASE)


def clean(text: str) -> str:
    """Return text in Unicode NFC with folded blanks, plain line ends and no control signs.

    NFC, not NFKC: the latter would turn 5² into 52. Lone surrogates (broken escapes in
    JSON) become question marks, since no file could hold them.
    """
    # Most texts are clean: to see that takes 2 us of the 30 that the patterns take for 1 kB.
    flat = text.replace("\n", " ")
    if text.isascii() and flat.isprintable() and "  " not in flat:
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    text = _BLANKS.sub(" ", text)
    if "\n" in text:
        text = _GAPS.sub("\n\n", _LINES.sub("\n", text))
    return text.strip()


def language_of(question: str) -> str:
    """Return `zh` where Chinese signs outnumber Latin words outside formulas, else `en`."""
    if question.isascii():
        return "en"
    words = _MATHS.sub(" ", question)
    return "zh" if len(_CJK.findall(words)) > len(_WORD.findall(words)) else "en"


def asks_for_proof(question: str, answered: bool) -> bool:
    """Tell whether a question wants a proof and nothing that could be compared.

    A question that also asks for a value ("Show that ... and find its area") counts as
    a proof only where no answer is known.
    """
    if question.isascii():
        lower = question.lower()
        if not any(part in lower for part in _PROOF_PARTS):
            return False
    if not (_PROOF.search(question) or _PROOF_ZH.search(question)):
        return False
    return not (answered and _VALUE.search(question))
