"""The walk back through manifests, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from mathmill.errors import InputError
from mathmill.report.cost import cost
from mathmill.report.graph import walk
from mathmill.report.lineage import family, final_rows, pick_examples
from mathmill.workbench import Workbench


def test_every_step_stands_after_the_steps_it_read(whole: tuple[Workbench, Any]) -> None:
    graph = walk(whole[0])
    seen: set[str] = set()
    for node in graph.steps:
        assert seen >= set(node.inputs.values())
        seen.add(node.id)
    assert [n.verb for n in graph.ancestors(graph.input("data"))] == [
        "seeds", "synthesize", "verify", "decontaminate"]
    assert len(graph.steps) == 4 + 2 * 36 + 1 + 9


def test_an_unfinished_step_is_refused(run: Any) -> None:
    bench = run.bench(data=run.step("seeds", "seeds", rows=[]))
    (bench.inputs["data"] / "manifest.json").unlink()
    with pytest.raises(InputError, match="not finished"):
        walk(bench)


def test_a_row_is_traced_to_its_seed_and_a_seed_to_its_rows(
        whole: tuple[Workbench, Any]) -> None:
    graph = walk(whole[0])
    traces = pick_examples(graph)
    assert {(t.method, t.drop is None) for t in traces} == {
        (m, kept) for m in ("metamath.rephrase", "metamath.fobar", "evolve.deepen", "xwin.create")
        for kept in (True, False)}
    for trace in traces:
        assert trace.sample is not None
        assert trace.seed is not None
        assert trace.sample.seed == trace.seed.id
    seed = next(final_rows(graph))[1].seed
    found = family(graph, seed)
    assert found is not None
    assert len(found.kept) + len(found.dropped) == 4
    assert all(row.seed == seed for row in found.kept)


def test_tokens_and_seconds_are_added_up(whole: tuple[Workbench, Any]) -> None:
    spent = cost(walk(whole[0]))
    assert (spent.tokens.read, spent.tokens.written) == (4 * 9000 + 20_000, 4 * 4200 + 11_000)
    assert {s.verb: s.steps for s in spent.by_verb}["train"] == 36
    assert spent.money == "no price known"
