"""A file of programs: kills at any moment and Ctrl-C leave no trace in what comes out."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_files import FORM, executed, read, written

STAND = """
import sys
from contextlib import contextmanager
from pathlib import Path
sys.path[:0] = sys.argv[1].split(":")
from test_files import executed, Stand
executed(Path(sys.argv[2]), gold="gold", out=Path(sys.argv[3]), stand=Stand(0.002, 30))
"""


@pytest.mark.slow
def test_kills_at_any_moment_leave_the_undisturbed_result(tmp_path: Path) -> None:
    rows = [{"code": FORM.format(n), "gold": n + n % 2} for n in range(400)]
    rows[100] = {"code": "no program"}
    file = written(tmp_path / "rows.jsonl", *rows[:200], "{broken", *rows[200:])
    executed(file, gold="gold", out=tmp_path / "whole.jsonl")
    out, dice, kills = tmp_path / "out.jsonl", random.Random(3), 0
    here = Path(__file__).resolve()
    words = [sys.executable, "-c", STAND, f"{here.parents[3] / 'src'}:{here.parent}", str(file),
             str(out)]
    while not out.exists() and kills < 12:
        process = subprocess.Popen(words)
        part, before = out.with_name("out.jsonl.part"), time.monotonic()
        start = part.stat().st_size if part.exists() else 0
        while process.poll() is None and time.monotonic() < before + 20 and (
                not part.exists() or part.stat().st_size <= start):
            time.sleep(0.01)
        time.sleep(dice.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        assert process.wait() in (0, -signal.SIGKILL)
        kills += 1
    if not out.exists():
        subprocess.run(words, check=True, timeout=60)
    assert kills > 1
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.slow
def test_the_command_stops_at_ctrl_c_and_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("pydantic_monty", reason="the sandbox needs mathmill[sandbox]")
    loop = "def simple_math_problem():\n    while True:\n        pass\n    return 1"
    written(tmp_path / "rows.jsonl", *({"code": FORM.format(n), "gold": n} for n in range(300)),
            *({"code": loop, "gold": 1} for _ in range(6)), {"code": FORM.format(7), "gold": 7})
    source = str(Path(__file__).resolve().parents[3] / "src")
    words = [sys.executable, "-c",
             f"import sys; sys.path.insert(0, {source!r}); from mathmill.cli import main; main()",
             "exec", "rows.jsonl", "--field", "code", "--gold", "gold", "--seconds", "0.7"]
    process = subprocess.Popen(words, cwd=tmp_path, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    part, begun = tmp_path / "rows.exec.jsonl.part", time.monotonic()
    while not part.exists() and time.monotonic() < begun + 30:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "same command again" in said
    assert "Traceback" not in said
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "value 301, timeout 6" in done.stdout
    assert "98.0% correct" in done.stdout
    rows = read(tmp_path / "rows.exec.jsonl")
    assert [row["row"] for row in rows] == list(range(1, 308))
    assert [row["outcome"] for row in rows[300:]] == ["timeout"] * 6 + ["value"]
