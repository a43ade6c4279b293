from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mathmill.decoding.template import OPENING, RESPONSE
from mathmill.train.tokenizer import END, PAD, open_tokenizer, train_tokenizer


def back(tokenizer, text: str) -> str:
    return tokenizer.decode(tokenizer(text)["input_ids"])


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back_exactly(tokenizer, text):
    assert back(tokenizer, text) == text


@pytest.mark.parametrize("text", [
    "小明有12个苹果，吃了3个。还剩几个？",
    "a 😀👩‍👩‍👧 b", "  two  spaces\n\n\tand\r\ntabs ", "½ ٣ Ⅷ ▁ \x00 \ufeff",
    f"{OPENING}x{RESPONSE} {END}{PAD}", "It 's Tom 's . ,",
])
def test_emoji_chinese_white_space_and_control_characters_come_back_exactly(tokenizer, text):
    assert back(tokenizer, text) == text


def test_every_digit_is_a_token_of_its_own(tokenizer):
    pieces = [tokenizer.decode([i]) for i in tokenizer("Tom has 1234.50 pens")["input_ids"]]
    assert [piece.strip() for piece in pieces if any(c.isdigit() for c in piece)] == list("123450")


def test_words_of_the_training_text_are_single_tokens(tokenizer):
    assert len(tokenizer(" apples and buys more")["input_ids"]) == 4


def test_the_vocabulary_has_the_size_asked_for(tokenizer):
    assert len(tokenizer) == 320


def test_a_vocabulary_below_the_bytes_is_refused():
    with pytest.raises(ValueError, match="no room above the 256 bytes"):
        train_tokenizer(["text"], 200)


def test_a_saved_tokenizer_opens_with_its_chat_template(tokenizer, base_folder):
    opened = open_tokenizer(base_folder)
    assert opened.chat_template == tokenizer.chat_template
    assert opened("Tom has 12 pens")["input_ids"] == tokenizer("Tom has 12 pens")["input_ids"]
    assert (opened.eos_token, opened.pad_token) == (END, PAD)
