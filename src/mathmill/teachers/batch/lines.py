"""The lines of the files: a request as a line of the input, a line of the output as a reply.

Why: a line of the output tells in one of two ways that it failed (the status that a call would
have had, or an error of the batch itself), and what follows differs: some lines failed for good,
others were never worked on and go into the next batch.

Used as: `line_of(request, parameters)`, `custom_id, row = parsed(line)`, `reply_of(row, ...)`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.http.faults import ROW, TROUBLE, Fault, read_error
from mathmill.teachers.http.parameters import Parameters
from mathmill.teachers.http.reading import read_whole
from mathmill.types import Reply, Request

PATH = "/v1/chat/completions"
UNDONE = {"batch_expired", "batch_cancelled", "request_timeout"}  # of a batch's own errors


def line_of(request: Request, parameters: Parameters) -> bytes:
    """Return the line of a request, with its end."""
    head = json.dumps({"custom_id": request.id, "method": "POST", "url": PATH}).encode()
    return head[:-1] + b', "body": ' + parameters.body(request) + b"}\n"


def parsed(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """Return the custom id and the fields of a line, None for a line that is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("custom_id"), str):
        return None
    return row["custom_id"], row


def reply_of(row: dict[str, Any], request: Request, endpoint: Endpoint,
             refused: Collection[str]) -> Reply:
    """Return the reply of a line; raises Fault where it holds none.

    `refused`: parameters that were not sent with this batch; one that the line refuses by name
    is added to the endpoint's, and the Fault is `Refused`: the request is to be sent again.
    """
    response, error = row.get("response"), row.get("error")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        status, body = response["status_code"], response.get("body")
        if status == 200:
            return read_whole(body, request, endpoint.name, 0.0, "stop" in refused)[0]
        text = json.dumps(body).encode()
        if status in (400, 422) and endpoint.parameters.adapt(
                request, 1, text, refused):
            raise Refused
        fault = endpoint.of_status(status, text, {})
        fault.sent = False  # a failed line is not charged for
        raise fault
    if error:
        code, said = read_error(json.dumps({"error": error}).encode())
        kind = TROUBLE if code in UNDONE or not code else ROW
        raise Fault(kind, f"{code}: {said}".removeprefix(": "), sent=code == "request_timeout")
    raise Fault(TROUBLE, "a line of the output has neither a response nor an error")


class Refused(Fault):
    """A parameter was refused by name, and is not sent any more."""

    def __init__(self) -> None:
        """There is nothing to keep."""
        super().__init__(TROUBLE, "a parameter was refused", sent=False)
