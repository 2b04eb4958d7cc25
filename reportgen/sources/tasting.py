"""A file that hangs, crashes or floods whoever reads it does so to a process of its own, and is refused by name.

torch's safe reader runs no code of a file, but it hashes, prints and makes what the file asks for: one tuple in another
a few hundred thousand times is a crash of Python itself, and sixty that hold the last one twice are hashed for years.
"""

import faulthandler
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from reportgen.errors import CheckpointError, EnvironmentProblem
from reportgen.shortages import FREE_MEMORY
from reportgen.sources.structure import SAVE

SECONDS: Final = 10  # of a core for all but copying; optimizers of thousands of tensors need less than one
BYTES_A_SECOND: Final = 2**25  # copied, on a slow disk
MEMORY: Final = 2**30  # bytes beside what the file's size accounts for
FLOODED: Final = 3  # the child's exit code


def taste(read: Callable[[], object], name: str, size: int) -> None:
    """Call `read` in a fork of this process, and see that it comes back, with a result or an error.

    size: of the file in bytes. Nothing is done but on Linux: elsewhere there is no fork, none that is safe beside the
    system's libraries, or no bound on memory. Nor is it where a limit on processes forbids it.
    Raises CheckpointError where it does not come back, EnvironmentProblem where the system killed it.
    """
    if sys.platform != "linux":
        return
    try:
        child = os.fork()
    except OSError:
        return
    if child == 0:
        _live(read, size)
    try:
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:  # SIGCHLD is ignored, as a daemon may hand it down, and how it ended is lost
        return
    except BaseException:  # a signal to this process
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        raise
    if ended == 0:
        return
    if -ended == signal.SIGKILL:
        why = "the system stopped the process that read it, most likely for want of memory"
        raise EnvironmentProblem("E-MEMORY", name, why, FREE_MEMORY)
    if ended == FLOODED:
        why = f"reading it needs over {MEMORY >> 30} GiB more memory than its size accounts for"
    elif -ended in (signal.SIGXCPU, signal.SIGALRM):
        why = "reading it comes to no end"
    else:
        why = "reading it crashes Python"
    raise CheckpointError("E-CKPT-STRUCTURE", name, why, SAVE)


def _live(read: Callable[[], object], size: int) -> NoReturn:
    """The child's whole life; what it reads, prints or fails with goes nowhere."""
    code = 0
    try:
        bounded = _limit(size)
        try:
            read()
        except MemoryError:
            code = FLOODED if bounded else 0
        except Exception:
            code = 0  # it comes again, and is told, where it counts
    finally:
        os._exit(code)


def _limit(size: int) -> bool:
    """Bound this process; whether its memory is bounded more tightly than before."""
    import resource  # not on Windows, which has none

    faulthandler.disable()
    seconds = SECONDS + size // BYTES_A_SECOND
    for number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.alarm(2 * seconds)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, seconds)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return _lower(resource.RLIMIT_AS, held + 3 * size + MEMORY)


def _lower(which: int, bound: int) -> bool:
    """Whether there was room to lower it."""
    import resource

    soft, hard = resource.getrlimit(which)
    lowered = soft == resource.RLIM_INFINITY or bound < soft
    if lowered:
        resource.setrlimit(which, (bound, hard))
    return lowered
