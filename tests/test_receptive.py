"""Receptive fields: known on paper, and measured as the support of the gradient of a copy that hides nothing."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from toy_models import FunctionalReLU, Small, fingerprint, settled, wrapped

from reportgen.hooks import captured
from reportgen.receptive import Layer, field, survey

SIZE = (37, 45)  # odd, and not square, so that nothing fits by chance


class Net(nn.Module):
    """Layers, then the mean of each map; what they give is the layer `body`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        given: Tensor = self.body(images)
        return given.flatten(2).mean(-1)


class Residual(nn.Module):
    """A block of ResNet: two 3x3 convolutions, and a strided 1x1 one beside them."""

    def __init__(self, taken: int, given: int, stride: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(taken, given, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(given)
        self.two = nn.Conv2d(given, given, 3, 1, 1)
        self.short = nn.Conv2d(taken, given, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.two(F.relu(self.norm(self.one(x)), inplace=True))
        y += self.short(x)
        return F.relu(y)


class Padded(nn.Module):
    """The shortcut of the first ResNets for CIFAR: every other pixel, and channels of zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        short: Tensor = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1))
        given: Tensor = self.conv(x) + short
        return given


class Inception(nn.Module):
    """Branches of 1x1, 3x3, 5x5 and a pool by function, side by side."""

    def __init__(self, taken: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(taken, 2, k, padding=k // 2) for k in (1, 3, 5))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(branch(x) for branch in self.branches), F.avg_pool2d(x, 3, 1, 1)], 1)


class Excite(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.down(x.mean((2, 3), keepdim=True)))


class Shuffled(nn.Module):
    """Half of the channels pass by, half are convolved, and then they are mixed by reshaping."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels // 2, channels // 2, 3, padding=1, groups=channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        kept, taken = x.chunk(2, 1)
        n, c, h, w = x.shape
        both = torch.cat([kept, self.conv(taken)], 1)
        return both.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def conv(taken: int, given: int, kernel: int, **more: int | str) -> nn.Conv2d:
    return nn.Conv2d(taken, given, kernel, **more)  # type: ignore[arg-type]  # keywords of Conv2d


# What stands as `body`, with (height, width), stride and the centre of the first unit's field, on paper.
PAPER: dict[str, tuple[Callable[[], tuple[nn.Module, ...]], int, int, float]] = {
    "one 3x3": (lambda: (conv(3, 2, 3, padding=1),), 3, 1, 0),
    "two 3x3": (lambda: (conv(3, 2, 3, padding=1), conv(2, 2, 3, padding=1)), 5, 1, 0),
    "three 3x3": (lambda: tuple(conv(3, 3, 3, padding=1) for _ in range(3)), 7, 1, 0),
    "without padding": (lambda: (conv(3, 2, 3), conv(2, 2, 3)), 5, 1, 2),
    "pool": (lambda: (conv(3, 2, 3, padding=1), nn.MaxPool2d(2)), 4, 2, 0.5),
    # The first two stages of VGG: 3, 5, 6, 10, 14, 16.
    "VGG": (
        lambda: (
            conv(3, 2, 3, padding=1), nn.ReLU(), conv(2, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
            conv(2, 2, 3, padding=1), nn.ReLU(), conv(2, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        ), 16, 4, 1.5,
    ),
    "dilated": (lambda: (conv(3, 2, 3, padding=2, dilation=2),), 5, 1, 0),
    "strided": (lambda: (conv(3, 2, 5, stride=3, padding=2), conv(2, 2, 3, padding=1)), 11, 3, 0),
    # Kernels 2 and 4 reach unevenly: -1..0, then -2..1 of those.
    "even kernels": (lambda: (conv(3, 2, 2, padding=1), conv(2, 2, 4, padding=2)), 5, 1, -1),
    "ceil": (lambda: (nn.MaxPool2d(2, 2, ceil_mode=True),), 2, 2, 0.5),
    "residual": (lambda: (Residual(3, 4, 2), Residual(4, 4, 1)), 15, 2, 0),
    "padded channels": (lambda: (Padded(),), 3, 2, 0),
    "branches": (lambda: (Inception(3), Inception(9)), 9, 1, 0),
    "depth-wise": (lambda: (conv(3, 3, 3, padding=1, groups=3), conv(3, 4, 1), Shuffled(4)), 5, 1, 0),
    "mirrored": (lambda: (conv(3, 2, 3, padding=1, padding_mode="reflect"),), 3, 1, 0),
    "replicated": (lambda: (conv(3, 2, 5, padding=2, padding_mode="replicate"),), 5, 1, 0),
    "patches": (lambda: (conv(3, 2, 4, stride=4),), 4, 4, 1.5),
    "cropped": (lambda: (nn.ZeroPad2d(-2), conv(3, 2, 3, padding=1)), 3, 1, 2),
}  # fmt: skip
WHOLE: dict[str, Callable[[], tuple[nn.Module, ...]]] = {
    "squeeze and excitation": lambda: (conv(3, 4, 3, padding=1), Excite(4)),
    "group norm": lambda: (conv(3, 4, 3, padding=1), nn.GroupNorm(2, 4), conv(4, 2, 3)),
    "instance norm": lambda: (conv(3, 4, 3, padding=1), nn.InstanceNorm2d(4)),
    "layer norm over the map": lambda: (conv(3, 4, 3, padding=1), nn.LayerNorm([4, *SIZE])),
    "softmax over a row": lambda: (nn.Softmax(2), nn.Softmax(3)),
}
OTHERS: dict[str, Callable[[], tuple[nn.Module, ...]]] = {
    "uneven bins": lambda: (conv(3, 2, 3, padding=1), nn.AdaptiveAvgPool2d((5, 7))),
    "space to depth": lambda: (nn.ZeroPad2d((0, 3, 0, 3)), nn.PixelUnshuffle(4), conv(48, 2, 3, padding=1)),
    "mirror alone": lambda: (nn.ReflectionPad2d(2), nn.Conv2d(3, 2, 1)),
    "nearest": lambda: (conv(3, 2, 3, stride=2), nn.Upsample(scale_factor=3)),
    "added to a product": lambda: (conv(3, 2, 3, padding=1), Added()),
    "rolled": lambda: (Rolled(),),
}
EVERY = {**{name: make for name, (make, *_) in PAPER.items()}, **WHOLE, **OTHERS}


class Added(nn.Module):
    """A map that is added to a product of constants."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        return torch.baddbmm(x[0], x.new_ones(x.shape[1], height, 1), x.new_ones(x.shape[1], 1, width))[None]


class Rolled(nn.Module):
    """What lay at the bottom comes to the top."""

    def forward(self, x: Tensor) -> Tensor:
        return x.roll(5, 2)


def layers_of(module: nn.Module, size: tuple[int, int] = SIZE) -> dict[str, Layer]:
    return {layer.name: layer for layer in survey(wrapped(module.eval(), size))}


def body(module: nn.Module) -> Layer:
    return layers_of(module)["body"]


def transparent(module: nn.Module) -> nn.Module:
    """A float64 copy in which nothing hides what it depends on: positive weights, no pool takes one of several."""
    twin = copy.deepcopy(module).double().eval()
    for owner in list(twin.modules()):
        for name, part in list(owner.named_children()):
            if isinstance(part, nn.MaxPool2d):
                setattr(owner, name, nn.AvgPool2d(part.kernel_size, part.stride, part.padding, part.ceil_mode))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for tensor in twin.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) / 9 + 0.1)
        for part in twin.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.get_buffer("running_mean").zero_()
    return twin


def support(twin: nn.Module, layer: str, y: int, x: int) -> tuple[int, int, int, int]:
    """The box of the pixels that unit (y, x) has a gradient to."""
    generator = torch.Generator().manual_seed(4)
    image = torch.rand(1, 3, *SIZE, generator=generator, dtype=torch.float64).add(0.2).requires_grad_()
    with captured(twin, [layer]) as outputs:
        twin(image)
        (gradient,) = torch.autograd.grad(outputs[layer][0, :, y, x].sin().sum(), image)
    seen = gradient[0].abs().sum(0) > 0
    rows, columns = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


@pytest.mark.parametrize("name", PAPER)
def test_size_stride_and_offset_are_those_on_paper(name: str) -> None:
    make, side, stride, offset = PAPER[name]
    fields = body(Net(*make())).fields
    assert fields is not None
    expected = ((side, side), (stride, stride), (offset, offset), False)
    assert (fields.size, fields.stride, fields.offset, fields.whole) == expected


@pytest.mark.parametrize("name", EVERY)
def test_each_unit_sees_exactly_what_it_has_a_gradient_to(name: str) -> None:
    """In the middle and in the corners, where padding cuts the field."""
    network = Net(*EVERY[name]())
    layer, twin = body(network), transparent(network)
    assert layer.size is not None
    height, width = layer.size
    for y, x in ((0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1), (height // 2, width // 2), (1, 2)):
        assert field(layer, y, x) == support(twin, "body", y, x), (y, x)


@pytest.mark.parametrize("name", WHOLE)
def test_what_looks_over_the_whole_map_sees_the_whole_image(name: str) -> None:
    layer = body(Net(*WHOLE[name]()))
    assert layer.fields is not None
    assert layer.fields.whole
    assert field(layer, 1, 2) == (0, SIZE[0], 0, SIZE[1])


def test_every_layer_on_the_way_has_its_own() -> None:
    """VGG's numbers: 3, 5, 6, 10, 14, 16."""
    layers = layers_of(Net(*PAPER["VGG"][0]()))
    sides = [layer.fields.size[0] for name, layer in layers.items() if name != "body" and layer.fields]
    assert sides == [3, 3, 5, 5, 6, 10, 10, 14, 14, 16]


def test_beyond_the_border_the_field_keeps_its_size() -> None:
    layer = body(Net(*PAPER["three 3x3"][0]()))
    assert field(layer, 0, 0) == (0, 4, 0, 4)
    assert field(layer, 0, 0, clipped=False) == (-3, 4, -3, 4)
    assert field(layer, 36, 44, clipped=False) == (33, 40, 41, 48)
    assert field(layer, 20, 10) == field(layer, 20, 10, clipped=False) == (17, 24, 7, 14)


def test_a_deep_network_has_fields_larger_than_the_image() -> None:
    """Where no unit sees a full field any more, the size still is that of paper: 1 + 2 * 30."""
    layer = body(Net(*(conv(3, 3, 3, padding=1) for _ in range(30))))
    assert layer.fields is not None
    assert layer.fields.size == (61, 61)
    assert field(layer, 0, 0) == (0, 31, 0, 31)


def test_rows_that_no_window_reaches_are_not_seen() -> None:
    """37 and 45 rows leave one over in strides of 4; padding behind does not bring it back."""
    layer = body(Net(conv(3, 2, 4, stride=4), conv(2, 2, 3, padding=1)))
    assert field(layer, 8, 10) == (28, 36, 36, 44)
    assert field(layer, 8, 10, clipped=False) == (28, 40, 36, 48)


def test_activations_that_are_off_and_zero_weights_hide_nothing() -> None:
    network = Net(conv(3, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    for parameter in network.parameters():
        nn.init.constant_(parameter, -0.0)
    assert field(body(network), 4, 4) == (7, 11, 7, 11)


def test_what_does_not_see_the_image_has_no_field() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fixed = nn.Conv2d(1, 1, 1)
            self.blind = nn.Conv2d(3, 1, 1, padding=1)

        def forward(self, images: Tensor) -> Tensor:
            given: Tensor = self.fixed(torch.ones(1, 1, 4, 4)).mean() + self.blind(images)
            return given.mean((2, 3))

    layers = layers_of(Fixed())
    assert layers["fixed"].fields is None
    with pytest.raises(ValueError, match="fixed has no receptive field"):
        field(layers["fixed"], 0, 0)
    assert field(layers["blind"], 0, 0) == (0, 0, 0, 0)
    assert field(layers["blind"], 1, 1) == (0, 1, 0, 1)
    with pytest.raises(IndexError, match=r"39 x 47 units, and \(39, 0\) is none"):
        field(layers["blind"], 39, 0)


class Written(nn.Module):
    """A map that is put together by writing into parts of another."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x: Tensor) -> Tensor:
        whole = torch.zeros_like(x)
        whole[:, :, self.shift :] = x[:, :, : x.shape[2] - self.shift]
        return whole


@pytest.mark.parametrize(
    "part", [Written(2), nn.CircularPad2d(1), nn.Upsample(scale_factor=2, mode="bilinear"), nn.ConvTranspose2d(3, 3, 3)]
)
def test_what_is_not_followed_exactly_is_never_too_small(part: nn.Module) -> None:
    network = Net(conv(3, 3, 3, padding=1), part)
    layer, twin = body(network), transparent(network)
    for y, x in ((5, 5), (17, 20)):
        exact, told = support(twin, "body", y, x), field(layer, y, x)
        assert told[0] <= exact[0] < exact[1] <= told[1]
        assert told[2] <= exact[2] < exact[3] <= told[3]


class Gated(nn.Module):
    """What does not count is switched off by a mask, whose parts are looked at and written to."""

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones_like(x, dtype=torch.bool)
        mask[:, 1] = (x > 0)[:, 0]
        return x.where(mask, 0.0)


def test_a_mask_of_parts_sees_nothing_beyond_the_image() -> None:
    layer = body(Net(conv(3, 3, 3, padding=1), Gated()))
    assert layer.fields is not None
    top, bottom, left, right = layer.fields.seen
    assert (top.min(), left.min()) == (0, 0)
    assert (bottom.max(), right.max()) == SIZE


class Transformer(nn.Module):
    """Patches of 8 x 8, a class token, one block of attention with its weights told, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 6, 8, 8)
        self.token = nn.Parameter(torch.ones(1, 1, 6))
        self.norm = nn.LayerNorm(6)
        self.mix = nn.Linear(6, 18)
        self.split = nn.Identity()
        self.weights = nn.Softmax(-1)
        self.act = nn.GELU()
        self.head = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embed(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), tokens], 1)
        q, k, v = self.split(self.mix(self.norm(tokens)).view(1, -1, 2, 9).transpose(1, 2)).chunk(3, -1)
        mixed = (self.weights(q @ k.transpose(-1, -2)) @ v).transpose(1, 2).flatten(2)
        logits: Tensor = self.head(self.act(tokens + mixed)[:, 0])
        return logits


class Unfolded(nn.Module):
    """As MobileViT: places within a patch along one axis, patches along the other, convolved when all see all."""

    def __init__(self, patches: int) -> None:
        super().__init__()
        self.first, self.mixed, self.last = conv(3, 4, 1), conv(4, 4, 1), conv(4, 4, 1)
        self.patches = patches

    def forward(self, images: Tensor) -> Tensor:
        maps = self.first(images)
        maps = maps + maps.mean((2, 3), keepdim=True)
        rows = self.mixed(maps.reshape(len(maps), 4, -1, self.patches))
        given: Tensor = self.last(rows.reshape(maps.shape))
        return given.mean((2, 3))


@pytest.mark.parametrize(("patches", "form"), [(80, "tokens"), (20, "map")])
def test_what_is_stretched_beyond_all_images_is_no_map(patches: int, form: str) -> None:
    layers = layers_of(Unfolded(patches), (16, 20))
    assert (layers["mixed"].form, layers["last"].form) == (form, "map")


def test_a_list_of_layers_is_no_layer() -> None:
    names = set(layers_of(Net(Inception(3))))
    assert "body.0.branches" not in names
    assert {"body", "body.0", "body.0.branches.2"} <= names


class TestForms:
    def test_of_a_network_of_maps(self) -> None:
        layers = layers_of(settled(Small()), (16, 20))
        assert [layer.name for layer in layers.values()][:3] == ["cnn.0", "cnn.1", "cnn.2"]
        told = {name: (each.kind, each.form, each.channels, each.size) for name, each in layers.items()}
        assert told["cnn.4"] == ("Conv2d", "map", 8, (8, 10))
        assert told["fc.1"] == ("ReLU", "vector", 12, None)

    def test_of_a_network_of_tokens(self) -> None:
        layers = layers_of(Transformer())
        assert (layers["embed"].form, layers["embed"].channels, layers["embed"].size) == ("map", 6, (4, 5))
        assert field(layers["embed"], 3, 4) == (24, 32, 32, 40)
        assert {name for name, each in layers.items() if each.form == "tokens"} == {
            "norm",
            "mix",
            "split",
            "weights",
            "act",
        }
        assert (layers["norm"].channels, layers["norm"].fields) == (6, None)
        assert layers["head"].form == "vector"

    def test_channels_behind_the_places_are_told_apart(self) -> None:
        """Also behind attention, where every place sees all."""

        class Last(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(3, 6, 2, 2)
                self.norm = nn.LayerNorm(6)
                self.act, self.line = nn.GELU(), nn.Linear(6, 6)
                self.late = nn.GELU()
                self.back = nn.Conv2d(6, 2, 1)

            def forward(self, images: Tensor) -> Tensor:
                x = self.act(self.line(self.norm(self.conv(images).permute(0, 2, 3, 1))))
                x = self.late(x + x.mean((1, 2), keepdim=True)).permute(0, 3, 1, 2)
                given: Tensor = self.back(x)
                return given.mean((2, 3))

        layers = layers_of(Last())
        forms = {name: (each.form, each.channels, each.size) for name, each in layers.items()}
        assert forms["conv"] == ("map", 6, (18, 22))
        assert forms["norm"] == forms["act"] == forms["late"] == ("channels_last", 6, (18, 22))
        assert forms["back"] == ("map", 2, (18, 22))
        assert field(layers["act"], 1, 2) == (2, 4, 4, 6)

    def test_a_map_of_one_place_and_what_is_no_tensor(self) -> None:
        class Pair(nn.Module):
            def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
                return x, x

        class Two(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.pool, self.pair, self.unused = nn.AdaptiveAvgPool2d(1), Pair(), nn.Identity()

            def forward(self, images: Tensor) -> Tensor:
                both: tuple[Tensor, Tensor] = self.pair(self.pool(images))
                return both[0].flatten(1)

        layers = layers_of(Two())
        assert [each.form for each in layers.values()] == ["single", "other", "not_run"]
        assert [each.size for each in layers.values()] == [(1, 1), None, None]
        assert [each.channels for each in layers.values()] == [3, 0, 0]

    def test_a_module_that_runs_twice_counts_as_it_first_ran(self) -> None:
        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(3, 3, 3, padding=1)

            def forward(self, images: Tensor) -> Tensor:
                given: Tensor = self.conv(self.conv(images))
                return given.mean((2, 3))

        fields = layers_of(Twice())["conv"].fields
        assert fields is not None
        assert fields.size == (3, 3)


@pytest.mark.parametrize("network", [Small, FunctionalReLU])
def test_the_network_is_left_as_it_was(network: Callable[[], nn.Module]) -> None:
    module = settled(network())
    before = fingerprint(module)
    survey(wrapped(module))
    assert fingerprint(module) == before
    assert not any(part._forward_hooks for part in module.modules())
