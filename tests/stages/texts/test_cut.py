"""Tests of how documents are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.stages.texts.cut import backed, check, mended, pieces, uncommented
from mathmill.stages.texts.fields import Document

LATEX = r"""\documentclass{article} \title{On sums} \begin{document}
\begin{abstract}We add.\end{abstract}
\section{First \emph{step}} One and one is two.
\subsection{Inner} This stays in the section.
\section*{Second} Two and two is four.
\begin{thebibliography}{9} \section{not one} \end{thebibliography}
\end{document}"""


def cut(text, how="prose", characters=1_000, **more):
    return [(number, title, piece) for number, title, piece in pieces(
        Document(text, "a:1", **more), how, characters)]


def test_a_page_gives_its_first_thousand_characters():
    text = "x" * 400 + " " + "y" * 2_000
    assert cut(text, kind="web") == [(0, None, text[:1_000])]


def test_a_paper_gives_a_piece_for_each_latex_section_with_its_heading():
    found = cut(LATEX, kind="paper")
    assert [(number, title) for number, title, _ in found] == [
        (0, None), (1, r"First \emph{step}"), (2, "Second")]
    assert found[0][2] == r"\begin{abstract}We add.\end{abstract}"
    assert found[1][2].startswith("One and one")
    assert r"\subsection{Inner}" in found[1][2]
    assert found[2][2] == "Two and two is four."


def test_a_book_gives_a_piece_for_each_heading_of_the_second_rank():
    found = cut("Before.\n## One\nText.\n### Deeper\nMore.\n## Two ##\nEnd.", kind="book")
    assert found == [(0, None, "Before."), (1, "One", "Text.\n### Deeper\nMore."),
                     (2, "Two", "End.")]


def test_headings_do_not_cut_what_is_no_book():
    assert len(cut("Before.\n## One\nText.", kind="web")) == 1


def test_a_thread_gives_a_thousand_of_the_question_and_a_thousand_of_the_answer():
    (number, _, text), = cut("q" * 1_500, answer="a" * 1_500, kind="qa")
    assert (number, text) == (0, "q" * 1_000 + "\n\n" + "a" * 1_000)


def test_for_tools_two_thousand_characters_go_back_to_the_last_end_of_a_sentence():
    text = "A sentence of 3.5 words. " * 100
    (_, _, piece), = cut(text, "tool", 2_000)
    assert len(piece) <= 2_000
    assert piece.endswith("3.5 words.")
    assert len(piece) > 1_970


def test_for_tools_a_paper_is_not_divided_but_loses_its_preamble():
    (_, _, piece), = cut(LATEX, "tool", 2_000, kind="paper")
    assert piece.startswith(r"\begin{abstract}")
    assert r"\section*{Second}" in piece
    assert "thebibliography" not in piece


def test_a_text_that_was_not_cut_off_keeps_its_end():
    assert cut("One. Two and", "tool")[0][2] == "One. Two and"


@pytest.mark.parametrize(("text", "expected"), [
    ("One. Two and", "One."), ("First line\nsecond", "First line"), ("no end", "no end"),
    ("It is 3.14 and", "It is 3.14 and"), ("Really? Yes", "Really?"), ("一。二", "一。"),
    ("He said so.) And", "He said so.)"),
])
def test_texts_go_back_to_a_sentence_or_line(text, expected):
    assert backed(text) == expected


def test_all_goes_through_the_document_without_breaking_a_word():
    text = " ".join(f"Number {n} is followed by {n + 1}." for n in range(200))
    found = cut(text, "all", 300, kind="web")
    assert [number for number, _, _ in found] == list(range(len(found)))
    assert " ".join(piece for _, _, piece in found) == text
    assert all(piece.endswith(".") for _, _, piece in found)


def test_blanks_are_mended_but_not_the_indent_of_a_line():
    assert mended("a\r\nb  c\t d \n\n\n\n    code\n\u200bend\x00") == "a\nb c d\n\n    code\nend"


def test_a_head_of_blanks_does_not_empty_the_snippet():
    assert cut("a" + " " * 50_000 + "b", kind="web")[0][2] == "a b"


@given(st.text(max_size=400), st.sampled_from(["web", "book", "paper"]),
       st.sampled_from(["prose", "tool", "all"]), st.integers(1, 60))
def test_no_snippet_is_longer_than_asked(text, kind, how, characters):
    for _, _, piece in cut(text, how, characters, kind=kind):
        assert len(piece) <= characters


def test_a_cut_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="say one of prose, tool, all"):
        check("poem", None)
    with pytest.raises(UsageError, match="characters=0"):
        check("prose", 0)
    assert check("tool", None) == 2_000


@pytest.mark.parametrize("text", [
    r"\section[" * 15_000, r"\section{" * 15_000, r"\section{" + "a" * 100_000,
    "## a" + " " * 100_000 + "b", "##" + " " * 100_000, "## " + "# " * 50_000, "\n## #" * 20_000,
    " " * 100_000, "\n" * 100_000, "a" + " \n" * 50_000, "%" * 100_000, "$" * 100_000,
    r"\begin " * 20_000, "\t" * 100_000 + "x", "a. " * 30_000])
def test_no_text_makes_cutting_slow(text):
    for kind, how in (("paper", "prose"), ("book", "prose"), ("web", "tool")):
        document = Document(uncommented(text), "a:1", kind=kind)
        for _ in zip(range(20), pieces(document, how, 1_000), strict=False):
            pass
