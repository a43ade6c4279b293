"""Problems from texts: JiuZhang3.0's prompts, eight in prose and two that ask for a program.

`kinds` names what can be asked for, `reading` takes a reply apart and writes a row down as a
reply, `routes` are the methods. A trained synthesizer is asked by the same methods in their
short form, whose prompts are a few words and the text; `lessons` makes what it is trained on.

Used as: `from mathmill.methods import FROM_TEXT`; `synthesize(texts, FROM_TEXT, 5_000, teacher)`;
`synthesize(texts, [any_of(FROM_TEXT_SHORT)], 100_000, synthesizer)`.
"""

from mathmill.methods.from_text.kinds import KINDS, Kind
from mathmill.methods.from_text.lessons import Asking, lesson
from mathmill.methods.from_text.reading import Pair, read_pair, written
from mathmill.methods.from_text.routes import (
    AnyOf,
    FromText,
    any_of,
    every_of,
    group,
    method_of,
)

__all__ = ["KINDS", "AnyOf", "Asking", "FromText", "Kind", "Pair", "any_of", "every_of", "group",
           "lesson", "method_of", "read_pair", "written"]
