"""The test sets that mathmill knows by name: where each comes from and how it is graded.

Why: a suite is data, not code: its rows are read by `seeds` like any problems, and this
record says what to read, whom to cite and under which strict rule the papers grade it.
Nothing is downloaded from here.

Used as: `suites.BY_NAME["gsm8k"].strict`; an unknown name is a suite of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    """What is known of a test set."""

    name: str
    "How recipes call it."
    shape: str
    "Form of its rows, as `seeds` knows them by shape."
    place: str
    "Path of its file under the data folder, in the form that its authors publish."
    hub: str
    "Id on the Hugging Face hub, or empty."
    split: str
    "Split that is the test."
    items: int
    "Rows that the published file has; 0 where it is generated."
    language: str
    "`en` or `zh`."
    strict: str
    "Policy that stands for the papers' strict matching."
    citation: str
    "Whom to cite."


GSM8K_CITATION = "Cobbe et al. 2021, Training Verifiers to Solve Math Word Problems"
ALL = (
    Suite("gsm8k", "gsm8k", "gsm8k/test.jsonl", "openai/gsm8k", "test", 1319, "en", "strict",
          GSM8K_CITATION),
    Suite("math", "math", "math/test.jsonl", "", "test", 5000, "en", "strict-math",
          "Hendrycks et al. 2021, Measuring Mathematical Problem Solving With the MATH Dataset"),
    Suite("svamp", "svamp", "svamp/SVAMP.json", "", "test", 1000, "en", "strict",
          "Patel et al. 2021, Are NLP Models really able to Solve Simple Math Word Problems?"),
    Suite("gsm_hard", "gsm_hard", "gsm_hard/gsmhardv2.jsonl", "", "train", 1319, "en", "strict",
          "Gao et al. 2022, PAL: Program-aided Language Models"),
    Suite("cmath", "cmath", "cmath/cmath_dev.jsonl", "", "dev", 600, "zh", "strict",
          "Wei et al. 2023, CMATH: Can Your Language Model Pass Chinese Elementary School "
          "Math Test?"),
    Suite("cmath_distractor", "cmath", "cmath/distractor.jsonl", "", "test", 360, "zh", "strict",
          "Wei et al. 2023, CMATH: Can Your Language Model Pass Chinese Elementary School "
          "Math Test?"),
    Suite("mgsm_en", "mgsm", "mgsm/mgsm_en.tsv", "", "test", 250, "en", "strict",
          "Shi et al. 2022, Language Models are Multilingual Chain-of-Thought Reasoners"),
    Suite("mgsm_zh", "mgsm", "mgsm/mgsm_zh.tsv", "", "test", 250, "zh", "strict",
          "Shi et al. 2022, Language Models are Multilingual Chain-of-Thought Reasoners"),
    Suite("symbolic", "symbolic", "", "", "test", 0, "en", "strict",
          "mathmill's symbolic teacher"),
)
BY_NAME = {suite.name: suite for suite in ALL}


def strict_policy(name: str) -> str:
    """Return the name of the strict policy of a suite; `strict` for one that is not known."""
    return BY_NAME[name].strict if name in BY_NAME else "strict"
