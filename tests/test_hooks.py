"""Looking into a network while it runs, by hand and by hook."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from toy_models import FunctionalReLU, Small, Switch, fingerprint, photographs, settled

from reportgen.hooks import captured, replaced, run_to, traced

IMAGES = torch.tensor(photographs(3)).permute(0, 3, 1, 2).contiguous()


class Twice(nn.Module):
    """One convolution and one in-place activation, each run twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.act(self.conv(self.act(self.conv(images))))
        return output


@pytest.fixture
def small() -> nn.Module:
    return settled(Small(inplace=True))


def run(module: nn.Module, images: Tensor = IMAGES) -> Tensor:
    with torch.no_grad():
        output: Tensor = module(images)
    return output


class TestCaptured:
    def test_a_layer_before_an_in_place_activation_keeps_its_own_output(self, small: nn.Module) -> None:
        with captured(small, ["cnn.0", "cnn.1", "cnn.2"]) as outputs:
            run(small)
            conv = run(small.get_submodule("cnn.0"))
            norm = run(small.get_submodule("cnn.1"), conv)
            assert torch.equal(outputs["cnn.0"], conv)
            assert torch.equal(outputs["cnn.1"], norm)
            assert torch.equal(outputs["cnn.2"], relu(norm))
            assert (outputs["cnn.1"] < 0).any()

    def test_in_the_order_in_which_they_ran(self) -> None:
        class Crossed(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.late, self.early = nn.Identity(), nn.Identity()

            def forward(self, images: Tensor) -> Tensor:
                output: Tensor = self.late(self.early(images))
                return output

        with captured(module := Crossed(), ["late", "early"]) as outputs:
            run(module)
            assert list(outputs) == ["early", "late"]

    def test_a_layer_that_runs_twice_keeps_its_first_output_as_the_ascent_does(self) -> None:
        with captured(module := Twice(), ["act", "conv"]) as outputs:
            run(module)
            assert list(outputs) == ["conv", "act"]
            assert torch.equal(outputs["act"], relu(run(module.conv)))
            assert torch.equal(outputs["act"], run_to(module, "act", IMAGES)[1])

    def test_the_networks_answer_is_not_changed(self, small: nn.Module) -> None:
        alone = run(small)
        with captured(small, ["cnn.0", "cnn.2", "fc.1"]):
            assert torch.equal(run(small), alone)

    def test_what_is_no_tensor_is_kept_as_it_is(self) -> None:
        class Pair(nn.Module):
            def forward(self, images: Tensor) -> tuple[Tensor, int]:
                return images, 1

        with captured(module := nn.Sequential(Pair()), ["0"]) as outputs:
            run(module)
            assert outputs["0"][1] == 1

    @pytest.mark.parametrize("error", [None, RuntimeError("made up"), KeyboardInterrupt()])
    def test_afterwards_nothing_is_left(self, small: nn.Module, error: BaseException | None) -> None:
        before = fingerprint(small)
        switch = small.get_submodule("switch")
        assert isinstance(switch, Switch)
        switch.error = error
        outcome = pytest.raises(type(error)) if error else nullcontext()
        with outcome, captured(small, ["cnn.0", "fc.1"]) as outputs:
            run(small)
            assert len(outputs) == 2
        assert outputs == {}
        assert fingerprint(small) == before

    def test_nothing_is_left_when_one_name_is_wrong(self, small: nn.Module) -> None:
        before = fingerprint(small)
        with pytest.raises(AttributeError), captured(small, ["cnn.0", "cnn.77"]):
            pass
        assert fingerprint(small) == before

    def test_nested_they_do_not_disturb_each_other(self, small: nn.Module) -> None:
        with captured(small, ["cnn.0"]) as outer:
            with captured(small, ["cnn.0"]) as inner:
                run(small, IMAGES[:1])
                assert torch.equal(inner["cnn.0"], outer["cnn.0"])
            assert inner == {}
            assert "cnn.0" in outer


class TestRunTo:
    @pytest.mark.parametrize("layer", ["cnn.0", "cnn.1", "cnn.2", "cnn.3", "cnn.6", "fc.0", "fc.1"])
    def test_gives_what_the_layer_takes_and_gives(self, small: nn.Module, layer: str) -> None:
        taken: list[Tensor] = []
        given: list[Tensor] = []
        target = small.get_submodule(layer)
        handles = [
            target.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0].clone())),
            target.register_forward_hook(lambda _, __, output: given.append(output.clone())),
        ]
        run(small)
        for handle in handles:
            handle.remove()
        found = run_to(small, layer, IMAGES)
        assert torch.equal(found[0], taken[0])
        assert torch.equal(found[1], given[0])

    def test_what_lies_behind_never_runs(self, small: nn.Module) -> None:
        switch = small.get_submodule("switch")
        assert isinstance(switch, Switch)
        switch.error = RuntimeError("must not be reached")
        run_to(small, "cnn.7", IMAGES)
        with pytest.raises(RuntimeError, match="must not be reached"):
            run_to(small, "fc.0", IMAGES)

    def test_both_carry_their_graph(self, small: nn.Module) -> None:
        """Of an in-place ReLU, too: its input's gradient is the convolution's, not the ReLU's."""
        images = IMAGES.clone().requires_grad_()
        taken, given = run_to(small, "cnn.2", images)
        assert (taken < 0).any()
        (through_input,) = torch.autograd.grad(taken.sum(), images, retain_graph=True)
        (through_output,) = torch.autograd.grad(given.sum(), images)
        assert through_input.any()
        assert not torch.equal(through_input, through_output)

    @pytest.mark.parametrize("layer", ["cnn.0", "cnn.2"])
    def test_afterwards_nothing_is_left(self, small: nn.Module, layer: str) -> None:
        before = fingerprint(small)
        run_to(small, layer, IMAGES)
        assert fingerprint(small) == before

    def test_nothing_is_left_when_the_network_raises(self, small: nn.Module) -> None:
        switch = small.get_submodule("switch")
        assert isinstance(switch, Switch)
        switch.error = KeyboardInterrupt()
        before = fingerprint(small)
        with pytest.raises(KeyboardInterrupt):
            run_to(small, "fc.0", IMAGES)
        assert fingerprint(small) == before

    def test_a_layer_that_is_never_reached(self) -> None:
        class Unused(FunctionalReLU):
            def __init__(self) -> None:
                super().__init__()
                self.unused = nn.Identity()

        with pytest.raises(ValueError, match="unused does not run"):
            run_to(Unused(), "unused", IMAGES)

    def test_a_layer_that_is_fed_by_name(self) -> None:
        class Named(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(3, 2, 1)

            def forward(self, images: Tensor) -> Tensor:
                output: Tensor = self.conv(input=images)
                return output

        with pytest.raises(ValueError, match="conv does not run on a tensor"):
            run_to(Named(), "conv", IMAGES)

    def test_an_unknown_layer(self, small: nn.Module) -> None:
        with pytest.raises(AttributeError):
            run_to(small, "cnn.77", IMAGES)


class TestTraced:
    @pytest.mark.parametrize("layer", ["cnn.0", "cnn.1", "cnn.2", "cnn.6"])
    def test_the_answer_depends_on_what_was_seen(self, small: nn.Module, layer: str) -> None:
        """Before in-place activations, too: the values are the layer's own, and the slope is that of what follows."""
        with captured(small, [layer]) as outputs:
            run(small)
            own = outputs[layer]
        with traced(small, [layer]) as seen:
            answer = small(IMAGES.clone().requires_grad_()).sum()
            assert torch.equal(seen[layer], own)
            (slope,) = torch.autograd.grad(answer, seen[layer])
        assert slope.shape == own.shape
        assert slope.any()

    def test_the_first_run_of_a_layer_counts(self) -> None:
        module = settled(Twice())
        with traced(module, ["act"]) as seen:
            module(IMAGES.clone().requires_grad_())
            assert torch.equal(seen["act"], relu(run(module.get_submodule("conv"))))

    def test_nothing_is_left_behind(self, small: nn.Module) -> None:
        before = fingerprint(small)
        with traced(small, ["cnn.2"]) as seen, pytest.raises(RuntimeError):
            small(IMAGES[:, :1])
        assert not seen
        with traced(small, ["cnn.2"]) as seen:
            run(small)
        assert not seen
        with pytest.raises(AttributeError), traced(small, ["cnn.2", "none"]):
            pass
        assert fingerprint(small) == before


class TestReplaced:
    def test_the_layer_gives_the_constant_and_all_else_as_before(self, small: nn.Module) -> None:
        with captured(small, ["cnn.1"]) as before:
            run(small)
            own = before["cnn.1"].clone()
        with replaced(small, "cnn.1", {2: 0.25}), captured(small, ["cnn.1"]) as outputs:
            run(small)
            given = outputs["cnn.1"]
            assert torch.equal(given[:, 2], torch.full_like(given[:, 2], 0.25))
            others = [0, 1, 3, 4, 5]
            assert torch.equal(given[:, others], own[:, others])

    def test_in_every_forward_pass_but_only_where_the_layer_first_runs(self) -> None:
        module = settled(Twice())
        conv = module.get_submodule("conv")
        first = relu(run(conv))
        first[:, 1] = 3.0
        expected = relu(run(conv, first))
        with replaced(module, "act", {1: 3.0}):
            assert torch.equal(run(module), expected)
            assert torch.equal(run(module), expected)

    def test_nothing_is_left_behind(self, small: nn.Module) -> None:
        before, alone = fingerprint(small), run(small)
        with pytest.raises(IndexError), replaced(small, "cnn.2", {99: 0.0}):
            run(small)
        with pytest.raises(AttributeError), replaced(small, "none", {0: 0.0}):
            pass
        assert fingerprint(small) == before
        assert torch.equal(run(small), alone)
