"""A local OpenAI-compatible server that does, on demand, what real ones seldom do.

Why: an engine is trusted for what it does when servers misbehave, and only a server of our own
misbehaves when told to, and counts from outside what was sent, answered and billed. It speaks
HTTP over a bare asyncio protocol, so that it is not the bottleneck of a benchmark.

A *behaviour* is a word, some with `=VALUE` (all of them: `hostile_replies.BEHAVIOURS`). Which one
a request meets is said by, first to last: `decide(call)`; `script`, {key: [behaviours]}, one an
attempt, the last one for all later ones, `*` for all keys; the limits `rate` and `capacity`;
`draw`, {behaviour: share}, drawn from `seed`, the key and the attempt (so never from the order).
A request's *key* is its last message and its seed (`question#3`); its text, long, as a digest.
The reply is `expected(key, index)`: a row that holds another row's reply is told at once.

Used as: `with HostileServer(script={"*": ["429", "ok"]}) as server: ... server.url` in a thread,
`with hostile_process(latency="2") as server: ... server.stats()` in a process of its own, or
`python tests/teachers/hostile_server.py '{"latency": "lognormal:0.2,0.5", "rate": 100}'`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hostile_connection import Call, Connection, fingerprint, key_of
from hostile_replies import expected

__all__ = ["Call", "HostileServer", "expected", "fingerprint", "hostile_process", "key_of"]


class HostileServer:
    """The server in a thread of this process; its counts are plain attributes."""

    def __init__(self, *, script: Mapping[str, Sequence[str]] | None = None,
                 decide: Callable[[Call], str | None] | None = None,
                 draw: Mapping[str, float] | None = None, seed: int = 0, latency: str = "0",
                 rate: float = 0, burst: float = 0, headers: str = "", capacity: int = 0,
                 key: str = "", model: str = "", size: int = 0, port: int = 0,
                 log: bool = True) -> None:
        """Keep the settings.

        `latency` in seconds: `0.2`, `uniform:LOW,HIGH`, `lognormal:MEDIAN,SIGMA` or `exp:MEAN`.
        `rate`: requests a second that a token bucket of `burst` (a tenth of a second's, at least
        1) lets through, all others get 429; `headers` that tell of it: words of `retry-after`,
        `retry-after-ms`, `date` (Retry-After as a date), `x-ratelimit`. `capacity`: more requests
        than this in flight get 503. `key`, `model`: others get 401, 404. `size`: least characters
        of a reply. `log`: whether calls are kept in `calls` (memory).
        """
        self.script, self.decide, self.draw = script or {}, decide, dict(draw or {})
        self.seed, self.latency, self.capacity = seed, latency, capacity
        self.rate, self.headers = rate, headers
        self.burst = burst or max(1.0, rate / 10)
        self.key, self.model, self.size, self.port, self.keeps = key, model, size, port, log
        self.random = random.Random(seed)
        self.clear()

    def clear(self) -> None:
        """Forget what came in."""
        self.calls: list[Call] = []
        self.sent: Counter[str] = Counter()
        "Requests that came in, by key."
        self.answered: Counter[str] = Counter()
        "Whole completions that were written out, by key."
        self.billed: Counter[str] = Counter()
        "Completion tokens that a provider would charge for, by key: also those lost on the way."
        self.statuses: Counter[str] = Counter()
        "Replies by status, or by behaviour where there was none."
        self.seconds: dict[int, Counter[str]] = {}
        "The same in each second since the first request."
        self.requests = self.in_flight = self.peak = self.abandoned = self.connections = 0
        self.began = 0.0
        self.tokens, self.filled = self.burst, time.monotonic()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, Any]:
        """Return the counts as JSON: `again` is the requests for keys sent before."""
        return {"requests": self.requests, "keys": len(self.sent),
                "again": self.requests - len(self.sent),
                "answered": self.answered.total(), "answered_keys": len(self.answered),
                "answered_again": self.answered.total() - len(self.answered),
                "billed": self.billed.total(), "statuses": dict(self.statuses),
                "in_flight": self.in_flight, "peak": self.peak, "abandoned": self.abandoned,
                "connections": self.connections,
                "seconds": {str(n): dict(each) for n, each in list(self.seconds.items())},
                "cpu": time.process_time()}

    # -- what a request meets ---------------------------------------------------------------

    def meets(self, call: Call) -> str:
        """Return the behaviour for a call."""
        if self.key and call.secret.removeprefix("Bearer ") != self.key:
            return "401"
        if self.model and call.body.get("model") != self.model:
            return "404"
        said = self.decide(call) if self.decide else None
        steps = self.script.get(call.key) or self.script.get("*")
        if said is None and steps:
            said = steps[min(call.attempt, len(steps) - 1)]
        if said not in (None, "limit"):
            return str(said)
        if self.capacity and self.in_flight > self.capacity:
            return "503"
        if self.rate and not self.take():
            return "limited"
        if self.draw:
            at = random.Random(f"{self.seed} {call.key} {call.attempt}").random()
            for behaviour, share in self.draw.items():
                at -= share
                if at < 0:
                    return behaviour
        return "ok"

    def take(self) -> bool:
        """Take a token from the bucket; tell whether there was one."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def limit_headers(self, refused: bool) -> dict[str, str]:
        """Return the headers in which a server with this limit would tell of it."""
        wait = max(0.0, (1 - self.tokens) / self.rate) if self.rate else 0.0
        told: dict[str, str] = {}
        if refused and "retry-after-ms" in self.headers.split():
            told["retry-after-ms"] = str(math.ceil(wait * 1000))
        if refused and "retry-after" in self.headers.split():
            told["Retry-After"] = str(math.ceil(wait))
        if refused and "date" in self.headers.split():
            told["Retry-After"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(
                math.ceil(time.time() + wait)))
        if "x-ratelimit" in self.headers.split():
            full = (self.burst - self.tokens) / self.rate  # as OpenAI: until all is there again
            told |= {"x-ratelimit-limit-requests": str(int(self.burst)),
                     "x-ratelimit-remaining-requests": str(int(self.tokens)),
                     "x-ratelimit-reset-requests": f"{math.ceil(full * 1000)}ms"}
        return told

    def wait(self) -> float:
        """Return the seconds that the next reply takes."""
        kind, _, numbers = self.latency.partition(":")
        if not numbers:
            return float(kind)
        values = [float(number) for number in numbers.split(",")]
        if kind == "uniform":
            return self.random.uniform(*values)
        if kind == "lognormal":
            return self.random.lognormvariate(math.log(values[0]), values[1])
        return self.random.expovariate(1 / values[0])

    def note(self, status: str) -> None:
        """Count a reply."""
        self.statuses[status] += 1
        self.seconds.setdefault(int(time.monotonic() - self.began), Counter())[status] += 1

    # -- running ------------------------------------------------------------------------------

    async def listen(self) -> asyncio.Server:
        """Start to serve on the running loop."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port,
                                          backlog=4096)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def __enter__(self) -> HostileServer:
        ready = threading.Event()

        def run() -> None:
            async def serve() -> None:
                self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
                server = await self.listen()
                ready.set()
                await self._end.wait()
                server.close()

            asyncio.run(serve())

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(10), "the hostile server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(5)


class HostileProcess:
    """The server in a process of its own; its counts come over HTTP."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def stats(self) -> dict[str, Any]:
        """Return `HostileServer.stats()`; `cpu` is the seconds that the server itself took."""
        stats: dict[str, Any] = self._get("/stats")
        return stats

    def pulse(self) -> int:
        """Return how many requests came in."""
        return int(self._get("/pulse"))

    def counts(self) -> dict[str, int]:
        """Return how often each key was sent."""
        counts: dict[str, int] = self._get("/counts")
        return counts

    def clear(self) -> None:
        """Let it forget what came in."""
        self._get("/clear")

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url.removesuffix("/v1") + path, timeout=60) as reply:
            return json.load(reply)


@contextlib.contextmanager
def hostile_process(**options: Any) -> Iterator[HostileProcess]:
    """Run the server in a process of its own with `HostileServer`'s options (those of JSON)."""
    process = subprocess.Popen([sys.executable, __file__, json.dumps({"log": False, **options})],
                               stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield HostileProcess(process, process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


async def serve(server: HostileServer) -> None:
    """Serve until killed; the address is the one line printed."""
    await server.listen()
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(HostileServer(**json.loads(sys.argv[1] if sys.argv[1:] else "{}"))))
