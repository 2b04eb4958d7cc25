"""The states of a picture on networks so small that what they look at is known."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from toy_models import Constant, Small, case, image, options, photographs, settled, wrapped

from reportgen.attempts import failed, without_picture
from reportgen.checks import PICTURE_CHECKS
from reportgen.checks.faithfulness import CHECK, QUICK
from reportgen.checks.gaps import LEAST, Gap, gap, state_of, threshold
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, Silent
from reportgen.errors import EnvironmentProblem
from reportgen.judging import judge_pictures
from reportgen.results import AttributionMap, CheckResult, Explanation, RegionWeights, Target
from reportgen.verdicts import MARGIN

SIDE = 64
ROWS, COLUMNS = slice(8, 18), slice(40, 50)  # off the middle, and bright on dark
DARK = 0.3
TARGET = Target(1, "bright", "predicted")


class Window(nn.Module):
    """The logit of class 1 over class 0 is the contrast of one window with its surroundings' grey, times a gain."""

    def __init__(self, gain: float, offset: float) -> None:
        super().__init__()
        self.gain, self.offset = gain, offset

    def forward(self, images: Tensor) -> Tensor:
        seen = images[:, :, ROWS, COLUMNS].mean(dim=(1, 2, 3)) - DARK
        score = self.gain * seen + self.offset
        return torch.stack([-score / 2, score / 2], dim=1)


def photograph() -> NDArray[np.float32]:
    """A bright square on dark noise, with a far stronger edge elsewhere."""
    pixels = np.clip(DARK + np.random.default_rng(0).normal(0, 0.02, (SIDE, SIDE, 3)), 0, 1).astype(np.float32)
    pixels[ROWS, COLUMNS] += 0.3
    pixels[44:60, 6:40] = 1
    return pixels


def heat(inside: float = 1.0, outside: float = 0.0) -> NDArray[np.float32]:
    """A map with one value in the window and another around it."""
    found = np.full((SIDE, SIDE), outside, np.float32)
    found[ROWS, COLUMNS] = inside
    return found


def noisy(seed: int = 9) -> NDArray[np.float32]:
    """A map that marks the lower right."""
    rows, columns = np.indices((SIDE, SIDE)) / SIDE
    return np.asarray(rows * columns + np.random.default_rng(seed).normal(0, 0.01, rows.shape), np.float32)


STRONG, FAINT = (40.0, -6.0), (1.6, -0.2)


def evidence(
    network: nn.Module,
    maps: Sequence[NDArray[np.float32]],
    target: Target = TARGET,
    **given: Any,  # noqa: ANN401 - fields of BuildOptions
) -> Evidence:
    classifier = wrapped(network, (SIDE, SIDE))
    found = replace(case(classifier, photograph()), targets=(target,))
    group = tuple(Explanation("map", target, "ok", AttributionMap(each)) for each in maps)
    return Evidence(classifier, [found], [group], {}, options(**given))


def judged(network: nn.Module, *maps: NDArray[np.float32], target: Target = TARGET) -> tuple[CheckResult, ...]:
    (found,) = CHECK.judge(evidence(network, maps, target))
    return found


def test_a_map_of_what_the_network_uses_is_supported() -> None:
    (found,) = judged(Window(*STRONG), heat())
    assert found.state == "supported"
    assert found.value is not None
    assert found.threshold is not None
    assert found.value > 0.5 > found.threshold >= MARGIN
    assert found.value == pytest.approx(found.measures["insertion"] - found.measures["deletion"])  # type: ignore[operator]
    assert found.threshold == threshold(float(found.measures["control"]))
    assert (found.measures["shares"], found.measures["controls"]) == (QUICK[0], QUICK[1] + 3)


def test_a_map_of_anything_else_is_not_told_from_controls() -> None:
    (found,) = judged(Window(*STRONG), noisy())
    assert found.state == "indistinct"
    assert found.value is not None
    assert found.threshold is not None
    assert found.value <= found.threshold


def test_a_network_that_hardly_looks_leaves_the_right_map_weak() -> None:
    (found,) = judged(Window(*FAINT), heat())
    assert found.state == "weak"
    assert found.value is not None
    assert LEAST < found.value <= MARGIN == found.threshold


def test_a_map_turned_around_fails() -> None:
    (found,) = judged(Window(*STRONG), heat(-1.0))
    assert found.state == "fails"
    assert found.measures["reverse"] > found.threshold  # type: ignore[operator]


def test_a_flat_map_is_degenerate_and_an_answer_that_never_changes_supports_nothing() -> None:
    (flat,) = judged(Window(*STRONG), heat(0.0))
    assert (flat.state, flat.reason) == ("degenerate", "reason.flat_map")
    constant = judged(Constant((0.0, 1.0)), heat(), noisy())
    assert [each.state for each in constant] == ["indistinct"] * 2
    assert {each.value for each in constant} == {0.0}


