"""torchrun in a process of its own, that ends with whoever started it and tells who died.

Why: torchrun takes over its process's signals, and prints a page about a rank that died; here
it is told what it would be told on the command line, and the facts go to a file.

Used as: `python -m mathmill.ranks.agent PARENT FAILED.json --standalone --nproc-per-node 2 ...`,
by `ranks.launch`.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from mathmill.io import write_json
from mathmill.ranks.rank import end_with


def main(words: list[str]) -> int:
    """Run torchrun; return the exit code."""
    parent, failed, *rest = words
    end_with(int(parent), signal.SIGTERM)
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    try:
        run.run(run.parse_args(rest))  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        write_json(Path(failed), [
            {"rank": rank, "local": one.local_rank, "exitcode": one.exitcode, "at": one.timestamp}
            for rank, one in error.failures.items()])
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
