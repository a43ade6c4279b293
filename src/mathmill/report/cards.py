"""A dataset card and a model card: short Markdown, from the same facts as the report.

Used as: `dataset_card(material)`, `model_card(material)`; `page` writes both beside the report.
"""

from __future__ import annotations

import json
import re
from collections import Counter

from mathmill.report.lineage import final_rows
from mathmill.report.markup import count, percent, seconds, span
from mathmill.report.material import Material
from mathmill.report.scores import counted

MARKED = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def plain(text: object) -> str:
    """Return text on one line in which Markdown and HTML see no markup."""
    return MARKED.sub(r"\\\1", " ".join(str(text).split()))


def dataset_card(material: Material) -> str | None:
    """Return the card of the final rows; None where the run made none."""
    graph = material.graph
    if not graph.data:
        return None
    methods: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    teachers: Counter[str] = Counter()
    for _, row in final_rows(graph):
        methods[row.method] += 1
        languages[row.language] += 1
        verdicts[row.verdict or "not checked"] += 1
        teachers[graph.teacher(row.teacher) or "none"] += 1
    steps = [f"| {plain(n.name)} | {count(n.rows_in)} | {count(n.rows_kept)} | "
             f"{'; '.join(f'{plain(r)} {count(k)}' for r, k in sorted(n.dropped.items())) or '–'} |"
             for n in graph.ancestors(*graph.data)]
    return "\n".join([
        f"# Data of {plain(material.title)}", "",
        f"{count(methods.total())} questions with worked solutions, made by mathmill.", "",
        *_counts("Method", methods), *_counts("Language", languages),
        *_counts("Verdict", verdicts), *_counts("Teacher", teachers),
        "## How it was made", "", "| step | in | kept | dropped |", "|---|---|---|---|", *steps, "",
        "## Limits", "",
        "The solutions were written by a teacher, not by people; a verdict says what was checked, "
        "not that the row is right. Every row names its seed, method, prompts and checks.", ""])


def model_card(material: Material) -> str | None:
    """Return the card of the main model; None where no model was scored."""
    result = material.main
    if result is None:
        return None
    graph = material.graph
    made = [node for node in graph.ancestors(result.node) if node.verb == "train"]
    lines = [f"# {plain(result.label)} of {plain(material.title)}", ""]
    for node in made:
        literals = json.dumps(node.literals, indent=2, ensure_ascii=False, sort_keys=True)
        lines += [f"Trained in the step {plain(node.name)} ({seconds(node.seconds)}):", "",
                  "```json", literals, "```", ""]
    if not made:
        lines += ["Scored as it came: this run did not train it.", ""]
    lines += ["## Accuracy", "", "| suite | tolerant | strict | n | undecided | cut off |",
              "|---|---|---|---|---|---|"]
    for suite in result.suites:
        grades = counted(result.of(suite))
        cells = [f"{percent(grades.share(m))} "
                 f"{span(*material.stats.wilson(grades.solved(m), grades.total))}"
                 for m in ("tolerant", "strict")]
        lines.append(f"| {plain(suite)} | {cells[0]} | {cells[1]} | {count(grades.total)} | "
                     f"{grades.undecided} | {grades.truncated} |")
    return "\n".join([*lines, "", "Share of items solved by the first answer, greedy, with 95 % "
                      "Wilson intervals.", ""])


def _counts(word: str, counted: Counter[str]) -> list[str]:
    rows = [f"| {plain(name)} | {count(n)} |"
            for name, n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
    return [f"| {word} | rows |", "|---|---|", *rows, ""]
