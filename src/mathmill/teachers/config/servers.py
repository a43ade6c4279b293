"""The table of one model: its servers, with keys, weights and bounds, as an engine.

What decides the replies is the model and the fields that are added to each call; where it is
served, by how many servers and at what pace, may change between two runs.

Used as: `model_named(file, "small", table).open(home, terms)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mathmill.errors import UsageError
from mathmill.identity import canonical
from mathmill.teachers.base import Teacher
from mathmill.teachers.config.file import File
from mathmill.workbench import Terms

if TYPE_CHECKING:
    from mathmill.teachers.registry import Named

REQUESTS_OWN = {"model", "messages", "n", "best_of", "max_tokens", "max_completion_tokens"}
MODEL = {"model", "identity", "extra", "tries", "patience", "floor", "ceiling", "timeout",
         "stall", "stream", "batch", "endpoints"}
ENDPOINT = {"url", "key_env", "weight", "headers", "query", "model"}
OPENAI = "api.openai.com"
_NUMBERS = {"tries": (1, 100), "patience": (1, 86_400), "floor": (1, 65_536),
            "ceiling": (1, 65_536), "timeout": (0.1, 86_400), "stall": (0.1, 86_400)}


@dataclass(frozen=True)
class Server:
    """One endpoint, still without its key."""

    url: str
    "Address, ending before `/chat/completions`."
    model: str
    "What this server calls the model."
    weight: float
    "Its share of the calls, against the others'."
    key_env: str
    "Variable that holds its key; empty for none."
    headers: Mapping[str, str]
    "Added to each call."
    query: Mapping[str, str]
    "Added to the address of each call."


@dataclass(frozen=True)
class Servers:
    """A model with all that is known of where it is served."""

    file: File
    "Where it was written."
    name: str
    "Its table."
    whose: str
    "Its identity."
    servers: tuple[Server, ...]
    "Where it is served."
    extra: Mapping[str, Any]
    "Fields of each call."
    bounds: Mapping[str, float]
    "Those of `_NUMBERS` that were given."
    stream: bool
    "Whether replies are asked for piece by piece."
    batch: Mapping[str, Any] | None = None
    "Bounds of batches, where it is asked through them."

    def open(self, home: Path | None, terms: Terms) -> Teacher:
        """Open the engine over the servers; raises TeacherError where a key is missing."""
        from mathmill.teachers.engine import Engine
        from mathmill.teachers.http.endpoint import Endpoint
        from mathmill.teachers.money.prices import Prices
        from mathmill.teachers.registry import kept

        times = {key: value for key, value in self.bounds.items() if key in ("timeout", "stall")}
        endpoints = [(Endpoint(
            each.model, each.url, self._key(each), headers=each.headers, query=each.query,
            name=self.whose, key_name=each.key_env, extra=dict(self.extra),
            stream=self.stream, **times), each.weight) for each in self.servers]
        bounds: dict[str, Any] = {key: int(value) for key, value in self.bounds.items()
                                  if key in ("tries", "floor", "ceiling")}
        if "patience" in self.bounds:
            bounds["patience"] = self.bounds["patience"]
        prices = Prices.load(terms.prices)
        if self.file.prices:
            prices = prices.with_table(self.file.prices, self.file.path)
        models = [(each.model, each.url) for each in self.servers]
        if self.batch is None:
            return kept(Engine(self.whose, endpoints, **bounds), home, terms, models, prices)
        from mathmill.teachers.batch import BatchTeacher, Bounds
        from mathmill.teachers.journal import place

        teacher = BatchTeacher(
            self.whose, endpoints[0][0], home=home,
            folder=None if home is None else place(self.whose, home, terms.journal),
            bounds=Bounds.read(self.batch, self._label) if self.batch else None)
        return kept(teacher, home, terms, models, prices, batch=True)

    @property
    def _label(self) -> str:
        return f"{self.file.path}: [teachers.{self.name}]"

    def _key(self, server: Server) -> str:
        """Return a server's key from its variable; without `key_env` none is sent anywhere."""
        from mathmill.teachers.http.endpoint import find_key, is_local

        label, host = self._label, urlsplit(server.url).hostname
        if server.key_env:
            return find_key(label, host or "", server.key_env)
        if not is_local(host or ""):
            raise UsageError(f"{label}: {host} will want a key; name the variable that holds it: "
                             'key_env = "MY_KEY" (of any word if it needs none)')
        return ""


