"""Start ranks by torchrun, watch them, and end every one of them.

Why: a rank that is killed leaves the others waiting for it for ever, and a step that is stopped
must not leave processes that write into its folder. torchrun sees to the first in a process of
its own (`agent`), in a session of its own; that process, and the ranks, end with this one.

Used as: `with Launch("mathmill.train.sft.rank", settings, 8, folder) as ranks: print(ranks.line);
while not ranks.ended(): ...`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mathmill import errors
from mathmill.errors import MathmillError, StepFailed
from mathmill.io import read_json
from mathmill.ranks.devices import threads

FAILED, AGENT_LOG, LOGS, PIDS = "failed.json", "agent.log", "logs", "pids"
LAST = 3  # lines of a dead rank that are told
GRACE = 15.0  # seconds for torchrun to end its ranks
# What a rank says that only lost its neighbour: not the cause.
SECONDARY = ("connection closed by peer", "connection reset", "broken pipe", "recvvalue failed",
             "remote process", "socket", "nccl")


def line(module: str, settings: Path, processes: int, nodes: int = 1, name: str = "mathmill"
         ) -> str:
    """Return the line that a person may copy; on several machines HOST is the first one's name."""
    where = (["--standalone"] if nodes == 1 else
             ["--nnodes", str(nodes), "--rdzv-backend", "c10d", "--rdzv-endpoint", "HOST:29400",
              "--rdzv-id", name])
    return shlex.join(["torchrun", *where, "--nproc-per-node", str(processes), "-m", module,
                       str(settings)])


class Launch:
    """Ranks at work on one machine; a context manager that leaves none behind."""

    def __init__(self, module: str, settings: Path, processes: int, folder: Path) -> None:
        """Take the module that each rank runs, the file that it is told, and a folder for logs.

        What lies in `folder` is taken away first.
        """
        self.module, self.settings = module, settings.absolute()
        self.processes, self.folder = processes, folder.absolute()
        self.line = line(module, self.settings, processes)
        self._agent: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Launch:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / PIDS).mkdir(parents=True)
        words = [*shlex.split(self.line)[1:-3], "--log-dir", str(self.folder / LOGS),
                 "--redirects", "3", "-m", self.module, str(self.settings)]
        environment = {**os.environ, **threads(self.processes),
                       "MATHMILL_RANKS": str(self.folder), "TOKENIZERS_PARALLELISM": "false",
                       "PYTHONUNBUFFERED": "1"}
        with (self.folder / AGENT_LOG).open("wb") as log:
            self._agent = subprocess.Popen(
                [sys.executable, "-m", "mathmill.ranks.agent", str(os.getpid()),
                 str(self.folder / FAILED), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._agent is not None
        if self._agent.poll() is None:
            self._agent.terminate()
            try:
                self._agent.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._agent.kill()
        self._agent.wait()
        for left in (self.folder / PIDS).iterdir():
            _kill(int(left.name), left.read_text(encoding="utf-8"))

    def ended(self) -> bool:
        """Say whether all ranks have ended well; raises what a rank raised, or StepFailed."""
        assert self._agent is not None
        code = self._agent.poll()
        if code is None:
            return False
        if code:
            raise self._failure()
        return True

    def wait(self, seconds: float = 0.1) -> None:
        """Let some time go by, less where the ranks end."""
        assert self._agent is not None
        try:
            self._agent.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def _failure(self) -> MathmillError:
        """Return the error of the rank that died of itself, in one line."""
        told = sorted(self.folder.glob("error-*.json"))
        if told:
            said = read_json(told[0])
            kind = getattr(errors, str(said["kind"]), StepFailed)
            made: MathmillError = kind.__new__(kind)
            made.args = (said["line"],)
            return made
        if not (self.folder / FAILED).exists():
            return StepFailed(f"torchrun itself ended: {_tail(self.folder / AGENT_LOG)}")
        first = min(read_json(self.folder / FAILED), key=self._guilt)
        code = int(first["exitcode"])
        how = (f"was killed by {signal.Signals(-code).name}"
               + (" (often: out of memory)" if code == -signal.SIGKILL else "")
               if code < 0 else f"ended with exit code {code}")
        return StepFailed(
            f"rank {first['rank']} of {self.processes} {how}, and the others were stopped; its "
            f"last lines: {self._words(first)}; give the same command again: it goes on from what "
            "is finished")

    def _guilt(self, failure: dict[str, Any]) -> tuple[bool, bool, float]:
        """Order failures: those by signal first, those who only lost a neighbour last."""
        words = self._words(failure).lower()
        return (int(failure["exitcode"]) >= 0, any(one in words for one in SECONDARY),
                float(failure["at"]))

    def _words(self, failure: dict[str, Any]) -> str:
        logs = sorted((self.folder / LOGS).glob(f"*/attempt_0/{failure['local']}/stderr.log"))
        return _tail(logs[-1]) if logs else "(none)"


def _tail(log: Path) -> str:
    """Return the last lines of a log as one."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "(none)"
    lines = [row.strip() for row in text.splitlines() if row.strip()]
    return " | ".join(lines[-LAST:])[-400:] or "(none)"


def _kill(pid: int, born: str) -> None:
    """End a rank that torchrun left, if it is the very process.

    Where that cannot be told (no /proc), it is left to end with its parent, within a second.
    """
    if not born:
        return
    end = time.monotonic() + 1.0  # it watches its parent, and ends by itself
    while birth(pid) == born and time.monotonic() < end:
        time.sleep(0.05)
    if birth(pid) == born:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def birth(pid: int) -> str:
    """Return what tells a process from a later one of the same number; empty once it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] == "Z" else words[19]
