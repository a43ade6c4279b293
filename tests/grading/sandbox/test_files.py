"""A file of programs: every row answered in order, bad rows named, work gone on with."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import BusyDirectory, InputError, UsageError
from mathmill.grading.sandbox.files import ExecOptions, ExecSummary, exec_file
from mathmill.grading.sandbox.journal import Journal
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program

FORM = "def simple_math_problem():\n    return {}\n"


class Stand:
    """A stand-in for the sandbox that reads the number in `return N` and looks far ahead."""

    def __init__(self, seconds: float = 0.0, ahead: int = 50) -> None:
        self.ran = 0
        self._seconds, self._ahead = seconds, ahead

    def run(self, programs: Iterable[Program]) -> Iterator[Outcome]:
        batch: list[Program] = []
        for program in programs:
            batch.append(program)
            if len(batch) == self._ahead:
                yield from self._all(batch)
                batch = []
        yield from self._all(batch)

    def _all(self, batch: list[Program]) -> Iterator[Outcome]:
        for program in batch:
            self.ran += 1
            time.sleep(self._seconds)
            said = program.code.rsplit("return", 1)[-1].strip()
            if said == "loop":
                yield Outcome("timeout", error="2 s", engine="stand")
            elif said == "draw":
                yield Outcome("value", str(program.state), "int", engine="stand")
            elif said == "differ":
                yield Outcome("refused", error="engines differ: 1 and 2", engine="stand")
            elif said == "boom":
                yield Outcome("error", error="NameError", engine="stand")
            else:
                yield Outcome("value", said, "float" if "." in said else "int", engine="stand",
                              seconds=random.random())


def executed(path: Path, field: str = "code", **more: Any) -> tuple[ExecSummary, Stand]:
    stand = more.pop("stand", None) or Stand()

    @contextmanager
    def sandbox() -> Iterator[Stand]:
        yield stand

    return exec_file(path, field, sandbox=lambda: sandbox(), **more), stand


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n"
                            for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_row_is_answered_in_order_and_bad_rows_are_named(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", {"id": "a", "code": FORM.format(7)}, "{broken",
                   {"id": 2, "code": FORM.format("boom")}, {"text": "no code"}, "[1]", "",
                   {"code": "I do not know."}, {"code": 5}, {"code": FORM.format("18.0")})
    summary, stand = executed(file)
    rows = read(tmp_path / "rows.exec.jsonl")
    assert [(row["row"], row["id"], row["outcome"], row["answer"]) for row in rows] == [
        (1, "a", "value", "7"), (2, None, "unreadable", None), (3, "2", "error", None),
        (4, None, "no field", None), (5, None, "unreadable", None),
        (7, None, "no program", None), (8, None, "no field", None), (9, None, "value", "18")]
    assert stand.ran == 3
    said = summary.text()
    assert "value 2, error 1, no program 1, no field 2, unreadable 2" in said
    assert "row 2: this line is not JSON" in said
    assert "row 4: no field 'code'; seen: text" in said
    assert "row 8: field 'code' is int, not text" in said
    assert "error: NameError: 1" in said


def test_bytes_that_are_no_text_are_rows_too(tmp_path: Path) -> None:
    good = json.dumps({"code": FORM.format(7)}).encode()
    (tmp_path / "rows.jsonl").write_bytes(
        b"\xef\xbb\xbf" + good + b"\n\xff\xfe{}\n\x00\n" + b"[" * 100_000 + b"\n"
        + b'{"id": "\\ud800", "code": "x = 5\\nprint(x)"}\n' + good)
    executed(tmp_path / "rows.jsonl")
    rows = read(tmp_path / "rows.exec.jsonl")
    assert [row["outcome"] for row in rows] == ["value", "unreadable", "unreadable", "unreadable",
                                                "value", "value"]
    assert rows[4]["id"] == "\ud800"


def test_a_list_of_programs_gives_a_row_each(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", {"out": {"codes": [FORM.format(1), FORM.format(2)]}},
                   {"out": {"codes": FORM.format(3)}}, {"out": {"codes": []}})
    executed(file, "out.codes")
    rows = read(tmp_path / "rows.exec.jsonl")
    assert [(row["row"], row["sample"], row["answer"]) for row in rows] == [
        (1, 0, "1"), (1, 1, "2"), (2, None, "3"), (3, None, None)]


def test_gold_answers_give_verdicts_and_an_accuracy_with_its_interval(tmp_path: Path) -> None:
    rows = [(7, 7), ("18.000000000000004", 18.0), (3, "#### 3"), (4, 5), ("boom", 5), ("loop", 5),
            ("differ", 5), (5, None)]
    file = written(tmp_path / "rows.jsonl", *({"code": FORM.format(v), "t": {"gold": g}}
                                              for v, g in rows))
    summary, _ = executed(file, gold="t.gold")
    found = read(tmp_path / "rows.exec.jsonl")
    assert [row["verdict"] for row in found] == [
        "correct", "correct", "correct", "wrong", "wrong", "undecided", "undecided", "undecided"]
    assert [row["how"] for row in found[4:]] == ["error", "timeout", "refused", "no gold answer"]
    said = summary.text()
    assert "37.5% correct, 95 % interval 13.7% to 69.4%" in said
    assert "correct 3, wrong 2, undecided 3" in said
    assert "engines differ on 1 (dropped as refused): rows 7" in said


def test_the_switch_for_whole_numbers_reaches_the_answers(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", {"code": FORM.format("17.9999999999")})
    executed(file, out=tmp_path / "a.jsonl")
    executed(file, out=tmp_path / "b.jsonl", options=ExecOptions(whole=0))
    assert [read(tmp_path / name)[0]["answer"] for name in ("a.jsonl", "b.jsonl")] == [
        "18", "17.9999999999"]


def test_each_row_says_why_it_has_no_answer_and_twice_finds_what_is_drawn(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *({"code": FORM.format(n)} for n in (
        7, "draw", "loop", "boom")), {"code": "no program"})
    _, once = executed(file)
    assert [row["reason"] for row in read(tmp_path / "rows.exec.jsonl")] == [
        "", "", "did not end in 2 s", "raises NameError", "holds no code that leaves a result"]
    out = tmp_path / "twice.jsonl"
    summary, both = executed(file, out=out, options=ExecOptions(twice=True))
    assert (once.ran, both.ran) == (4, 8)
    assert read(out)[1]["reason"] == "is not deterministic: 0, then 1"
    assert "refused: not deterministic: 0, then 1: 1" in summary.text()
    with pytest.raises(UsageError, match="twice"):
        executed(file, out=out)


def test_parquet_in_and_out_hold_the_same_rows_as_jsonl(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = [{"code": FORM.format(n), "id": f"r{n}", "more": {"gold": n}} for n in range(3)]
    pq.write_table(pa.Table.from_pylist(data), tmp_path / "rows.parquet")
    written(tmp_path / "rows.jsonl", *data)
    executed(tmp_path / "rows.parquet", gold="more.gold", out=tmp_path / "out.parquet")
    executed(tmp_path / "rows.jsonl", gold="more.gold", out=tmp_path / "out.jsonl")
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == read(tmp_path / "out.jsonl")
    summary, stand = executed(tmp_path / "rows.parquet", gold="more.gold",
                              out=tmp_path / "out.parquet")
    assert (summary.total, stand.ran) == (3, 0)


def test_the_same_command_again_runs_nothing_and_sums_up(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *({"code": FORM.format(n)} for n in range(5)))
    first, _ = executed(file)
    again, stand = executed(file)
    assert stand.ran == 0
    assert again.outcomes == first.outcomes
    assert "nothing was run" in again.text()


@pytest.mark.parametrize("torn", [b"", b'{"row": 21, "outc', b"\x00\x00\x00", b"{}garbage\n",
                                  b'{"row": 21, "sample": null}'])
def test_a_torn_journal_is_cut_off_and_goes_on(tmp_path: Path, torn: bytes) -> None:
    file = written(tmp_path / "rows.jsonl", *({"code": FORM.format(n)} for n in range(50)))
    executed(file, out=tmp_path / "whole.jsonl")
    executed(file, out=tmp_path / "out.jsonl")
    rows = (tmp_path / "out.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "out.jsonl").unlink()
    (tmp_path / "out.jsonl.part").write_bytes(b"".join(rows[:20]) + torn)
    summary, stand = executed(file, out=tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert (summary.before, stand.ran) == (20, 30)
    assert not (tmp_path / "out.jsonl.part").exists()


def test_other_settings_and_other_files_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", {"code": FORM.format(1)})
    executed(file)
    with pytest.raises(UsageError, match=r"begun by another command .seconds 2.0 then, 5 now"):
        executed(file, options=ExecOptions(Limits(seconds=5)))
    written(file, {"code": FORM.format(2)})
    with pytest.raises(UsageError, match=r"begun by another command .ends"):
        executed(file)
    with pytest.raises(UsageError, match="did not make it"):
        executed(file, out=written(tmp_path / "mine.jsonl", {"dear": "to me"}))
    assert read(tmp_path / "mine.jsonl") == [{"dear": "to me"}]


def test_two_processes_never_write_one_output(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", {"code": FORM.format(1)})
    with Journal(tmp_path / "out.jsonl", {"a": 1}), \
            pytest.raises(BusyDirectory, match="another process is writing"), \
            Journal(tmp_path / "out.jsonl", {"a": 1}):
        pass
    assert file.exists()


@pytest.mark.parametrize(("options", "words"), [
    (ExecOptions(Limits(seconds=0)), "--seconds"), (ExecOptions(Limits(memory_mb=1)), "--memory"),
    (ExecOptions(crosscheck=2), "--crosscheck"), (ExecOptions(whole=1), "--whole"),
    (ExecOptions(jobs=0), "--jobs"), (ExecOptions(policy="lenient"), "lenient")])
def test_options_out_of_range_are_refused(tmp_path: Path, options: ExecOptions,
                                          words: str) -> None:
    file = written(tmp_path / "rows.jsonl", {"code": FORM.format(1)})
    with pytest.raises(UsageError, match=words):
        executed(file, options=options)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_missing_file_or_field_is_one_line_that_names_what_is_there(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", "{broken", {"code": "x", "id": 1})
    with pytest.raises(InputError, match=r"no file but a folder"):
        exec_file(tmp_path, "code")
    with pytest.raises(InputError, match=r"no such file"):
        executed(tmp_path / "none.jsonl")
    for more in ({"field": "cod"}, {"gold": "target"}):
        with pytest.raises(InputError, match=r"there is no field .* seen: code, id") as error:
            executed(file, **more)
        assert "\n" not in str(error.value)
    (tmp_path / "rows.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        executed(tmp_path / "rows.parquet")
    assert not list(tmp_path.glob("*.part"))


def test_an_empty_file_gives_an_empty_result(tmp_path: Path) -> None:
    summary, _ = executed(written(tmp_path / "rows.jsonl"))
    assert summary.total == 0
    assert (tmp_path / "rows.exec.jsonl").read_bytes() == b""
    assert "nothing to run" in summary.text()


def test_progress_ends_at_all_rows(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *({"code": FORM.format(n)} for n in range(20)))
    heard: list[tuple[int, int | None, str]] = []
    executed(file, show=lambda *words: heard.append(words))
    assert heard[-1] == (20, 20, "")
    assert [done for done, _, _ in heard] == list(range(1, 21))
    assert all(total is not None and 18 <= total <= 22 for _, total, _ in heard[5:])