def model_named(file: File, name: str, table: Mapping[str, Any]) -> Named:
    """Return the teacher of a model's table; raises InputError with the line of a mistake."""
    from mathmill.teachers.registry import Named

    model = file.word(name, "model", table["model"])
    extra, stream = _plain(table.get("extra", {})), table.get("stream", False)
    if not isinstance(extra, dict):
        file.fail(name, "extra", "extra is no table", 'write extra = { FIELD = "VALUE" }')
    for field in sorted(REQUESTS_OWN & set(extra)):
        # More tokens or replies than the request asks for would be bought past every cap.
        file.fail(name, "extra", f"{field} is each request's own", f"leave {field} out of extra")
    if not isinstance(stream, bool):
        file.fail(name, "stream", "stream is neither true nor false", "write stream = true")
    bounds = {key: file.number(name, key, table[key], *_NUMBERS[key])
              for key in _NUMBERS if key in table}
    if bounds.get("floor", 1) > bounds.get("ceiling", 65_536):
        file.fail(name, "floor", "floor is above ceiling", "give 1 <= floor <= ceiling")
    whose = "openai:" + file.word(name, "identity", table.get("identity", model))
    if extra:
        whose += f"#{canonical(extra)}"
    servers = tuple(_server(file, name, model, row) for row in _rows(file, name, table))
    batch = _batch(file, name, table, len(servers))
    found = Servers(file, name, whose, servers, extra, bounds, stream, batch)
    return Named(whose, found.open, tuple(dict.fromkeys((s.model, s.url) for s in servers)),
                 prices=(file.prices, file.path) if file.prices else None,
                 batch=batch is not None)


def _batch(file: File, name: str, table: Mapping[str, Any], servers: int
           ) -> Mapping[str, Any] | None:
    """Return the bounds of batches, None where calls are made at once."""
    from mathmill.teachers.batch import Bounds

    given = table.get("batch", False)
    if given is False:
        return None
    if given is not True and not isinstance(given, dict):
        file.fail(name, "batch", "batch is neither true nor a table of bounds",
                  "write batch = true, or batch = { lines = 10000 }")
    if servers > 1 or table.get("stream"):
        file.fail(name, "batch", "batches go to one endpoint, as a whole",
                  "leave the other endpoints and stream out")
    bounds = {} if given is True else _plain(given)
    try:
        Bounds.read(bounds, "batch")
    except UsageError as error:
        cause, _, cure = str(error).removeprefix("batch: ").partition("; ")
        file.fail(name, "batch", cause, cure)
    return bounds


def _rows(file: File, name: str, table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the endpoints of a model's table, which may be one itself."""
    here = {key: table[key] for key in ENDPOINT - {"model"} if key in table}
    rows = table.get("endpoints", [here])
    if "endpoints" in table and here:
        file.fail(name, next(iter(here)), "an endpoint stands in the table and others below it",
                  f"put all of them into [[teachers.{name}.endpoints]]")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        file.fail(name, "endpoints", "endpoints is no list of tables",
                  f"write [[teachers.{name}.endpoints]] with url = ")
    return rows


def _server(file: File, name: str, model: str, row: Mapping[str, Any]) -> Server:
    """Return one endpoint; raises InputError with the line of a mistake."""
    if strange := sorted(set(row) - ENDPOINT):
        file.fail(name, strange[0], f"an endpoint has no field {strange[0]!r}",
                  f"use {', '.join(sorted(ENDPOINT))}")
    url = file.word(name, "url", row.get("url", f"https://{OPENAI}/v1")).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        file.fail(name, "url", f"{parts.hostname or url!r} is no address that can be asked",
                  'write url = "https://HOST/v1", without user and password')
    tables: dict[str, Any] = {key: row.get(key, {}) for key in ("headers", "query")}
    for key, given in tables.items():
        if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
            file.fail(name, key, f"{key} is no table of texts",
                      f'write {key} = {{ NAME = "VALUE" }}')
    usual = "OPENAI_API_KEY" if parts.hostname == OPENAI else ""
    return Server(url, file.word(name, "model", row.get("model", model)),
                  file.number(name, "weight", row.get("weight", 1), 1e-9, 1e9),
                  file.word(name, "key_env", row.get("key_env", usual), empty=True), **tables)


def _plain(value: Any) -> Any:
    """Return a value of TOML as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
