"""A local provider of files and batches, after OpenAI's published description of them.

Why: what may go wrong with a batch happens over a day and costs money; here it happens in
milliseconds, and the server counts what it was asked to do and what it would have charged.

`behave` maps what happens to the n-th batch (from 1) to a plan; see `Plan`. The time that a
batch takes is a number of looks at it, so tests do not wait for clocks.

Used as: `with BatchServer() as server: ... server.url, server.batches, server.answered`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from local_server import LocalServer


@dataclass
class Plan:
    """What becomes of one batch."""

    end: str = "completed"
    looks: int = 2  # after which it has ended
    done: Callable[[int], bool] = lambda place: True  # lines that are worked on
    line: Callable[[int, dict[str, Any]], Any] | None = None  # another line than the usual
    errors: list[dict[str, Any]] = field(default_factory=list)
    forgotten: bool = False
    backwards: bool = True  # output need not be in the order of the input
    twice: bool = False  # each line of the output stands there twice
    lose_create: bool = False  # the batch is made, and the line breaks before its id is told


class BatchServer(LocalServer):
    """The server in a thread."""

    def __init__(self, *, lists: bool = True, key: str = "") -> None:
        self.plans: dict[int, Plan] = {}
        self.default = Plan()
        self.files: dict[str, bytes] = {}
        self.batches: list[dict[str, Any]] = []
        self.looks: dict[str, int] = {}
        self.answered: list[str] = []
        "The prompt of every line that was worked on, and is charged for."
        self.creating: Callable[[], None] = lambda: None  # called in between
        self.fail_next: list[int] = []  # statuses of the next calls, whatever they are
        self.lists, self.key = lists, key
        self.paths: list[str] = []

    def application(self) -> web.Application:
        app = web.Application(client_max_size=300 * 2**20, middlewares=[self._first])
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._retrieve)
        app.router.add_post("/v1/batches/{id}/cancel", self._cancel)
        return app

    @web.middleware
    async def _first(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.paths.append(f"{request.method} {request.path}")
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "invalid_api_key", f"wrong key {self.key}")
        if self.fail_next:
            return _error(self.fail_next.pop(0), "trouble", "in trouble")
        response: web.StreamResponse = await handler(request)
        return response

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        name = f"file-in{len(self.files)}"
        given: Any = form["file"]
        self.files[name] = given.file.read()
        return web.json_response({"id": name, "object": "file", "bytes": len(self.files[name]),
                                  "purpose": "batch", "filename": given.filename})

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["endpoint"] == "/v1/chat/completions"
        assert body["completion_window"] == "24h"
        assert all(isinstance(value, str) for value in body["metadata"].values())
        rows = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        assert len({row["custom_id"] for row in rows}) == len(rows)
        assert {row["url"] for row in rows} == {"/v1/chat/completions"}
        number = len(self.batches) + 1
        batch = {"id": f"batch_{number}", "object": "batch", "endpoint": body["endpoint"],
                 "input_file_id": body["input_file_id"], "completion_window": "24h",
                 "status": "validating", "created_at": 1_900_000_000 + number,
                 "metadata": body["metadata"],
                 "request_counts": {"total": len(rows), "completed": 0, "failed": 0}}
        self.batches.append(batch)
        self.looks[str(batch["id"])] = 0
        self.creating()
        if self._plan(number).lose_create:
            assert request.transport is not None
            request.transport.close()
        return web.json_response(batch)

    def _plan(self, number: int) -> Plan:
        return self.plans.get(number, self.default)

    async def _list(self, request: web.Request) -> web.Response:
        if not self.lists:
            return _error(404, "not_found", "no list here")
        rows = self.batches[::-1]
        after = request.query.get("after")
        if after:
            rows = rows[[row["id"] for row in rows].index(after) + 1:]
        limit = min(2, int(request.query["limit"]))  # small pages, so that paging is met
        return web.json_response({"object": "list", "data": rows[:limit],
                                  "has_more": len(rows) > limit})

    async def _retrieve(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        number = int(name.removeprefix("batch_"))
        plan = self._plan(number)
        if number > len(self.batches) or plan.forgotten:
            return _error(404, "not_found", f"No batch found with id '{name}'.")
        batch = self.batches[number - 1]
        self.looks[name] += 1
        if self.looks[name] > plan.looks and batch["status"] in ("validating", "in_progress"):
            self._finish(batch, plan)
        elif batch["status"] == "validating":
            batch["status"] = "in_progress"
        return web.json_response(batch)

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self.batches[int(request.match_info["id"].removeprefix("batch_")) - 1]
        batch["status"] = "cancelling"
        return web.json_response(batch)

    def _finish(self, batch: dict[str, Any], plan: Plan) -> None:
        batch["status"] = plan.end
        if plan.end == "failed":
            batch["errors"] = {"object": "list", "data": plan.errors}
            return
        good: list[str] = []
        bad: list[str] = []
        rows = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        for place, row in enumerate(rows):
            line = plan.line(place, row) if plan.line else None
            if line is None and plan.done(place):
                line = usual(row)
            if isinstance(line, str):
                good.append(line)
                continue
            if line is None:
                code = "batch_cancelled" if plan.end == "cancelled" else "batch_expired"
                line = {"response": None, "error": {"code": code, "message": "not executed"}}
            line = {"id": f"batch_req_{place}", "custom_id": row["custom_id"], **line}
            status = (line["response"] or {}).get("status_code")
            if status == 200:
                self.answered.append(row["body"]["messages"][-1]["content"])
            (good if status == 200 else bad).append(json.dumps(line))
        if plan.backwards:
            good.reverse()
        if plan.twice:
            good += good
        for name, lines in (("output", good), ("error", bad)):
            if lines:
                batch[f"{name}_file_id"] = f"file-{name}-{batch['id']}"
                self.files[batch[f"{name}_file_id"]] = ("\n".join(lines) + "\n").encode()
        batch["request_counts"] |= {"completed": len(good), "failed": len(bad)}

    async def _content(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.files:
            return _error(404, "not_found", "no such file")
        return web.Response(body=self.files[name], content_type="application/octet-stream")


def usual(row: dict[str, Any]) -> dict[str, Any]:
    """A line of the output as it mostly is: the prompt, told back."""
    prompt = row["body"]["messages"][-1]["content"]
    return {"error": None, "response": {
        "status_code": 200, "request_id": "req_1", "body": {
            "id": "chatcmpl-1", "object": "chat.completion", "model": row["body"]["model"],
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": f"re: {prompt}"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}}}


def failed(status: int, code: str, message: str) -> dict[str, Any]:
    """A line of the error file."""
    return {"error": None, "response": {"status_code": status, "request_id": "req_1", "body": {
        "error": {"code": code, "message": message, "type": code, "param": None}}}}


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
