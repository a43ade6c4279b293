from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.programs import make_function
from mathmill.train.data import (
    StagePlan,
    pack,
    pack_consecutive,
    plan,
    printed_places,
    render,
)


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


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), max_size=80))
def test_consecutive_packing_keeps_the_order_and_closes_a_bin_only_when_it_is_full(lengths):
    starts = pack_consecutive(lengths, 40)
    bins = [lengths[begin:end] for begin, end in pairwise(starts)]
    assert [length for bin_ in bins for length in bin_] == lengths
    assert all(bin_ and sum(bin_) <= 40 for bin_ in bins)
    assert all(sum(one) + two[0] > 40 for one, two in pairwise(bins))


def test_an_ordered_plan_goes_through_the_rows_as_they_stand_and_shuffles_later_passes():
    batches = plan([5, 1, 9, 2, 7], 2, 6, seed=0, ordered=True)
    assert [list(batch) for batch in batches[:3]] == [[0, 1], [2, 3], [4]]
    assert sorted(row for batch in batches[3:] for row in batch) == [0, 1, 2, 3, 4]
    assert batches[3:] != batches[:3]


TOOL = ("First the sum.\n```python\nprint(3 + 4)\n```\n```output\n7\n```\n"
        "Tom has \\boxed{7} pens.")


def test_a_tool_row_has_a_cue_in_its_prompt_and_its_solution_whole(samples, tokenizer):
    row = replace(samples[0], solution=TOOL)
    (tool,), (prose,) = (render([row], tokenizer, 999, form=form)[0].tokens
                         for form in ("tool", "prose"))
    (length,) = render([row], tokenizer, 999, form="tool")[0].prompts
    asked = tokenizer.decode(tool[:length])
    assert samples[0].question in asked
    assert "Solve it with Python." in asked
    assert tokenizer.decode(tool[length:]) == TOOL + tokenizer.eos_token
    assert "Python" not in tokenizer.decode(prose).split("### Response")[0]


def test_by_row_each_row_has_its_own_form_and_tool_alone_drops_prose(samples, tokenizer):
    rows = [samples[0], replace(samples[1], solution=TOOL)]
    mixed, dropped = render(rows, tokenizer, 999, form="by_row")
    assert dropped == []
    for place, form in enumerate(("prose", "tool")):
        assert mixed.tokens[place] == render([rows[place]], tokenizer, 999, form=form)[0].tokens[0]
    only, dropped = render(rows, tokenizer, 999, form="tool")
    assert (len(only.tokens), only.kept) == (1, [1])
    assert [(drop.id, drop.reason) for drop in dropped] == [(samples[0].id, "no program")]


def test_outputs_carry_loss_or_none_but_for_the_fence_that_asks_for_them(samples, tokenizer):
    row = replace(samples[0], solution=TOOL)
    loud, _ = render([row], tokenizer, 999, form="tool")
    quiet, _ = render([row], tokenizer, 999, form="tool", learn_output=False)
    assert loud.tokens == quiet.tokens
    ids, labels = quiet.row(0)
    silent = tokenizer.decode(ids[quiet.prompts[0]:][labels[quiet.prompts[0]:] < 0])
    assert silent == "\n7\n```\n"
    assert printed_places("```output\nnever closed") == [(9, 22)]
    assert printed_places("no code") == []
    assert (loud.row(0)[1][loud.prompts[0]:] >= 0).all()


@pytest.mark.parametrize("rows", [{}, [], ("a", "a"), {"a": 0.0}, {"a": -1.0, "b": 1.0}])
def test_rows_of_a_stage_that_cannot_be_are_refused(rows):
    with pytest.raises(UsageError, match="a stage's rows are"):
        StagePlan.of({"rows": rows})
