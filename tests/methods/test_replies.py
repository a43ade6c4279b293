"""Replies as models write them: in bold, in quotes, without a label, with chatter after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.methods.replies import Unusable, clean, declines, section, sections

LABEL = "Rephrased problem"


@pytest.mark.parametrize("reply", [
    "Rephrased problem: How many?",
    "Rephrased problem:\nHow many?",
    "**Rephrased problem:** How many?",
    "**Rephrased problem**: How many?",
    "### Rephrased problem\nHow many?",
    "## **Rephrased problem:**\n\nHow many?",
    "rephrased PROBLEM : How many?",
    "Rephrased problem：How many?",
    "- Rephrased problem: “How many?”",
    'Rephrased problem: "How many?"',
    '"Rephrased problem: How many?"',
    '"Rephrased problem": "How many?"',
    '**"Rephrased problem:** How many?"',
    "Rephrased problem: **How many?**",
    "Sure! Here it is.\n\nRephrased problem: How many?\n\nNote: I kept the numbers.",
    "Rephrased problem: How many?\n\nLet me know if you want another.",
    "Rephrased problem: How many?\n\n---\n\nI changed the names.",
    "Rephrased problem: How many?\nNote: I kept the numbers.",
    "Rephrased problem: How many?\n**Solution:** none",
    "First I plan.\nRephrased problem: (to come)\nRephrased problem: How many?",
    "How many?",
    '"How many?"',
])
def test_the_section_is_found_whatever_it_is_dressed_in(reply):
    assert section(reply, LABEL) == "How many?"


def test_paragraphs_of_the_problem_itself_are_kept():
    text = "Hope has 3 cats.\n\nThe new year begins.\n\nI have 2 dogs. How many pets?"
    assert section(f"Rephrased problem: {text}", LABEL) == text


def test_inner_quotes_are_kept():
    text = '"Go," said Tom. How far is "far"'
    assert section(f"Rephrased problem: {text}", LABEL) == text


@pytest.mark.parametrize(("reply", "reason"), [
    ("Here is one.\n\nHow many?", "section missing"),
    ("It is 5.", "section missing"),
    ("Rephrased problem:", "empty section"),
    ("Rephrased problem:\n\nNote: nothing.", "empty section"),
])
def test_a_reply_without_the_section_says_why(reply, reason):
    with pytest.raises(Unusable) as caught:
        section(reply, LABEL)
    assert caught.value.reason == reason


def test_several_sections_are_told_apart():
    reply = "**Created problem:** A\nB\n**Check:**\n1. fine\n### Final problem\nC"
    assert sections(reply, "Created problem", "Check", "Final problem") == {
        "Created problem": "A\nB", "Check": "1. fine", "Final problem": "C"}


def test_a_word_within_a_sentence_is_no_label():
    assert sections("I check: it.\nThe Check: no\nChecks: no", "Check") == {}


@pytest.mark.parametrize("text", [
    "I am sorry, but I cannot read this problem.", "I'm sorry", "Sorry, no.", "I cannot help.",
    "I can’t do that", "As an AI language model, I", "很抱歉，我无法", "对不起"])
def test_a_refusal_is_recognised(text):
    assert declines(text)


@pytest.mark.parametrize("text", ["I have 5 apples.", "Tom is sorry.", "Iris can run 5 km.",
                                  "We cannot divide by 0, so x = 1."])
def test_a_plain_sentence_is_no_refusal(text):
    assert not declines(text)


def test_text_that_no_file_could_hold_is_made_whole():
    assert clean("a\ud800b\x00\r\nc ") == "a?b\nc"


@given(st.text(max_size=300))
def test_no_text_raises_anything_but_unusable(text):
    for reply in (text, f"{LABEL}: {text}", f"**{LABEL}**\n{text}", f"{text}\n{LABEL}:{text}"):
        reason = "found"
        try:
            assert section(reply, LABEL)
        except Unusable as why:
            reason = why.reason
        assert reason in {"found", "section missing", "empty section"}
