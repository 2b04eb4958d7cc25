"""Folding is arithmetic: the network without its batch-norms answers as with them, and is itself not touched."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from toy_models import Small, fingerprint, photographs, settled

from reportgen.folding import batch_norms, folded

UNITS = torch.tensor(photographs(3)).permute(0, 3, 1, 2)


class Twice(nn.Module):
    """One convolution in front of two batch-norms, each at its own call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        pooled: Tensor = self.second(self.conv(self.first(self.conv(images)))).mean(dim=(2, 3))
        return pooled


class Branching(Twice):
    """The convolution's own output is used beside the batch-norm's."""

    def forward(self, images: Tensor) -> Tensor:
        plain = self.conv(images)
        pooled: Tensor = (self.first(plain) + plain).mean(dim=(2, 3))
        return pooled


class SharedNorm(nn.Module):
    """One batch-norm behind two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.norm = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        pooled: Tensor = self.norm(self.two(self.norm(self.one(images)))).mean(dim=(2, 3))
        return pooled


class OfTheBatch(Small):
    """A batch-norm that keeps no statistics normalises by the batch itself."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn[1] = nn.BatchNorm2d(6, track_running_stats=False)


def test_by_hand_a_convolution_and_its_batch_norm_become_one() -> None:
    """y = gamma (w x + b - mean) / sqrt(var) + beta; w = 2, b = 1, mean = 3, var = 4, gamma = 6, beta = 5."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)).eval()
    numbers = {"0.weight": 2.0, "0.bias": 1, "1.weight": 6, "1.bias": 5, "1.running_mean": 3, "1.running_var": 4}
    network.load_state_dict({name: network.state_dict()[name] * 0 + value for name, value in numbers.items()}, False)
    (conv,) = folded(network).children()
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    assert (conv.weight.item(), conv.bias.item()) == (6, -1)


@pytest.mark.parametrize(
    ("make", "before", "after"),
    [(Small, 2, 0), (Twice, 2, 2), (Branching, 1, 1), (SharedNorm, 1, 1), (OfTheBatch, 2, 1)],
)
def test_the_answers_stay(make: Callable[[], nn.Module], before: int, after: int) -> None:
    network = settled(make())
    if make is Branching:
        del network.second
    found = folded(network)
    assert (batch_norms(network), batch_norms(found)) == (before, after)
    with torch.no_grad():
        torch.testing.assert_close(found(UNITS), network(UNITS), rtol=1e-6, atol=1e-6)


def test_the_network_itself_is_not_touched() -> None:
    network = settled(Small())
    before = fingerprint(network)
    folded(network)
    assert fingerprint(network) == before


def test_a_batch_norm_in_training_mode_is_left_alone() -> None:
    network = settled(Small())
    network.get_submodule("cnn.1").train()
    assert batch_norms(folded(network)) == 1
