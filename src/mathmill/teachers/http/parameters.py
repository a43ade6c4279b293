"""The body of a chat completion, without what this server has refused by name.

Why: servers differ in which parameters they take. Newer models want `max_completion_tokens`,
some have a fixed temperature, some know no seeds. Where one refuses a parameter by name it is
changed or left out from then on, with one warning, and no row is lost to it.

Used as: `parameters.body(request, samples=1)`; after a 400, `parameters.adapt(request, body)`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Mapping
from typing import Any

from mathmill.types import Request

OPTIONAL = ("temperature", "seed", "stop", "top_p", "logprobs", "n", "stream_options")
REFUSALS = (r"unsupported|not supported|does not support|unrecogni[sz]ed|unexpected|unknown"
            r"|not permitted|not allowed|not available|forbidden|only the default|extra inputs")
# Built once: `json.dumps` with options builds an encoder a call (3 µs).
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
log = logging.getLogger(__name__)


class Parameters:
    """What is sent to one model on one server."""

    def __init__(self, model: str, name: str, extra: Mapping[str, Any] | None = None,
                 stream: bool = False) -> None:
        """Keep the model, the name for warnings, and fields that are sent with every call."""
        self.model = model
        self.name = name
        self.extra = dict(extra or {})
        self.extra_bytes = len(json.dumps(self.extra).encode()) if extra else 0
        "Bytes of those: tools and schemas are read, and paid for, as a part of the prompt."
        self.stream = stream
        self.refused: set[str] = set()

    def fields(self, request: Request, samples: int = 1,
               without: Collection[str] | None = None) -> dict[str, Any]:
        """Return the fields of a call for `samples` replies, less those refused before.

        `without`: those that were refused at some earlier time, instead of by now.
        """
        refused = self.refused if without is None else without
        fields: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": turn.role, "content": turn.content}
                         for turn in request.messages],
            "temperature": request.temperature,
            "max_completion_tokens" if "max_tokens" in refused else "max_tokens":
                request.max_tokens,
            "seed": request.sample,
        }
        if request.stop:
            fields["stop"] = list(request.stop)
        if request.top_p != 1.0:
            fields["top_p"] = request.top_p
        if request.logprobs:
            fields["logprobs"] = True
        if samples > 1:
            fields["n"] = samples
        if self.stream:
            fields["stream"] = True
            fields["stream_options"] = {"include_usage": True}
        if self.extra:
            fields.update(self.extra)
        for name in refused:
            fields.pop(name, None)
        return fields

    def body(self, request: Request, samples: int = 1) -> bytes:
        """Return the call as JSON."""
        fields = self.fields(request, samples)
        try:
            return _encode(fields).encode()
        except UnicodeEncodeError:  # half a Unicode sign: only an escape can hold it
            return json.dumps(fields).encode()

    def adapt(self, request: Request, samples: int, answer: bytes,
              without: Collection[str] | None = None) -> bool:
        """Note a parameter that a 400 or 422 refuses by name; tell whether one was found.

        `without`: what was refused when the call was sent; others may have taught us more since.
        """
        sent = self.fields(request, samples, without)
        named = [name for name in ("max_tokens", *OPTIONAL)
                 if name in sent and _refuses(answer, name)]
        if not named:
            return False
        # Many calls are in flight when the first is refused: each must go again, one warns.
        if named[0] not in self.refused:
            self.refused.add(named[0])
            log.warning("%s does not take %s: it is %s from now on", self.name, named[0],
                        "sent as max_completion_tokens" if named[0] == "max_tokens"
                        else "left to the server" if named[0] != "stop" else "applied here")
        return True


def _refuses(answer: bytes, name: str) -> bool:
    """Tell whether an error's body says that a parameter of this name is not taken."""
    try:
        whole = json.loads(answer)
    except (ValueError, RecursionError):
        whole = {"message": answer[:4000].decode("utf-8", "replace")}
    error = whole.get("error", whole) if isinstance(whole, dict) else whole
    if not isinstance(error, dict):
        error = {"message": str(error)}
    details = error.get("detail") or error.get("details") or whole.get("detail") or ()
    for detail in details if isinstance(details, list) else ():
        place = detail.get("loc") if isinstance(detail, dict) else None
        if (isinstance(place, list) and name in place
                and re.search(REFUSALS, json.dumps(detail), re.IGNORECASE)):
            return True
    text = str(error.get("message") or error)
    if error.get("param") == name:
        return ("unsupported" in str(error.get("code"))
                or re.search(REFUSALS, text, re.IGNORECASE) is not None)
    near = rf"(?:{REFUSALS})[^.]*['\"`]{name}['\"`]|['\"`]{name}['\"`][^.]*(?:{REFUSALS})"
    return re.search(near, text, re.IGNORECASE) is not None
