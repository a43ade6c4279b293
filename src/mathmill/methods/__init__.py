"""The ways to make training rows from seeds, by name and in the groups of the papers.

Used as: `from mathmill.methods import BY_NAME, METAMATH`; a recipe names a group or single
methods, `synthesize` looks them up.
"""

from __future__ import annotations

from mathmill.methods import distractor, evolve, from_text, metamath, program, xwin
from mathmill.methods.irrelevant import ALL
from mathmill.types import Method

METAMATH: tuple[Method, ...] = (
    metamath.answer_augmentation, metamath.rephrase, metamath.fobar, metamath.self_verification)
EVOLVE: tuple[Method, ...] = (evolve.trajectory,)
OPERATORS: tuple[Method, ...] = (
    evolve.new, evolve.constrain, evolve.deepen, evolve.concretise, evolve.more_steps,
    evolve.easier, evolve.easier_new)
XWIN: tuple[Method, ...] = (xwin.create,)
DISTRACTORS: tuple[Method, ...] = tuple(
    distractor.Insert(count=count) for count in range(1, distractor.MOST + 1))
GSM_IC: tuple[Method, ...] = tuple(
    distractor.Sentence(in_topic=kind.in_topic, same_name=kind.same_name, in_range=kind.in_range)
    for kind in ALL)
PROGRAM_TEN: tuple[Method, ...] = (program.ten,)
PROGRAM_TWO: tuple[Method, ...] = (program.two, program.two_distractor)
PROGRAM: tuple[Method, ...] = (*PROGRAM_TEN, *PROGRAM_TWO)
# From texts: for a teacher, and in the short form for a synthesizer that was trained on its rows.
FROM_TEXT = from_text.group()
FROM_TEXT_TOOL = from_text.group(tool=True)
FROM_TEXT_SHORT = from_text.group(short=True)
FROM_TEXT_TOOL_SHORT = from_text.group(short=True, tool=True)

# Those that start from problems.
BY_NAME: dict[str, Method] = {
    method.name: method for method in (*METAMATH, *EVOLVE, *OPERATORS, *XWIN, *DISTRACTORS,
                                  *GSM_IC, *PROGRAM)}
