"""Parameters that a server refuses by name, also to many calls at once."""

from __future__ import annotations

import json

from mathmill.teachers.http.parameters import Parameters
from mathmill.types import Message, Request

REQUEST = Request((Message("user", "hello"),))


def refusal(name: str) -> bytes:
    return json.dumps({"error": {"message": f"Unsupported parameter: '{name}' is not supported "
                                 "with this model.", "param": name,
                                 "code": "unsupported_parameter"}}).encode()


def test_a_call_that_was_sent_before_another_taught_us_goes_again_too() -> None:
    parameters = Parameters("m", "openai:m")
    before = frozenset(parameters.refused)
    assert parameters.adapt(REQUEST, 1, refusal("max_tokens"), before)
    assert parameters.adapt(REQUEST, 1, refusal("max_tokens"), before)
    assert "max_completion_tokens" in parameters.fields(REQUEST)
    after = frozenset(parameters.refused)
    assert not parameters.adapt(REQUEST, 1, refusal("max_tokens"), after), "it was not sent"
    assert parameters.adapt(REQUEST, 1, refusal("seed"), after)
    assert "seed" not in parameters.fields(REQUEST)
