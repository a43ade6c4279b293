"""The caps of a run round a teacher: its prices are known, its calls are paid out of a purse.

Why: whether a run may spend, and on what, is settled before the first call: a cap that no call
fits under, a price that nobody knows and a table that cannot be read are each one line.

Used as: `budgeted(engine, models=[("gpt-5-mini", url)], home=home, terms=terms)`, inside the
journal (what is found there costs nothing) and outside the engine (each of its attempts does).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mathmill.errors import UsageError
from mathmill.teachers.base import Teacher
from mathmill.teachers.money.amount import Caps
from mathmill.teachers.money.ledger import FILE, Account
from mathmill.teachers.money.prices import Price, Prices, picodollars
from mathmill.teachers.money.purse import Purse
from mathmill.types import Reply, Request
from mathmill.workbench import Terms


def budgeted(teacher: Teacher, *, models: Sequence[tuple[str, str]], home: Path,
             terms: Terms, batch: bool = False, prices: Prices | None = None) -> Teacher:
    """Return a teacher whose calls are counted, and held below the caps of `terms`.

    `models`: (model, server's address) of all that it may ask; none for teachers that need no
    server, which are counted only where calls or tokens are capped. `home`: folder of the run,
    where the account is kept. `batch`: calls go through the batch interface. Raises UsageError
    where a price is missing, InputError for a price table that cannot be read.
    """
    caps = Caps(None if terms.max_cost is None else picodollars(terms.max_cost),
                terms.max_calls, terms.max_tokens)
    if not models and caps.calls is None and caps.tokens is None:
        return teacher
    known: dict[tuple[str, str], Price | None] = {}
    prices = prices or Prices.load(terms.prices)
    for model, url in models:
        price = prices.price(model, url)
        if price is None and not terms.no_cost:
            host = urlsplit(url).hostname or "its host"
            raise UsageError(
                f"{teacher.name}: no price is known for {model} at {host}; write "
                f'[prices."{model}@{host}"] with input = and output = (dollars per 1M tokens) '
                "into a file and name it with --prices, or give --no-cost")
        known[model, url] = price.batched() if price and batch else price
    return Budgeted(teacher, Purse(Account(home / FILE, teacher.name), caps, known))


class Budgeted:
    """A teacher whose calls are paid out of a purse.

    A teacher with an attribute `purse` (the engine) is handed the purse and holds each attempt
    itself; of any other, one answer is one call.
    """

    def __init__(self, teacher: Teacher, purse: Purse) -> None:
        """Wrap a teacher."""
        self.teacher = teacher
        self.purse = purse
        self._inside = hasattr(teacher, "purse")
        self._model = next(iter(purse.prices), ("", ""))
        if self._inside:
            engine: Any = teacher
            engine.purse = purse

    def __getattr__(self, name: str) -> Any:
        """Return what the teacher has beside `answer`, such as `in_flight`."""
        if name in ("teacher", "purse"):  # not there yet: a copy or a pickle being made
            raise AttributeError(name)
        return getattr(self.teacher, name)

    @property
    def name(self) -> str:
        """Return the wrapped teacher's name."""
        return self.teacher.name

    @property
    def at_once(self) -> int:
        """Return how many samples of one prompt the teacher takes in one call.

        Asked before each call; by way of `__getattr__` it took 2 µs.
        """
        return int(getattr(self.teacher, "at_once", 1))

    async def answer(self, request: Request) -> Reply:
        """Return the teacher's reply, with what it cost; raises BudgetSpent at a cap."""
        if self._inside:
            return await self.teacher.answer(request)
        ticket = await self.purse.reserve(*self._model, request)
        try:
            reply = await self.teacher.answer(request)
        except BaseException:
            self.purse.settle(ticket, None)
            raise
        failed = reply.finish == "error" and not reply.prompt_tokens
        return self.purse.settle(ticket, [reply], billed=not failed)[0]

    def hold(self) -> None:
        """Let nothing more be sent: calls in flight come home (as of the engine)."""
        self.purse.hold()
        hold = getattr(self.teacher, "hold", None)
        if hold is not None:
            hold()

    async def aclose(self) -> None:
        """Let the teacher close what it opened, then close the account."""
        close = getattr(self.teacher, "aclose", None)
        if close is not None:
            await close()
        self.purse.account.close()
