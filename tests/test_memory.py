"""Memory that is left: of the machine, of the container, of the shell's limit, the least."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mathmill.memory import free_memory

GIB = 1 << 30


def laid(folder: Path, files: dict[str, str]) -> tuple[Path, Path]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "proc", folder / "groups"


@pytest.mark.parametrize(("files", "free"), [
    ({"proc/meminfo": "MemTotal: 99 kB\nMemAvailable: 2097152 kB\n"}, 2 * GIB),
    ({"proc/self/cgroup": "0::/a/b\n", "groups/a/memory.max": f"{4 * GIB}\n",
      "groups/a/memory.current": f"{3 * GIB}\n", "groups/a/b/memory.max": "max\n",
      "groups/a/memory.stat": f"anon 5\ninactive_file {GIB // 2}\n"}, GIB + GIB // 2),
    ({"proc/self/cgroup": "0::/\n", "groups/memory.max": f"{GIB}\n",
      "groups/memory.current": f"{2 * GIB}\n"}, 0),
    ({"proc/self/cgroup": "9:cpu:/x\n4:memory:/elsewhere/x\n",
      "groups/memory/memory.limit_in_bytes": f"{GIB}\n",
      "groups/memory/memory.usage_in_bytes": "0\n"}, GIB),
    ({}, None)])
def test_the_least_that_is_told_counts(tmp_path: Path, files: dict[str, str], free: int | None
                                       ) -> None:
    always = {} if free is None else {"proc/meminfo": "MemAvailable: 2097152 kB\n"}
    assert free_memory(*laid(tmp_path, {**always, **files})) == free


def test_a_limit_of_the_shell_counts_too() -> None:
    code = ("import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30));"
            "from mathmill.memory import free_memory; print(free_memory())")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 1 << 28 < int(told.stdout) < 1 << 30
