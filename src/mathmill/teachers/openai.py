"""`openai:MODEL` and `openai:MODEL@URL`: one model at any OpenAI-compatible server.

Why: the shortest name for the commonest teacher; several servers, keys and bounds take a
configuration file.

Used as: `open_openai("openai:tiny@http://localhost:8000/v1", "tiny@http://localhost:8000/v1")`,
by `registry.open_teacher`.
"""

from __future__ import annotations

import os

from mathmill.teachers.engine import Engine
from mathmill.teachers.http.endpoint import (
    DEFAULT_URL,
    Endpoint,
    check_url,
    find_key,
)


def open_openai(name: str, rest: str) -> Engine:
    """Return the teacher for `MODEL` or `MODEL@URL`; the key is `OPENAI_API_KEY`.

    Without a URL in the name, `OPENAI_BASE_URL` or the service's own address is used. Raises
    UsageError for a URL that cannot be right, TeacherError where a key is needed and missing.
    """
    model, address = address_of(rest)
    host = check_url(name, address if model else "").hostname
    return Engine(name, [(Endpoint(model, address, find_key(name, host), name=name), 1.0)])


def address_of(rest: str) -> tuple[str, str]:
    """Return the model and the server's address of `MODEL` or `MODEL@URL`."""
    model, _, url = rest.partition("@http")
    address = f"http{url}" if url else os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL
    return model, address.rstrip("/")
