"""Tests of what makes a text unfit."""

from __future__ import annotations

import base64
import random

import pytest

from mathmill.errors import UsageError
from mathmill.stages.texts.fields import Document
from mathmill.stages.texts.fitness import Rules, binary, folded
from mathmill.stages.texts.language import code_of, language_of

ENGLISH = ("Let $x$ be the number of apples. If each of the boxes holds twelve, then there are "
           "twelve times as many apples as boxes, and the rest of them lie on the table.")


@pytest.mark.parametrize("data", [
    bytes(range(256)) * 4, random.Random(0).randbytes(2_000), b"%PDF-1.5\x00\x01\x02" * 50,
    b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(500)])
def test_binary_data_is_no_text_however_it_was_decoded(data):
    assert binary(data.decode("latin-1"))
    assert binary(data.decode("utf-8", "replace"))


def test_coded_data_is_binary_too():
    assert binary("data: " + base64.b64encode(random.Random(0).randbytes(900)).decode())


@pytest.mark.parametrize("text", [
    "", ENGLISH, "café, naïve, Σ_{n≥1} 1/n² = π²/6, ∀ε>0 ∃δ", "设有三个苹果" * 60, "a\tb\r\n" * 40,
    ENGLISH + "\ufffd", "Short\x0c", r"\frac{a}{b}" * 100, "x" * 100, "- - - | 1 | 2 |\n" * 50])
def test_texts_with_signs_and_blemishes_are_texts(text):
    assert not binary(text)


@pytest.mark.parametrize(("text", "code"), [
    (ENGLISH, "en"), ("", "en"), ("$$a^2+b^2=c^2$$", "en"),
    ("Die Summe der Winkel ist gleich dem gestreckten Winkel, und das ist von der Form des "
     "Dreiecks nicht abhängig.", "de"),
    ("La somme des angles est égale à un angle plat, et cela ne dépend pas de la forme du "
     "triangle dans le plan.", "fr"),
    ("La suma de los ángulos es igual a un ángulo llano para todo triángulo en el plano, y no "
     "depende de las longitudes.", "es"),
    ("Сумма углов треугольника равна развёрнутому углу и не зависит от его формы.", "ru"),
    ("三角形的内角和等于一百八十度,与形状无关。", "zh"),
    ("三角形の内角の和は二直角に等しい。", "ja"),
    ("삼각형의 내각의 합은 두 직각과 같다.", "ko"),
    ("The theorem of de la Vallée says that the die is cast and that we are in for it.", "en"),
    ("Summen af vinklerne i en trekant er lig med to rette, og det afhænger ikke af formen, som vi "
     "også viser for enhver trekant.", "da"),
    ("Kolmion kulmien summa on kaksi suoraa kulmaa, ja se ei riipu muodosta, niin kuin kaikki "
     "tietävät.", "fi"),
    ("A háromszög szögeinek összege két derékszög, és ez nem függ az alakjától, vagyis egy ilyen "
     "állítás minden esetben igaz.", "hu"),
    ("Summa angulorum trianguli duobus rectis aequalis est, nec a forma pendet, quod autem "
     "ostendimus.", "la"),
    ("ত্রিভুজের কোণগুলির সমষ্টি দুই সমকোণ এবং এটি আকৃতির উপর নির্ভর করে না।", "other"),
    ("სამკუთხედის კუთხეების ჯამი ორი მართი კუთხის ტოლია.", "other"),
    ("Let α, β, γ be the angles of the triangle; then α + β + γ = π.", "en"),
    ("Apples cost $2, bananas $1 and limes $3. 12 apples * $2 per apple = $24, 4 bananas * $1 per "
     "banana = $4, 4 limes * $3 per lime = $12: $40 per box.", "en"),
    ("We write x ∈ ℝ and call the Cauchy sequence (Коши) a name that is used in some books.", "en"),
])
def test_languages_are_told_apart_by_letters_and_small_words(text, code):
    assert language_of(text) == code


def test_names_of_languages_are_read():
    assert [code_of(name) for name in ("en", "English", "en-GB", "eng", "DEU", None, "")] == [
        "en", "en", "en", "en", "de", None, None]


@pytest.mark.parametrize(("one", "other"), [
    ("CC BY 4.0", "cc-by-4.0"), ("CC-BY-SA 4.0", "cc by sa 4.0"), ("Apache-2.0", "apache 2.0"),
    ("https://creativecommons.org/licenses/by-sa/4.0/", "CC BY-SA 4.0"),
    ("http://creativecommons.org/publicdomain/zero/1.0/deed.en", "CC0-1.0"), (" mit ", "MIT")])
def test_ways_to_write_a_licence_are_equal(one, other):
    assert folded(one) == folded(other)


def test_different_licences_stay_different():
    assert len({folded(name) for name in ("CC BY 4.0", "CC BY 3.0", "CC BY-SA 4.0", "CC BY-NC 4.0",
                                          "CC0-1.0", "MIT")}) == 6


def test_a_document_is_judged_before_it_is_cut():
    rules = Rules(licences=("CC BY 4.0",))
    def why(**more):
        found = rules.of_document(Document(ENGLISH, "a:1", **more))
        return found and found[0]
    assert why(licence="cc-by-4.0") is None
    assert why() == "no licence"
    assert why(licence="All rights reserved") == "licence not allowed"
    assert why(licence="CC BY 4.0", language="de") == "another language"
    assert rules.of_document(Document("\x00\x01" * 40, "a:1"))[0] == "binary"


@pytest.mark.parametrize(("text", "reason"), [
    (ENGLISH, ""), ("Too little.", "too short"), ("12 + 34 = 46; " * 30, "hardly a word"),
    ("Сумма углов треугольника равна развёрнутому углу и не зависит от его формы. " * 2,
     "another language")])
def test_a_snippet_is_judged_by_itself(text, reason):
    assert Rules().of_text(text)[0] == reason


def test_chinese_stays_where_it_is_asked_for():
    text = "三角形的内角和等于一百八十度,与形状无关。" * 6
    assert Rules(languages=("en", "zh")).of_text(text) == ("", "", "zh")


@pytest.mark.parametrize(("settings", "words"), [
    ({"shortest": 0}, "1 or more"), ({"languages": ("fr",)}, "no other"),
    ({"languages": ()}, "name some"), ({"licences": ()}, "no text could stay"),
    ({"licences": "MIT"}, "give a list"), ({"languages": "en"}, "give a list")])
def test_rules_that_nothing_could_meet_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        Rules(**settings)
