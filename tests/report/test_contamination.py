"""What a report says of contamination: by finder, with the item beside the row that went."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mathmill.columns import row_question
from mathmill.execution import local
from mathmill.execution.store import Store
from mathmill.methods import METAMATH
from mathmill.pipeline import decontaminate, seeds, synthesize
from mathmill.report.graph import Graph, walk
from mathmill.report.sections.contamination import render
from mathmill.workbench import Workbench


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """Read a finished run in which a judge and two finders met copies of the benchmark."""
    home = tmp_path_factory.mktemp("run")
    items = seeds("symbolic:count=12,seed=1")
    rows = synthesize(seeds("symbolic:count=40,seed=1"), [METAMATH[1]], 40)  # told anew, 12 of them
    clean = decontaminate(rows, {"test": items}, signatures=False, numbers=True,
                          neighbours="words", judge="symbolic:")
    local.run(clean, home, jobs=1)
    return walk(Workbench(home / "report", inputs={"data": Store(home).folder(clean)}, home=home))


def test_the_report_tells_finders_and_shows_rows_with_their_items(graph: Graph) -> None:
    page = str(render(SimpleNamespace(graph=graph))).replace("\u00a0", " ")
    for words in ("test", "numbers", "neighbours words", "judge: like an item of test",
                  "the judge said asked", "40 rows compared", "symbolic:"):
        assert words in page, words
    node = next(graph.verbs("decontaminate"))
    assert node.rows_dropped in range(11, 16)
    assert node.facts["against"]["test"]["rows_hit"]["judge"] >= 6


def test_a_run_without_a_benchmark_has_no_such_section(graph: Graph) -> None:
    bare = Graph(tuple(node for node in graph.steps if node.verb != "decontaminate"), {})
    assert str(render(SimpleNamespace(graph=bare))) == ""


def test_the_question_of_a_dropped_row_is_read_or_empty() -> None:
    assert row_question('{"question": "How many?"}') == "How many?"
    assert [row_question(line) for line in ("", "{", "[]", "{}")] == [""] * 4
