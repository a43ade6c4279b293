"""Texts of the symbolic world: five kinds, each known, and no problem among them."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files

import pytest

from mathmill.errors import UsageError
from mathmill.teachers.symbolic.grammar import delexicalise, grammar
from mathmill.teachers.symbolic.insight import look
from mathmill.teachers.symbolic.subjects import subjects
from mathmill.teachers.symbolic.tables import families
from mathmill.teachers.symbolic.texts import KINDS, LENGTHS, heading, texts
from mathmill.texts import text_id

RICH = list(texts(700, 3, plain=0.0))
PLAIN = list(texts(300, 3, plain=1.0))
FAMILY = {heading(subject): name for name, subject in subjects().items()}
SIGNS = {"web": r"^Home \| |^Today ", "book": r"^## ", "paper": r"^\\section\{",
         "qa": r"^Question: .*\n\nAnswer: ", "encyclopedia": r"^'''.*'''\n"}


def test_every_text_of_worth_is_seen_to_speak_of_the_family_it_was_written_for():
    for text in RICH:
        assert look(text.text).family == FAMILY[text.title or ""], text.text


def test_a_plain_text_speaks_of_no_family():
    for text in PLAIN:
        assert look(text.text).family is None, text.text
        assert text.title is None


def test_the_five_kinds_are_told_apart_by_their_form():
    for text in (*RICH, *PLAIN):
        forms = [kind for kind, sign in SIGNS.items() if re.search(sign, text.text)]
        assert forms == [text.kind], text.text
    assert set(Counter(text.kind for text in RICH)) == set(KINDS)


def test_no_text_holds_a_problems_question_or_an_answer():
    rules = grammar("en")
    for text in (*RICH, *PLAIN):
        assert "The answer is" not in text.text
        for sentence in re.split(r"(?<=[.?!])\s+|\n+", text.text):
            bare = re.sub(r"^[A-Z]\w+: ", "", re.sub(r"\\\(|\\\)|\\(?=\$)", "", sentence))
            key = delexicalise(bare, "en")[0]
            assert key not in rules.questions, sentence
            assert key not in rules.statements or key in rules.beats, sentence


def test_texts_are_short_and_have_a_licence_an_id_and_a_source():
    for number, text in enumerate(PLAIN):
        assert LENGTHS[0] <= len(text.text) <= LENGTHS[1]
        assert (text.id, text.whole) == (text_id(text.text),) * 2
        assert text.source == f"symbolic:3:{number}"
        assert text.licence == "Apache-2.0"


def test_a_longer_run_begins_like_a_shorter_one_and_repeats_nothing():
    many = list(texts(400, 8))
    assert list(texts(50, 8)) == many[:50]
    assert len({text.id for text in many}) == 400
    assert list(texts(50, 9)) != many[:50]


def test_the_share_of_plain_texts_the_kinds_and_the_families_can_be_given():
    some = list(texts(400, 1, plain=0.25, kinds=("web", "qa"), families=("bus", "jug")))
    assert 0.18 < sum(text.title is None for text in some) / 400 < 0.32
    assert {text.kind for text in some} == {"web", "qa"}
    assert {look(text.text).family for text in some} == {"bus", "jug", None}


@pytest.mark.parametrize(("given", "said"), [
    ({"kinds": ("blog",)}, "unknown kind of text 'blog'"),
    ({"families": ("rocket",)}, "unknown story family 'rocket'"),
    ({"kinds": ()}, "no kind of text"), ({"plain": 1.5}, "between 0 and 1")])
def test_what_cannot_be_written_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        list(texts(3, 0, **given))


def test_a_third_of_the_chains_is_told_in_three_sentences_and_some_texts_tell_none():
    told = Counter(len(look(text.text).told) for text in RICH)
    assert told[0] > 50
    assert told[2] > 100
    assert told[3] > 100


def test_every_family_has_a_subject_with_enough_to_say():
    assert list(subjects()) == list(families())
    for subject in subjects().values():
        assert len(subject.explains) >= 3
        assert len(subject.says) >= 4
        assert len(subject.facts) == 2
        for form, _ in subject.facts:
            assert form.count("{a}") == 1
        for form in (*subject.explains, *subject.says):
            assert not re.search(r"\d|\{a\}", form), form
            assert len(subject.words & set(re.findall("[a-z]+", form.lower()))) <= 6


def test_what_is_said_of_a_subject_is_no_sentence_of_a_story():
    rules = grammar("en")
    for name, subject in subjects().items():
        item = (families()[name].items["en"] or ("things",))[0]
        for form in (*subject.explains, *subject.says, *(form for form, _ in subject.facts)):
            text = form.format_map({"item": item, "name": "Mia", "other": "Tom",
                                    "place": "the park", "a": "7"})
            assert delexicalise(text, "en")[0] not in rules.beats, text


def test_a_text_is_short_for_the_embedded_tokenizer():
    tokenizers = pytest.importorskip("tokenizers")
    encoder = tokenizers.Tokenizer.from_file(
        str(files("mathmill.train") / "embedded" / "tokenizer.json"))
    lengths = sorted(len(encoder.encode(text.text).ids) for text in (*RICH, *PLAIN))
    assert 60 < sum(lengths) / 1000 < 100
    assert lengths[25] >= 40
    assert lengths[-25] <= 125
