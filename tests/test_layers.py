"""The import law of the house: who may import whom, and what must not be imported at the top."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
GROUND = {"io", "types", "errors", "identity", "workbench", "dollars", "programs", "candidates",
          "columns", "words", "texts", "schemas", "transcripts", "accounting", "memory",
          "packed"}
LAW = {  # room -> rooms it may import, besides the ground and itself
    "cli": {"pipeline", "execution", "grading", "teachers", "stages.generate", "planning"},
    "planning": {"execution", "teachers", "stages.budget"},
    "pipeline": {"execution", "stages", "methods", "train", "evaluate", "report", "teachers",
                 "grading", "decoding"},
    "stages": {"teachers.base", "grading"},
    "methods": {"teachers.base", "teachers.declining", "grading"},
    "evaluate": {"teachers.base", "grading", "decoding", "ranks"},
    "decoding": set(), "train": {"decoding", "ranks"}, "teachers": {"decoding"}, "report": set(),
    "execution": set(), "grading": set(), "ranks": set(),
}
HEAVY = {"torch", "transformers", "trl", "ray", "vllm", "sympy", "datasets", "aiohttp", "scipy",
         "math_verify", "pydantic_monty", "latex2mathml", "peft", "accelerate", "tokenizers",
         "fsspec", "s3fs", "sentence_transformers"}
FILES = sorted(SOURCE.glob("mathmill/**/*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE / "mathmill").with_suffix("").parts
    return parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_what_the_law_allows(path: Path) -> None:
    room = room_of(path)
    for name in imports(tree_of(path)):
        if not name.startswith("mathmill"):
            continue
        if name.startswith("mathmill_recipes"):  # the command line finds recipes by name
            assert room == "cli", f"the library imports a recipe: {name}"
            continue
        inside = name.removeprefix("mathmill").lstrip(".")
        target = inside.split(".")[0]
        if target in GROUND or target in {room, "__version__"} or not target:
            continue
        assert room not in GROUND, f"the ground imports {name}"
        allowed = LAW[room]
        assert any(inside == a or inside.startswith(a + ".") for a in allowed), (
            f"{room} may not import {name}")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_heavy_packages_are_imported_only_inside_functions(path: Path) -> None:
    tree = tree_of(path)
    at_the_top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    for name in imports(ast.Module(body=at_the_top, type_ignores=[])):
        assert name.split(".")[0] not in HEAVY, f"{name} at the top of {path.name}"


@pytest.mark.parametrize("path", sorted(SOURCE.glob("mathmill_recipes/*.py")),
                         ids=lambda p: p.name)
def test_recipes_stand_on_the_public_verbs(path: Path) -> None:
    for name in imports(tree_of(path)):
        if name.startswith("mathmill.") or name == "mathmill":
            assert name.startswith(("mathmill.pipeline", "mathmill.types", "mathmill.methods",
                                    "mathmill.errors")), name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_every_file_says_what_it_is_and_stays_a_room(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(tree_of(path)), "no docstring"
    assert len(text.splitlines()) <= 310, "the room has become two"
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def test_importing_mathmill_and_its_command_line_loads_nothing_heavy() -> None:
    code = ("import sys, mathmill, mathmill.cli, mathmill.types, mathmill.pipeline;"
            "print(','.join(sys.modules))")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=True, env={"PYTHONPATH": str(SOURCE), "PATH": ""}).stdout
    roots = {name.split(".")[0] for name in loaded.strip().split(",")}
    assert not roots & (HEAVY | {"pyarrow", "numpy"}), roots & (HEAVY | {"pyarrow", "numpy"})
