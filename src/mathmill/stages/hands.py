"""Hands that do many coroutines at a time, and lay them down in order when told to stop.

Why: replies in flight are paid for. When one piece of work fails, or a person presses Ctrl-C,
nothing new may be sent, but what is on its way must still arrive and be kept - for a while: a
second Ctrl-C leaves at once. And a hundred thousand prompts must not be as many tasks: each
hand takes the next piece of work when it has done one.

Used as: `await Hands(64, hold).run(works, take)`, by `asking`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")
Work = Callable[[], Coroutine[Any, Any, Result]]

GRACE = 30.0  # seconds for which replies in flight are awaited after a stop
SOON = 0.2  # seconds after which those that are still in flight are counted and told of
log = logging.getLogger(__name__)


class Hands:
    """A bounded number of hands; `ending` is true once nothing new may be begun."""

    def __init__(self, number: int, hold: Callable[[], None] = lambda: None,
                 grace: float = GRACE) -> None:
        """Take the number of hands; `hold` tells the teacher to send nothing more."""
        self.number = max(1, number)
        self.ending = False
        self._hold = hold
        self._grace = grace
        self._error: BaseException | None = None
        self._hands: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._interrupts = 0

    async def run(self, works: Iterable[Work[Result]],
                  take: Callable[[int, Result], None]) -> None:
        """Do the works; `take(place, result)` hears of each as it is done.

        Raises the first error, KeyboardInterrupt after Ctrl-C; either way no hand is left.
        """
        loop = asyncio.get_running_loop()
        caught = threading.current_thread() is threading.main_thread()
        if caught:
            try:
                loop.add_signal_handler(signal.SIGINT, self._interrupt)
            except (NotImplementedError, RuntimeError, ValueError):  # Windows
                caught = False
        try:
            self._add_hand(enumerate(works), take)
            await self._empty.wait()
        finally:
            for hand in self._hands:
                hand.cancel()
            await asyncio.gather(*self._hands, return_exceptions=True)
            if caught:
                loop.remove_signal_handler(signal.SIGINT)
        if self._error is not None:
            raise self._error

    def _add_hand(self, works: Iterator[tuple[int, Work[Result]]],
                  take: Callable[[int, Result], None]) -> None:
        hand = asyncio.ensure_future(self._work(works, take))
        self._hands.add(hand)
        hand.add_done_callback(self._done)

    async def _work(self, works: Iterator[tuple[int, Work[Result]]],
                    take: Callable[[int, Result], None]) -> None:
        """Be one hand."""
        first = True
        try:
            while not self.ending:
                try:
                    place, work = next(works)
                except StopIteration:
                    return
                if first and len(self._hands) < self.number:
                    self._add_hand(works, take)  # there is work, so there may be more
                first = False
                take(place, await work())
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._end(error)

    def _done(self, hand: asyncio.Task[None]) -> None:
        self._hands.discard(hand)
        if not self._hands:
            self._empty.set()

    def _end(self, error: BaseException) -> None:
        """Begin nothing new; let what is in flight arrive, for a while."""
        if self._error is not None:
            return
        self._error, self.ending = error, True
        self._hold()
        loop = asyncio.get_running_loop()
        loop.call_later(SOON, self._tell)
        loop.call_later(self._grace, self._cancel)

    def _tell(self) -> None:
        if self._hands:
            log.warning("stopping: up to %.0f s for %d replies in flight, so that they are kept; "
                        "Ctrl-C leaves at once", self._grace, len(self._hands))

    def _interrupt(self) -> None:
        """Hear a Ctrl-C."""
        self._interrupts += 1
        if self._interrupts > 1 or self.ending:
            self._error = KeyboardInterrupt()
            self._cancel()
        else:
            self._end(KeyboardInterrupt())

    def _cancel(self) -> None:
        for hand in self._hands:
            hand.cancel()
