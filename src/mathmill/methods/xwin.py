"""Xwin-Math: create a problem, check it by solving it, correct it, then solve it afresh.

Why: a teacher that must solve its own problem notices missing and contradictory conditions
while it can still mend them. Creating, checking and correcting are one call, so that the
correction sees the check; the solution that is kept comes from a second call, which has not
seen the first (Xwin-Math, Li et al. 2024, section 3; Skywork-Math, section 3.1).

Which problem is taken: `Final problem:`. Where that section is missing, or says only that
nothing changed, `Created problem:` stands in - but only if the check says in words that
nothing needs to change, and nothing to the contrary. All else is dropped: a problem
whose check found a fault and whose correction was lost is known to be bad.

Used as: `xwin.create.attempt(seed, number)`, by `synthesize`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mathmill.methods.attempt import Attempting, Trail, Working, check_problem, parent_of
from mathmill.methods.replies import Unusable, sections, unwrap
from mathmill.types import Problem

CREATED, CHECK, FINAL = "Created problem", "Check", "Final problem"
CHINESE = {"所编题目": CREATED, "编写的题目": CREATED, "检验": CHECK, "检查": CHECK,
           "最终题目": FINAL, "定稿题目": FINAL}

_FINE = re.compile(
    r"\b(?:no|nothing|without)\b.{0,30}\b(?:change|changes|changed|correction|corrections"
    r"|modification|modifications|modify|revise|revision|fix|fixed)\b"
    r"|\b(?:problem|question|logic|everything|all|it|this) (?:is|are|was) (?:all |fully |now )?"
    r"(?:correct|consistent|sound|fine|valid|well posed|well-posed)\b"
    r"|(?:无需|不需要|不必|没有)[^。]{0,6}(?:修改|改动|更改|问题)", re.IGNORECASE)
_FAULT = re.compile(
    r"\b(?:must|should|needs? to|has to|have to|to) be (?:changed|corrected|fixed|modified"
    r"|revised|mended)\b|\b(?:incorrect|inconsistent|contradict\w*|impossible|missing|unclear"
    r"|ambiguous|flawed|mistake|error)\b|(?<!不)(?<!无)需要?修改|矛盾|有误|错误", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:no|not|nothing|without|never|any)\b[^.;]{0,30}$|(?:没有|无|不|未)[^。]{0,6}$",
    re.IGNORECASE)
_UNCHANGED = re.compile(
    r"^\W{0,3}(?:(?:the )?same(?: as\b.{0,40})?|unchanged|no changes?(?: needed)?"
    r"|(?:as|see) (?:created|above)(?: problem)?|无需修改|同上|不变)\W{0,3}$", re.IGNORECASE)


def says_fine(check: str) -> bool:
    """Tell whether a check says that nothing needs to change, and names no fault.

    A fault that is denied in the same clause ("no contradiction", "nothing is missing")
    counts for nothing.
    """
    faults = [hit for hit in _FAULT.finditer(check)
              if not _DENIED.search(check[max(0, hit.start() - 40):hit.start()])]
    return bool(_FINE.search(check)) and not faults


def read_created(reply: str) -> tuple[str, str]:
    """Return (created, final) problem of a reply; raises Unusable where none can be trusted."""
    found = {CHINESE.get(label, label): text
             for label, text in sections(reply, CREATED, CHECK, FINAL, *CHINESE).items()}
    created, final = unwrap(found.get(CREATED, "")), unwrap(found.get(FINAL, ""))
    if final and not _UNCHANGED.match(final):
        return created, final
    if not created:
        raise Unusable("section missing", reply)
    if not says_fine(found.get(CHECK, "")):
        raise Unusable("no final problem", reply)
    return created, created


@dataclass(frozen=True)
class Create(Attempting):
    """One new problem a call, self-corrected, then solved in a second call."""

    name: str = "xwin.create"
    temperature: float = 1.0
    max_tokens: int = 2048

    def prompts(self) -> tuple[str, ...]:
        """Return both prompts."""
        return ("xwin/create", "solve")

    def work(self, seed: Problem, number: int) -> Working:
        """Have a problem created and solved; its parent is the draft if that was corrected."""
        trail = Trail(number, seed.language)
        reply = yield from self.ask(trail, "xwin/create", problem=seed.question)
        created, final = read_created(reply)
        question = check_problem(final, seed.question, growth=800)
        draft = created and created != question
        return (yield from self.solved(
            trail, question, seed, expected=None,
            parent=parent_of(created, seed) if draft else seed.id))


create = Create()
