"""What a dry run foretells, against what a build then asks of the network."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from reportgen import pipeline
from reportgen.checks import PICTURE_CHECKS, RUN_CHECKS
from reportgen.contracts import Silent
from reportgen.costs import Filters, Image, Judging, Passes
from reportgen.example import HONEST, SCENES
from reportgen.explain import FILTER_METHODS, IMAGE_METHODS
from reportgen.options import BuildOptions

ONCE = 2  # images that a stage asks about once in a run, such as where the last maps are
FACTOR = 1.5  # between what is foretold and what is asked, of each stage
# They stop when the picture is settled, or go on until it is precise; the estimate says what is usual.
LOOSE = {"lime": 4.0, "integrated_gradients": 4.0}
METHODS = ("saliency", "smoothgrad", "integrated_gradients", "gradcam", "occlusion", "filters", "lime")
FREE = {"agreement", "object"}  # compare what is there


class Counting(Silent):
    """Which stage asks for how many images, by the first layer of whatever copy of the network runs."""

    def __init__(self) -> None:
        super().__init__()
        self.images: Counter[str] = Counter()
        self.now = ""

    def stage(self, name: str, total: int, about: Sequence[str] = ()) -> None:  # noqa: ARG002 - as every progress
        self.now = name

    def seen(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            self.images[self.now] += len(inputs[0])


@pytest.fixture
def counting() -> Iterator[Counting]:
    made = Counting()
    hook = nn.modules.module.register_module_forward_pre_hook(made.seen)
    yield made
    hook.remove()


@pytest.mark.parametrize(("checks", "methods"), [("quick", METHODS), ("full", ("saliency", "filters"))])
def test_a_dry_run_foretells_what_each_stage_asks(
    tmp_path: Path, checks: str, methods: tuple[str, ...], counting: Counting
) -> None:
    given: dict[str, Any] = {
        "model": HONEST, "images": (SCENES,), "limit": 1, "out": tmp_path, "methods": methods, "checks": checks,
        "lime_samples": 256, "filter_steps": 4, "filters_top": 2, "layers": ("cnn.2", "cnn.10"), "self_test": False,
        "precision": "fp32", "store": False,
    }  # fmt: skip
    options = BuildOptions(**given)
    plan = pipeline.build(options.model_copy(update={"dry_run": True})).summary
    counting.images.clear()
    pipeline.explain_model(options, None, counting)
    foretold = {key.removeprefix("passes_"): int(number) for key, number in plan.items() if key.startswith("passes_")}
    del foretold["images"]
    assert set(foretold) == {*methods, *RUN_CHECKS, *PICTURE_CHECKS, "cues"} - FREE - (
        {"road"} if checks == "quick" else set()
    )
    counted = {name: counting.images[name] for name in foretold}
    wrong = {
        name: (number, counted[name])
        for name, number in foretold.items()
        if max(number, counted[name]) > ONCE + LOOSE.get(name, FACTOR) * min(number, counted[name])
    }
    assert wrong == {}


def test_each_method_and_each_check_that_asks_says_how_much() -> None:
    options = BuildOptions(model=HONEST, checks="full")
    assert all(each.passes(Image(options, (64, 64), 1)).all for each in IMAGE_METHODS.values())
    assert all(each.passes(Filters(options, 1, 1)).all for each in FILTER_METHODS.values())
    about = Judging(options, 1, 1, {"saliency": Passes(graded=1)})
    silent = {name for name, check in (PICTURE_CHECKS | RUN_CHECKS).items() if not check.passes(about).all}
    assert silent == FREE


@pytest.mark.parametrize("name", ["lime", "occlusion", "integrated_gradients"])
def test_two_classes_share_what_is_asked_of_an_image(name: str) -> None:
    options = BuildOptions(model=HONEST)
    one, two = (IMAGE_METHODS[name].passes(Image(options, (64, 64), targets)) for targets in (1, 2))
    assert one.plain == two.plain
    assert two.graded == 2 * one.graded


def test_passes_add_up() -> None:
    assert sum([Passes(1, 2), Passes(3, 4) * 2], Passes()) == Passes(7, 10)
    assert Passes(7, 10).all == 17
