"""Weights go into a network whole or not at all, and what does not fit is told with counts, keys and shapes."""

import pytest
import torch
from torch import Tensor, nn

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.sources import fit


def network() -> Network:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    return Network(module, "net.py:Net", ())


def weights(**changed: Tensor | None) -> Weights:
    tensors = {**network().module.state_dict(), **{key.replace("__", "."): t for key, t in changed.items()}}
    return Weights("a.pth", "", {key: tensor for key, tensor in tensors.items() if tensor is not None})


def refusal(given: Weights, into: Network | None = None) -> str:
    with pytest.raises(ArchitectureError) as caught:
        fit.load_strictly(into or network(), given)
    assert caught.value.code == "E-ARCH-MISMATCH"
    return caught.value.line()


def test_copies_every_tensor() -> None:
    into, given = network(), weights()
    fit.load_strictly(into, given)
    assert all(torch.equal(t, given.tensors[key]) for key, t in into.module.state_dict().items())


def test_counter_of_older_files_may_be_missing() -> None:
    fit.load_strictly(network(), weights(**{"1__num_batches_tracked": None}))


def test_names_counts_keys_and_both_shapes() -> None:
    line = refusal(weights(**{"0__weight": torch.zeros(4, 3, 5, 5), "0__bias": None, "extra": torch.zeros(1)}))
    assert "7 keys in the file, 7 in the network" in line
    assert "1 missing in the file: 0.bias" in line
    assert "1 that the network does not have: extra" in line
    assert "1 of another shape: 0.weight (4 x 3 x 5 x 5 in the file, 4 x 3 x 3 x 3 in the network)" in line


def test_names_five_keys_and_how_many_more() -> None:
    line = refusal(weights(**{f"extra{i}": torch.zeros(1) for i in range(20_000)}))
    assert "20000 that the network does not have: extra0, extra1, extra2, extra3, extra4 and 19995 more" in line
    assert len(line) < 500


def test_whole_numbers_do_not_pass_for_weights() -> None:
    line = refusal(weights(**{"0__weight": torch.zeros(4, 3, 3, 3, dtype=torch.int8)}))
    assert "0.weight (int8 in the file, float32 in the network)" in line
    assert line.endswith("Give the weights from before they were quantised")


def test_a_single_number_has_a_shape_too() -> None:
    assert "a single number in the file" in refusal(weights(**{"0__bias": torch.tensor(1.0)}))


def test_weights_of_a_lazy_layer_fit() -> None:
    into = Network(nn.Sequential(nn.LazyLinear(2)), "net.py:Net", ())
    fit.load_strictly(into, Weights("a.pth", "", {"0.weight": torch.ones(2, 5), "0.bias": torch.ones(2)}))
    assert into.module(torch.ones(1, 5)).tolist() == [[6.0, 6.0]]


class Stubborn(nn.Linear):
    """A module of a user's file that brings its own way of loading."""

    def load_state_dict(self, *_args: object, **_kwargs: object) -> None:
        raise SystemExit(0)


def test_a_network_that_leaves_while_loading_is_an_error() -> None:
    into = Network(Stubborn(2, 2), "net.py:Net", ())
    given = Weights("a.pth", "", dict(into.module.state_dict()))
    assert "does not take these weights (SystemExit)" in refusal(given, into)
