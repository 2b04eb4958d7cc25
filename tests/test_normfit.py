"""The distance is the textbook's, the certainty is a share of resamples, and the network is left as it was."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_models import fingerprint

from reportgen.normfit import (
    RESAMPLES,
    CannotRunError,
    Moments,
    certainty,
    divergence,
    moments,
    norm_layers,
    resamples,
    share_won,
)


def norm(mean: float = 0.01, variance: float = 1.0, width: int = 3) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(width, eps=1e-9)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.running_mean.fill_(mean)
    layer.running_var.fill_(variance)
    return layer.eval()


def images(count: int = 5, side: int = 8) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(2))


def seen(module: nn.Module, fed: Tensor, **most: Any) -> tuple[Moments, ...]:  # noqa: ANN401
    return moments(module, lambda part: fed[part], len(fed), **most)


def test_the_distance_is_that_of_two_gaussians() -> None:
    fed = images() * 2 + 0.5
    layers = seen(nn.Sequential(norm(mean=1.0, variance=3.0)), fed)
    values = fed.double().transpose(0, 1).flatten(1)
    mean, variance = values.mean(1), values.var(1, correction=0)
    exact = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, variance.sqrt()),
        torch.distributions.Normal(torch.ones(3).double(), torch.full((3,), math.sqrt(3)).double()),
    )
    assert divergence(layers, resamples(5, 0))[0] == pytest.approx(float(exact.median()))


def test_what_was_stored_is_no_distance_away_and_layers_add_up() -> None:
    network = nn.Sequential(norm(), nn.Conv2d(3, 3, 1), norm(mean=2.0)).train()
    for layer in norm_layers(network).values():
        layer.momentum = 1.0  # type: ignore[assignment] # a float in every batch-norm
    network(images(40, 32))
    network.eval()
    one, both = seen(network, images(40, 32), most=1), seen(network, images(40, 32))
    assert [layer.layer for layer in one] == ["0"]
    assert [layer.layer for layer in both] == ["0", "2"]
    assert divergence(both, resamples(40, 0))[0] < 1e-2
    alone = [divergence([layer], resamples(40, 0)) for layer in both]
    assert np.allclose(divergence(both, resamples(40, 0)), alone[0] + alone[1])


def test_only_the_layers_up_to_the_first_batch_norm_run() -> None:
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            raise AssertionError(f"it ran on {len(images)} images")

    assert len(seen(nn.Sequential(norm(), Broken()), images(), most=1)) == 1


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, torch.OutOfMemoryError])
def test_a_network_that_fails_or_leaves_is_one_error(
    error: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            print("debugging")
            raise error(f"on {len(images)} images")

    with pytest.raises(CannotRunError):
        seen(nn.Sequential(Failing(), norm()), images())
    assert capsys.readouterr().out == ""


def test_without_batch_norm_there_is_nothing_to_see() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2, track_running_stats=False))
    assert seen(network, images()) == ()
    assert seen(network, images(), most=1) == ()


@pytest.mark.parametrize("variance", [-1.0, float("nan")])
def test_statistics_that_make_no_sense_are_infinitely_far(variance: float) -> None:
    layers = seen(nn.Sequential(norm(variance=variance)), images())
    assert np.isposinf(divergence(layers, resamples(5, 0))).all()


def test_a_batch_norm_that_has_seen_no_image_says_nothing() -> None:
    assert norm_layers(nn.Sequential(nn.BatchNorm2d(3), norm())).keys() == {"1"}


def test_a_dead_channel_has_no_say() -> None:
    fed = images()
    fed[:, 0] = 0
    assert divergence(seen(nn.Sequential(norm()), fed), resamples(5, 0))[0] < 0.1


def test_in_batches_it_is_the_same() -> None:
    whole = seen(nn.Sequential(norm()), images(20))
    assert whole[0].means.shape == (20, 3)
    assert np.allclose(whole[0].means, images(20).double().mean((2, 3)).numpy())


def test_the_network_is_given_back() -> None:
    network = nn.Sequential(norm(), nn.Flatten(), nn.BatchNorm1d(3 * 64)).eval()
    network.get_buffer("2.running_mean").add_(1)
    before = fingerprint(network)
    seen(network, images())
    seen(network, images(), most=1)
    assert fingerprint(network) == before


def test_resamples_start_with_the_photographs_as_they_are_and_depend_on_the_seed_only() -> None:
    weights = resamples(7, 3)
    assert weights.shape == (RESAMPLES + 1, 7)
    assert np.allclose(weights.sum(axis=1), 1)
    assert np.allclose(weights[0], 1 / 7)
    assert np.array_equal(weights, resamples(7, 3))
    assert not np.array_equal(weights, resamples(7, 4))


def test_the_share_leaves_out_the_photographs_as_they_are_and_halves_draws() -> None:
    assert share_won(np.array([9.0, 1, 1, 1, 1]), np.array([0.0, 2, 2, 1, 0])) == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("share", "word"), [(1, "clear"), (0.95, "clear"), (0.94, "weak"), (0.8, "weak"), (0.5, "none")]
)
def test_the_word_for_a_share(share: float, word: str) -> None:
    assert certainty(share) == word
