from __future__ import annotations

from mathmill.decoding.template import FIXED_PIECES, LETS_THINK, OPENING, prompt_text


def ask(tokenizer, messages, **switches):
    return tokenizer.apply_chat_template(messages, tokenize=False, **switches)


def test_the_chat_template_renders_the_alpaca_form(tokenizer):
    shown = ask(tokenizer, [{"role": "user", "content": "1 + 1?"}], add_generation_prompt=True)
    assert shown == prompt_text("1 + 1?") == OPENING + "1 + 1?\n\n### Response:"


def test_training_text_is_the_prompt_then_the_answer_then_the_end_token(tokenizer):
    whole = ask(tokenizer, [{"role": "user", "content": "1 + 1?"},
                            {"role": "assistant", "content": "The answer is 2"}])
    assert whole == prompt_text("1 + 1?") + "The answer is 2" + tokenizer.eos_token


def test_the_switch_adds_the_step_by_step_phrase_to_a_prompt_only(tokenizer):
    turn = [{"role": "user", "content": "1 + 1?"}]
    assert ask(tokenizer, turn, add_generation_prompt=True, lets_think=True).endswith(LETS_THINK)
    assert LETS_THINK not in ask(tokenizer, turn, lets_think=True)


def test_a_system_turn_takes_the_place_of_the_opening_sentence(tokenizer):
    shown = ask(tokenizer, [{"role": "system", "content": "Be brief."},
                            {"role": "user", "content": "1 + 1?"}], add_generation_prompt=True)
    assert shown == "Be brief.\n\n### Instruction:\n1 + 1?\n\n### Response:"


def test_quotes_and_braces_in_a_question_stay_as_they_are(tokenizer):
    question = 'What is {{ x }} if "x" = \\frac{1}{2}?\n{% end %}'
    assert ask(tokenizer, [{"role": "user", "content": question}],
               add_generation_prompt=True) == prompt_text(question)


def test_a_beginning_token_comes_first_where_a_tokenizer_has_one(tokenizer):
    shown = ask(tokenizer, [{"role": "user", "content": "x"}], bos_token="<s>")
    assert shown.startswith("<s>" + OPENING)


def test_each_fixed_piece_costs_one_token(tokenizer):
    assert [len(tokenizer(piece)["input_ids"]) for piece in FIXED_PIECES] == [1, 1]
