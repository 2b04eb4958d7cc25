"""The self-test finds its known answers, notices what is broken, and is kept per version and device."""

from pathlib import Path

import numpy as np
import pytest
import torch

from reportgen import attribution, selftest
from reportgen.checks import randomisation
from reportgen.explain import IMAGE_METHODS, lime, saliency
from reportgen.results import KnownAnswer, MethodCheck
from reportgen.selftest import self_test
from reportgen.verdicts import RANDOMISATION, untested

WEIGHTS = ("weights_saliency", "weights_guided_backprop")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "reportgen"


@pytest.fixture(scope="module")
def found() -> tuple[KnownAnswer, ...]:
    return self_test("cpu", again=True)


def test_this_installation_gives_every_known_answer(found: tuple[KnownAnswer, ...]) -> None:
    methods = [f"object_{name}" for name in selftest.DENSER if name in IMAGE_METHODS]
    assert [each.name for each in found] == [
        "answers",
        *methods,
        "object_lime",
        "object_random",
        *WEIGHTS,
        "planted_lime",
    ]
    assert [each.name for each in found if not each.holds] == []


def test_a_map_that_is_mirrored_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = attribution.score_gradients
    monkeypatch.setattr(saliency, "score_gradients", lambda *given: np.flip(right(*given), axis=(1, 2)))
    wrong = [each.name for each in self_test("cpu", again=True) if not each.holds]
    assert wrong == ["object_saliency"]


def test_lime_with_a_wrong_sign_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lime._probabilities
    monkeypatch.setattr(lime, "_probabilities", lambda *given, **more: 1 - right(*given, **more))
    wrong = [each.name for each in self_test("cpu", again=True) if not each.holds]
    assert wrong == ["object_lime", "planted_lime"]


def test_a_check_that_says_nothing_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = untested(RANDOMISATION, "few_maps")
    monkeypatch.setattr(randomisation, "judge", lambda given: [MethodCheck(name, silent) for name in given.methods])
    wrong = [each.name for each in self_test("cpu", again=True) if not each.holds]
    assert wrong == list(WEIGHTS)


def test_the_answers_are_kept_and_read_again(
    cache: Path, found: tuple[KnownAnswer, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "_scenes", lambda _: found[:-1])
    monkeypatch.setattr(selftest, "_planted", lambda _: found[-1])
    assert self_test("cpu") == found
    (kept,) = cache.iterdir()
    monkeypatch.setattr(selftest, "_planted", lambda _: pytest.fail("it was kept"))
    assert self_test("cpu") == found
    monkeypatch.setattr(selftest, "__version__", "another")
    monkeypatch.setattr(selftest, "_planted", lambda _: found[0])
    assert self_test("cpu")[-1] == found[0]
    assert len(list(cache.iterdir())) == 2
    assert kept.exists()


def test_a_damaged_file_is_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = KnownAnswer("planted_lime", 0.0, 1.0, above=False)
    monkeypatch.setattr(selftest, "_scenes", lambda _: ())
    monkeypatch.setattr(selftest, "_planted", lambda _: answer)
    self_test("cpu")
    (kept,) = cache.iterdir()
    kept.write_text('[{"name": 5}]')
    assert self_test("cpu") == (answer,)
    assert self_test("cpu") == (answer,)
    assert "planted_lime" in kept.read_text()


def test_without_a_folder_it_runs_and_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(selftest, "_scenes", lambda _: ())
    monkeypatch.setattr(selftest, "_planted", lambda _: KnownAnswer("planted_lime", 0.0, 1.0, above=False))
    assert self_test("cpu")[0].holds
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_callers_random_numbers_stay_as_they_are() -> None:
    layer = torch.nn.Linear(2, 2)
    before = torch.random.get_rng_state()
    assert not torch.equal(selftest._random(layer).weight, layer.weight)  # type: ignore[arg-type]
    assert torch.equal(torch.random.get_rng_state(), before)
