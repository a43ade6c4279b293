"""The tables of a configuration, understood: which teacher each one stands for.

Used as: `named_in("config:teachers.toml#both", "teachers.toml#both", understand)`, by
`registry.understand`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.errors import UsageError
from mathmill.teachers.config.file import File
from mathmill.teachers.config.servers import ENDPOINT, MODEL, model_named

if TYPE_CHECKING:
    from mathmill.teachers.registry import Named

Understand = Callable[[str], "Named"]

_KINDS = {"mix": {"mix"}, "fallback": {"fallback", "declined"}, "routes": {"routes"},
          "model": MODEL | ENDPOINT}


def named_in(name: str, rest: str, understand: Understand) -> Named:
    """Return the teacher of `FILE.toml#NAME`; `understand` reads the names of members.

    Raises InputError with the line of what cannot be right, UsageError for a name that the file
    does not have.
    """
    file, _, wanted = rest.partition("#")
    whole = File.read(Path(file))
    if not wanted:
        if len(whole.teachers) > 1:
            raise UsageError(f"{name}: the file has several teachers; name one: "
                             + ", ".join(f"config:{file}#{each}" for each in whole.teachers))
        wanted = next(iter(whole.teachers))
    if wanted not in whole.teachers:
        raise UsageError(f"{name}: {file} has no teacher {wanted!r}; it has: "
                         + ", ".join(whole.teachers))
    return _Reader(whole, understand).named(wanted, ())


class _Reader:
    """Understands the tables of one file."""

    def __init__(self, file: File, understand: Understand) -> None:
        """Take a file; `understand` reads the names of members that are not in it."""
        self.file = file
        self.understand = understand

    def named(self, name: str, above: tuple[str, ...]) -> Named:
        """Return a teacher by its name in the file, or by any teacher's name."""
        if name not in self.file.teachers:
            if ":" not in name:
                self.file.fail(above[-1] if above else "", name, f"there is no teacher {name!r}",
                               f"name one of the file ({', '.join(self.file.teachers)}) or "
                               "a kind as in openai:MODEL")
            return self.understand(name)
        if name in above:
            self.file.fail(above[-1], name, f"{' -> '.join((*above, name))} goes in a circle",
                           "let no teacher be its own member")
        table = self.file.teachers[name]
        if not isinstance(table, dict):
            self.file.fail("", name, f"teachers.{name} is no table", f"write [teachers.{name}]")
        kinds = [kind for kind in _KINDS if kind in table]
        if len(kinds) != 1:
            self.file.fail(name, "", (f"it says {' and '.join(kinds)}" if kinds else
                                       f"it does not say who answers (it has: {', '.join(table)})"),
                           "give one of: model, mix, fallback, routes")
        if strange := sorted(set(table) - _KINDS[kinds[0]]):
            self.file.fail(name, strange[0], f"there is no field {strange[0]!r} here",
                           f"use {', '.join(sorted(_KINDS[kinds[0]]))}")
        made: Callable[[str, Mapping[str, Any], tuple[str, ...]], Named] = {
            "model": self._model, "mix": self._mix, "fallback": self._fallback,
            "routes": self._routes}[kinds[0]]
        return made(name, table, (*above, name))

    def _mix(self, name: str, table: Mapping[str, Any], above: tuple[str, ...]) -> Named:
        from mathmill.teachers.registry import mixed

        mix = table["mix"]
        if not isinstance(mix, dict) or not mix:
            self.file.fail(name, "mix", "mix is no table of weights",
                           'write mix = { small = 0.7, "openai:MODEL" = 0.3 }')
        return mixed([(self.named(member, above), self.file.number(name, member, weight, 1e-9, 1e9))
                      for member, weight in mix.items()])

    def _fallback(self, name: str, table: Mapping[str, Any], above: tuple[str, ...]) -> Named:
        from mathmill.teachers.registry import in_order

        members = self.file.words(name, "fallback", table["fallback"])
        if len(members) < 2:
            self.file.fail(name, "fallback", "one teacher has none to fall back on",
                           'write fallback = ["FIRST", "SECOND"]')
        declined = self.file.words(name, "declined", table.get("declined", []))
        for pattern in declined:
            try:
                re.compile(pattern)
            except re.error as error:
                self.file.fail(name, "declined", f"{pattern!r} is no regular expression ({error})",
                               "mend the pattern")
        return in_order([self.named(member, above) for member in members], declined)

    def _routes(self, name: str, table: Mapping[str, Any], above: tuple[str, ...]) -> Named:
        from mathmill.teachers.registry import routed

        routes = table["routes"]
        if (not isinstance(routes, dict) or "*" not in routes
                or not all(isinstance(each, str) for each in routes.values())):
            self.file.fail(name, "routes", 'each pattern needs a teacher, and one of them is "*"',
                           'write routes = { "metamath.*" = "small", "*" = "large" }')
        # Whatever stands after "*" could never be asked.
        ordered = sorted(routes.items(), key=lambda route: route[0] == "*")
        return routed([(pattern, self.named(each, above)) for pattern, each in ordered])

    def _model(self, name: str, table: Mapping[str, Any], above: tuple[str, ...]) -> Named:
        return model_named(self.file, name, table)
