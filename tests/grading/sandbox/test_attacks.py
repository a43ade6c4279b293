"""The attack matrix: each attack x each engine x root and an unprivileged user, seen from outside.

The attacks stand in tests/cases/attacks.txt; attack_driver.py runs them in a process of its own
and says what they reached. Each that can be run uncontained without harm is, as the control.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathmill.grading.sandbox import confine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TABLE = ROOT / "tests" / "cases" / "attacks.txt"
NOBODY = 65534
HEADS = [tuple(part.strip() for part in line[4:].split("|"))
         for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("### ")]
NAMES = [head[0] for head in HEADS]
CONTROLS = {head[0]: head[1] for head in HEADS if head[2] == "yes"}
MISSING = confine.report()["missing"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the engines' walls are Linux's"),
]


def python_for(user: int | None) -> str:
    """Return an interpreter that the user can execute."""
    if user is None:
        return sys.executable
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            subprocess.run([path, "-c", "import sys; assert sys.version_info >= (3, 11)"],
                           user=user, group=user, extra_groups=[], check=True,
                           stderr=subprocess.DEVNULL, cwd="/")
        except (OSError, subprocess.SubprocessError):
            continue
        return path
    pytest.skip("no Python 3.11 here that another user may execute")


@contextlib.contextmanager
def laid_out() -> Iterator[Path]:
    """Yield a folder that every user can read, with the sandbox's source in it."""
    folder = Path(tempfile.mkdtemp(prefix="mathmill-attacks-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "src" / "mathmill", folder / "mathmill",
                    ignore=shutil.ignore_patterns("__pycache__"))
    for file in (HERE / "attack_driver.py", TABLE):
        shutil.copy(file, folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with laid_out() as folder:
        yield folder


@functools.cache
def seen(engine: str, user: int | None, place: Path) -> dict[str, object]:
    """Return what the driver saw, once for each engine and user."""
    target = place / f"reach-{engine}-{user}"
    target.mkdir()
    if user is not None:
        os.chown(target, user, user)
    who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    done = subprocess.run(
        [python_for(user), "-I", "-B", place / "attack_driver.py", place, place / "attacks.txt",
         target, engine, sysconfig.get_paths()["purelib"] if engine == "monty" else ""],
        env={"PATH": f"{sysconfig.get_paths()['scripts']}:/usr/bin:/bin", "HOME": str(place)},
        capture_output=True, text=True, cwd="/", timeout=150, start_new_session=True, **who)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def user_of(name: str) -> int | None:
    if name == "this user":
        return None
    if os.geteuid() != 0:
        pytest.skip("this user is unprivileged already, and root alone can become another")
    return NOBODY


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("user", ["this user", "nobody"])
@pytest.mark.parametrize("engine", ["zygote", "monty"])
def test_an_attack_reaches_nothing(engine: str, user: str, name: str, place: Path) -> None:
    if MISSING:
        pytest.skip(f"this machine lacks {' and '.join(map(str, MISSING))}")
    told = seen(engine, user_of(user), place)
    if told.get("skip"):
        pytest.skip(f"{engine} cannot run here: {told['skip']}")
    attack = told["attacks"][name]
    assert attack["breaches"] == [], attack


@pytest.mark.parametrize("name", CONTROLS)
def test_the_attack_works_on_a_plain_process(name: str, place: Path) -> None:
    attack = seen("none", None, place)["attacks"][name]
    if not attack["breaches"] and os.geteuid() != 0:
        pytest.skip("not even a plain process of this user can do it here")
    assert CONTROLS[name] in attack["breaches"], attack


@pytest.mark.parametrize(("name", "kinds"), [
    ("two results", {"refused"}), ("write to every descriptor", {"refused", "crashed"}),
    ("a megabyte into the result", {"refused"}), ("one forged result, then a crash", {"crashed"}),
    ("infinite loop", {"timeout"}), ("ignore signals and loop", {"timeout"}),
    ("stop itself", {"timeout", "error"}), ("a result with an evil __str__", {"timeout"}),
    ("1.5 GB of memory", {"memory"}), ("segfault by ctypes", {"crashed"}),
    ("os._exit(0)", {"crashed"}), ("a hundred threads", {"error"}),
    ("open a socket", {"error"}), ("forty forks", {"error"}), ("io_uring", {"crashed"}),
    ("memfd and execute", {"crashed"}), ("keyctl", {"crashed"}),
])
def test_the_zygote_tells_how_an_attack_ended(name: str, kinds: set[str], place: Path) -> None:
    if MISSING:
        pytest.skip(f"this machine lacks {' and '.join(map(str, MISSING))}")
    assert seen("zygote", None, place)["attacks"][name]["outcome"]["kind"] in kinds


def test_no_process_of_the_zygote_grew_past_its_allowance(place: Path) -> None:
    if MISSING:
        pytest.skip(f"this machine lacks {' and '.join(map(str, MISSING))}")
    assert seen("zygote", None, place)["peak_mb"] < 500  # 256 for a program, 30 for Python
