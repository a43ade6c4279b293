"""Columns of answers get the very verdicts that pair after pair would get."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.grading.equal import equal
from mathmill.grading.pairs import equal_all

ODD = ["", "0", "-0", "-7", "007", "+5", "5\n", " 5", "5 ", "５", "٣", "½", "1e5", "nan", "1,234",
       "1234", "1234.0", "$12$", "12", "\\frac{1}{2}", "1/2", "24%", "10 cm", "5 apples", "A",
       "yes", "1\x00", "9" * 31, "9" * 32, "-" + "9" * 31, "1" * 2_500]
answers = st.none() | st.sampled_from(ODD) | st.integers(-99, 99).map(str) | st.from_regex(
    r"-?[0-9]{0,3}[ .,\n]?[0-9]{0,3}", fullmatch=True)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(answers, answers), max_size=12),
       st.sampled_from(["tolerant", "strict", "gsm8k", "scibench"]))
def test_a_column_gets_the_verdict_of_each_pair(pairs, policy):
    gold, answer = (pa.array([pair[side] for pair in pairs], pa.string()) for side in (0, 1))
    codes, verdicts = equal_all(gold, answer, policy)
    assert [verdicts[code] for code in codes] == [equal(*pair, policy) for pair in pairs]
    assert len(set(verdicts)) == len(verdicts)


def test_a_policy_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="no grading policy 'lax'"):
        equal_all(pa.array(["1"]), pa.array(["1"]), "lax")
