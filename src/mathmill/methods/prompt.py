"""Prompts: Markdown files with front matter, in `methods/prompts/`, one a task and language.

Why: the text that a teacher reads decides the data more than any code here; in a file of
its own it can be read, reviewed and versioned, and its digest is part of what a step is.

Used as: `load("metamath/rephrase", "zh").render(problem=text)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from mathmill.identity import content_id
from mathmill.types import Message, Request

FIELDS = ("name", "version", "method", "language", "expects")
LANGUAGES = ("en", "zh")
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: what its front matter says, and the text with its `{{placeholders}}`."""

    name: str
    "As in `metamath/rephrase`."
    version: int
    "Raised by hand whenever the text changes its meaning."
    method: str
    "The method whose prompt it is."
    language: str
    "`en` or `zh`: the language of the instructions."
    expects: str
    "The form of the reply that is asked for."
    body: str
    "The text, ending in the sections that hold the input."

    @property
    def label(self) -> str:
        """Name, language (unless English) and version, as lineage shows it."""
        language = "" if self.language == "en" else f".{self.language}"
        return f"{self.name}{language}@{self.version}"

    @property
    def identity(self) -> str:
        """The label with a digest of the text: an edit shows even at the same version."""
        return f"{self.label}#{content_id('prompt', self.body)[:12]}"

    def render(self, **values: str) -> str:
        """Return the text with every placeholder filled.

        A value that the text has no place for, or a place without a value, is a mistake in
        mathmill and asserted. Values are put in as they are: braces within them stay.
        """
        wanted = set(_PLACEHOLDER.findall(self.body))
        assert wanted == set(values), (
            f"prompt {self.label} takes {sorted(wanted)}, but was given {sorted(values)}")
        return _PLACEHOLDER.sub(lambda place: values[place.group(1)], self.body)

    def request(self, values: dict[str, str], *, sample: int = 0, temperature: float = 0.7,
                max_tokens: int = 1024) -> Request:
        """Return the request of one user turn that asks this prompt with these values."""
        return Request(messages=(Message("user", self.render(**values)),),
                       temperature=temperature, max_tokens=max_tokens, sample=sample,
                       prompt=self.label)


def parse(text: str, file: str) -> Prompt:
    """Return the prompt that a Markdown file with front matter holds; asserts its form.

    The front matter is `key: value` lines between two lines of `---`, with just the keys
    of `FIELDS`: too little to need YAML.
    """
    opening, front, body = text.split("---\n", 2)
    assert not opening, f"{file}: something stands before the front matter"
    pairs = [line.partition(":") for line in front.splitlines()]
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    assert tuple(fields) == FIELDS, f"{file}: the front matter must hold {FIELDS} in order"
    return Prompt(name=fields["name"], version=int(fields["version"]), method=fields["method"],
                  language=fields["language"], expects=fields["expects"], body=body.strip())


@cache
def load(name: str, language: str = "en") -> Prompt:
    """Return the prompt of this name in this language, or in English where there is no other."""
    folder = resources.files("mathmill.methods") / "prompts"
    stem = name.replace("/", "_")
    for file in (f"{stem}.{language}.md", f"{stem}.md"):
        path = folder / file
        if path.is_file():
            prompt = parse(path.read_text(encoding="utf-8"), file)
            assert prompt.name == name, f"{file}: calls itself {prompt.name}"
            return prompt
    raise AssertionError(f"there is no prompt named {name}")


def identities(*names: str) -> list[str]:
    """Return the identity of each prompt in each language: what a method's literals hold."""
    found = {load(name, language).identity for name in names for language in LANGUAGES}
    return sorted(found)
