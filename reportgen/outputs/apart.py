"""Drawing in a child process: a page that eats all memory, never ends or breaks a library costs the PDF alone.

Both ends of the pipe are here. The answer is JSON and bytes, never a pickle: a child that was taken over by what
it drew can say nothing but a PDF.
"""

import gc
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from reportgen.errors import EnvironmentProblem, ReportgenError, UsageError
from reportgen.outputs.drawing import Drawn, Page, draw, load_weasyprint

MEMORY = 4 << 30  # bytes of address space; 200 pages with 900 pictures take 0.3 GB, a table of 10,000 rows 0.9 GB
_START = "import sys; sys.path[:] = sys.argv[2:]; from reportgen.outputs.apart import main; main(int(sys.argv[1]))"
# A page of boxes is no garbage, and looking for some again and again takes a third of the time.
_GARBAGE = (50_000, 20, 100)
_SPARE_SECONDS = 60  # of the child's own clock, which ends it where nobody is left to do so
_REFUSED = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system")
_KINDS: Mapping[str, type[ReportgenError]] = {kind.__name__: kind for kind in (EnvironmentProblem, UsageError)}
_STANDS = "the other formats stand; write the PDF again with reportgen render"


def drawn_apart(page: Page, seconds: int) -> Drawn:
    """The PDF, drawn by a child process that has so many seconds, `MEMORY` and no network; ended with its parent.

    Raises as `draw` does, and EnvironmentProblem where the child is too slow, too large, or breaks.
    """
    # The parent's path, set before anything is imported: what lies in the current directory is not code.
    path = [str(Path(entry).absolute()) for entry in sys.path]
    command = [sys.executable, "-c", _START, str(seconds + _SPARE_SECONDS), *path]
    urls = list(page.pictures)
    listed = [(url, page.pictures[url][0]) for url in urls]
    header = {"html": page.html, "pictures": listed, "attached": page.attached}
    job = _packed(header, [page.facts, *(page.pictures[url][1] for url in urls)])
    try:
        with _own_temporary() as environment:
            answer, remarks, code = _answered(command, job, seconds, environment)
    except subprocess.TimeoutExpired as err:
        why = f"drawing it took longer than {seconds} seconds"
        raise EnvironmentProblem(
            "E-PDF-TIME", "report.pdf", why, f"Raise --pdf-timeout or --limit images; {_STANDS}"
        ) from err
    except OSError as err:
        why = f"the process that draws it cannot be started ({err.strerror or err})"
        fix = f"Free memory, or raise the limit of open files (ulimit -n 1024); {_STANDS}"
        raise EnvironmentProblem("E-PDF-START", "report.pdf", why, fix) from err
    return _understood(answer, remarks, code)


@contextmanager
def _own_temporary() -> Iterator[dict[str, str]]:
    """The child's environment, with a folder for temporary files that goes with it, for it may be killed beside one.

    Libraries that are searched for, and code that is made as it runs, need some.
    """
    with tempfile.TemporaryDirectory(prefix="reportgen-pdf-", ignore_cleanup_errors=True) as folder:
        yield os.environ | {"TMPDIR": str(Path(folder).absolute())}


def _answered(
    command: Sequence[str], job: bytes, seconds: int, environment: Mapping[str, str]
) -> tuple[bytes, bytes, int]:
    """What the child answers and remarks, and its exit code. Raises TimeoutExpired."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as child:
        try:
            answer, remarks = child.communicate(job, timeout=seconds)
        except BaseException:  # too slow, or interrupted: in either case nothing is left running
            child.kill()
            child.wait()  # Popen itself does not, after an interrupt
            raise
    return answer, remarks, child.returncode


def _understood(answer: bytes, remarks: bytes, code: int) -> Drawn:
    """The child's answer. Raises the error that it tells, or that its silence means."""
    try:
        header, blobs = _unpacked(answer)
        if "error" in header:
            kind, *parts = header["error"]
            raise _KINDS[kind](*parts)
        return Drawn(blobs[0], tuple(map(str, header["complaints"])))
    except (ValueError, LookupError, TypeError):
        last = remarks.decode(errors="replace").strip().splitlines()[-1:] or [f"it ended with code {code}"]
        why = f"WeasyPrint broke while drawing it ({last[0][:200]})"
        fix = f"Check --css and --templates; {_STANDS}"
        raise EnvironmentProblem("E-PDF-DRAW", "report.pdf", why, fix) from None


def main(seconds: int) -> None:
    """The child's whole life: draw what stdin asks for, write the answer to stdout."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no part of the answer
    _limit(seconds)
    gc.set_threshold(*_GARBAGE)
    header, blobs = _unpacked(sys.stdin.buffer.read())
    pictures = {url: (kind, data) for (url, kind), data in zip(header["pictures"], blobs[1:], strict=True)}
    try:
        load_weasyprint()  # its search for libraries may start a process; what follows must not
        sys.addaudithook(_refuse)
        drawn = draw(Page(header["html"], pictures, blobs[0], header["attached"]))
        answer = _packed({"complaints": drawn.complaints}, [drawn.data])
    except ReportgenError as err:
        answer = _packed({"error": [type(err).__name__, err.code, err.what, err.why, err.fix]}, [])
    except MemoryError:
        why, fix = f"drawing it needs more than {MEMORY >> 30} GiB of memory", f"Lower --limit; {_STANDS}"
        answer = _packed({"error": ["EnvironmentProblem", "E-PDF-MEMORY", "report.pdf", why, fix]}, [])
    with os.fdopen(out, "wb") as pipe:
        pipe.write(answer)


def _limit(seconds: int) -> None:
    """Bound this process; what the system does not know is left out."""
    try:
        import resource
    except ImportError:  # Windows
        return
    bounds = {"RLIMIT_CPU": seconds, "RLIMIT_CORE": 0}
    if sys.platform == "linux":  # elsewhere libraries map more than they use, or the bound is ignored
        bounds["RLIMIT_AS"] = MEMORY
    for name, bound in bounds.items():
        which = getattr(resource, name)
        given = [limit for limit in resource.getrlimit(which) if limit != resource.RLIM_INFINITY]
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (min([bound, *given]),) * 2)


def _refuse(event: str, _given: tuple[Any, ...]) -> None:
    """An audit hook: no network and no other program from here, whatever a library tries."""
    if event.startswith(_REFUSED):
        raise PermissionError(f"the process that draws the PDF has no {event}")


def _packed(header: Mapping[str, Any], blobs: Sequence[bytes]) -> bytes:
    """One line of JSON, then the blobs, whose sizes the line tells."""
    line = json.dumps({**header, "sizes": [len(blob) for blob in blobs]})
    return b"".join((line.encode(), b"\n", *blobs))


def _unpacked(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The reverse of `_packed`. Raises ValueError or KeyError where it is not that."""
    line, _, rest = data.partition(b"\n")
    header = json.loads(line)
    ends = list(itertools.accumulate(header["sizes"], initial=0))
    if ends[-1] != len(rest):
        raise ValueError("the sizes do not fit")
    return header, [rest[start:end] for start, end in itertools.pairwise(ends)]
