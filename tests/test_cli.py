"""The command line is a promise: its words are frozen, its errors are one line with a cure."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from mathmill import cli
from mathmill.cli.recipes import find_recipe
from mathmill.errors import UsageError

FROZEN = {
    "run": ["recipe", "--samples", "--seeds", "--teacher", "--base", "--test", "--scale", "--out",
            "--jobs", "--on", "--shared", "--processes", "--nodes", "--shard", "--max-cost",
            "--max-calls", "--max-tokens", "--prices", "--no-cost", "--journal"],
    "plan": ["recipe", "--samples", "--seeds", "--teacher", "--base", "--test", "--scale",
             "--out", "--jobs", "--max-cost", "--max-calls", "--max-tokens", "--prices",
             "--no-cost", "--journal", "--probe", "--probe-teacher", "--in-flight"],
    "show": ["recipe", "--samples", "--seeds", "--teacher", "--base", "--test", "--scale",
             "--out"],
    "grade": ["file", "--gold", "--pred", "--label", "--policy", "--out", "--jobs",
              "--self-test"],
    "generate": ["prompts", "--teacher", "--out", "--field", "--n", "--temperature",
                 "--max-tokens", "--stop", "--top-p", "--system", "--logprobs", "--max-cost",
                 "--max-calls", "--max-paid-tokens", "--prices", "--no-cost", "--journal"],
    "decontaminate": ["file", "--against", "--out", "--ngram", "--numbers", "--least",
                      "--neighbours", "--judge", "--field", "--item", "--force", "--self-test",
                      "--data", "--max-cost", "--max-calls", "--prices", "--no-cost",
                      "--journal"],
    "dedup": ["file", "--out", "--near", "--threshold", "--field"],
    "rate": ["file", "--out", "--by", "--model", "--samples", "--ask", "--temperature",
             "--max-tokens", "--policy", "--field", "--answer", "--max-cost", "--max-calls",
             "--prices", "--no-cost", "--journal"],
    "select": ["file", "--out", "--how", "--count", "--fraction", "--levels", "--level",
               "--difficulty", "--teacher", "--pass-rate", "--keep-repeats", "--field", "--seed",
               "--max-cost", "--max-calls", "--prices", "--no-cost", "--journal"],
    "stats": ["file", "--field", "--tokenizer", "--json"],
    "exec": ["file", "--field", "--out", "--gold", "--jobs", "--seconds", "--memory",
             "--crosscheck", "--twice", "--whole", "--policy"],
    "journal stats": ["folder"],
    "journal export": ["folder", "--out", "--teacher"],
    "journal prune": ["folder", "--teacher", "--days", "--yes"],
}


def mathmill(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, in a process of its own."""
    code = "import sys; from mathmill.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True,
                          cwd=cwd, timeout=120)


def test_commands_and_options_are_the_frozen_ones() -> None:
    found = {}
    for name, command in typer.main.get_command(cli.app).commands.items():
        for word, sub in getattr(command, "commands", {"": command}).items():
            found[f"{name} {word}".strip()] = [
                p.name if p.param_type_name == "argument" else p.opts[0] for p in sub.params]
    assert found == FROZEN


