"""Errors are lines that survive the way out of a worker process."""

from __future__ import annotations

import pickle

import pytest

from mathmill.errors import (
    BudgetSpent,
    BusyDirectory,
    InputError,
    MathmillError,
    MissingExtra,
    StepFailed,
    TeacherError,
    UsageError,
)


@pytest.mark.parametrize("error", [
    InputError("rows.jsonl", "not JSON", "mend it", 7), MissingExtra("torch", "train"),
    UsageError("no"), TeacherError("no key"), StepFailed("nothing"), BusyDirectory("busy"),
    BudgetSpent("spent"),
])
def test_an_error_crosses_between_processes_with_its_line(error: MathmillError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)


def test_an_input_error_names_file_row_cause_and_cure() -> None:
    assert str(InputError("a.jsonl", "not JSON", "mend it", 7)) == "a.jsonl:7: not JSON; mend it"


def test_a_missing_extra_names_the_install_command() -> None:
    assert "pip install 'mathmill[api]'" in str(MissingExtra("aiohttp", "api"))
