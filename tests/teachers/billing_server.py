"""A local server that bills at random and fails at random, and keeps the true bill.

Why apart from the hostile server: a cap on money is only shown to hold where each call costs
another sum, up to the most that it may cost, and the server that charges does the counting.

What a call meets is drawn with the server's own generator: a reply (most), usage missing, a
reset before or in the midst of the body, JSON that is none (all billed), 429, 500 (billed by a
coin's toss). Tokens read: up to the bytes of the prompt and its template; tokens written: up to
`max_tokens`, for each choice.

Used as: `with BillingServer(random.Random(1), price) as server: ... server.url, server.bill`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

from aiohttp import web

from local_server import LocalServer
from mathmill.teachers.money.prices import Price

MOODS = {"ok": 70, "no usage": 5, "reset": 5, "cut": 5, "bad json": 5, "429": 5, "500": 5}
TEMPLATE = 16  # tokens that this server puts round each turn


class BillingServer(LocalServer):
    """The server in a thread; `bill` is in picodollars."""

    def __init__(self, draws: random.Random, price: Price, *, latency: float = 0.01,
                 moods: dict[str, int] | None = None,
                 text: Callable[[dict[str, Any]], str] = lambda body: "The answer is 5") -> None:
        self.draws, self.price, self.latency, self.text = draws, price, latency, text
        self.moods = moods or MOODS
        self.bill = self.calls = self.read = self.written = self.refused = 0

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        mood = self.draws.choices(list(self.moods), list(self.moods.values()))[0]
        if mood == "429":
            self.refused += 1
            return web.json_response({"error": {"message": "slow down"}}, status=429,
                                     headers={"retry-after-ms": "5"})
        usage = self._charge(body, charge=mood != "500" or self.draws.random() < 0.5)
        await asyncio.sleep(self.draws.expovariate(1 / self.latency))
        if mood == "500":
            return web.json_response({"error": {"message": "oh"}}, status=500)
        if mood == "bad json":
            return web.Response(body=b'{"choices": [', content_type="application/json")
        if mood == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        choices = [{"index": n, "finish_reason": "stop",
                    "message": {"role": "assistant",  # choices differ, as samples do
                                "content": "Well. " * n + self.text(body)}}
                   for n in range(int(body.get("n", 1)))]
        whole: dict[str, Any] = {"choices": choices, "usage": usage}
        if mood == "no usage":
            del whole["usage"]
        data = json.dumps(whole).encode()
        if mood == "cut":
            reply = web.StreamResponse(headers={"Content-Length": str(len(data)),
                                                "Content-Type": "application/json"})
            await reply.prepare(request)
            await reply.write(data[:len(data) // 2])
            assert request.transport is not None
            request.transport.abort()
            return reply
        return web.Response(body=data, content_type="application/json")

    def _charge(self, body: dict[str, Any], charge: bool) -> dict[str, Any]:
        """Draw the usage of a call, and charge for it."""
        most = sum(len(turn["content"].encode()) + len(turn["role"]) + TEMPLATE
                   for turn in body["messages"])
        limit = int(body.get("max_tokens") or body["max_completion_tokens"])
        read = self.draws.choice([most, self.draws.randint(1, most)])
        written = sum(self.draws.choice([limit, self.draws.randint(1, limit)])
                      for _ in range(int(body.get("n", 1))))
        cached = self.draws.choice([0, self.draws.randint(0, read)])
        if charge:
            self.calls += 1
            self.read += read
            self.written += written
            self.bill += self.price.cost(read, written, cached)
        return {"prompt_tokens": read, "completion_tokens": written,
                "prompt_tokens_details": {"cached_tokens": cached}}
