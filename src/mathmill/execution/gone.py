"""A Ray cluster that is gone, said in one line with what to do.

Used as: `with here_or_gone(): ...` around what is asked of a cluster, by `ray` and `actors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mathmill.errors import StepFailed


@contextmanager
def here_or_gone() -> Iterator[None]:
    """Say what to do where the cluster is gone: ConnectionError of the client, RaySystemError."""
    try:
        yield
    except Exception as error:
        raise StepFailed(f"the Ray cluster is gone ({type(error).__name__}: {last_line(error)}"[
            :300] + "); run again when it is back, or with --on local: finished shards stay"
                         ) from error


def last_line(error: Exception) -> str:
    """Return the last line of what Ray says, which is the one that tells."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no more is known"