@pytest.mark.parametrize("seed", range(3))
def test_a_random_network_supports_nothing(seed: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Small().eval()
        network(torch.zeros(1, 3, 32, 32))  # gives lazy layers their shape
    classifier = wrapped(network, (32, 32))
    found = case(classifier, photographs(1, (32, 32), seed=seed + 5)[0])
    rng = np.random.default_rng(seed)
    maps = [AttributionMap(rng.normal(size=(32, 32)).astype(np.float32)) for _ in range(6)]
    group = tuple(Explanation("map", found.targets[0], "ok", each) for each in maps)
    (results,) = CHECK.judge(Evidence(classifier, [found], [group], {}, options()))
    assert "supported" not in {each.state for each in results}


class TestAClassThatIsNotPredicted:
    LABEL = Target(0, "dark", "label")

    def test_without_probability_it_is_not_tested(self) -> None:
        (found,) = judged(Window(*STRONG), noisy(), target=self.LABEL)
        assert (found.state, found.reason) == ("not_tested", "reason.too_unlikely")

    def test_a_map_of_what_lowers_it_is_no_failure(self) -> None:
        """The window speaks against the class, and an unsigned map may well mark it."""
        (found,) = judged(Window(*STRONG), heat(), target=self.LABEL)
        assert (found.state, found.reason) == ("not_tested", "reason.too_unlikely")

    def test_with_probability_it_is(self) -> None:
        (found,) = judged(Window(2.0, -1.0), noisy(), target=self.LABEL)
        assert found.state == "indistinct"


class TestNothingToTest:
    def test_without_any_picture_no_question_is_asked(self) -> None:
        given = evidence(Window(*STRONG), [])
        nobody: Classifier = None  # type: ignore[assignment]
        group = (without_picture("map", TARGET, "flat_gradient"), failed("map", TARGET, ValueError("no")))
        (found,) = CHECK.judge(replace(given, classifier=nobody, explanations=[group]))
        assert [(each.state, each.reason) for each in found] == [
            ("degenerate", "reason.flat_gradient"),
            ("not_tested", "reason.raised"),
        ]

    def test_a_picture_beside_a_missing_one_is_tested(self) -> None:
        given = evidence(Window(*STRONG), [heat()])
        group = (failed("map", TARGET, ValueError("no")), *given.explanations[0])
        (found,) = CHECK.judge(replace(given, explanations=[group]))
        assert [each.state for each in found] == ["not_tested", "supported"]

    def test_answers_that_are_not_finite_are_none(self) -> None:
        class Torn(Window):
            def forward(self, images: Tensor) -> Tensor:
                # Finite on the image alone: every other one has lost something.
                whole = (images - whole_image).abs().amax(dim=(1, 2, 3)) < 1e-5
                return super().forward(images) / whole[:, None]

        whole_image = torch.tensor(photograph()).permute(2, 0, 1)[None]
        (found,) = judged(Torn(*STRONG), heat())
        assert (found.state, found.reason) == ("not_tested", "reason.not_finite")

    def test_an_image_that_breaks_the_network_costs_itself(self) -> None:
        class Fixed(Window):
            def forward(self, images: Tensor) -> Tensor:
                return super().forward(images.view(-1, 3, SIDE, SIDE))

        given = evidence(Fixed(*STRONG), [heat()])
        broken = replace(given.cases[0], image=image(np.zeros((8, 8, 3), np.float32)))
        both = replace(given, cases=[broken, *given.cases], explanations=[given.explanations[0]] * 2)
        first, second = CHECK.judge(both)
        assert [(each.state, each.reason) for each in first] == [("not_tested", "reason.test_raised")]
        assert [each.state for each in second] == ["supported"]

    def test_memory_that_runs_out_ends_the_run(self) -> None:
        class Starved(Window):
            def forward(self, images: Tensor) -> Tensor:
                if len(images) > 1 or images.std() < 0.1:
                    raise EnvironmentProblem("E-MEMORY", "the network", "no memory", "Use --device cpu")
                return super().forward(images)

        with pytest.raises(EnvironmentProblem):
            judged(Starved(*STRONG), heat())


class TestSameness:
    def test_neither_order_nor_neighbours_nor_batches_change_a_number(self) -> None:
        classifier = wrapped(settled(Small()), batch=64)
        cases = [case(classifier, pixels) for pixels in photographs(2)]
        rng = np.random.default_rng(1)
        groups = [
            tuple(
                Explanation("map", each.targets[0], "ok", AttributionMap(rng.normal(size=(16, 20)).astype(np.float32)))
                for _ in range(3)
            )
            for each in cases
        ]
        given = Evidence(classifier, cases, groups, {}, options())
        first, second = CHECK.judge(given)
        assert list(CHECK.judge(replace(given, cases=cases[::-1], explanations=groups[::-1]))) == [second, first]
        assert list(CHECK.judge(replace(given, cases=cases[1:], explanations=[groups[1][2:]]))) == [second[2:]]
        (narrow,) = CHECK.judge(
            replace(given, classifier=wrapped(classifier.module, batch=3), cases=cases[:1], explanations=groups[:1])
        )
        assert [each.value for each in narrow] == pytest.approx([each.value for each in first], abs=1e-6)

    def test_controls_are_asked_once_for_all_pictures_of_an_image(self) -> None:
        seen = 0

        class Counted(Window):
            def forward(self, images: Tensor) -> Tensor:
                nonlocal seen
                seen += len(images)
                return super().forward(images)

        given = evidence(Counted(*STRONG), [heat()] * 3)
        seen = 0
        list(CHECK.judge(given))
        shares, noises = QUICK
        assert seen == 2 * shares * (noises + 3 + 3)

    def test_another_seed_gives_other_controls(self) -> None:
        (first,), (other,) = (
            next(iter(CHECK.judge(evidence(Window(4.0, -0.6), [heat()], seed=seed)))) for seed in (1, 2)
        )
        assert first.value == other.value
        assert first != other

    def test_a_segments_weight_counts_for_each_of_its_pixels(self) -> None:
        given = evidence(Window(*STRONG), [heat()])
        regions = RegionWeights(heat().astype(np.int32), np.array([0.0, 1.0]))
        as_lime = replace(given.explanations[0][0], result=regions)
        (found,) = CHECK.judge(replace(given, explanations=[(given.explanations[0][0], as_lime)]))
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("width", "widest", "state"),
    [
        (0.29, 0.2, "supported"), (0.27, 0.2, "weak"), (0.2, 0.2, "indistinct"), (0.11, -0.5, "supported"),
        (0.995, 0.98, "supported"), (0.981, 0.98, "weak"), (0.97, 0.98, "indistinct"),
        (0.1, -0.5, "weak"), (0.06, 0.0, "weak"), (0.05, -0.5, "indistinct"), (-0.3, -0.9, "indistinct"),
    ],
)  # fmt: skip
def test_a_state_needs_a_lead_over_every_control_and_a_gap_that_matters(
    width: float, widest: float, state: str
) -> None:
    assert state_of(width, widest) == state


