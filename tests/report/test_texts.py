"""What a report says of texts: sources, kinds, licences; and that rows lead back to them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from mathmill.execution import local
from mathmill.execution.store import Store
from mathmill.io import read_rows
from mathmill.methods import FROM_TEXT
from mathmill.pipeline import synthesize, texts
from mathmill.report.graph import Graph, walk
from mathmill.report.lineage import family, pick_examples
from mathmill.report.sections.texts import render
from mathmill.texts import Text
from mathmill.types import Sample
from mathmill.workbench import Workbench


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """Read a finished run of texts and rows made from them."""
    home = tmp_path_factory.mktemp("run")
    rows = synthesize(texts({"shipped:": 1, "symbolic:count=60": 1}, count=40), FROM_TEXT[:2], 12)
    local.run(rows, home, jobs=1)
    return walk(Workbench(home / "report", inputs={"data": Store(home).folder(rows)}, home=home))


def test_the_report_tells_texts_by_source_kind_and_licence(graph: Graph) -> None:
    page = str(render(SimpleNamespace(graph=graph)))
    for words in ("shipped:", "symbolic:count=60", "40 texts", "Apache-2.0", "encyclopedia",
                  "left over"):
        assert words in page.replace("\u00a0", " "), words


def test_a_run_without_texts_has_no_such_section(graph: Graph) -> None:
    bare = Graph(tuple(node for node in graph.steps if node.verb != "texts"), {})
    assert str(render(SimpleNamespace(graph=bare))) == ""


def test_rows_lead_back_to_the_text_that_they_were_made_from(graph: Graph) -> None:
    folder = next(graph.verbs("texts")).folder
    known = {text.id: text.text for text in read_rows(Path(folder) / "rows.parquet", Text)}
    traces = [trace for trace in pick_examples(graph) if trace.sample]
    assert len(traces) == 2
    for trace in traces:
        assert trace.seed.question == known[trace.sample.seed]
    found = family(graph, traces[0].seed.id)
    rows = list(read_rows(graph.data[0].folder / "rows.parquet", Sample))
    assert len(found.kept) == sum(row.seed == found.seed.id for row in rows)
