"""A Landlock ruleset by ctypes: no files but those named, no TCP, no signals to outsiders.

Why: Landlock is the kernel's own way for an ordinary process to give up rights for good,
without root, namespaces or a container. Kernels differ in how much of it they know (ABI 1
in 5.13 to 7 in 6.15), so the kernel is asked and everything it knows is denied.

Used as: `restrict(read=["/usr/lib"])` -> the ABI that was used; `abi()` -> 0 where there is none.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Callable, Iterable

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # the same numbers on every machine
_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | _TRUNCATE | _IOCTL
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 3  # bind, connect; since ABI 4
_SCOPES = 3  # abstract unix sockets, signals; since ABI 6


class LandlockError(Exception):
    """The ruleset cannot be made or entered here; the text says why."""


def abi() -> int:
    """Return the ABI that this kernel offers, 0 for none (too old, not built in, switched off)."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        return max(0, int(libc.syscall(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))
    except (AttributeError, OSError, TypeError):  # not Linux
        return 0


def handled(version: int) -> tuple[int, int, int]:
    """Return what is denied under an ABI: rights on files, on TCP ports, scopes (bit sets)."""
    files = _RIGHTS[max(known for known in _RIGHTS if known <= version)]
    return files, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0


def restrict(read: Iterable[str] = (), execute: Iterable[str] = ()) -> int:
    """Deny this thread and all that it starts everything that Landlock can, but what is named.

    `read`: files, or folders with all in them, that may be read; `execute`: that may be read
    and executed. Needs no_new_privs. Returns the ABI used; raises LandlockError where the
    kernel has none, a path does not exist, or the kernel refuses.
    """
    version = abi()
    if version < 1:
        raise LandlockError("this kernel has no Landlock")
    libc = ctypes.CDLL(None, use_errno=True)
    attribute = _attribute(version)
    ruleset = libc.syscall(CREATE, attribute, ctypes.c_size_t(len(attribute)), ctypes.c_uint32(0))
    if ruleset < 0:
        raise LandlockError(f"no Landlock ruleset: {os.strerror(ctypes.get_errno())}")
    try:
        for paths, rights in ((read, READ_FILE | READ_DIR),
                              (execute, EXECUTE | READ_FILE | READ_DIR)):
            for path in paths:
                _allow(libc, ruleset, path, rights)
        if libc.syscall(RESTRICT, ruleset, ctypes.c_uint32(0)) != 0:
            raise LandlockError(f"Landlock was refused: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(ruleset)
    return version


def _attribute(version: int) -> bytes:
    """Return `struct landlock_ruleset_attr`, as long as the kernel's ABI knows it."""
    files, ports, scopes = handled(version)
    whole = struct.pack("=QQQ", files, ports, scopes)
    return whole[:24 if version >= 6 else 16 if version >= 4 else 8]


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise LandlockError(f"cannot allow {path}: {error.strerror}") from None
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        if libc.syscall(ADD_RULE, ruleset, _PATH_BENEATH, rule, ctypes.c_uint32(0)) != 0:
            raise LandlockError(f"cannot allow {path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(place)


def layer() -> Callable[[], None]:
    """Return a callable that puts this process under one more deny-all ruleset.

    Made once, used after every fork: a child is then a domain of its own, and cannot signal
    or trace its parent even where the parent is under Landlock too.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    attribute = _attribute(abi())
    ruleset = libc.syscall(CREATE, attribute, ctypes.c_size_t(len(attribute)), ctypes.c_uint32(0))
    if ruleset < 0:
        raise LandlockError(f"no Landlock ruleset: {os.strerror(ctypes.get_errno())}")

    def enter() -> None:
        if libc.syscall(RESTRICT, ruleset, ctypes.c_uint32(0)) != 0:
            raise LandlockError(f"Landlock was refused: {os.strerror(ctypes.get_errno())}")

    return enter
