"""Which layers are looked at, on networks whose layers can be counted on one hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from toy_models import FunctionalReLU, Linear, Small, fingerprint, settled, wrapped

from reportgen.classifier import Classifier
from reportgen.errors import InputRefused
from reportgen.layers import (
    LayerMap,
    check_filters,
    is_map,
    named_layers,
    one_per_stage,
    spatial_layers,
    write_up_layer,
)


@pytest.fixture
def small() -> Classifier:
    return wrapped(settled(Small()))


def stacked(*layers: nn.Module, name: str = "features", size: tuple[int, int] = (16, 20)) -> Classifier:
    """Layers under a name, then the mean of each map."""

    class Stacked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module(name, nn.Sequential(*layers))

        def forward(self, images: Tensor) -> Tensor:
            output: Tensor = self.get_submodule(name)(images)
            return output.mean(dim=(2, 3))

    return wrapped(Stacked().eval(), size)


def course(depth: int, name: str = "cnn") -> Classifier:
    """So many times convolution, batch-norm and ReLU: three indices each."""
    layers = [(nn.Conv2d(3 if i == 0 else 4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()) for i in range(depth)]
    return stacked(*(layer for triple in layers for layer in triple), name=name)


class TestSpatialLayers:
    def test_names_kinds_channels_and_sizes_in_the_order_of_running(self, small: Classifier) -> None:
        assert spatial_layers(small) == (
            LayerMap("cnn.0", "Conv2d", 6, (16, 20)), LayerMap("cnn.1", "BatchNorm2d", 6, (16, 20)),
            LayerMap("cnn.2", "ReLU", 6, (16, 20)),
            LayerMap("cnn.4", "Conv2d", 8, (8, 10)), LayerMap("cnn.5", "BatchNorm2d", 8, (8, 10)),
            LayerMap("cnn.6", "ReLU", 8, (8, 10)),
        )  # fmt: skip

    def test_a_map_that_sees_nothing_of_the_image_shows_nothing(self) -> None:
        """Such as an embedding of places that goes through a convolution."""

        class Placed(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.places = nn.Conv2d(3, 2, 1), nn.Conv2d(1, 2, 1)

            def forward(self, images: Tensor) -> Tensor:
                maps = self.first(images)
                given: Tensor = maps + self.places(torch.ones(1, 1, *maps.shape[2:]))
                return given.mean((2, 3))

        assert [layer.name for layer in spatial_layers(wrapped(Placed().eval()))] == ["first"]

    def test_a_map_of_one_position_shows_nothing(self) -> None:
        narrow = stacked(
            nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d((1, 2)), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.ReLU()
        )
        assert [layer.name for layer in spatial_layers(narrow)] == ["features.0", "features.2"]

    def test_a_network_without_maps(self) -> None:
        assert spatial_layers(wrapped(Linear(torch.ones(2, 3, 16, 20)))) == ()

    def test_it_is_asked_with_an_image_of_its_own_size(self) -> None:
        layers = spatial_layers(stacked(nn.Conv2d(3, 2, 3, stride=2), size=(31, 41)))
        assert layers[0].size == (15, 20)

    def test_the_network_is_left_as_it_was(self, small: Classifier) -> None:
        before = fingerprint(small.module)
        spatial_layers(small)
        assert fingerprint(small.module) == before


@pytest.mark.parametrize(
    ("output", "expected"),
    [(torch.ones(1, 2, 3, 4), True), (torch.ones(1, 2, 3), False), (torch.ones(2, 3), False), ((), False)],
)
def test_a_map_has_four_axes(output: object, expected: bool) -> None:
    assert is_map(output) is expected


class TestOnePerStage:
    def test_the_last_activation_at_each_resolution(self, small: Classifier) -> None:
        assert one_per_stage(small) == ("cnn.2", "cnn.6")

    def test_the_last_of_several(self) -> None:
        assert one_per_stage(course(3)) == ("cnn.8",)

    def test_an_activation_before_what_comes_later(self) -> None:
        classifier = stacked(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
        assert one_per_stage(classifier) == ("features.1",)

    @pytest.mark.parametrize("holds", [False, True])
    def test_an_activation_that_a_library_names_itself(self, holds: bool) -> None:
        """As timm has GELU; a block that bears the name and holds layers is none."""

        class GELUTanh(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = nn.Conv2d(4, 4, 1) if holds else None

            def forward(self, maps: Tensor) -> Tensor:
                given: Tensor = F.gelu(self.inner(maps) if self.inner else maps)
                return given

        network = stacked(nn.Conv2d(3, 4, 1), GELUTanh(), nn.Conv2d(4, 4, 1))
        assert one_per_stage(network) == ("features.2" if holds else "features.1",)

    def test_a_normalisation_where_there_is_no_activation(self) -> None:
        classifier = stacked(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
        assert one_per_stage(classifier) == ("features.1",)

    def test_a_convolution_where_nothing_else_is_a_layer(self) -> None:
        assert one_per_stage(wrapped(FunctionalReLU())) == ("first", "second")

    @pytest.mark.parametrize("activation", [nn.GELU, nn.SiLU, nn.LeakyReLU, nn.Tanh, nn.PReLU])
    def test_any_activation(self, activation: type[nn.Module]) -> None:
        assert one_per_stage(stacked(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), activation())) == ("features.2",)


class TestNames:
    def test_each_once_in_the_order_given(self, small: Classifier) -> None:
        assert named_layers(small, ["cnn.4", "cnn.0", "cnn.4"]) == ("cnn.4", "cnn.0")
        assert named_layers(small, []) == ()

    def test_an_unknown_one_is_told_its_neighbours(self, small: Classifier) -> None:
        with pytest.raises(InputRefused, match=r"no such layer\. Did you mean .*cnn\.") as caught:
            named_layers(small, ["cnn.0", "cnn.15"])
        assert caught.value.code == "E-LAYER"
        assert "cnn.15" in caught.value.what

    def test_one_that_resembles_nothing_is_told_what_there_is(self, small: Classifier) -> None:
        with pytest.raises(InputRefused, match=r"It has cnn, cnn\.0"):
            named_layers(small, ["@@@@"])

    def test_the_whole_network_is_no_layer(self, small: Classifier) -> None:
        with pytest.raises(InputRefused):
            named_layers(small, [""])

    def test_filters_are_numbered_from_zero(self) -> None:
        check_filters("cnn.0", 6, [0, 5])
        with pytest.raises(InputRefused, match="numbered 0 to 5, and 6 is none of them") as caught:
            check_filters("cnn.0", 6, [0, 6])
        assert caught.value.code == "E-FILTER"


class TestWriteUpLayer:
    @pytest.mark.parametrize("name", ["cnn", "features"])
    def test_index_15_of_the_convolutions(self, name: str) -> None:
        assert write_up_layer(course(6, name)) == (f"{name}.15", False)

    def test_a_network_that_is_nothing_but_a_sequential(self) -> None:
        layers = [nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU()) for _ in range(9)]
        flat = nn.Sequential(*(part for pair in layers for part in pair), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        assert write_up_layer(wrapped(flat)) == ("15", False)

    def test_a_pool_will_do(self) -> None:
        layers = [nn.Conv2d(3, 3, 3, padding=1) for _ in range(15)]
        assert write_up_layer(stacked(*layers, nn.MaxPool2d(2))) == ("features.15", False)

    def test_where_it_is_too_short_the_last_stage_stands_in(self) -> None:
        assert write_up_layer(course(5)) == ("cnn.14", True)
        assert write_up_layer(wrapped(settled(Small()))) == ("cnn.6", True)

    def test_where_index_15_gives_no_map_too(self) -> None:
        layers = [nn.Conv2d(3, 3, 3, padding=1) for _ in range(15)]
        assert write_up_layer(stacked(*layers, nn.Dropout(), nn.ReLU())) == ("features.16", True)

    def test_a_network_without_maps_is_refused(self) -> None:
        with pytest.raises(InputRefused, match="no layer that gives maps"):
            write_up_layer(wrapped(Linear(torch.ones(2, 3, 16, 20))))
