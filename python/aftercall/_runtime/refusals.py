"""What confinement refuses, told in words: the kernel's own are "Operation not permitted", and no more.

A hint is looked for only when an exception is written down, so that it costs a run that succeeds nothing.
"""

from __future__ import annotations

import os
from errno import EACCES, EAFNOSUPPORT, EFBIG, ENOSYS, EPERM, EROFS

from aftercall.conv.host import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

NETWORK = (
    "hint: a run opens no sockets of its own and looks up no names: what leaves it is HTTP, by a "
    "library of Python's own or a usual one"
)
PROCESS = "hint: a run starts no other processes. Do the work in Python"
FILE = (
    "hint: a run reads its project and its packages, and reads and writes its temporary folder "
    "(tempfile.gettempdir()), no other files"
)
SIZE = "hint: no file may grow larger than aftercall.limits.tmp_mb in project.yaml"
MEMORY = (
    "hint: all memory was used up (aftercall.limits.memory_mb in project.yaml); a function that calls itself without "
    "an end ends so where sys.setrecursionlimit lets it"
)
OTHER = "hint: the system call was refused by the confinement of a run"

_REFUSED = frozenset({EPERM, EACCES, ENOSYS, EROFS, EAFNOSUPPORT})
#: Of the standard library, by the file's end: whose calls come to the kernel from Python code.
_NETWORK_FILES = ("/socket.py", "/ssl.py")
_PROCESS_FILES = ("/subprocess.py", "/multiprocessing/popen_fork.py", "/multiprocessing/util.py", "/pty.py")
#: What is written in C has no frame: the names that the innermost code uses tell instead.
_NETWORK_NAMES = frozenset({"socketpair", "connect", "connect_ex", "sendto", "bind", "listen", "setsockopt"})
_PROCESS_NAMES = frozenset({"fork", "forkpty", "posix_spawn", "posix_spawnp", "popen", "execv", "execve", "kill"})


#: What CPython says where it has no memory for one more frame of Python code: it forgets to raise a `MemoryError`
#: (3.11 to 3.13). An extension module with a fault says the same.
_NO_FRAME = ("error return without exception set", "returned NULL without setting an exception")
#: The part of its address space that a process has had in memory when it is taken to have come to the end of it.
_FULL = 0.75


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` is how CPython tells of memory that is used up, where that is no `MemoryError`."""
    if type(error) is not SystemError or not str(error).endswith(_NO_FRAME):
        return False
    try:
        import resource
    except ImportError:  # not on Windows
        return False
    except MemoryError:
        return True
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return limit > 0 and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 >= _FULL * limit


def hint(error: BaseException) -> str | None:
    """What to do instead, if `error` looks like the kernel's refusal; None for all others."""
    if out_of_memory(error):
        return MEMORY
    if not issubclass(type(error), OSError):
        return None
    if hasattr(error, "trouble"):  # of a request: what the other side of the supervisor met
        return None
    number = getattr(error, "errno", None)
    if type(error).__name__ == "gaierror":
        return NETWORK
    if number == EFBIG:
        return SIZE
    if number not in _REFUSED or type(error).__module__ != "builtins":
        return None
    return _of_code(_innermost(error), getattr(error, "filename", None))


def _of_code(code: CodeType | None, filename: object) -> str:
    file = code.co_filename if code is not None else ""
    if file.endswith(_PROCESS_FILES):
        return PROCESS
    if file.endswith(_NETWORK_FILES):
        return NETWORK
    names = frozenset(code.co_names if code is not None else ())
    if filename is not None:
        return PROCESS if names & _PROCESS_NAMES and "open" not in names else FILE
    if names & _PROCESS_NAMES:
        return PROCESS
    return NETWORK if names & _NETWORK_NAMES else OTHER


def _innermost(error: BaseException) -> CodeType | None:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_code if traceback is not None else None


def install() -> None:
    """Lets `os.system` tell that nothing ran: it answers with a number that nobody looks at. In the zygote."""
    os.system = _system


_os_system = os.system


def _system(command: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> int:
    status = _os_system(command)
    if status in (-1, 127 << 8):
        text = f"os.system: the command was not run (status {status}). {PROCESS[6:]}"
        current.host.log("warning", text, False, "runtime", None)
    return status
