r"""Understand the name of a teacher: what decides its replies, and how it is opened.

| name | who answers |
|---|---|
| `symbolic:` or `symbolic:error_rate=0.2` | the program that reads story problems (no model) |
| `scripted:FILE.jsonl` | replies from a file |
| `openai:MODEL` or `openai:MODEL@http://host:port/v1` | any OpenAI-compatible server |
| `batch:MODEL[@URL]` | the same through the provider's batches: cheaper, within a day |
| `local:FOLDER`, `local:embedded:`, `local:ORG/NAME@REV` | a model that runs in this process |
| `vllm:FOLDER` or `vllm:ORG/NAME@REV` | the same, run by vLLM |
| `mix:0.7*A\|0.3*B` | one of several teachers, drawn for each request |
| `fallback:A\|B` | the first of several that neither declines nor fails |
| `config:FILE.toml#NAME` | a teacher that a file describes: pools, keys, bounds, routes |

Why: a step rests on what decides its replies (model, weights, routes, the content of a script),
and not on where a server stands, which key it takes or how much it bears. The first is the
`identity` of a name, under which replies are kept too; the rest may change between two runs.

Used as: `open_teacher("openai:gpt-5-mini", home, terms)`, `identity(name)`, `opener(name)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mathmill.errors import InputError, UsageError
from mathmill.teachers.base import Teacher
from mathmill.teachers.money.prices import Prices
from mathmill.workbench import Terms

KINDS = {
    "symbolic": "symbolic:[error_rate=0..1][,compact=1]",
    "scripted": "scripted:FILE.jsonl",
    "openai": "openai:MODEL[@http://HOST/v1]",
    "batch": "batch:MODEL[@http://HOST/v1]",
    "local": "local:MODEL",
    "vllm": "vllm:MODEL",
    "mix": "mix:0.7*TEACHER|0.3*TEACHER",
    "fallback": "fallback:TEACHER|TEACHER",
    "config": "config:FILE.toml#NAME",
}
Open = Callable[[Path | None, Terms], Teacher]


@dataclass(frozen=True, slots=True)
class Named:
    """A name that was understood."""

    identity: str
    "What decides the replies, as steps and journals have it."
    open: Open
    "Opens the teacher, with the run's folder (None: nothing is kept) and its terms."
    models: tuple[tuple[str, str], ...] = ()
    "Model and server's address of all that may be asked and paid for."
    parts: tuple[tuple[float, Named], ...] = ()
    "Shares of 1 with those they belong to, where it is a mixture."
    prices: tuple[Mapping[str, Any], Path] | None = None
    "Prices of its own, as in a price table, and the file they stand in."
    batch: bool = False
    "Whether calls go through the batch interface, at its price."


def open_teacher(name: str, home: Path | None = None, terms: Terms | None = None) -> Teacher:
    """Return the teacher of this name; with `home` (a run's folder) its replies are kept.

    `terms` say what may be spent, and where the journal of bought replies is. All kinds are
    journalled alike, the symbolic one too: one law, and a rerun that reads the same replies
    whoever wrote them. Raises UsageError for a name that cannot be right or a price that is
    missing, TeacherError where a key is missing, InputError for a file that cannot be read.
    """
    return understand(name).open(home, terms or Terms())


def identity(name: str) -> str:
    """Return what decides a teacher's replies; see `understand` for what it raises."""
    return understand(name).identity


def opener(name: str) -> Callable[..., Teacher]:
    """Return what opens this teacher for whoever knows only its identity: a step's work.

    It is called as `open_teacher` is and may travel to another process.
    """
    return partial(_open_as, name)


def _open_as(name: str, known: str, home: Path | None = None,
             terms: Terms | None = None) -> Teacher:
    """Open a teacher by its name where a step knows its identity."""
    named = understand(name)
    if named.identity != known:
        # The file behind the name was edited since the step was planned.
        raise UsageError(f"{name}: it is no longer what it was when this run began "
                         f"({known} then, {named.identity} now); start the run again")
    return named.open(home, terms or Terms())


def open_trained(whose: str, home: Path | None = None, terms: Terms | None = None, *,
                 folder: Path) -> Teacher:
    """Open the model that a step left in its folder, as the teacher of that identity."""
    from mathmill.teachers.local import open_local

    return kept(open_local(whose, str(folder)), home, terms or Terms())


def understand(name: str) -> Named:
    """Return what a name means; nothing is connected and no key is needed.

    Raises UsageError for a name that cannot be right, InputError for a script or a
    configuration that cannot be read.
    """
    kind, colon, rest = name.partition(":")
    if not colon or kind not in KINDS or not (rest or kind == "symbolic"):
        raise UsageError(f"there is no teacher {name!r}; name one of: {', '.join(KINDS.values())}")
    if kind == "symbolic":
        _symbolic(name, rest)  # a wrong option is said before anything runs
        return Named(name, partial(_free, name, partial(_symbolic, name, rest)))
    if kind == "scripted":
        file = rest.partition("#")[0]
        whose = f"scripted:{file}#{_digest(file)}"
        return Named(whose, partial(_free, whose, partial(_scripted, whose, file)))
    if kind in ("openai", "batch"):
        return _openai(name, kind, rest)
    if kind in ("local", "vllm"):
        return _in_process(kind, rest)
    if kind == "config":
        from mathmill.teachers.config import named_in

        return named_in(name, rest, understand)
    return _several(name, kind, rest)


def mixed(members: Sequence[tuple[Named, float]]) -> Named:
    """Return the mixture of several teachers with their weights."""
    from mathmill.teachers.mixture import Mixture, mixture_name, shares

    weights = shares((each.identity, weight) for each, weight in members)
    unique = {each.identity: each for each, _ in members}
    whose = mixture_name(weights)

    def opened(home: Path | None, terms: Terms) -> Teacher:
        return Mixture([(each.open(home, terms), weights[key]) for key, each in unique.items()],
                       whose)

    return Named(whose, opened, _models(list(unique.values())),
                 tuple((weights[key], each) for key, each in unique.items()))


def in_order(members: Sequence[Named], declined: Sequence[str] = ()) -> Named:
    """Return the teacher that asks each member where those before it decline or fail.

    `declined` are regular expressions for replies that decline, besides the usual ones.
    """
    from mathmill.teachers.mixture import Fallback, fallback_name, judge

    whose = fallback_name([each.identity for each in members], declined)

    def opened(home: Path | None, terms: Terms) -> Teacher:
        return Fallback([each.open(home, terms) for each in members], whose, judge(declined))

    return Named(whose, opened, _models(members))


def routed(routes: Sequence[tuple[str, Named]]) -> Named:
    """Return the teacher that goes by the asking method or prompt; the first pattern decides."""
    from mathmill.teachers.mixture import Routes, routes_name

    whose = routes_name([(pattern, each.identity) for pattern, each in routes])

    def opened(home: Path | None, terms: Terms) -> Teacher:
        unique = {each.identity: each.open(home, terms)
                  for each in {each.identity: each for _, each in routes}.values()}
        return Routes([(pattern, unique[each.identity]) for pattern, each in routes], whose)

    return Named(whose, opened, _models([each for _, each in routes]))


def kept(teacher: Teacher, home: Path | None, terms: Terms,
         models: Sequence[tuple[str, str]] = (), prices: Prices | None = None,
         batch: bool = False) -> Teacher:
    """Return a teacher with its account and, around that, its journal.

    The journal comes first: what is found there costs nothing and holds nothing back.
    """
    if home is None:
        return teacher
    from mathmill.teachers.journal import Journaled, place
    from mathmill.teachers.money.budget import budgeted

    counted = budgeted(teacher, models=models, home=home, terms=terms, batch=batch, prices=prices)
    return Journaled(counted, place(teacher.name, home, terms.journal), older=home)


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


def _several(name: str, kind: str, rest: str) -> Named:
    """Understand `mix:` and `fallback:`, whose members are names themselves."""
    from mathmill.teachers.mixture import read_order, read_weighted

    if kind == "mix":
        return mixed([(understand(each), weight) for each, weight in read_weighted(name, rest)])
    return in_order([understand(each) for each in read_order(name, rest)])


def _models(members: Sequence[Named]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(model for each in members for model in each.models))


def _free(whose: str, make: Callable[[], Teacher], home: Path | None, terms: Terms) -> Teacher:
    """Open a teacher that costs nothing."""
    return kept(make(), home, terms)


def _in_process(kind: str, rest: str) -> Named:
    from mathmill.teachers import local, vllm

    engine: Any = {"local": (local.whose, local.open_local), "vllm": (vllm.whose, vllm.open_vllm)}
    whose, make = engine[kind][0](rest), engine[kind][1]
    return Named(whose, partial(_free, whose, partial(make, whose, rest)))


def _openai(name: str, kind: str, rest: str) -> Named:
    """Understand a model at a server, asked at once or in batches: the replies are the same."""
    from mathmill.teachers.http.endpoint import SECRET
    from mathmill.teachers.openai import address_of, open_openai

    if SECRET.search(rest):
        raise UsageError(f"{kind}: the address holds a key, which would be written into every row; "
                         "put the secret into OPENAI_API_KEY, or name its variable in a "
                         "configuration (config:FILE.toml#NAME)")
    whose = f"openai:{rest}"

    def opened(home: Path | None, terms: Terms) -> Teacher:
        if kind == "openai":
            return kept(open_openai(name, rest), home, terms, [address_of(rest)])
        from mathmill.teachers.batch import open_batch
        from mathmill.teachers.journal import place

        folder = None if home is None else place(whose, home, terms.journal)
        return kept(open_batch(whose, rest, folder, home), home, terms, [address_of(rest)],
                    batch=True)

    return Named(whose, opened, (address_of(rest),), batch=kind == "batch")


def _scripted(whose: str, file: str) -> Teacher:
    from mathmill.teachers.scripted import ScriptedTeacher

    return ScriptedTeacher.from_file(Path(file), whose)


def _symbolic(name: str, rest: str) -> Teacher:
    """Return the symbolic teacher with its options."""
    options = read_options(name, rest, {"error_rate": 0.0, "compact": 0.0})
    if not 0 <= options["error_rate"] <= 1:
        raise UsageError(f"{name}: error_rate must lie between 0 and 1; write for example "
                         "symbolic:error_rate=0.2")
    from mathmill.teachers.symbolic import SymbolicTeacher

    teacher: Teacher = SymbolicTeacher(name, options["error_rate"], bool(options["compact"]))
    return teacher


def _digest(file: str) -> str:
    """Return the digest of a script: an edited one is another teacher."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise InputError(file, error.strerror or str(error), "check the path") from error
    return hashlib.blake2b(content, digest_size=6).hexdigest()