def test_a_gap_is_the_mean_probability_of_the_class_shown_less_that_hidden() -> None:
    chances = np.array([[0.2, 0.4], [0.9, 0.7]])  # hidden, shown; two shares
    logits = np.log(np.stack([1 - chances, chances], axis=-1)).astype(np.float32)
    found = gap(logits, TARGET, "softmax")
    assert (found.deletion, found.insertion) == pytest.approx((0.3, 0.8), abs=1e-6)
    assert found.width == pytest.approx(Gap(0.3, 0.8).width, abs=1e-6) == pytest.approx(0.5, abs=1e-6)
    alone = gap(logits * 0, TARGET, "sigmoid")
    assert (alone.deletion, alone.insertion) == (0.5, 0.5)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_a_contrast_is_the_probability_if_there_were_only_these_two(kind: Literal["softmax", "sigmoid"]) -> None:
    logits = np.log(np.array([[[0.1, 0.3, 0.6]], [[0.5, 0.1, 0.4]]], np.float32))
    found = gap(logits, Target(0, "a", "asked", 1, "b"), kind)
    assert (found.deletion, found.insertion) == pytest.approx((0.25, 5 / 6), abs=1e-6)


def test_slow_checks_are_made_where_everything_is_asked_for() -> None:
    def said(checks: str) -> set[str]:
        given = evidence(Window(*STRONG), [heat()], checks=checks)
        (explanation,) = judge_pictures(given, Silent(), PICTURE_CHECKS, {}).explanations[0]
        assert explanation.verdict
        return {each.check for each in explanation.verdict.checks}

    assert said("full") - said("quick") == {each.name for each in PICTURE_CHECKS.values() if each.slow}
    assert "faithfulness" in said("quick")


def test_more_is_asked_with_full() -> None:
    def said(checks: str) -> CheckResult:
        ((found,),) = CHECK.judge(evidence(Window(*STRONG), [heat()], checks=checks))
        return found

    quick, full = said("quick"), said("full")
    assert full.measures["controls"] > quick.measures["controls"]  # type: ignore[operator]
    assert full.measures["shares"] > quick.measures["shares"]  # type: ignore[operator]