@pytest.mark.parametrize(("words", "says"), [
    (["run", "nosuch"], "there is no recipe 'nosuch'; there are: base_model, demo,"),
    (["run", "nosuch.py"], "there is no such recipe file"),
    (["run", "demo", "--samples", "0"], "--samples must be at least 1"),
    (["run", "demo", "--seeds", "nosuch.jsonl"], "nosuch.jsonl"),
    (["run", "demo", "--teacher", "oracle:"], "oracle:"),
    (["plan", "skywork_math", "--teacher", "openai:nosuch@https://models.example/v1"],
     "no price is known for nosuch at models.example"),
    (["run", "demo", "--max-cost", "plenty"], "--max-cost plenty: give a number of US dollars"),
    (["run", "demo", "--max-cost", "0"], "--max-cost 0 allows no call at all"),
    (["run", "demo", "--max-calls", "-3"], "--max-calls -3 allows no call at all"),
    (["run", "demo", "--max-cost", "5", "--no-cost"], "cannot be kept with --no-cost"),
    (["run", "demo", "--base", "./nosuch"], "nosuch"),
    (["run", "base_model", "--teacher", "symbolic:"], "takes no --teacher"),
    (["grade", "nosuch.jsonl"], "nosuch.jsonl"),
    (["exec", "nosuch.jsonl", "--field", "code"], "nosuch.jsonl"),
    (["dedup", __file__, "--out", "o.txt"], "written to a .jsonl or a .parquet file"),
    (["dedup", __file__, "--out", "o.jsonl", "--threshold", "0.8"], "give --near too"),
    (["dedup", __file__, "--out", "o.jsonl", "--near", "--threshold", "7"], "threshold=7.0"),
    (["stats", "nosuch.jsonl"], "nosuch.jsonl"),
    (["stats", __file__], "test_cli.py:1: this line is not JSON"),
    (["stats", __file__, "--tokenizer", "./nosuch"], "nosuch: there is no such model"),
    (["select", __file__, "--out", "o.txt"], "written to a .jsonl or a .parquet file"),
    (["select", __file__, "--out", "o.jsonl", "--how", "best"], "--how best: say coreset, random"),
    (["select", __file__, "--out", "o.jsonl"], "test_cli.py:1: this line is not JSON"),
    (["rate", __file__, "--out", "o.jsonl"], "asks a model; name one with --model"),
    (["rate", __file__, "--out", "o.jsonl", "--model", "oracle:"], "no teacher 'oracle:'"),
    (["journal", "stats", "nosuch"], "nosuch: there is no journal here; name the folder"),
    (["grade"], "name a file to grade"),
    (["grade", ".", "--policy", "lenient"], "there is no grading policy 'lenient'; use one of"),
    (["decontaminate", "rows.jsonl"], "name files, a benchmark and a place for the clean rows"),
    (["decontaminate", __file__, "--against", "nosuch.jsonl", "--out", "o.jsonl"], "nosuch.jsonl"),
    (["decontaminate", __file__, "--against", __file__, "--out", "o.jsonl", "--neighbours", "w"],
     "there is no encoder 'w'; say svd, words"),
    (["decontaminate", "--self-test", "--data", "."], "give a folder with the files benchmark"),
    (["run", "demo", "--on", "mars"], "--on mars: say local, ray (the cluster that runs here)"),
    (["run", "demo", "--shared", "nosuch://place"], "Protocol not known: nosuch; give a folder"),
    (["run", "demo", "--colour"], "No such option"),
    (["generate", "nosuch.jsonl", "--teacher", "symbolic:", "--out", "o.jsonl"], "nosuch.jsonl"),
    (["generate", __file__, "--teacher", "oracle:", "--out", "o.jsonl"], "no teacher 'oracle:'"),
    (["generate", "p.jsonl", "--teacher", "symbolic:", "--out", "o.txt"], "--out one of these"),
    (["generate", "p.jsonl", "--teacher", "symbolic:", "--out", "o.jsonl", "--top-p", "2"],
     "--top-p 2.0 cannot be"),
])
def test_what_the_user_must_mend_is_one_line(
        words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mathmill", *words])
    with pytest.raises(SystemExit) as left:  # in this process: two dozen would start for seconds
        cli.main()
    errors = capsys.readouterr().err
    assert left.value.code == 2
    assert says in errors
    last = [line for line in errors.splitlines() if line.startswith("mathmill:")]
    assert len(last) == 1 or "No such option" in says
    assert [file.name for file in tmp_path.iterdir()] == []


READ_ONLY = """
from mathmill.pipeline import seeds as read

def recipe(seeds):
    return read(seeds)
"""


def test_seeds_without_questions_name_the_fields_that_were_seen(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text_of_it": "2 + 2?"}\n')
    (tmp_path / "read.py").write_text(READ_ONLY)
    result = mathmill("run", "read.py", "--seeds", "rows.jsonl", cwd=tmp_path)
    assert result.returncode == 2
    assert "rows.jsonl" in result.stderr
    assert "text_of_it" in result.stderr


def test_a_recipe_that_returns_no_step_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def recipe():\n    return 5\n")
    result = mathmill("show", "mine.py", cwd=tmp_path)
    assert result.returncode == 2
    assert "mine.py: its function recipe(...) returned int" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_recipe_that_is_no_python_is_told_with_its_line(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torn.py").write_text("x = 1\ndef recipe(: pass\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"torn\.py:2: invalid syntax; mend the recipe"):
        find_recipe("torn.py")


@pytest.mark.parametrize(("error", "full"), [
    (OSError(errno.ENOSPC, "No space left on device", "rows.parquet"), True),
    (RuntimeError("I/O error: No space left on device (os error 28)"), True),
    (OSError(errno.EACCES, "Permission denied"), False)])
def test_a_full_disk_is_known_whoever_reports_it(error: Exception, full: bool) -> None:
    assert cli.disk_is_full(error) is full


def test_an_empty_seed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    (tmp_path / "read.py").write_text(READ_ONLY)
    result = mathmill("run", "read.py", "--seeds", "rows.jsonl", cwd=tmp_path)
    assert result.returncode == 2
    assert "rows.jsonl" in result.stderr


def test_grade_goes_on_past_bad_rows_and_writes_a_row_for_each(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"g": 5, "p": "#### 5"}\nnot JSON\n{"g": 5}\n')
    result = mathmill("grade", "rows.jsonl", "--gold", "g", "--pred", "p", "--out", "graded.jsonl",
                      cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "correct 1, wrong 0, undecided 0" in result.stdout
    assert "2 rows could not be read" in result.stdout
    assert "rows.jsonl:3: there is no field 'p'; seen: g" in result.stderr
    assert "2 rows could not be read, the first: rows.jsonl:2" in result.stderr
    assert (result.stdout + result.stderr).count("rows.jsonl:2") == 1
    assert len((tmp_path / "graded.jsonl").read_text().splitlines()) == 3


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
         ) -> Callable[..., tuple[object, str, str]]:
    """Run a command in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def ran(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["mathmill", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code, *capsys.readouterr()

    return ran


@pytest.mark.parametrize(("command", "options"), [
    ("grade", ("--gold", "g", "--pred", "p", "--label", "right", "--jobs", "1")),
    pytest.param("exec", ("--field", "p", "--jobs", "1"), marks=pytest.mark.slow),
    ("generate", ("--field", "p", "--teacher", "scripted:s.jsonl", "--out", "o.jsonl"))])
def test_rows_that_cannot_be_read_are_one_line_and_end_with_2_only_where_all_are(
        here: Callable[..., tuple[object, str, str]], command: str,
        options: tuple[str, ...]) -> None:
    bad = "not JSON\n" * 16
    Path("part.jsonl").write_text('{"g": "5", "p": "5", "right": true}\n' + bad)
    Path("all.jsonl").write_text(bad)
    Path("s.jsonl").write_text('{"text": "5"}\n')
    code, said, errors = here(command, "part.jsonl", *options)
    assert code == 0
    assert "mathmill: 16 rows could not be read, the first: " in errors
    assert errors.count("this line is not JSON") == 5
    assert "and 11 more" in errors
    assert "this line is not JSON" not in said
    code, said, errors = here(command, "all.jsonl", *options)
    assert code == 2
    assert "this line is not JSON" in errors


def test_a_file_whose_every_call_fails_ends_with_1_and_the_reason(
        here: Callable[..., tuple[object, str, str]]) -> None:
    Path("p.jsonl").write_text('{"prompt": "a"}\n{"prompt": "b"}\n')
    for script, code, line in (
            ('{"match": ".", "text": "", "finish": "error"}\n', 1, "all 2 failed, the first: "
             "p.jsonl:1: the script says so; the same command asks for them again"),
            ('{"match": "a", "text": "", "finish": "error"}\n{"match": ".", "text": "x"}\n', 0,
             "1 failed, the first: p.jsonl:1: the script says so; the same command asks for it")):
        Path("script.jsonl").write_text(script)
        left, _, errors = here("generate", "p.jsonl", "--teacher", "scripted:script.jsonl",
                               "--out", "o.jsonl")
        assert left == code
        assert f"mathmill: {line}" in errors


def test_a_folder_without_rows_and_a_file_without_the_field_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"q": 5, "p": "#### 5"}\n' * 3)
    result = mathmill("grade", ".", "--gold", "g", "--pred", "p", "--out", "graded.jsonl",
                      cwd=tmp_path)
    assert result.returncode == 2
    assert ("rows.jsonl:1: there is no field 'g'; seen: q, p (as for all 3 rows)"
            in result.stderr)
    assert len(result.stderr.splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_show_runs_nothing(tmp_path: Path) -> None:
    result = mathmill("show", "demo", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "0 of " in result.stdout
    assert list(tmp_path.iterdir()) == []
