"""Kill a run at random, again and again, and count from outside what was bought twice.

Why: that nothing is lost or paid twice is a promise about the worst moment, so the moment is
drawn, `kill -9` is sent, and the server (another process) counts. In flight at a kill is what
the server had seen and the journal did not hold; only that may be sent again.

Used as: `trial(folder, count=20_000, kills=100, seed=0)`, by `teacher_engine.py` and tests.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "teachers"))
from hostile_server import HostileProcess, expected, hostile_process, key_of  # noqa: E402

CLIENT = HERE / "client.py"


@dataclass(frozen=True, slots=True)
class Toll:
    """What the kills cost."""

    rows: int
    "Rows that the last run wrote."
    kills: int
    "Processes that were killed at work."
    again: int
    "Requests sent for something that was sent before, counted by the server."
    in_flight: int
    "Requests at the server and not in the journal at the kills, summed."
    bought_twice: int
    "Requests sent again although their reply was in the journal before: must be 0."
    lost: int
    "Questions without a row: must be 0."
    doubled: int
    "Rows beyond one a question, and records beyond one in the journal: must be 0."
    wrong: int
    "Rows that hold another question's reply: must be 0."
    seconds: float
    "Wall time of it all."


def trial(folder: Path, count: int, kills: int, seed: int = 0, at_once: int = 256,
          latency: str = "uniform:0.05,0.3") -> Toll:
    """Run `count` calls with that many kills, at random moments, then to the end."""
    draw, began = random.Random(seed), time.monotonic()
    in_flight = bought_twice = done = 0
    out = folder / "rows.jsonl"
    options = {"count": count, "folder": str(folder / "run"), "at_once": at_once,
               "out": str(out), "size": 60}
    with hostile_process(latency=latency, seed=seed) as server:
        command = [sys.executable, str(CLIENT), json.dumps({"url": server.url, **options})]
        last: Counter[str] = Counter()
        before: Counter[str] = Counter()
        while done < kills and not out.exists():
            most = 2 * count // (kills + 1) + at_once  # so that kills fall all over the run
            if not killed(command, server, server.pulse() + draw.randint(1, most)):
                break
            done += 1
            sent, kept = settled(server), journalled(folder / "run")
            bought_twice += sum(sent[key] > before[key] for key in before)
            in_flight += sum(key not in kept and sent[key] > last[key] for key in sent)
            last = sent
            # From now on a request for one of these would be bought twice.
            before = Counter({key: sent[key] for key in kept})
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        sent, stats = Counter(server.counts()), server.stats()
        bought_twice += sum(sent[key] > before[key] for key in before)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    questions = Counter(row[0] for row in rows)
    kept = journalled(folder / "run")
    return Toll(rows=len(rows), kills=done, again=stats["again"], in_flight=in_flight,
                bought_twice=bought_twice, lost=count - len(questions),
                doubled=len(rows) - len(questions) + sum(kept.values()) - len(kept),
                wrong=sum(text != expected(key_of(asked)) for asked, text in rows),
                seconds=time.monotonic() - began)


def killed(command: list[str], server: HostileProcess, at: int) -> bool:
    """Start the client and kill it once the server has had so many requests; False: it ended."""
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while server.pulse() < at:
            if client.poll() is not None:
                return False
            time.sleep(0.002)
        os.kill(client.pid, signal.SIGKILL)
        return True
    finally:
        client.kill()
        client.wait()


def settled(server: HostileProcess) -> Counter[str]:
    """Return what was sent so far, once the server has read what was on the wire."""
    last = -1
    while (now := server.pulse()) != last:
        last = now
        time.sleep(0.02)
    return Counter(server.counts())


def journalled(home: Path) -> Counter[str]:
    """Return how often the journal holds each request, by the server's key for it."""
    found: Counter[str] = Counter()
    path = home / "journal.jsonl"
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            record: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # torn by a kill
        found[record["text"].partition("Of ")[2].partition(", choice")[0]] += 1
    return found
