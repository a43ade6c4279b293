"""Texts: bring documents of many kinds and places into snippets that can inspire a problem.

Why: JiuZhang3.0 shows a teacher a thousand characters of a page, a book, a paper or a thread
at a time; where they come from, under which terms, and what was left out must be known of
every one, and six million of them do not fit into memory.

Used as: `texts.run(bench, sources=[{"source": "pages/", "weight": 2}], count=5_000)`.
`origin` says what a recipe may write of a source, `places` where documents lie, `fields` what
their rows mean, `cut` how they are cut, `fitness` and `language` what is unfit, `mix` how many
of each source are taken, `stage` does the work; `shipped/` holds our own small corpus.
"""

from mathmill.stages.texts.origin import listed
from mathmill.stages.texts.stage import checked, run

__all__ = ["checked", "listed", "run"]
