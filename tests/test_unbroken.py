"""A signal that comes amid a block waits for its end; one that is ignored stays so."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reportgen import publish
from reportgen.unbroken import unbroken


class Stopped(BaseException):
    pass


@pytest.fixture
def minded() -> Iterator[None]:
    """Either signal raises."""

    def stop(_number: int, _frame: object) -> None:
        raise Stopped

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("minded")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_the_block(sent: signal.Signals) -> None:
    done: list[bool] = []

    def work() -> None:
        with unbroken():
            os.kill(os.getpid(), sent)
            done.append(True)

    with pytest.raises(Stopped):
        work()
    assert done == [True]
    with pytest.raises(Stopped):  # and is minded again after it
        signal.raise_signal(sent)


@pytest.mark.usefixtures("minded")
def test_one_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with unbroken():
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_thread_that_minds_no_signal_may_use_it() -> None:
    went: list[bool] = []

    def work() -> None:
        with unbroken():
            went.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert went == [True]


@pytest.mark.usefixtures("minded")
@pytest.mark.parametrize("amid", ["rename", "unlink", "rmtree"])
def test_a_report_is_whole_and_nothing_beside_it_where_the_signal_comes_as_it_moves(
    amid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"rename": (Path, "rename"), "unlink": (Path, "unlink"), "rmtree": (shutil, "rmtree")}
    owner, name = names[amid]
    really = getattr(owner, name)

    def signalled(*arguments: object, **more: object) -> object:
        os.kill(os.getpid(), signal.SIGTERM)
        return really(*arguments, **more)

    out = tmp_path / "out"
    monkeypatch.setattr(owner, name, signalled)
    with pytest.raises(Stopped), publish.publishing(out, overwrite=False) as folder:
        (folder / "report.html").write_text("new")
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert (out / "report.html").read_text() == "new"
