"""Who decides what a network is fed: option, configuration, checkpoint, batch-norms, convention, in this order."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_models import options
from trained_networks import PIPELINES, SIDE, crops, trained

from reportgen.contracts import InputRecipe, Network
from reportgen.errors import ArchitectureError
from reportgen.feeding import IMAGENET_CROP, Fed, Setting, feed
from reportgen.language import load_words
from reportgen.phrasing import noted
from reportgen.preprocessing import IMAGENET
from reportgen.results import InputSpec

CPU = torch.device("cpu")
PHOTOGRAPHS = tuple(crops(9, 12)[0])


def fed(
    module: nn.Module,
    recipes: Sequence[InputRecipe] = (),
    photographs: Sequence[Any] = PHOTOGRAPHS,
    **given: Any,  # noqa: ANN401 - options of a build
) -> Fed:
    chosen = options(**{"size": (SIDE, SIDE), **given})
    return feed(Setting(chosen, Network(module.eval(), "net", ()), tuple(recipes), photographs, CPU))


def by(result: Fed) -> dict[str, object]:
    return dict(result.spec.chosen_by)


def said(result: Fed) -> str:
    return " ".join(sentence.text for sentence in noted(load_words(), result.notes))


def units(spec: InputSpec) -> tuple[object, ...]:
    return spec.channel_order, spec.mean, spec.std


BGR = trained(PIPELINES["bgr imagenet"])


def test_what_the_batch_norms_say_is_taken_and_told() -> None:
    result = fed(BGR)
    assert units(result.spec) == ("bgr", *IMAGENET)
    assert (by(result)["channel_order"], by(result)["normalisation"]) == ("batch-norm", "batch-norm")
    assert [key for key, _ in result.notes] == ["note.fed_found"]
    assert "as BGR, less the mean 0.485, 0.456, 0.406" in said(result)
    assert result.spec.evidence is not None


def test_an_option_wins_and_the_page_warns() -> None:
    result = fed(BGR, channel_order="rgb", mean=(0.5,), std=(0.5,))
    assert units(result.spec) == ("rgb", (0.5,), (0.5,))
    assert (by(result)["channel_order"], by(result)["normalisation"]) == ("option", "option")
    assert [key for key, _ in result.notes] == ["note.fed_opposed"]
    assert "nats away instead of" in said(result)


def test_a_configuration_wins_too_and_where_it_is_grossly_off_the_page_warns() -> None:
    stale = fed(BGR, (InputRecipe("config", None, "bgr", (0.0,), (1 / 255,)),))
    assert units(stale.spec) == ("bgr", (0.0,), (1 / 255,))
    assert [key for key, _ in stale.notes] == ["note.fed_opposed_config"]
    assert "less the mean 0.485, 0.456, 0.406" in said(stale)
    assert fed(BGR, (InputRecipe("config", None, "bgr", *IMAGENET),)).notes == ()


def test_what_is_squashed_and_cut_is_told() -> None:
    result = fed(BGR, (InputRecipe("config", None, "bgr", *IMAGENET, "squash", 0.5),))
    assert (result.spec.resize, result.spec.crop) == ("squash", 0.5)
    assert [key for key, _ in result.notes] == ["note.cut_squashed"]
    assert "of the middle, 50% of each side" in said(result)


def test_an_option_that_agrees_is_no_matter() -> None:
    assert fed(BGR, channel_order="bgr", mean=IMAGENET[0], std=IMAGENET[1]).notes == ()


def test_an_option_for_one_leaves_the_other_to_the_batch_norms() -> None:
    assert units(fed(BGR, mean=IMAGENET[0], std=IMAGENET[1]).spec)[0] == "bgr"
    assert units(fed(BGR, channel_order="bgr").spec)[1:] == IMAGENET


def test_a_configuration_goes_before_a_checkpoint_and_both_before_the_batch_norms() -> None:
    config = InputRecipe("config", None, "rgb", (0.1,), (0.2,), "crop", 0.9)
    saved = InputRecipe("checkpoint", (40, 40), "bgr", (0.3,), (0.4,))
    both = fed(BGR, (config, saved), size=None)
    assert units(both.spec) == ("rgb", (0.1,), (0.2,))
    assert (both.spec.resize, both.spec.crop, both.spec.size) == ("crop", 0.9, (40, 40))
    assert by(both) == {
        "channel_order": "config", "normalisation": "config", "size": "checkpoint", "resize": "config",
    }  # fmt: skip
    assert units(fed(BGR, (saved,)).spec) == ("bgr", (0.3,), (0.4,))


def test_without_batch_norm_convention_decides_and_says_so() -> None:
    result = fed(trained(PIPELINES["bgr half"], norm=False), photographs=())
    assert units(result.spec) == ("rgb", (), ())
    assert (by(result)["channel_order"], by(result)["normalisation"]) == ("default", "default")
    assert [key for key, _ in result.notes] == ["note.fed_unknown"]
    assert "no batch-norm that could tell" in said(result)


def test_what_fits_nothing_is_a_warning() -> None:
    strange = nn.Sequential(nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    strange.get_buffer("0.running_mean").add_(1000)
    result = fed(strange)
    assert units(result.spec) == ("rgb", (), ())
    assert [key for key, _ in result.notes] == ["note.fed_none"]


def test_imagenets_numbers_bring_its_pair_of_sizes() -> None:
    wide = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    result = fed(wide, photographs=(), size=None, mean=IMAGENET[0], std=IMAGENET[1])
    assert (result.spec.size, result.spec.resize, result.spec.crop) == ((224, 224), "crop", IMAGENET_CROP)
    asked = fed(wide, photographs=(), size=None, mean=IMAGENET[0], std=IMAGENET[1], resize="squash")
    assert (asked.spec.resize, asked.spec.crop, by(asked)["resize"]) == ("squash", 1.0, "option")
    other = fed(wide, photographs=(), size=None)
    assert (other.spec.size, other.spec.resize) == ((128, 128), "squash")


def test_a_size_that_the_batch_norms_speak_against_is_left() -> None:
    result = fed(trained(PIPELINES["rgb unit"]), size=None)
    assert by(result)["size"] == "batch-norm"
    assert result.spec.size[0] < 128


def test_a_question_that_no_convention_answers_is_refused_where_no_batch_norm_can_be_asked() -> None:
    network = Network(BGR, "net", (), questions={"pools": ("0", "1")}, strict=frozenset({"pools"}))
    with pytest.raises(ArchitectureError, match="how many stages close with a max pool"):
        feed(Setting(options(size=(SIDE, SIDE)), network, (), (), CPU))


def test_the_size_of_the_reading_that_was_settled_is_fed() -> None:
    def read(answers: Mapping[str, str]) -> Network:
        side = SIDE if answers.get("padding", "same") == "none" else 2 * SIDE
        first, *rest = BGR.children()
        module = BGR if side == SIDE else nn.Sequential(first, nn.ReLU(), *rest)
        asked = {"padding": ("same", "none")}
        return Network(module, "net", (), (side, side), questions=asked, reread=read)

    result = feed(Setting(options(), read({}), (), PHOTOGRAPHS, CPU))
    assert [finding.answer for finding in result.findings] == ["none"]
    assert result.spec.size == (SIDE, SIDE)
    assert result.network.size == (SIDE, SIDE)


def test_a_network_of_grey_images_is_fed_grey() -> None:
    grey = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    grey.get_buffer("1.running_mean").add_(0.1)
    result = fed(grey)
    assert (result.spec.channel_order, by(result)["channel_order"]) == ("grey", "network")


class TestAnswers:
    @pytest.mark.parametrize("shape", [lambda x: x.mean((1, 2, 3)), lambda x: x.mean((1, 2, 3))[:, None]])
    def test_a_single_logit_stands_for_two_classes(self, shape: Any) -> None:  # noqa: ANN401
        class Single(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                answer: Tensor = shape(images)
                return answer

        assert fed(Single(), photographs=()).outputs == 2


def test_the_photographs_are_sized_as_the_network_is_fed() -> None:
    setting = Setting(options(), Network(BGR, "net", ()), (), PHOTOGRAPHS, CPU)
    assert setting.pictures((20, 30), 5).shape == (5, 3, 20, 30)
    assert np.isclose(float(setting.pictures((SIDE, SIDE))[0, 0, 0, 0]), PHOTOGRAPHS[0][0, 0, 0] / 255)


def test_a_sample_is_spread_over_all_photographs(tmp_path: Path) -> None:
    from PIL import Image

    from reportgen.reference import SAMPLE, sample

    for number in range(200):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / f"{number:03d}.png")
    (tmp_path / "broken.png").write_bytes(b"broken")
    taken = [int(photograph[0, 0, 0]) for photograph in sample(options(images=(tmp_path,)), ())]
    assert len(taken) == SAMPLE - 1
    assert taken[0] == 0
    assert taken[-1] > 190
    more = sample(options(images=(tmp_path / "000.png",), reference_images=(tmp_path / "001.png",)), ())
    assert [int(photograph[0, 0, 0]) for photograph in more] == [0, 1]
