"""A request's id is made once, and is no part of what a request is."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

from mathmill.types import Message, Request


def test_a_request_whose_id_was_asked_for_is_the_same_request() -> None:
    asked, fresh = (Request((Message("user", "2 + 2?"),), sample=1) for _ in range(2))
    assert asked.id == asked.id == fresh.id
    fresh = Request((Message("user", "2 + 2?"),), sample=1)
    assert (asked, hash(asked), repr(asked)) == (fresh, hash(fresh), repr(fresh))
    for twin in (pickle.loads(pickle.dumps(asked)), pickle.loads(pickle.dumps(fresh)),
                 copy.copy(asked)):
        assert twin == asked
        assert twin.id == asked.id


def test_a_changed_request_has_an_id_of_its_own() -> None:
    asked = Request((Message("user", "2 + 2?"),))
    assert replace(asked, sample=asked.sample + len(asked.id)).id != asked.id
    assert replace(asked, sample=3).id == Request((Message("user", "2 + 2?"),), sample=3).id
