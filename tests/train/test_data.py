from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import StepFailed, UsageError
from mathmill.programs import make_function
from mathmill.train.data import StagePlan, choose, mix, pack, plan, render


def test_smaller_subsets_lie_inside_larger_ones_whatever_order_rows_come_in(samples):
    small = choose(samples, StagePlan(first=10), seed=3)
    large = choose(list(reversed(samples)), StagePlan(first=40), seed=3)
    assert small == large[:10]


def test_another_seed_draws_another_subset(samples):
    assert choose(samples, StagePlan(first=10), 1) != choose(samples, StagePlan(first=10), 2)


def test_levels_keep_only_rows_of_those_levels(samples):
    kept = choose(samples, StagePlan(levels=(4, 5)), 0)
    assert {row.level for row in kept} == {4, 5}
    assert len(kept) == sum(row.level in (4, 5) for row in samples)


def test_no_row_of_a_level_and_too_few_rows_each_say_what_to_do(samples):
    with pytest.raises(StepFailed, match="no row has level 9"):
        choose(samples, StagePlan(levels=(9,)), 0)
    with pytest.raises(StepFailed, match="81 rows are asked for, but there are 80"):
        choose(samples, StagePlan(first=81), 0)


@pytest.mark.parametrize("literals", [{"epoch": 3}, {"epochs": 0}, {"first": -1}, {"steps": 0}])
def test_a_stage_that_cannot_be_is_refused(literals):
    with pytest.raises(UsageError):
        StagePlan.of(literals)


def test_a_row_is_its_prompt_its_answer_and_the_end_token(samples, tokenizer):
    rendered, dropped = render(samples[:3], tokenizer, 200)
    assert dropped == []
    text = tokenizer.decode(rendered.tokens[0])
    assert text.endswith(samples[0].solution + tokenizer.eos_token)
    learned = tokenizer.decode(rendered.tokens[0][rendered.prompts[0]:])
    assert learned == samples[0].solution + tokenizer.eos_token


def test_a_prompt_in_training_has_the_tokens_it_has_in_evaluation(samples, tokenizer):
    rendered, _ = render(samples[:5], tokenizer, 200)
    for sample, row, length in zip(samples, rendered.tokens, rendered.prompts, strict=False):
        asked = tokenizer.apply_chat_template([{"role": "user", "content": sample.question}],
                                              add_generation_prompt=True, return_dict=True)
        assert row[:length] == asked["input_ids"]


def test_a_program_row_is_read_as_question_and_body_or_as_one_function(samples, tokenizer):
    function = make_function(samples[0].question, "pens = 1 + 2\nresult = pens")
    row = replace(samples[0], solution=function)
    (body,), (plain,) = (render([row], tokenizer, 999, form=form)[0].tokens
                         for form in ("program", "prose"))
    length = render([row], tokenizer, 999, form="program")[0].prompts[0]
    assert body[:length] == plain[:length]  # the very prompt of prose
    assert tokenizer.decode(body[length:]) == ("pens = 1 + 2\nresult = pens"
                                               + tokenizer.eos_token)
    whole = render([row], tokenizer, 999, form="function")[0]
    assert tokenizer.decode(whole.tokens[0]) == (
        (tokenizer.bos_token or "") + function + tokenizer.eos_token)
    learned = tokenizer.decode(whole.tokens[0][whole.prompts[0]:])
    assert learned == "    pens = 1 + 2\n    result = pens\n    return result" + (
        tokenizer.eos_token)


def test_prose_rows_in_a_training_on_programs_are_dropped_with_the_reason(samples, tokenizer):
    row = replace(samples[0], solution=make_function(samples[0].question, "result = 3"))
    rendered, dropped = render([samples[1], row, samples[2]], tokenizer, 999, form="program")
    assert len(rendered.tokens) == 1
    assert [(drop.id, drop.reason) for drop in dropped] == [
        (samples[1].id, "no program"), (samples[2].id, "no program")]


def test_long_rows_are_dropped_and_counted_or_cut_and_counted(samples, tokenizer):
    long = samples[0]
    limit = len(render([long], tokenizer, 1000)[0].tokens[0]) - 1
    rendered, dropped = render([long], tokenizer, limit)
    assert (rendered.tokens, [drop.reason for drop in dropped]) == ([], ["longer than max_length"])
    rendered, dropped = render([long], tokenizer, limit, "cut")
    assert (len(rendered.tokens[0]), rendered.cut, dropped) == (limit, 1, [])
    rendered, dropped = render([long], tokenizer, 3, "cut")
    assert (rendered.tokens, len(dropped)) == ([], 1)


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(1, 99), min_size=1, max_size=150),
       batch=st.integers(1, 20), passes=st.integers(1, 3))
def test_each_pass_shows_every_row_exactly_once(lengths, batch, passes):
    a_pass = -(-len(lengths) // batch)
    batches = plan(lengths, batch, passes * a_pass, seed=1)
    for number in range(passes):
        rows = Counter(row for part in batches[number * a_pass:(number + 1) * a_pass]
                       for row in part)
        assert rows == Counter(range(len(lengths)))
    assert max(map(len, batches)) <= batch


def test_a_longer_training_begins_with_the_batches_of_a_shorter_one():
    lengths = list(range(1, 50))
    assert plan(lengths, 8, 20, seed=5)[:7] == plan(lengths, 8, 7, seed=5)


def test_rows_of_like_length_go_together():
    lengths = [10] * 64 + [90] * 64
    for batch in plan(lengths, 16, 8, seed=0):
        assert len({lengths[row] for row in batch}) == 1


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), max_size=80))
def test_packing_loses_no_row_and_overfills_no_bin(lengths):
    bins = pack(lengths, 40)
    assert sorted(row for part in bins for row in part) == list(range(len(lengths)))
    assert all(sum(lengths[row] for row in part) <= 40 for part in bins)


def test_packing_fills_bins_that_fit_together():
    assert sorted(map(sorted, pack([30, 10, 25, 15], 40))) == [[0, 1], [2, 3]]


def test_a_mixture_keeps_its_ratios_and_is_limited_by_the_scarcer_part(samples):
    mixed = mix({"easy": samples[:60], "hard": samples[60:]}, {"easy": 2.0, "hard": 1.0}, 0)
    hard = {row.id for row in samples[60:]}
    assert len(mixed) == 60
    assert sum(row.id in hard for row in mixed) == 20
    with pytest.raises(UsageError, match="one ratio above 0"):
        mix({"easy": samples}, {"hard": 1.0}, 0)
