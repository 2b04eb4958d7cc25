"""From options to a classifier that answers: size, classes, device; and networks that cannot be used."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_models import FunctionalReLU, Small, Switch, ViewFlatten, fingerprint, options, settled

from reportgen.classifier import Classifier
from reportgen.contracts import Silent
from reportgen.errors import ArchitectureError, CheckpointError, EnvironmentProblem, LabelsError
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.probing import SIDES
from reportgen.results import ModelFacts


def opened(module: nn.Module | None, progress: Silent | None = None, **given: Any) -> ModelFacts:  # noqa: ANN401
    """What is known about the network; the loan is over."""
    chosen = options(device="cpu", **given) if module is not None else BuildOptions(device="cpu", **given)
    with opened_classifier(chosen, module, progress or Silent()) as classifier:
        return classifier.facts


def answering(answer: Callable[[Tensor], Any]) -> nn.Module:
    class Answering(nn.Module):
        def forward(self, images: Tensor) -> Any:  # noqa: ANN401 - that is the point
            return answer(images)

    return Answering()


def raising(error: BaseException) -> nn.Module:
    switch = Switch()
    switch.error = error
    return switch


def square(classes: int = 4, side: int = 32) -> nn.Module:
    """A network that takes images of one size only."""
    return settled(Small(classes), size=(side, side))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    def save(**beside: object) -> Path:
        path = tmp_path / "small.pth"
        torch.save({"model_state_dict": square().state_dict(), **beside}, path)
        return path

    return save


class TestSize:
    def test_as_asked(self) -> None:
        spec = opened(FunctionalReLU(), size=(24, 40)).input
        assert (spec.size, spec.chosen_by["size"]) == ((24, 40), "option")

    @pytest.mark.parametrize("side", [32, 96, 224])
    def test_where_only_one_works_the_network_chose_it(self, side: int) -> None:
        spec = opened(square(side=side)).input
        assert (spec.size, spec.chosen_by["size"]) == ((side, side), "network")

    def test_where_several_work_it_is_a_default(self) -> None:
        spec = opened(FunctionalReLU()).input
        assert (spec.size, spec.chosen_by["size"]) == ((128, 128), "default")

    def test_as_the_weights_fix_it(self, checkpoint: Callable[..., Path]) -> None:
        spec = opened(None, model=checkpoint()).input
        assert (spec.size, spec.chosen_by["size"]) == ((32, 32), "network")

    def test_a_size_that_the_network_cannot_take_is_refused_and_not_corrected(
        self, checkpoint: Callable[..., Path]
    ) -> None:
        with pytest.raises(ArchitectureError, match="fails on images of 48 x 64") as caught:
            opened(square(), size=(48, 64))
        assert "--size" in caught.value.fix
        with pytest.raises(ArchitectureError, match="--size 48x64: course network takes 32 x 32 pixels"):
            opened(None, model=checkpoint(), size=(48, 64))

    def test_where_none_works_the_first_error_is_told(self) -> None:
        with pytest.raises(ArchitectureError, match=f"fails on images of {SIDES[0]} x {SIDES[0]}"):
            opened(ViewFlatten())


class TestInput:
    def test_units_are_as_asked_and_say_so(self) -> None:
        spec = opened(FunctionalReLU(), mean=(0.1, 0.2, 0.3), std=(0.5,), channel_order="bgr").input
        assert (spec.mean, spec.std, spec.channel_order) == ((0.1, 0.2, 0.3), (0.5,), "bgr")
        assert (spec.chosen_by["normalisation"], spec.chosen_by["channel_order"]) == ("option", "option")

    def test_and_else_none(self) -> None:
        spec = opened(FunctionalReLU()).input
        assert (spec.mean, spec.std, spec.channel_order) == ((), (), "rgb")
        assert (spec.chosen_by["normalisation"], spec.chosen_by["channel_order"]) == ("default", "default")

    @pytest.mark.parametrize("given", [{"mean": (0.5,)}, {"std": (0.5,)}])
    def test_one_of_both_is_a_choice(self, given: dict[str, Any]) -> None:
        assert opened(FunctionalReLU(), **given).input.chosen_by["normalisation"] == "option"


class TestClasses:
    def test_numbered_where_nothing_names_them(self) -> None:
        facts = opened(FunctionalReLU())
        assert (facts.classes, facts.classes_from) == (("class 0", "class 1", "class 2", "class 3"), "index")
        assert ("note.classes_index", {}) in facts.notes

    def test_from_the_checkpoint_with_a_note(self, checkpoint: Callable[..., Path]) -> None:
        facts = opened(None, model=checkpoint(classes=["a", "b", "c", "d"]))
        assert (facts.classes, facts.classes_from) == (("a", "b", "c", "d"), "checkpoint")
        assert ("note.classes_checkpoint", {}) in facts.notes

    def test_names_that_do_not_fit_the_outputs_are_not_taken_from_a_checkpoint(
        self, checkpoint: Callable[..., Path]
    ) -> None:
        facts = opened(None, model=checkpoint(classes=["a", "b", "c"]))
        assert (facts.classes[0], facts.classes_from) == ("class 0", "index")

    def test_from_a_file_before_all_else(self, checkpoint: Callable[..., Path], tmp_path: Path) -> None:
        names = tmp_path / "names.txt"
        names.write_text("w\nx\ny\nz\n")
        facts = opened(None, model=checkpoint(classes=["a", "b", "c", "d"]), classes=names)
        assert (facts.classes, facts.classes_from) == (("w", "x", "y", "z"), "option")

    def test_a_file_that_does_not_fit_names_both_numbers(self, tmp_path: Path) -> None:
        names = tmp_path / "names.txt"
        names.write_text("\n".join("abcdefghijk"))
        with pytest.raises(LabelsError, match="holds 11 names, and the network has 4 outputs") as caught:
            opened(square(), classes=names)
        assert caught.value.code == "E-CLASSES-COUNT"
        assert caught.value.exit_code == 3


class TestNetworksThatCannotBeUsed:
    @pytest.mark.parametrize(
        ("answer", "shape"),
        [
            (lambda images: (len(images), 1), "a tuple"),
            (lambda images: {"boxes": images.mean(dim=(2, 3))}, "boxes: it is a detector"),
            (lambda images: None, "a NoneType"),  # noqa: ARG005 - that is the point
            (lambda images: images, r"a map of shape \(2, 3, 16, 20\)"),
            (lambda images: images.mean(dim=(2, 3))[:1], r"a tensor of shape \(1, 3\)"),
            (lambda images: images.mean(dim=(2, 3))[:, :0], r"a tensor of shape \(2, 0\)"),
        ],
    )
    def test_what_is_no_row_of_logits_for_each_image(self, answer: Callable[[Tensor], Any], shape: str) -> None:
        with pytest.raises(ArchitectureError, match=f"two images give {shape}") as caught:
            opened(answering(answer), size=(16, 20))
        assert caught.value.code == "E-ARCH-OUTPUT"
        assert caught.value.exit_code == 3

    @pytest.mark.parametrize("given", [{"size": (16, 20)}, {}])
    @pytest.mark.parametrize(
        "error", [RuntimeError("mat1 and mat2\ncannot be multiplied"), SystemExit(0), IndexError("x"), GeneratorExit()]
    )
    def test_what_fails_or_leaves(self, error: BaseException, given: dict[str, Any]) -> None:
        with pytest.raises(ArchitectureError, match=type(error).__name__) as caught:
            opened(raising(error), **given)
        assert caught.value.code == "E-ARCH-FORWARD"
        assert "\n" not in caught.value.line()
        assert len(caught.value.line()) < 600

    def test_memory_that_does_not_suffice_is_said(self) -> None:
        with pytest.raises(EnvironmentProblem, match="not even two images of 16 x 20") as caught:
            opened(raising(torch.OutOfMemoryError("CUDA out of memory")), size=(16, 20))
        assert caught.value.code == "E-MEMORY"

    def test_an_interruption_is_none_of_its_failures(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            opened(raising(KeyboardInterrupt()))

    def test_what_it_prints_does_not_reach_the_output(self, capsys: pytest.CaptureFixture[str]) -> None:
        def answer(images: Tensor) -> Tensor:
            print("debugging")
            return images.mean(dim=(2, 3))

        opened(answering(answer), size=(16, 20))
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "debugging" in shown.err
        assert sys.stdout is not sys.stderr

    def test_a_file_that_is_no_checkpoint(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.pth"
        path.write_text("not weights")
        with pytest.raises(CheckpointError):
            opened(None, model=path)


class TestLoan:
    @pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
    def test_a_module_from_python_is_given_back(self, error: type[BaseException] | None) -> None:
        module = square()
        module.train()
        before = fingerprint(module)
        try:
            with opened_classifier(options(), module, Silent()) as classifier:
                assert classifier.module is module
                assert not any(part.training for part in module.modules())
                if error:
                    raise error
        except (RuntimeError, KeyboardInterrupt):
            pass
        assert fingerprint(module) == before

    def test_and_when_it_is_refused(self, tmp_path: Path) -> None:
        module = square()
        module.train()
        before = fingerprint(module)
        names = tmp_path / "names.txt"
        names.write_text("one\n")
        for given in ({"size": (48, 64)}, {"classes": names}):
            with pytest.raises((ArchitectureError, LabelsError)):
                opened(module, **given)
            assert fingerprint(module) == before

    def test_it_is_named_by_its_class_and_known_by_its_weights(self) -> None:
        one, again, other = square(), square(), square()
        with torch.no_grad():
            other.get_parameter("cnn.0.bias")[0] += 1e-3
        hashes = [opened(module).sha256 for module in (one, again, other)]
        assert len(hashes[0]) == 64
        assert hashes[0] == hashes[1] != hashes[2]
        facts = opened(one)
        assert (facts.file, facts.architecture) == ("Small", "Small")
        assert [layer.name for layer in facts.layers][:3] == ["cnn.0", "cnn.1", "cnn.2"]

    def test_weights_of_any_kind_have_a_fingerprint(self) -> None:
        module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        module.register_buffer("coarse", torch.ones(3, 4, dtype=torch.bfloat16).T)
        module.register_buffer("flag", torch.tensor(True))
        module.register_buffer("nothing", torch.zeros(0))
        assert len(opened(module).sha256) == 64

    def test_the_batch_is_as_large_as_asked_and_the_device_too(self) -> None:
        with opened_classifier(options(batch_size=5, device="cpu"), square(), Silent()) as classifier:
            assert isinstance(classifier, Classifier)
            assert classifier.batch.images == 5
            assert classifier.device == torch.device("cpu")
        with opened_classifier(options(device="cpu"), square(), Silent()) as classifier:
            assert classifier.batch.images == 16

    def test_a_device_that_is_not_there_is_no_reason_to_take_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with (
            pytest.raises(EnvironmentProblem, match="sees no GPU"),
            opened_classifier(options(device="cuda"), square(), Silent()),
        ):
            pass

    def test_inferred_layers_are_told(self, checkpoint: Callable[..., Path]) -> None:
        progress = Silent()
        facts = opened(None, progress, model=checkpoint())
        assert any("inferred from the weights: cnn.2 ReLU" in line for line in progress.lines)
        assert any("32 x 32 (channel order by" in line for line in progress.lines)
        assert facts.file == "small.pth"
        assert any(layer.inferred for layer in facts.layers)
        assert opened(square(), quiet := Silent()).layers
        assert not any("inferred" in line for line in quiet.lines)
