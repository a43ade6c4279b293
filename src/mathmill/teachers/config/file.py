"""A configuration as it was written: read, searched for secrets, its mistakes told by line.

Why: whoever writes such a file by hand must be told where it is wrong and what to write; and a
key that was put into it would be shared with it, so it is refused before anything is asked.

Used as: `file = File.read(Path("teachers.toml"))`, `file.fail("small", "url", cause, cure)`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from mathmill.errors import InputError

_SECRET = re.compile(r"(?i)(?:[\w-]*[-_])?(?:(?:api|access|auth)?(?:key|token)|secret|password|"
                     r"authorization|bearer|cookie|sig|signature|credentials?)")
_KEY_LIKE = re.compile(r"\b(?:sk-[\w-]{8,}|Bearer\s+\S{8,})")
_CURE = 'put it into a variable and name that: key_env = "MY_KEY"'


@dataclass(frozen=True)
class File:
    """A configuration as it was written."""

    path: Path
    "Where it is."
    text: str
    "All of it."
    teachers: Mapping[str, Mapping[str, Any]]
    "Tables by teacher."
    prices: Mapping[str, Any]
    "Prices by model, as in a price table."

    @classmethod
    def read(cls, path: Path) -> File:
        """Read a file; raises InputError where it cannot be right."""
        try:
            text = path.read_text(encoding="utf-8")
            whole = tomllib.loads(text, parse_float=Decimal)
        except OSError as error:
            raise InputError(path, error.strerror or str(error), "check the path") from error
        except ValueError as error:
            found = re.search(r"\(at line (\d+), column \d+\)", str(error))
            raise InputError(path, f"this is no TOML ({error})", "mend the line",
                             int(found[1]) if found else None) from error
        file = cls(path, text, whole.get("teachers", {}), whole.get("prices", {}))
        strange = sorted(set(whole) - {"teachers", "prices"})
        if strange:
            file.fail("", strange[0], f"there is no table {strange[0]!r}",
                      "use [teachers.NAME] and [prices.MODEL]")
        if not isinstance(file.teachers, dict) or not file.teachers:
            raise InputError(path, "it describes no teacher",
                             "write a table [teachers.NAME] with model and url")
        file.refuse_secrets("", whole)
        return file

    def fail(self, teacher: str, key: str, cause: str, cure: str) -> NoReturn:
        """Raise InputError for a key of a teacher's table, with its line."""
        where = f"[teachers.{teacher}]: " if teacher else ""
        raise InputError(self.path, where + cause, cure, self.line(teacher, key))

    def line(self, teacher: str, key: str) -> int | None:
        """Return the 1-based line of a key in a teacher's tables, or of the first table."""
        header = re.compile(rf"\s*\[\[?\s*teachers\s*\.\s*[\"']?{re.escape(teacher)}[\"']?\s*[\].]"
                            if teacher else r"")
        first, inside = None, not teacher
        for number, line in enumerate(self.text.splitlines(), 1):
            if teacher and line.lstrip().startswith("["):
                inside = header.match(line) is not None
                first = first or (number if inside else None)
                continue
            if inside and key and re.search(
                    rf"(?:^|[\s.{{,\[\"']){re.escape(key)}[\"'\s]*[=.\],}}]", line):
                return number
        return first

    def refuse_secrets(self, key: str, value: Any) -> None:
        """Raise InputError for what is, or looks like, a key: keys stay in the environment."""
        if isinstance(value, dict):
            for inner, found in value.items():
                if _SECRET.fullmatch(inner) and isinstance(found, str):
                    self.fail("", inner, f"{inner!r} would hold a secret",
                              _CURE)
                self.refuse_secrets(inner, found)
        elif isinstance(value, list):
            for found in value:
                self.refuse_secrets(key, found)
        elif isinstance(value, str) and _KEY_LIKE.search(value):
            self.fail("", key, f"the value of {key!r} looks like a key",
                      _CURE)

    def number(self, teacher: str, key: str, value: Any, least: float, most: float) -> float:
        """Return a number within bounds, or raise InputError."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not (
                least <= value <= most):
            shown = "above 0" if least < 1e-6 else f"from {least:g} to {most:g}"
            self.fail(teacher, key, f"{key} = {value} must be a number {shown}",
                      f"write for example {key} = {1 if least < 1 else f'{least:g}'}")
        return float(value)

    def word(self, teacher: str, key: str, value: Any, empty: bool = False) -> str:
        """Return a text, not empty unless `empty`, or raise InputError."""
        if not isinstance(value, str) or not (value.strip() or empty):
            self.fail(teacher, key, f"{key} = {value!r} is no text", f'write {key} = "..."')
        return value.strip()

    def words(self, teacher: str, key: str, value: Any) -> list[str]:
        """Return a list of texts, or raise InputError."""
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.fail(teacher, key, f"{key} is no list of texts", f'write {key} = ["..."]')
        return value
