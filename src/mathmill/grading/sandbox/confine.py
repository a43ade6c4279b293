"""Confine this process for good: Landlock, seccomp, limits, no privileges. All by the kernel.

Why: what a model wrote is contained by what the kernel refuses, not by what Python hides.
Every part that is asked for is applied or `Unconfined` is raised: nothing is skipped in
silence. Standard library only, so it runs before anything else is there, as a plain file.

Used as: `apply(Confinement(filter="child"))` in the process itself, `report()` anywhere, and
`python -I -S confine.py --exec --execute /usr/lib -- BINARY ARGUMENT...` for a foreign program.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

try:
    import resource
except ImportError:  # Windows: report() says so, apply() raises
    resource = None  # type: ignore[assignment]

if __package__:
    from mathmill.grading.sandbox import landlock, seccomp
else:  # a plain file under `-I -S`: its neighbours are found by its own place
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import landlock  # type: ignore[no-redef]
    import seccomp  # type: ignore[no-redef]
    sys.path.pop(0)

_FILTERS = {"child": seccomp.CHILD, "zygote": seccomp.ZYGOTE, "worker": seccomp.WORKER}
_SET_DUMPABLE, _SET_NO_NEW_PRIVS, SET_PDEATHSIG, _CAPSET_V3 = 4, 38, 1, 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}
NOBODY = 65534


class Unconfined(Exception):
    """A part of the confinement that was asked for cannot be had; the text names it."""


@dataclass(frozen=True)
class Confinement:
    """What to apply."""

    landlock: bool = True
    "Deny files, TCP ports, and signals and abstract sockets to the outside."
    read: Sequence[str] = ()
    "Files and folders that stay readable."
    execute: Sequence[str] = ()
    "Files and folders that stay readable and executable."
    filter: str | None = None
    "System calls: `child`, `zygote` or `worker` (see seccomp.py); None for no filter."
    write_fd: int = -1
    "The one descriptor that `child` may write to."
    limits: Mapping[str, int] = field(default_factory=dict)
    "Resource limits, soft and hard, by name: `{'AS': bytes, 'CPU': seconds, 'NPROC': 0}`."
    drop: bool = True
    "As root: give up every capability, and the user too where `nobody` can be had."
    keep_user: bool = False
    "As root: give up capabilities only (a binary in root's home stays readable)."


def report() -> dict[str, object]:
    """Return what this machine has to confine with; `missing` names what it lacks."""
    version, filters = landlock.abi(), seccomp.available()
    missing = [] if version else ["Landlock (Linux 5.13 or newer, with `landlock` in lsm=)"]
    missing += [] if filters else ["seccomp filters"]
    if sys.platform != "linux":
        missing = [f"confinement by the kernel (Linux; this is {sys.platform})"]
    return {
        "system": sys.platform, "machine": platform.machine(), "kernel": platform.release(),
        "landlock": version, "seccomp": filters, "root": _is_root(), "missing": missing,
        "scopes": version >= 6, "tcp": version >= 4,
    }


def apply(wanted: Confinement) -> dict[str, object]:
    """Confine this process, in the one order that works, and return what was applied.

    Raises Unconfined naming the first part that cannot be had; the process is then half
    confined and must end. Call it from the only thread: other threads are not covered.
    """
    if sys.platform != "linux":
        raise Unconfined(f"confinement needs Linux, this is {sys.platform}")
    set_limits(wanted.limits)
    no_new_privileges()
    applied: dict[str, object] = {"limits": sorted(wanted.limits)}
    try:
        if wanted.landlock:
            applied["landlock"] = landlock.restrict(wanted.read, wanted.execute)
        if wanted.drop and _is_root():
            applied["user"] = drop_root(wanted.keep_user)
        _prctl(_SET_DUMPABLE, 0)  # again closed to others: changing the user may reset it
        if wanted.filter is not None:
            seccomp.install(seccomp.compiled(_FILTERS[wanted.filter], wanted.write_fd))
            applied["seccomp"] = wanted.filter
    except (landlock.LandlockError, seccomp.SeccompError) as error:
        raise Unconfined(str(error)) from None
    return applied


def set_limits(limits: Mapping[str, int]) -> None:
    """Set resource limits, soft and hard alike; one above the hard limit is cut to it."""
    for name, value in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None:
            raise Unconfined(f"this system has no resource limit {name}")
        hard = resource.getrlimit(which)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (OSError, ValueError) as error:
            raise Unconfined(f"the limit {name} was refused: {error}") from None


def no_new_privileges() -> None:
    """Give up gaining rights by executing a file; Landlock and seccomp need it first."""
    _prctl(_SET_NO_NEW_PRIVS, 1)
    _prctl(_SET_DUMPABLE, 0)


def drop_root(keep_user: bool = False) -> str:
    """Give up root: the user and its groups where `nobody` is mapped, capabilities always.

    Returns `nobody`, or `root without capabilities` where the user stays (`keep_user`, or a
    container that maps no other user). Raises Unconfined where not even that can be had.
    """
    user = "root without capabilities"
    if not keep_user:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            user = "nobody"
        except OSError:
            pass
    number = _CAPSET.get(platform.machine(), -1)
    header = (ctypes.c_uint32 * 2)(_CAPSET_V3, 0)
    if ctypes.CDLL(None, use_errno=True).syscall(number, header, (ctypes.c_uint32 * 6)()) != 0:
        raise Unconfined(f"capabilities stay: {os.strerror(ctypes.get_errno())}")
    return user


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    if seccomp.libc().prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise Unconfined(f"prctl {option} was refused: {os.strerror(ctypes.get_errno())}")


LAUNCHED = {"FSIZE": 0, "CORE": 0, "NOFILE": 64}
_OPTIONS = {"--read": "read", "--execute": "execute", "--limit": "limit"}


def execute(arguments: Sequence[str]) -> None:
    """Confine this process and become another program: the `--exec` form of the command line.

    `[--read PATH]... [--execute PATH]... [--limit NAME=NUMBER]... -- BINARY ARGUMENT...`; the
    binary and the paths named may be read and executed, the environment is empty, the filter
    is `worker`. Raises Unconfined or OSError; on success it does not return.
    """
    given: dict[str, list[str]] = {"read": [], "execute": [], "limit": []}
    rest = list(arguments)
    while rest and rest[0] in _OPTIONS:
        given[_OPTIONS[rest[0]]].append(rest[1])
        rest = rest[2:]
    if not rest or rest[0] != "--" or len(rest) < 2:
        raise Unconfined("usage: confine.py --exec [--read P] [--execute P] [--limit N=V] -- FILE")
    binary = os.path.realpath(rest[1])
    limits = dict(LAUNCHED)
    for pair in given["limit"]:
        name, _, number = pair.partition("=")
        limits[name] = int(number)
    apply(Confinement(read=given["read"], execute=[*given["execute"], binary], filter="worker",
                      limits=limits, keep_user=True))
    os.execve(binary, rest[1:], {})


def launch_command(binary: str, arguments: Sequence[str] = (), read: Sequence[str] = (),
                   limits: Mapping[str, int] | None = None,
                   libraries: Sequence[str] = ("/usr/lib", "/lib", "/lib64")) -> list[str]:
    """Return the command that runs `binary` confined; libraries that do not exist are left out."""
    command = [sys.executable, "-I", "-S", os.path.abspath(__file__), "--exec"]
    for path in libraries:
        command += ["--execute", path] if os.path.exists(path) else []
    for path in read:
        command += ["--read", path]
    for name, value in (limits or {}).items():
        command += ["--limit", f"{name}={value}"]
    return [*command, "--", binary, *arguments]


def main(arguments: Sequence[str]) -> int:
    """Run as a plain file: `--exec ...`, or print the report."""
    if arguments[:1] == ["--exec"]:
        try:
            execute(arguments[1:])
        except (Unconfined, OSError) as error:
            print(f"not confined, so not started: {error}", file=sys.stderr)
            return 71
    print(report())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
