"""The one error tree. What the user must fix is one line with its cure and no traceback.

    MathmillError
    ├── UsageError          a name, an option or a recipe that cannot be right
    ├── InputError          a file or a row that cannot be read (file, row, cause, cure)
    ├── MissingExtra        a package that an extra would have installed
    ├── TeacherError        a teacher that cannot answer at all (no key, refused, not there)
    ├── BudgetSpent         a cap on cost, calls or tokens that the next call could pass
    ├── StepFailed          a step that cannot give what was asked (nothing accepted, ...)
    └── BusyDirectory       another run holds the output directory

What mathmill itself got wrong is an `assert` or an unexpected exception, with a traceback.
The command line turns a MathmillError into one line and exit code 2.
"""

from __future__ import annotations


class MathmillError(Exception):
    """Something that the user can mend; `str(error)` names the cause and the cure."""

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes as the finished line, whatever made it."""
        return _from_line, (type(self), str(self))


class UsageError(MathmillError):
    """A name, an option or a recipe that cannot be right."""


class InputError(MathmillError):
    """A file or a row that cannot be read."""

    def __init__(self, path: object, cause: str, cure: str, row: int | None = None) -> None:
        """Say where (`path`, 1-based `row`), why and what to do about it."""
        place = f"{path}" if row is None else f"{path}:{row}"
        super().__init__(f"{place}: {cause}; {cure}")


class MissingExtra(MathmillError):
    """A package is missing that one of mathmill's extras would have installed."""

    def __init__(self, package: str, extra: str) -> None:
        """Name the package and the install command."""
        super().__init__(
            f"this needs the package {package}; install it with: "
            f"pip install torch==2.13.0 && pip install 'mathmill[{extra}]'"
            if extra == "train" else
            f"this needs the package {package}; install it with: pip install 'mathmill[{extra}]'"
        )


class TeacherError(MathmillError):
    """A teacher that cannot answer at all."""


class BudgetSpent(MathmillError):
    """A cap on cost, calls or tokens that the next call could pass."""


class StepFailed(MathmillError):
    """A step that cannot give what was asked of it."""


class BusyDirectory(MathmillError):
    """Another run holds the output directory."""


def _from_line(kind: type[MathmillError], line: str) -> MathmillError:
    error = kind.__new__(kind)
    error.args = (line,)
    return error
