"""The reward function as TRL calls it: by keyword, with columns, from anywhere."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mathmill.errors import UsageError
from mathmill.grading.reward import MathReward

TEXTS = ["The answer is 5", "The answer is 6", r"\boxed{x^2+y}"]
MESSAGES = [[{"role": "assistant", "content": text}] for text in TEXTS]


@pytest.mark.parametrize("completions", [TEXTS, MESSAGES])
def test_correct_is_one_wrong_is_nothing_and_undecided_is_none(completions: list[object]) -> None:
    reward = MathReward()
    found = reward(prompts=["q"] * 3, completions=completions, completion_ids=[[1]] * 3,
                   solution=["5", "#### 5", ""], trainer_state=None, level=[1, 2, 3])
    assert found == [1.0, 0.0, None]


def test_the_column_and_the_rewards_are_chosen() -> None:
    reward = MathReward("gsm8k", "right", correct=2.0, wrong=-1.0, undecided=0.5, name="gsm")
    found = reward(completions=TEXTS, right=[5, 5, None], solution=["1", "1", "1"])
    assert found == [2.0, -1.0, 0.5]
    assert reward.__name__ == "gsm"


def test_columns_of_the_usual_names_are_found() -> None:
    assert MathReward()(completions=TEXTS[:1], answer=["5"]) == [1.0]
    assert MathReward()(completions=TEXTS[:1], ground_truth=[["5"]]) == [1.0]


@pytest.mark.parametrize("columns", [{}, {"right": ["5"]}, {"solution": ["5", "6"]},
                                     {"solution": "5"}])
def test_a_column_that_is_not_there_is_named(columns: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="column") as error:
        MathReward()(completions=TEXTS[:1], **columns)
    assert all(name in str(error.value) for name in columns)


def test_it_travels_to_other_processes() -> None:
    again = pickle.loads(pickle.dumps(MathReward("math", "answer", name="m")))
    assert (again.__name__, again(completions=TEXTS[:1], answer=["5"])) == ("m", [1.0])


def test_answers_and_undecided_shares_are_logged_where_the_trainer_offers_it() -> None:
    extra: dict[str, list[object]] = {}
    metrics: dict[str, float] = {}
    MathReward()(completions=TEXTS, solution=["5", "5", ""], log_extra=extra.__setitem__,
                 log_metric=metrics.__setitem__)
    assert extra["math_reward_answer"][:2] == ["5", "6"]
    assert metrics == {"math_reward/undecided": pytest.approx(1 / 3)}


def test_what_is_no_text_is_undecided_not_an_end() -> None:
    assert MathReward()(completions=[{"a": 1}, "5"], solution=["5", {"a": 1}]) == [None, None]


@pytest.mark.slow
def test_trls_own_trainer_takes_a_step_with_it(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from trl import GRPOConfig, GRPOTrainer

    letters = {text: i for i, text in enumerate(["<pad>", "<eos>", *"0123456789 "])}
    tokenizers = pytest.importorskip("tokenizers")
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(letters, unk_token="<pad>"))
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>",
                                        eos_token="<eos>")
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(letters), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64, eos_token_id=1, pad_token_id=0))
    rows = datasets.Dataset.from_dict({"prompt": ["2 2", "3 4"], "solution": ["4", "7"]})
    seen: list[list[float | None]] = []

    class Watched(MathReward):
        def __call__(self, *given: object, **columns: object) -> list[float | None]:
            seen.append(super().__call__(*given, **columns))  # type: ignore[arg-type]
            return seen[-1]

    trainer = GRPOTrainer(
        model, reward_funcs=Watched(), train_dataset=rows, processing_class=tokenizer,
        args=GRPOConfig(str(tmp_path), max_steps=1, per_device_train_batch_size=4,
                        num_generations=2, max_completion_length=4, report_to=[],
                        save_strategy="no", use_cpu=True, bf16=False, logging_steps=1))
    trainer.train()
    assert len(seen[0]) == 4
    assert set(seen[0]) <= {0.0, 1.0, None}
    assert any("rewards/math_reward/mean" in row for row in trainer.state.log_history)
