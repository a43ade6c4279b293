"""System calls that a confined process may make: tables, policies, and the BPF that holds them.

Why: Landlock guards files and ports; everything else that the kernel offers (processes,
signals, sockets, executable memory, odd interfaces) is reached by system call. A program
needs about twenty of them to compute. Written with the standard library alone, as the
process that installs it starts with `-S`.

Used as: `install(compiled(CHILD, write_fd=3))`, after which nothing can take it back.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_X32 = 0x40000000
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Name, its number on x86_64, its number on aarch64 (`-`: it has none there).
_TABLE = """
read 0 63|write 1 64|open 2 -|close 3 57|stat 4 -|fstat 5 80|lstat 6 -|poll 7 -|lseek 8 62
mmap 9 222|mprotect 10 226|munmap 11 215|brk 12 214|rt_sigaction 13 134|rt_sigprocmask 14 135
rt_sigreturn 15 139|ioctl 16 29|pread64 17 67|pwrite64 18 68|readv 19 65|writev 20 66|access 21 -
pipe 22 -|select 23 -|sched_yield 24 124|mremap 25 216|madvise 28 233|dup 32 23|dup2 33 -|pause 34 -
nanosleep 35 101|getitimer 36 102|alarm 37 -|setitimer 38 103|getpid 39 172|socket 41 198
connect 42 203|sendto 44 206|bind 49 200|listen 50 201|socketpair 53 199|clone 56 220|fork 57 -
vfork 58 -|execve 59 221|exit 60 93|wait4 61 260|kill 62 129|uname 63 160|fcntl 72 25
truncate 76 45|ftruncate 77 46|getcwd 79 17|chdir 80 49|rename 82 -|mkdir 83 -|rmdir 84 -|creat 85 -
link 86 -|unlink 87 -|symlink 88 -|readlink 89 -|chmod 90 -|umask 95 166|gettimeofday 96 169
getrlimit 97 163|getrusage 98 165|sysinfo 99 179|times 100 153|ptrace 101 117|getuid 102 174
getgid 104 176|geteuid 107 175|getegid 108 177|setpgid 109 154|getppid 110 173|setsid 112 157
sigaltstack 131 132|personality 135 92|getpriority 140 141|setpriority 141 140|prctl 157 167
setrlimit 160 164|chroot 161 51|mount 165 40|umount2 166 39|swapon 167 224|reboot 169 142
init_module 175 105|gettid 186 178|tkill 200 130|time 201 -|futex 202 98|sched_setaffinity 203 122
sched_getaffinity 204 123|getdents64 217 61|restart_syscall 219 128|clock_gettime 228 113
clock_getres 229 114|clock_nanosleep 230 115|exit_group 231 94|tgkill 234 131|kexec_load 246 104
waitid 247 95|add_key 248 217|request_key 249 218|keyctl 250 219|openat 257 56|mkdirat 258 34
newfstatat 262 79|unlinkat 263 35|renameat 264 38|linkat 265 37|symlinkat 266 36|readlinkat 267 78
fchmodat 268 53|faccessat 269 48|pselect6 270 72|ppoll 271 73|unshare 272 97
set_robust_list 273 99|epoll_create1 291 20|dup3 292 24|pipe2 293 59|perf_event_open 298 241
prlimit64 302 261|open_by_handle_at 304 265|setns 308 268|process_vm_readv 310 270
process_vm_writev 311 271|finit_module 313 273|renameat2 316 276|seccomp 317 277|getrandom 318 278
memfd_create 319 279|bpf 321 280|execveat 322 281|userfaultfd 323 282|statx 332 291|rseq 334 293
pidfd_send_signal 424 424|io_uring_setup 425 425|io_uring_enter 426 426|io_uring_register 427 427
open_tree 428 428|move_mount 429 429|fsopen 430 430|fsmount 432 432|pidfd_open 434 434
clone3 435 435|close_range 436 436|openat2 437 437|pidfd_getfd 438 438|faccessat2 439 439
process_madvise 440 440|mount_setattr 442 442|landlock_create_ruleset 444 444
landlock_add_rule 445 445|landlock_restrict_self 446 446|memfd_secret 447 447
"""
_ROWS = _TABLE.replace("\n", "|").split("|")
NUMBERS = {
    machine: {row[0]: int(row[place]) for row in map(str.split, _ROWS) if row and row[place] != "-"}
    for place, machine in ((1, "x86_64"), (2, "aarch64"))
}


class SeccompError(Exception):
    """The filter cannot be built or installed here; the text says why."""


@dataclass(frozen=True)
class Rules:
    """What happens to each system call."""

    default: int
    "Action for every call that is not named."
    allow: frozenset[str] = frozenset()
    "Calls that pass whatever their arguments."
    actions: Mapping[str, int] = field(default_factory=dict)
    "Calls with an action of their own."
    checked: frozenset[str] = frozenset()
    "Calls that pass only with the arguments in `_CHECKS`, and fail with EPERM otherwise."


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMPUTE = _names(
    "munmap brk mremap rt_sigreturn sched_yield nanosleep clock_nanosleep clock_gettime "
    "clock_getres gettimeofday time getpid getppid gettid getrandom restart_syscall exit "
    "exit_group")
# What library code tries in passing: it sees EPERM and goes on, or the program gets an error
# with a name. What is in neither list ends the process at once.
_PASSING = _names(
    "read open close stat fstat lstat poll lseek ioctl pread64 pwrite64 readv writev access pipe "
    "select madvise dup dup2 dup3 pause getitimer alarm setitimer socket connect sendto bind "
    "listen socketpair clone fork vfork execve execveat wait4 waitid kill tkill tgkill uname fcntl "
    "truncate ftruncate getcwd chdir rename mkdir rmdir creat link unlink symlink readlink chmod "
    "umask getrlimit setrlimit prlimit64 getrusage sysinfo times getuid getgid geteuid "
    "getegid setpgid setsid sigaltstack getpriority setpriority sched_setaffinity "
    "sched_getaffinity getdents64 "
    "openat mkdirat newfstatat unlinkat renameat renameat2 linkat symlinkat readlinkat fchmodat "
    "faccessat faccessat2 pselect6 ppoll epoll_create1 pipe2 statx rt_sigaction rt_sigprocmask")
_ZYGOTE = _names(
    "read write close poll ppoll pipe2 dup2 dup3 fcntl clone wait4 pidfd_open close_range prctl "
    "seccomp landlock_create_ruleset landlock_restrict_self setrlimit prlimit64 rt_sigaction "
    "rt_sigprocmask set_robust_list rseq futex madvise getuid geteuid getgid getegid fstat lseek")

CHILD = Rules(EPERM, _COMPUTE, checked=_names("write mmap mprotect futex"))
"For a process that runs one program: it computes, and writes to one descriptor."
ZYGOTE = Rules(
    KILL, _COMPUTE | _ZYGOTE,
    dict.fromkeys(_PASSING - _ZYGOTE, EPERM) | {"clone3": ENOSYS},
    checked=_names("kill mmap mprotect"))
"For the process that forks those; its children are under both filters, the stricter wins."
WORKER = Rules(ALLOW, actions=dict.fromkeys(_names(
    "socket connect bind listen ptrace mount umount2 chroot keyctl add_key request_key bpf "
    "perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register unshare setns "
    "process_vm_readv process_vm_writev process_madvise memfd_create memfd_secret "
    "open_by_handle_at init_module finit_module kexec_load reboot swapon personality pidfd_getfd "
    "pidfd_send_signal open_tree move_mount fsopen fsmount mount_setattr"), EPERM))
"For a foreign interpreter in its own process: no sockets, no way to other processes."


def _argument(index: int) -> int:
    """Return the offset of the low half of an argument in `struct seccomp_data`."""
    return 16 + 8 * index


Line = tuple[int, int, int, int]
_PASS: list[Line] = [(_RETURN, 0, 0, ALLOW)]
_REFUSE: list[Line] = [(_RETURN, 0, 0, EPERM)]


def _write(write_fd: int) -> list[Line]:
    return [(_LOAD, 0, 0, _argument(0)), (_EQUAL, 0, 1, write_fd), *_PASS, *_REFUSE]


def _mmap(_: int) -> list[Line]:  # anonymous memory, never executable
    return [(_LOAD, 0, 0, _argument(2)), (_ANY_BIT, 3, 0, 4), (_LOAD, 0, 0, _argument(3)),
            (_ANY_BIT, 0, 1, 0x20), *_PASS, *_REFUSE]


def _mprotect(_: int) -> list[Line]:
    return [(_LOAD, 0, 0, _argument(2)), (_ANY_BIT, 1, 0, 4), *_PASS, *_REFUSE]


def _futex(_: int) -> list[Line]:  # wait, wake, wait_bitset: what a lock with a timeout needs
    return [(_LOAD, 0, 0, _argument(1)), (_AND, 0, 0, 0x7F), (_EQUAL, 2, 0, 0),
            (_EQUAL, 1, 0, 1), (_EQUAL, 0, 1, 9), *_PASS, *_REFUSE]


def _kill(_: int) -> list[Line]:
    return [(_LOAD, 0, 0, _argument(1)), (_EQUAL, 0, 1, 9), *_PASS, *_REFUSE]


_CHECKS: dict[str, Callable[[int], list[Line]]] = {
    "write": _write, "mmap": _mmap, "mprotect": _mprotect, "futex": _futex, "kill": _kill}


def compiled(rules: Rules, write_fd: int = -1, machine: str | None = None) -> bytes:
    """Return the BPF program for `rules` on this or the named `machine`.

    A call of another architecture, or of x86's x32, ends the process. Raises SeccompError
    for a machine whose table is not here.
    """
    machine = machine or platform.machine()
    if machine not in NUMBERS:
        raise SeccompError(f"no table of system calls for {machine}")
    numbers = NUMBERS[machine]
    lines: list[Line] = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _AUDIT[machine]),
                         (_RETURN, 0, 0, KILL), (_LOAD, 0, 0, 0)]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, KILL)]
    for name in _known(rules.checked, numbers):
        check = _CHECKS[name](write_fd)
        lines += [(_EQUAL, 0, len(check), numbers[name]), *check]
    for name in _known(rules.allow, numbers):
        lines += [(_EQUAL, 0, 1, numbers[name]), *_PASS]
    for name in _known(rules.actions, numbers):
        lines += [(_EQUAL, 0, 1, numbers[name]), (_RETURN, 0, 0, rules.actions[name])]
    lines.append((_RETURN, 0, 0, rules.default))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _known(names: Iterable[str], numbers: Mapping[str, int]) -> list[str]:
    return sorted((name for name in names if name in numbers), key=lambda name: numbers[name])


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


@functools.cache
def libc() -> ctypes.CDLL:
    """Return the C library, opened once: it takes 60 us, and a fork is to take few hundred."""
    return ctypes.CDLL(None, use_errno=True)


def available() -> bool:
    """Tell whether this kernel filters by BPF and can end a process for a forbidden call."""
    number = NUMBERS.get(platform.machine(), {}).get("seccomp")
    if number is None:
        return False
    action = ctypes.c_uint32(KILL)
    return bool(libc().syscall(number, 2, 0, ctypes.byref(action)) == 0)


def install(program: bytes) -> None:
    """Put this thread and all that it starts under `program`, for good.

    Needs no_new_privs (or CAP_SYS_ADMIN). Raises SeccompError where the kernel refuses.
    """
    installer(program)()


def installer(program: bytes) -> Callable[[], None]:
    """Return `install` with everything made beforehand: after a fork every page touched costs."""
    memory = ctypes.create_string_buffer(program, len(program))
    bpf = _Program(len(program) // 8, ctypes.addressof(memory))
    call, number = libc().syscall, NUMBERS.get(platform.machine(), {}).get("seccomp", -1)
    pointer = ctypes.byref(bpf)

    def enter(_kept: object = memory) -> None:
        if call(number, 1, 0, pointer) != 0:
            raise SeccompError(f"seccomp was refused: {os.strerror(ctypes.get_errno())}")

    return enter
