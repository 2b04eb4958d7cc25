"""Networks trained under a known pipeline tell it; a network without batch-norm tells nothing."""

import pytest
import torch
from torch import nn
from trained_networks import PIPELINES, as_images, crops, trained

from reportgen.preprocessing import IMAGENET, candidates, in_units, judge
from reportgen.results import InputCandidate, Order

ORDERS: tuple[Order, ...] = ("rgb", "bgr")
TWELVE = as_images(crops(9, 12)[0])


@pytest.mark.parametrize("name", PIPELINES)
def test_the_pipeline_of_training_comes_first(name: str) -> None:
    truth = PIPELINES[name]
    evidence = judge(trained(truth), TWELVE, ORDERS, None, 16)
    assert evidence is not None
    first = evidence.candidates[0]
    assert (first.channel_order, first.normalisation) == (truth.channel_order, truth.normalisation)
    assert (first.mean, first.std) == (truth.mean, truth.std)
    assert (evidence.order, evidence.normalisation) == ("clear", "clear")
    assert evidence.chosen == first
    assert evidence.images == 12
    distances = [each.divergence for each in evidence.candidates]
    assert distances == sorted(distances)


def test_without_batch_norm_there_is_no_evidence() -> None:
    assert judge(trained(PIPELINES["rgb unit"], norm=False), TWELVE, ORDERS, None, 16) is None


def test_what_no_photograph_gives_is_no_evidence() -> None:
    norm = nn.BatchNorm2d(3)
    assert norm.running_mean is not None
    norm.running_mean += 1000
    evidence = judge(nn.Sequential(norm).eval(), TWELVE, ORDERS, None, 16)
    assert evidence is not None
    assert (evidence.order, evidence.normalisation) == ("none", "none")


def test_an_order_that_cannot_be_told_is_the_usual_one() -> None:
    grey = nn.Conv2d(3, 4, 1, bias=False)
    with torch.no_grad():
        grey.weight.copy_(torch.tensor([1.0, 2, 3, 4]).view(4, 1, 1, 1).expand(4, 3, 1, 1))
    norm = nn.BatchNorm2d(4, momentum=1.0)
    network = nn.Sequential(grey, norm).train()
    network(in_units(TWELVE, InputCandidate("bgr", "half", (0.5,), (0.5,))))
    evidence = judge(network.eval(), TWELVE, ORDERS, None, 16)
    assert evidence is not None
    assert evidence.order == "none"
    assert (evidence.chosen.channel_order, evidence.chosen.normalisation) == ("rgb", "half")
    assert evidence.normalisation == "clear"


def test_a_normalisation_by_option_leaves_the_order_open_only() -> None:
    evidence = judge(trained(PIPELINES["bgr imagenet"]), TWELVE, ORDERS, IMAGENET, 16)
    assert evidence is not None
    assert {each.normalisation for each in evidence.candidates} == {"option"}
    assert (evidence.chosen.channel_order, evidence.order, evidence.normalisation) == ("bgr", "clear", "clear")


def test_a_grey_network_is_fed_the_luminance() -> None:
    fed = in_units(TWELVE, InputCandidate("grey", "mnist", (0.1307,), (0.3081,)))
    red, green, blue = TWELVE.unbind(1)
    assert torch.allclose(fed[:, 0], (0.299 * red + 0.587 * green + 0.114 * blue - 0.1307) / 0.3081, atol=1e-6)
    assert {each.channel_order for each in candidates(TWELVE, ("grey",), None)} == {"grey"}


def test_units_are_those_of_a_classifier() -> None:
    candidate = InputCandidate("bgr", "x", (0.1, 0.2, 0.3), (0.5,))
    expected = (TWELVE.flip(1) - torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)) / 0.5
    assert torch.equal(in_units(TWELVE, candidate), expected)


def test_the_photographs_own_statistics_are_a_candidate() -> None:
    own = next(each for each in candidates(TWELVE, ("bgr",), None) if each.normalisation == "images")
    fed = in_units(TWELVE, own)
    assert torch.allclose(fed.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(fed.transpose(0, 1).flatten(1).std(1), torch.ones(3), atol=1e-5)


def test_caffes_numbers_follow_the_order() -> None:
    means = {c.channel_order: c.mean for c in candidates(TWELVE, ORDERS, None) if c.normalisation == "caffe"}
    assert means["bgr"] == means["rgb"][::-1]
    assert 255 * means["bgr"][0] == pytest.approx(103.939)
