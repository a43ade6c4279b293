"""Plain text turned into one long row of token numbers, by as many processes as there are.

Why: text is written by a Python program, far slower than a GPU reads it, so it is written and
tokenised beforehand, in shards. A shard's text depends on the seed and on its own number
only: any number of workers gives the same corpus, and a killed run keeps the finished shards.

Used as: `tokens = write_corpus(passages, tokenizer_folder, folder, tokens=10**7, seed=0)`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.identity import draw
from mathmill.train.tokenizer import END, open_tokenizer
from mathmill.workbench import Progress, silent

if TYPE_CHECKING:
    import numpy as np

Passages = Callable[[int], Iterator[str]]
ShardWork = tuple[Passages, Path, Path, int, int]
SHARD = 500_000  # tokens a shard: seconds of work, so that a kill loses little
BATCH = 512  # passages encoded at once


def shard_seed(seed: int, shard: int) -> int:
    """Return the seed of one shard's passages."""
    return draw("corpus", seed, shard).getrandbits(31)


def fill_shard(passages: Passages, tokenizer: Any, seed: int, tokens: int) -> np.ndarray:
    """Return exactly `tokens` token numbers (uint16): passages, an end token after each."""
    import numpy as np

    core, row, count = tokenizer.backend_tokenizer, [], 0
    end, texts = core.token_to_id(END), iter(passages(seed))
    while count < tokens:
        batch = [text for _, text in zip(range(BATCH), texts, strict=False)]
        if not batch:
            raise ValueError(f"the passages of seed {seed} ended after {count} tokens")
        for coded in core.encode_batch_fast(batch):
            row.append(np.array([*coded.ids, end], dtype=np.uint16))
            count += len(row[-1])
    return np.concatenate(row)[:tokens]


def write_corpus(passages: Passages, tokenizer_folder: Path, folder: Path, *, tokens: int,
                 seed: int, workers: int = 1, deadline: float | None = None,
                 show: Progress = silent) -> np.ndarray:
    """Write the shards that are missing and return the corpus as uint16 numbers.

    `deadline` (seconds since the epoch) ends the writing early with the whole shards there
    are: for a machine that is lent by the minute. Without it the corpus has `tokens` tokens.
    """
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    shards = -(-tokens // SHARD)
    files = [folder / f"shard-{number:05d}.npy" for number in range(shards)]
    missing = [number for number in range(shards) if not files[number].exists()]
    work = [(passages, tokenizer_folder, files[number], shard_seed(seed, number),
             min(SHARD, tokens - number * SHARD)) for number in missing]
    if workers <= 1 or len(work) <= 1:
        for done, task in enumerate(work):
            if deadline and time.time() > deadline:
                break
            _write_shard(*task)
            show(shards - len(work) + done + 1, shards, "shards of plain text")
    else:
        _write_in_parallel(work, workers, deadline, show)
    ready = [np.load(file, mmap_mode="r") for file in files if file.exists()]
    if not ready:
        raise ValueError("no shard of the corpus was finished before the deadline")
    return np.concatenate(ready)


def _write_in_parallel(work: list[ShardWork], workers: int, deadline: float | None,
                       show: Progress) -> None:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_write_shard, *task, deadline) for task in work]
        for done, future in enumerate(as_completed(waiting), 1):
            future.result()
            show(done, len(work), "shards of plain text")


def _write_shard(passages: Passages, tokenizer_folder: Path, file: Path, seed: int, tokens: int,
                 deadline: float | None = None) -> None:
    import numpy as np

    if deadline and time.time() > deadline:
        return
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    row = fill_shard(passages, open_tokenizer(tokenizer_folder), seed, tokens)
    aside = file.with_suffix(f".{os.getpid()}.writing")
    with aside.open("wb") as handle:
        np.save(handle, row)
    os.replace(aside, file)
