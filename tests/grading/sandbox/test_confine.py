"""Confinement: each wall holds alone, what is asked for is applied or refused aloud."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mathmill.errors import UsageError
from mathmill.grading.sandbox import confine, landlock, seccomp
from mathmill.grading.sandbox.zygote import ZygoteEngine

FILE = Path(confine.__file__)
REPORT = confine.report()
linux = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")
needs_landlock = pytest.mark.skipif(not REPORT["landlock"], reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not REPORT["seccomp"], reason="this kernel has no seccomp")


def confined(arguments: str, then: str) -> str:
    """Confine a fresh process, run `then` in it; return what it printed, or how it was killed."""
    source = f"""
import sys; sys.path.insert(0, {str(FILE.parent)!r})
import confine, os, socket, ctypes, encodings.idna
confine.apply(confine.Confinement({arguments}))
def tried(action):
    try:
        return repr(action())
    except OSError as error:
        return type(error).__name__
said = {then}
os.write(1, str(said).encode())
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", source],
                          capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else f"{-done.returncode} {done.stderr[-300:]}"


def test_the_report_names_what_is_missing_and_nothing_else() -> None:
    lacks = [not REPORT["landlock"], not REPORT["seccomp"], sys.platform != "linux"]
    assert len(REPORT["missing"]) == sum(lacks)


@linux
def test_it_runs_as_a_plain_file_without_site_packages() -> None:
    said = subprocess.run([sys.executable, "-I", "-S", FILE], capture_output=True, text=True)
    assert said.returncode == 0
    assert "'landlock'" in said.stdout


@needs_landlock
@pytest.mark.parametrize(("attempt", "said"), [
    ("tried(lambda: open('/etc/passwd').read(4))", "PermissionError"),
    ("tried(lambda: os.listdir('/'))", "PermissionError"),
    ("tried(lambda: open({made!r}, 'w'))", "PermissionError"),
    ("tried(lambda: os.execv('/bin/true', ['true']))", "PermissionError"),
])
def test_landlock_alone_denies_files(attempt: str, said: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert confined("", attempt.replace("{made!r}", repr(str(made)))) == said
    assert not made.exists()


@needs_landlock
def test_landlock_leaves_what_was_named_readable_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "yes").write_text("here")
    (tmp_path / "no").write_text("there")
    named = f"read=[{str(tmp_path / 'yes')!r}], drop=False"
    assert confined(named, f"tried(lambda: open({str(tmp_path / 'yes')!r}).read())") == "'here'"
    assert confined(named, f"tried(lambda: open({str(tmp_path / 'no')!r}))") == "PermissionError"
    assert confined(named, f"tried(lambda: open({str(tmp_path / 'yes')!r}, 'a'))"
                    ) == "PermissionError"


@pytest.mark.skipif(not REPORT["tcp"], reason="this kernel's Landlock knows no TCP")
def test_landlock_alone_denies_tcp() -> None:
    attempt = "tried(lambda: socket.create_connection(('127.0.0.1', 9), 1))"
    assert confined("", attempt) == "PermissionError"
    assert confined("landlock=False", attempt) == "ConnectionRefusedError"
    assert confined("", "tried(lambda: socket.socket().bind(('127.0.0.1', 0)))") == (
        "PermissionError")


@pytest.mark.skipif(not REPORT["scopes"], reason="this kernel's Landlock knows no scopes")
def test_landlock_alone_denies_signals_to_the_outside() -> None:
    attempt = "tried(lambda: os.kill(os.getppid(), 0))"
    assert confined("drop=False", attempt) == "PermissionError"
    assert confined("landlock=False, drop=False", attempt) == "None"


@needs_seccomp
@pytest.mark.parametrize(("attempt", "said"), [
    ("tried(lambda: open('/etc/passwd'))", "PermissionError"),
    ("tried(lambda: socket.socket())", "PermissionError"),
    ("tried(os.fork)", "PermissionError"),
    ("tried(lambda: os.kill(os.getppid(), 0))", "PermissionError"),
    ("tried(lambda: os.write(2, b'x'))", "PermissionError"),
    ("ctypes.CDLL(None).syscall(101, 0, 0)", "-1"),  # ptrace, on x86_64
])
def test_the_child_filter_alone_denies_calls(attempt: str, said: str) -> None:
    if os.uname().machine != "x86_64" and "syscall" in attempt:
        pytest.skip("a number of x86_64")
    assert confined("landlock=False, filter='child', write_fd=1", attempt) == said


