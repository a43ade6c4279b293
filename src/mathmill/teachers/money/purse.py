"""Caps on money, calls and tokens that no call can pass, because its worst case is held first.

Why: a person who says `--max-cost 5` must be able to walk away. A bill is known only after a
call, and hundreds are in flight at a time, so "stop when 5 dollars are spent" overshoots. Here
each attempt to send a call (a retry too: it may be billed as well) first holds the most that it
can cost; the bill replaces that afterwards. Where one more call does not fit, but others are in
flight, it waits: they mostly cost less than was held. Where none is, the run stops.

The most that a call can cost: the bytes of its messages, and a little for what the server's
template puts round them, as tokens read; `max_tokens` as tokens written; both for each sample.
A byte-level BPE (GPT, Llama 3, Qwen, DeepSeek, ...) and SentencePiece with byte fallback and
without normalisation (Llama 2, Mistral, Gemma) make no more tokens than there are bytes. It
does not hold for vocabularies that unfold characters first (NFKC), nor where a server puts a
long prompt of its own before yours, or lets a model think past `max_tokens`: then the first
bill that is higher than its worst case is said aloud, and reckoned with from then on.

The bill: the tokens that the server tells, at the price. Nothing for a call that was refused;
the worst case where the connection broke after sending, or the usage is missing.

Used as: `ticket = await purse.reserve(model, url, request)`, then the call, then
`replies = purse.settle(ticket, replies)`, by the engine and by `budget.Budgeted`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mathmill.dollars import PICO, dollars, in_words
from mathmill.errors import BudgetSpent, StepFailed, TeacherError
from mathmill.teachers.money.amount import NOTHING, Amount, Caps
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import FREE, Price
from mathmill.types import Reply, Request

A_MESSAGE = 16  # tokens that a chat template puts round a turn: ChatML 5, Llama 3 6, harmony 7
A_CALL = 256  # tokens before the first turn: GPT-OSS's own system prompt has about 80
GRACE = 0.05  # seconds in which replies that were just settled reach the journal
POLL = 0.05  # seconds between looks at what other processes have settled
STOPPED = "the run is being stopped, so nothing more is sent"
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Ticket:
    """What is held for one attempt to send a call."""

    worst: Amount
    "The most that it can cost."
    price: Price | None
    "Of its model."
    samples: int
    "Replies asked for."
    settled: bool = False
    "Whether it was replaced by the bill."


def worst_tokens(request: Request, samples: int = 1) -> tuple[int, int]:
    """Return the most tokens that a call can read and write."""
    size = A_CALL
    for turn in request.messages:
        size += A_MESSAGE + _bytes(turn.role) + _bytes(turn.content)
    return size * samples, request.max_tokens * samples


class Purse:
    """Holds and settles for one teacher; hands at work on several calls may share it."""

    def __init__(self, account: Account, caps: Caps,
                 prices: Mapping[tuple[str, str], Price | None]) -> None:
        """Keep the account, the caps, and the price of each (model, server's address).

        A price of None is unknown; without any model, calls are free.
        """
        self.account = account
        self.caps = caps
        self.prices = {(model, url.rstrip("/")): price
                       for (model, url), price in prices.items()}
        self._over = ""
        self._held = False
        self._broken: StepFailed | None = None  # why the account cannot be kept any more
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._more = (0, 0)  # tokens read and written that a bill had above its worst case
        self._warned: set[str] = set()

    async def reserve(self, model: str, url: str, request: Request, samples: int = 1,
                      extra: int = 0) -> Ticket:
        """Hold the worst case of one attempt; waits for others to settle where it must.

        `extra`: bytes that go along with each call, such as a schema, and may be read as tokens.
        Where a cap has no room for all `samples` just now, the ticket is for fewer of them.
        Raises BudgetSpent where no more calls fit under a cap. Each ticket must be settled.
        """
        price, worst = self._worst(model, url, request, samples, extra)
        if self._broken is not None:
            raise self._broken
        if self._over:
            raise BudgetSpent(self._over)
        if self._held:
            raise TeacherError(f"{self.account.own.teacher}: {STOPPED}")
        self._attach()
        while self._turn.locked() or self.account.hold(worst, self.caps):
            if samples == 1:
                await self._wait(worst)
                break
            samples = 1 if self._turn.locked() else samples // 2
            price, worst = self._worst(model, url, request, samples, extra)
        return Ticket(worst, price, samples)

    def reserve_now(self, model: str, url: str, request: Request, extra: int = 0
                    ) -> Ticket | None:
        """Hold the worst case of one call, as `reserve`; None where it would have to wait."""
        price, worst = self._worst(model, url, request, 1, extra)
        self._attach()
        if (self._over or self._held or self._broken or self._turn.locked()
                or self.account.hold(worst, self.caps)):
            return None
        return Ticket(worst, price, 1)

    def keep(self, ticket: Ticket) -> None:
        """Leave a call at its worst case, silently: another invocation will learn the bill."""
        assert not ticket.settled, "a call is settled once"
        ticket.settled = True
        self.account.settle(ticket.worst, ticket.worst, True)

    def learn(self, model: str, url: str, held: Amount, reply: Reply) -> Reply:
        """Take the bill of a call that an invocation now gone holds at its worst case.

        Returns the reply with what it cost; a failed one without tokens was not billed.
        """
        price = self.prices[model, url.rstrip("/")] if self.prices else FREE
        told = Amount(0, 1, reply.prompt_tokens, reply.completion_tokens)
        cost = price.cost(told.read, told.written, reply.cached_tokens) if price else 0
        if held != NOTHING and (told.read or reply.finish == "error"):
            actual = told._replace(cost=cost) if told.read else NOTHING
            self.account.settle(NOTHING, NOTHING - held, True)  # its line stays as it is
            self.account.settle(NOTHING, actual, False)
            self._news.set()
        return reply if price is None else replace(reply, cost=cost / PICO)

    def _worst(self, model: str, url: str, request: Request, samples: int, extra: int
               ) -> tuple[Price | None, Amount]:
        """Return the price of a call and the most that it can cost."""
        price = self.prices[model, url.rstrip("/")] if self.prices else FREE
        read, written = worst_tokens(request, samples)
        read, written = read + extra * samples + self._more[0], written + self._more[1]
        return price, Amount(price.cost(read, written) if price else 0, samples, read, written)

    def settle(self, ticket: Ticket, replies: Sequence[Reply] | None, billed: bool = True
               ) -> list[Reply]:
        """Replace what a ticket held by the bill; return the replies with what each cost.

        `replies` is None where none came; `billed` tells whether the server may charge then.
        """
        assert not ticket.settled, "a call is settled once"
        ticket.settled = True
        read = written = cached = 0  # one loop, for mostly there is one reply: sums took 4 µs
        for reply in replies or ():
            read += reply.prompt_tokens
            written += reply.completion_tokens
            cached += reply.cached_tokens
        silent = not read or (
            not written and any(each.text or each.reasoning for each in replies or ()))
        assumed = billed and (replies is None or silent)
        if not billed:
            actual = NOTHING
        elif assumed:
            actual = ticket.worst
            self._say("the server tells no usage: its calls are counted at the most that they "
                      "can cost" if replies else "calls broke off after they were sent: they are "
                      "counted at the most that they can cost")
        else:
            cost = ticket.price.cost(read, written, cached) if ticket.price else 0
            actual = Amount(cost, 1, read, written)
            self._compare(actual, ticket.worst)
        try:
            self.account.settle(ticket.worst, actual, assumed)
        except StepFailed as error:  # it stays held in the file; replies that are paid for go on
            self._broken = error
        self._news.set()
        return _with_cost(replies or (), ticket.price, actual.cost)

    def hold(self) -> None:
        """Let nothing more be sent: whoever waits, or comes, meets a TeacherError."""
        self._held = True
        self._news.set()

    def _attach(self) -> None:
        """Bind what hands wait for to the loop that runs: a teacher may meet several in turn."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._turn, self._news = loop, asyncio.Lock(), asyncio.Event()

    async def _wait(self, worst: Amount) -> None:
        """Wait until a call fits; raises BudgetSpent where none is in flight and it does not."""
        async with self._turn:  # first come, first served
            while not self._over:
                if self._broken is not None:
                    raise self._broken
                if self._held:
                    raise TeacherError(f"{self.account.own.teacher}: {STOPPED}")
                self._news.clear()
                passed = self.account.hold(worst, self.caps)
                if passed and not self.account.in_flight():
                    await asyncio.sleep(GRACE)
                    passed = self.account.hold(worst, self.caps)
                    if passed and not self.account.in_flight():
                        self._over = self._words(passed, worst)
                        break
                if not passed:
                    return
                try:
                    await asyncio.wait_for(self._news.wait(), POLL)
                except TimeoutError:  # another process may have settled
                    continue
        raise BudgetSpent(self._over)

    def _words(self, passed: str, worst: Amount) -> str:
        """Return the line that ends the run."""
        total = self.account.total()
        option = f"--max-{passed}"
        cap, spent, needs = (
            (in_words(self.caps.cost or 0), in_words(total.cost), in_words(worst.cost))
            if passed == "cost" else
            (f"{getattr(self.caps, passed):,}", f"{getattr(total, passed):,}",
             f"{getattr(worst, passed):,}"))
        call = f"(up to {worst.read:,} tokens read and {worst.written:,} written)"
        if total == NOTHING:
            least = (f"{dollars(worst.cost).normalize():f}" if passed == "cost"
                     else str(getattr(worst, passed)))
            return (f"{self.account.own.teacher}: {option} {cap} is too small for a single call, "
                    f"which may take {needs} {call}; nothing was sent; give {option} {least} or "
                    "more, or ask for fewer tokens a reply")
        assumed = sum((entry.assumed + entry.held for entry in self.account.entries()), NOTHING)
        guess = (f", of these {assumed.calls:,} at their worst case, {in_words(assumed.cost)}"
                 if assumed.calls else "")
        return (f"the budget is met: {spent} of {option} {cap} spent ({total.calls:,} calls, "
                f"{in_words(total.cost)}{guess}), and one more call may take {needs} {call}; all "
                f"replies are kept: the same command with a higher {option} goes on from here")

    def _compare(self, actual: Amount, worst: Amount) -> None:
        """Reckon from now on with what a bill had above the worst case of its call."""
        more = max(0, actual.read - worst.read), max(0, actual.written - worst.written)
        if any(more):
            self._more = self._more[0] + more[0], self._more[1] + more[1]
            self._say(f"a bill was higher than its worst case (by {more[0]} tokens read and "
                      f"{more[1]} written): calls in flight may pass a cap by as much; more is "
                      "held from now on")

    def _say(self, words: str) -> None:
        if words not in self._warned and len(self._warned) < 10:
            self._warned.add(words)
            log.warning("%s: %s", self.account.own.teacher, words)


def _with_cost(replies: Sequence[Reply], price: Price | None, total: int) -> list[Reply]:
    """Return replies with what each cost; the first carries what cannot be told apart."""
    if price is None:
        return list(replies)
    if len(replies) == 1:
        return [replace(replies[0], cost=total / PICO)]
    each = [price.cost(reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens)
            for reply in replies]
    if each:
        each[0] += total - sum(each)
    return [replace(reply, cost=cost / PICO)
            for reply, cost in zip(replies, each, strict=True)]


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
