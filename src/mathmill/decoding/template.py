"""The prompt that a student reads: the Alpaca form that MetaMath and Skywork-Math train with.

Why: training and evaluation must show a model the very same text before its answer, so the
form travels with the tokenizer as its chat template and is written down nowhere else.

Used as: `tokenizer.chat_template = chat_template()`, then
`tokenizer.apply_chat_template([{"role": "user", "content": question}],
add_generation_prompt=True)`; with `lets_think=True` the prompt ends as MetaMath's evaluation
prompt does (papers: 5.1), which Skywork-Math leaves out (training prompt = test prompt).
"""

from __future__ import annotations

# The fixed wording of the Alpaca form without input; a format, so it stands as published.
OPENING = ("Below is an instruction that describes a task. Write a response that appropriately "
           "completes the request.\n\n### Instruction:\n")
RESPONSE = "\n\n### Response:"
LETS_THINK = " Let's think step by step."

# Whole pieces: a tokenizer of ours spends one token on each.
FIXED_PIECES = (OPENING, RESPONSE)


def chat_template() -> str:
    """Return the Jinja chat template: user and assistant turns, an end token after an answer.

    A tokenizer that has a beginning token gets it first, as its model was trained with.
    A system turn takes the place of the opening sentence. The switch `lets_think` appends
    the step-by-step phrase to a generation prompt.
    """
    opening, response = _quoted(OPENING), _quoted(RESPONSE)
    heading = _quoted("\n\n### Instruction:\n")
    return (
        "{%- if bos_token is defined and bos_token -%}{{- bos_token -}}{%- endif -%}"
        "{%- for message in messages -%}"
        "{%- if message['role'] == 'system' -%}{{- message['content'] -}}"
        "{%- elif message['role'] == 'user' -%}"
        "{%- if not loop.first and loop.previtem['role'] == 'system' -%}{{- " + heading + " -}}"
        "{%- else -%}{{- " + opening + " -}}{%- endif -%}"
        "{{- message['content'] -}}"
        "{%- else -%}{{- " + response + " -}}{{- message['content'] -}}{{- eos_token -}}"
        "{%- endif -%}{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{- " + response + " -}}"
        "{%- if lets_think is defined and lets_think -%}{{- " + _quoted(LETS_THINK) + " -}}"
        "{%- endif -%}{%- endif -%}"
    )


def prompt_text(question: str, lets_think: bool = False) -> str:
    """Return the prompt for one question as plain text (what the template renders)."""
    return OPENING + question + RESPONSE + (LETS_THINK if lets_think else "")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
