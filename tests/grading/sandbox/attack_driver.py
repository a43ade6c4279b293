"""Run every attack of tests/cases/attacks.txt through one engine, and watch from outside.

Why: whether an attack succeeded is not for the attacker to say. This process lays out what
there is to reach (a secret file and variable, sockets, another process, its own signals) and
looks after each program which of it was reached. A process of its own, so that it can be
started as another user; the standard library and mathmill's sandbox are all it needs.

Used as: `python attack_driver.py SOURCE CASES FOLDER ENGINE [SITE-PACKAGES]`; ENGINE is `zygote`,
`monty` or `none` (a plain process, the control). Prints one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 0.4
# Modules that programs do not find by default: with them the kernel's walls are tried, and not
# only the lack of the module.
WEAPONS = ("atexit", "gc", "mmap", "multiprocessing.context", "multiprocessing.shared_memory",
           "pickle", "resource", "signal", "socket", "subprocess", "multiprocessing.popen_fork")
LATE = 4.0  # seconds of wall time that no contained program may take here
TOKEN = secrets.token_hex(16)
NEXT = f"""def simple_math_problem():
    # other program's words: {TOKEN}
    return sum([40, 2])
"""


class Surroundings:
    """What a program could reach if it got out, and what of it has been reached."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.signals, self.made = folder, 0, {"secret", "spare", "socket"}
        (folder / "secret").write_text(TOKEN)
        (folder / "spare").write_text("")
        self.listeners = [socket.socket(family, kind) for family, kind in (
            (socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM),
            (socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_STREAM))]
        for one, place in zip(self.listeners, (
                ("127.0.0.1", 0), ("127.0.0.1", 0), "\0" + TOKEN, str(folder / "socket")),
                strict=True):
            one.bind(place)
            if one.type == socket.SOCK_STREAM:
                one.listen()
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self._signalled)
        self.victim = self._new_victim()

    def _signalled(self, *_: object) -> None:
        self.signals += 1

    @staticmethod
    def _new_victim() -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)

    def words(self) -> dict[str, str]:
        """Return what stands for the words in double braces."""
        from mathmill.grading.sandbox import seccomp
        numbers = seccomp.NUMBERS[os.uname().machine]
        return {"folder": str(self.folder), "port": str(self.listeners[0].getsockname()[1]),
                "datagram": str(self.listeners[1].getsockname()[1]), "abstract": TOKEN,
                "victim": str(self.victim.pid), "parentheses": "(" * 5000 + ")" * 5000,
                **{f"nr_{name}": str(numbers.get(name, numbers["clone"]))
                   for name in (*numbers, "fork")}}

    def breaches(self) -> list[str]:
        """Return what has been reached since the last call, and put it in order again."""
        found = []
        ready, _, _ = select.select(self.listeners, [], [], 0)
        for one in ready:
            found.append("connection")
            with contextlib.suppress(OSError):
                one.recv(10) if one.type == socket.SOCK_DGRAM else one.accept()[0].close()
        made = set(os.listdir(self.folder)) - self.made
        if made or not (self.folder / "spare").exists():
            found.append("file")
            for name in made:
                place = self.folder / name
                place.rmdir() if place.is_dir() else place.unlink()
            (self.folder / "spare").write_text("")
        state = Path(f"/proc/{self.victim.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        if self.victim.poll() is not None or state in "TtZ":
            found.append("victim")
            self.victim.kill()
            self.victim.wait()
            self.victim = self._new_victim()
        if self.signals:
            found.append("signal")
            self.signals = 0
        return found

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for one in self.listeners:
            one.close()


def cases(path: Path) -> list[tuple[str, str, bool, str]]:
    """Return name, breach, whether there is a control, and source of each attack."""
    blocks = re.split(r"^### ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    read = []
    for block in blocks:
        head, _, source = block.partition("\n")
        name, breach, control = (part.strip() for part in head.split("|"))
        read.append((name, breach, control == "yes", source))
    return read


def contained(engine: object, source: str, around: Surroundings,
              limits: object) -> dict[str, object]:
    """Run one attack and a harmless program behind it; return the outcome and the breaches."""
    from mathmill.grading.sandbox.outcome import Program
    started = time.monotonic()
    first, second = engine.run([Program(source, "x"), Program(NEXT)], limits)  # type: ignore[attr-defined]
    took = time.monotonic() - started
    found = around.breaches()
    said = f"{first.value}{first.error}{first.type}"
    if TOKEN in said or "root:x:" in said:
        found.append("secret")
    if "ESCAPED" in said:
        found.append("escape")
    if "666" in f"{second.value}" or (first.kind == "value" and first.value == "666"):
        found.append("forged")
    if took > LATE:
        found.append("time")
    if second.kind != "value" or second.value != "42":
        found.append(f"next: {second.kind} {second.value} {second.error}")
    if len(said) > limits.output + 300:  # type: ignore[attr-defined]
        found.append("output")
    outcome = {"kind": first.kind, "value": (first.value or "")[:80], "error": first.error[:80]}
    return {"outcome": outcome, "breaches": found, "seconds": round(took, 3)}


def uncontained(source: str, around: Surroundings, patience: float) -> dict[str, object]:
    """Run one attack as a plain process: what the engines are there to prevent."""
    script = around.folder.parent / "plain.py"
    script.write_text(source + "\nprint(repr(x))\n")
    process = subprocess.Popen([sys.executable, "-I", str(script)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
    found = []
    try:
        said = process.communicate(timeout=patience)[0]
    except subprocess.TimeoutExpired:
        found, said = ["time"], ""
        process.kill()
        process.communicate()
    time.sleep(0.05)  # what it started may be about to write
    found += around.breaches()
    found += ["secret"] * (TOKEN in said or "root:x:" in said)
    found += ["escape", "memory"] * ("ESCAPED" in said)
    return {"outcome": {"value": said[:80]}, "breaches": found}


def main(source: str, table: str, folder: str, name: str, site: str = "") -> dict[str, object]:
    """Return what the engine `name` did with every attack, or why it cannot run here."""
    sys.path.insert(0, source)
    sys.path += [site] if site else []
    os.environ["MATHMILL_TEST_SECRET"] = TOKEN
    if "MATHMILL_TEST_TOKEN" not in os.environ:  # environ of a process is what it began with
        os.environ["MATHMILL_TEST_TOKEN"] = TOKEN
        os.execv(sys.executable, [sys.executable, *sys.argv])
    from mathmill.errors import MathmillError
    from mathmill.grading.sandbox.outcome import Limits
    limits = Limits(seconds=SECONDS)
    around = Surroundings(Path(folder))
    answer: dict[str, object] = {"attacks": {}}
    engine = None
    try:
        if name == "zygote":
            from mathmill.grading.sandbox.zygote import ZygoteEngine
            engine = ZygoteEngine(modules=WEAPONS)
        elif name == "monty":
            from mathmill.grading.sandbox.monty import MontyEngine
            engine = MontyEngine()
        for attack, breach, control, text in cases(Path(table)):
            if engine is None and not control:
                continue
            words = around.words()
            text = re.sub(r"\{\{(\w+)\}\}", lambda word: words[word[1]], text)  # noqa: B023
            seen = contained(engine, text, around, limits) if engine else uncontained(
                text, around, 1.0 if breach == "time" else 20.0)
            answer["attacks"][attack] = seen  # type: ignore[index]
    except (MathmillError, ImportError) as error:
        answer["skip"] = str(error)
    finally:
        if engine is not None:
            engine.close()
        around.close()
        shutil.rmtree(folder, ignore_errors=True)
    answer["peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    answer["user"] = os.geteuid()
    return answer


if __name__ == "__main__":
    TOKEN = os.environ.get("MATHMILL_TEST_TOKEN", TOKEN)
    NEXT = NEXT[:NEXT.index("words: ") + 7] + TOKEN + "\n    return sum([40, 2])\n"
    print(json.dumps(main(*sys.argv[1:])))
