"""Open a teacher by the name that a recipe or the command line gives.

| name | who answers |
|---|---|
| `symbolic:` or `symbolic:error_rate=0.2` | the program that reads story problems (no model) |
| `scripted:FILE.jsonl` | replies from a file |
| `openai:MODEL` or `openai:MODEL@http://host:port/v1` | any OpenAI-compatible server |

Used as: `open_teacher("openai:gpt-5-mini", home, terms)`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from mathmill.errors import InputError, UsageError
from mathmill.teachers.base import Teacher
from mathmill.teachers.journal import Journaled, place
from mathmill.workbench import Terms

KINDS = ("symbolic:[error_rate=0..1]", "scripted:FILE.jsonl", "openai:MODEL[@http://HOST/v1]")


def open_teacher(name: str, home: Path | None = None, terms: Terms | None = None) -> Teacher:
    """Return the teacher of this name; with `home` (a run's folder) its replies are kept there.

    `terms` say what may be spent.

    All kinds are journalled alike, the symbolic one too: one law, and a rerun that reads the
    same replies whoever wrote them. Raises UsageError for a name that cannot be right,
    TeacherError where a key is missing, InputError for a script that cannot be read.
    """
    kind, _, rest = name.partition(":")
    if kind == "symbolic":
        teacher: Teacher = _symbolic(name, rest)
    elif kind == "scripted" and rest:
        from mathmill.teachers.scripted import ScriptedTeacher

        teacher = ScriptedTeacher.from_file(Path(rest.partition("#")[0]), identity(name))
    elif kind == "openai" and rest:
        from mathmill.teachers.openai import open_openai

        teacher = open_openai(name, rest)
    else:
        raise UsageError(f"there is no teacher {name!r}; name one of: {', '.join(KINDS)}")
    return teacher if home is None else Journaled(teacher, home / "journal.jsonl")


def identity(name: str) -> str:
    """Return what decides a teacher's replies: its name and, of a script, its content too.

    Steps and journals go by it, so that an edited script is another teacher. Raises UsageError
    for a name that cannot be right, InputError for a script that cannot be read.
    """
    plain, _, _ = name.partition("#")
    kind, colon, file = plain.partition(":")
    if kind not in ("symbolic", "scripted", "openai") or not colon:
        raise UsageError(f"there is no teacher {name!r}; name one of: {', '.join(KINDS)}")
    if kind == "symbolic":
        _symbolic(name, file)  # a wrong option is said before anything runs
    if kind != "scripted" or not file:
        return name
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise InputError(file, error.strerror or str(error), "check the path") from error
    return f"{plain}#{hashlib.blake2b(content, digest_size=6).hexdigest()}"


def read_options(name: str, text: str, known: dict[str, float]) -> dict[str, float]:
    """Return `known` with the values of `key=value,key=value`; raises UsageError."""
    options = dict(known)
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        key = key.strip()
        if key not in known or not equals:
            raise UsageError(f"{name}: there is no option {key!r}; "
                             f"use: {', '.join(f'{each}=NUMBER' for each in known)}")
        try:
            options[key] = float(value)
        except ValueError as error:
            raise UsageError(f"{name}: {key} must be a number, not {value!r}; "
                             f"write for example {key}=0.2") from error
    return options


def _symbolic(name: str, rest: str) -> Teacher:
    """Return the symbolic teacher with its options."""
    options = read_options(name, rest, {"error_rate": 0.0})
    if not 0 <= options["error_rate"] <= 1:
        raise UsageError(f"{name}: error_rate must lie between 0 and 1; write for example "
                         "symbolic:error_rate=0.2")
    from mathmill.teachers.symbolic import SymbolicTeacher

    teacher: Teacher = SymbolicTeacher(name, error_rate=options["error_rate"])
    return teacher
