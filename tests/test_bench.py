"""The benchmark runs, counts what is known on paper, and judges by its numbers; what it times is not tested."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from bench import __main__ as bench
from bench.course import Classifier
from bench.meter import Reading, measured, total
from bench.ours import networks, whole_budget
from bench.quality import Quality, enough
from bench.scale import QUICK
from bench.targets import Target, of_memory
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from toy_models import SIZE, Small, settled, wrapped

from reportgen.hooks import run_to
from reportgen.neighbourhood import by_design
from reportgen.sampling import Masks, order

CPU = torch.device("cpu")
PASSES = 128  # two blocks of 64, for the shipped scenes have fewer than 57 superpixels
BLOCK = 64


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The JSON file and the Markdown."""
    file = tmp_path_factory.mktemp("bench") / "kept" / "bench.json"
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_about: lines.append(" ".join(map(str, words))))
        bench.main(["--quick", "--device", "cpu", "--json", str(file)])
    return json.loads(file.read_text(encoding="utf-8")), lines[-1]


@pytest.fixture(scope="module")
def cpu(printed: tuple[dict[str, Any], str]) -> dict[str, Any]:
    (device,) = printed[0]["devices"]
    assert device["name"] == "cpu"
    return dict(device)


class TestAQuickRun:
    def test_forward_passes_are_those_known_on_paper(self, cpu: dict[str, Any]) -> None:
        count, samples, steps = QUICK.images, QUICK.samples, QUICK.steps
        theirs = [(row["theirs"]["images"], row["theirs"]["calls"]) for row in cpu["rows"]]
        lime, saliency, filters = (samples * count, samples // 10 * count), (count, 1), (count * (1 + steps), 1 + steps)
        whole = tuple(sum(each) for each in zip(lime, saliency, filters, strict=True))
        assert theirs == [lime, lime, lime, saliency, filters, filters, whole, whole]
        mine = [row["ours"]["images"] for row in cpu["rows"]]
        # Beside the masks the image itself. For a filter: a survey of the layers; the images for the channels' means,
        # the answers, the filter held at its mean, the crops and the maps; whether a part of an image will do; one
        # image climbing, or three, half as often again; the first's answer.
        ours, heat = (PASSES + 1) * count, count
        climb, every = (1 + 5 * count + 1 + images * math.ceil(1.5 * steps) + 1 for images in (1, 3))
        checked = (PASSES + 2 * BLOCK + 1) * count
        assert mine == [(samples + 1) * count, ours, checked, heat, climb, every, ours + heat + climb, 0]
        assert {each["reading"]["images"] for each in (*cpu["shipped"], *cpu["course"])} == {samples}

    def test_a_step_on_a_part_of_an_image_costs_less_than_a_tenth(self, printed: tuple[dict[str, Any], str]) -> None:
        """Nine sixteenths of an image, up to the layer and back, of four images through the whole network and back."""
        assert 5 < printed[0]["step"]["measured"] < 10

    def test_what_checks_cost_is_measured_in_whole_builds(self, printed: tuple[dict[str, Any], str]) -> None:
        assert (
            printed[0]["checks"]["measured"] > 0
        )  # with them, of without: how much more is no matter of a busy machine

    def test_time_outside_the_network_is_a_part_of_the_time(self, cpu: dict[str, Any]) -> None:
        for row in cpu["rows"][:3]:
            for side in ("theirs", "ours"):
                assert 0 < row[side]["inside"] < row[side]["seconds"]

    def test_the_three_programs_agree_on_the_same_masks(self, cpu: dict[str, Any]) -> None:
        for network in ("shipped", "course"):
            exact, fast = cpu[network][:3], cpu[network][3]
            assert [each["program"] for each in exact] == ["lime", "captum", "reportgen, float32"]
            for each in exact:
                assert each["apart"] <= 1e-4 * each["largest"]  # captum fits in float32
            assert fast["program"] == "reportgen"

    def test_quality_is_measured_for_each_way_of_sampling(self, cpu: dict[str, Any]) -> None:
        ways = [(each["sampling"], each["asked"], each["paired"]) for each in cpu["quality"]]
        designed = [("designed", BLOCK, False), ("designed", PASSES, True)]
        assert ways == [("random", QUICK.samples, True), *designed, ("until settled", 1024, True)]
        assert [each["passes"] for each in cpu["quality"][:3]] == [QUICK.samples, BLOCK, PASSES]
        assert all(0.3 < each["mean"] <= 1 for each in cpu["quality"])

    def test_every_row_and_target_is_on_the_page(
        self, printed: tuple[dict[str, Any], str], cpu: dict[str, Any]
    ) -> None:
        found, page = printed
        names = [each["name"] for each in (*cpu["rows"], *cpu["targets"], found["memory"])]
        assert len(names) == 8 + 5 + 1
        assert [name for name in names if f"| {name} |" not in page] == []
        assert set(found["peaks"]) == {str(QUICK.few), str(QUICK.many)}
        assert min(found["peaks"].values()) > 50  # MiB; Python and torch alone take more


def test_the_course_network_costs_what_is_said() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        Classifier()(torch.zeros(1, 3, 128, 128))
    assert counter.get_total_flops() / 2e9 == pytest.approx(8.65, abs=0.05)  # 17.3 GFLOP


class TestMeter:
    def test_passes_that_end_at_a_layer_count_too(self) -> None:
        network = settled(Small())
        images = torch.zeros(3, 3, *SIZE)
        layer = next(name for name, part in network.named_modules() if isinstance(part, nn.Conv2d))

        _, part = measured(partial(run_to, network, layer, images), CPU, (network,), timed=True)
        _, whole = measured(partial(network, images[:2]), CPU, (network,), timed=True)
        assert (part.images, part.calls, whole.images, whole.calls) == (3, 1, 2, 1)
        for reading in (part, whole):
            assert reading.inside is not None
            assert 0 < reading.inside <= reading.seconds
        assert not network._forward_hooks
        assert not network._forward_pre_hooks

    def test_what_was_not_timed_stays_unknown_in_a_sum(self) -> None:
        timed, untimed = Reading(2.0, 10, 1, 1.5), Reading(3.0, 4, 2)
        assert total([timed, timed]) == Reading(4.0, 20, 2, 3.0)
        assert total([timed, untimed]) == Reading(5.0, 14, 3)
        assert (timed.outside, untimed.outside) == (0.5, None)

    def test_a_faster_copy_is_counted_beside_the_network(self) -> None:
        network, faster = settled(Small()), settled(Small())
        classifier = wrapped(network)
        assert networks(classifier) == (network,)
        for asked, expected in ((network, (network,)), (faster, (network, faster))):
            fast = SimpleNamespace(ask=SimpleNamespace(module=asked))
            assert networks(cast(Any, SimpleNamespace(module=network, fast=fast))) == expected


def test_the_budget_is_spent_although_the_picture_is_settled() -> None:
    def additive(masks: Masks) -> NDArray[np.float64]:
        return np.asarray(masks @ np.array([[1.0], [2.0], [4.0]]))

    def passes() -> int:
        return by_design(additive, 3, 128, np.random.default_rng(0)).passes

    assert passes() == 2 * order(3)
    with whole_budget():
        assert passes() == 128
    assert passes() == 2 * order(3)


def test_the_high_water_mark_is_this_processes_own_and_stays(fresh: Callable[..., str]) -> None:
    """Of a child that was started while its parent held much, and lets go of what it held itself."""
    held = np.ones(2**26)  # 512 MiB
    told = fresh(
        "from bench.memory import high_water\n"
        "before = high_water(); held = bytearray(b'x') * 2**27; del held; print(before, high_water())",
        pythonpath=Path(__file__).parent,
    )
    before, after = map(float, told.split())
    assert before < held.nbytes / 2**20
    assert 120 < after - before < 140


def one(asked: int, mean: float, paired: bool = True) -> Quality:
    return Quality("designed", asked, asked, mean, mean, paired)


@pytest.mark.parametrize(
    ("means", "expected"),
    [((0.99, 0.98, 0.99), 256), ((0.99, 0.985, 0.99), 128), ((0.99, 0.97, 0.98), 256)],
    ids=["first that is near enough, but no half pair", "as near is enough", "none: the most"],
)
def test_the_fewest_designed_masks_that_do_the_work_of_random_ones(
    means: tuple[float, float, float], expected: int
) -> None:
    random = replace(one(1000, 0.985), sampling="random")
    found = enough([random, one(64, means[0], paired=False), one(128, means[1]), one(256, means[2])])
    assert found.asked == expected


@pytest.mark.parametrize(
    ("measured", "unit", "verdict"),
    [(15, "x", "aim"), (14.9, "x", "reached"), (7.9, "x", "missed"), (15, "%", "reached"), (16, "%", "missed")],
)
def test_a_target_is_judged_by_what_is_better(measured: float, unit: str, verdict: str) -> None:
    least, aim = (8, 15) if unit == "x" else (15, 8)
    assert Target("", least, aim, measured, unit).verdict == verdict


def test_memory_is_judged_by_growth() -> None:
    assert of_memory({4: 200.0, 200: 210.0}).measured == pytest.approx(5)


@pytest.mark.parametrize("arguments", [["--images", "0"], ["--images", "13"], ["--device", "tpu"]])
def test_what_cannot_be_measured_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert arguments[0] in capsys.readouterr().err