@needs_seccomp
@pytest.mark.parametrize(("protection", "passes"), [(3, True), (7, False), (5, False)])
def test_the_child_filter_denies_executable_memory(protection: int, passes: bool) -> None:
    attempt = f"ctypes.CDLL(None).mprotect(ctypes.c_void_p(id(0) & ~4095), 4096, {protection})"
    said = confined("landlock=False, filter='child', write_fd=1", attempt)
    assert said == ("0" if passes else "-1")


@needs_seccomp
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="x32 is x86's")
def test_a_call_of_another_architecture_ends_the_process() -> None:
    said = confined("landlock=False, filter='child', write_fd=1",
                    "ctypes.CDLL(None).syscall(0x40000000 + 39)")
    assert said.startswith("31 ")  # SIGSYS


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to drop")
def test_root_is_given_up() -> None:
    assert confined("landlock=False", "os.getresuid()") == "(65534, 65534, 65534)"
    assert confined("landlock=False, keep_user=True", "tried(lambda: os.setuid(1))") == (
        "PermissionError")


@linux
def test_limits_and_no_new_privileges_hold() -> None:
    said = confined("landlock=False, limits={'CORE': 0, 'NOFILE': 8}",
                    "[line for line in open('/proc/self/status') if 'NoNewPrivs' in line],"
                    "confine.resource.getrlimit(confine.resource.RLIMIT_NOFILE)")
    assert "NoNewPrivs:\\t1" in said
    assert "(8, 8)" in said


@linux
def test_what_cannot_be_applied_is_an_error_and_not_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    with pytest.raises(landlock.LandlockError, match="no Landlock"):
        landlock.restrict()
    with pytest.raises(confine.Unconfined, match="no resource limit WINGS"):
        confine.set_limits({"WINGS": 0})
    with pytest.raises(seccomp.SeccompError, match="s390x"):
        seccomp.compiled(seccomp.CHILD, machine="s390x")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("rules", [seccomp.CHILD, seccomp.ZYGOTE, seccomp.WORKER])
def test_every_filter_compiles_for_every_machine(rules: seccomp.Rules, machine: str) -> None:
    program = seccomp.compiled(rules, 3, machine)
    assert len(program) % 8 == 0
    assert len(program) // 8 < 4096  # the kernel's limit
    known = set(seccomp.NUMBERS["x86_64"])
    assert (rules.allow | rules.checked | set(rules.actions)) <= known


def test_the_numbers_are_those_of_the_systems_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers here")
    theirs = dict(re.findall(r"#define __NR_(\w+)\s+(\d+)", header.read_text()))
    assert {n: str(v) for n, v in seccomp.NUMBERS["x86_64"].items()} == {
        name: theirs[name] for name in seccomp.NUMBERS["x86_64"]}


def test_each_abi_of_landlock_denies_all_that_it_knows() -> None:
    assert [landlock.handled(version)[0].bit_length() for version in range(1, 8)] == [
        13, 14, 15, 15, 16, 16, 16]
    assert [landlock.handled(version)[1:] for version in (3, 4, 5, 6, 7, 9)] == [
        (0, 0), (3, 0), (3, 0), (3, 3), (3, 3), (3, 3)]


@needs_landlock
@needs_seccomp
def test_a_foreign_program_is_started_confined() -> None:
    run = lambda *command, **more: subprocess.run(  # noqa: E731
        confine.launch_command(*command, **more), capture_output=True, text=True,
        env={"SECRET": "1"})
    assert "Permission denied" in run("/bin/cat", ["/etc/passwd"]).stderr
    assert run("/bin/cat", ["/etc/passwd"], read=["/etc"]).stdout.startswith("root:")
    assert "SECRET" not in run("/usr/bin/env").stdout
    refused = run("/no/such/binary")
    assert refused.returncode == 71
    assert "not confined, so not started" in refused.stderr


def test_another_system_lacks_one_thing_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine.sys, "platform", "darwin")
    monkeypatch.setattr(confine.landlock, "abi", lambda: 0)
    assert confine.report()["missing"] == [
        "confinement by the kernel (Linux; this is darwin)"]
    with pytest.raises(UsageError, match=r"this is darwin\): use another machine$"):
        ZygoteEngine(allow_unconfined=True)
