"""How answers become probabilities: known on paper for each kind of head, and recognised from the answers alone."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_models import SIZE, Small, image, options, photographs, settled, wrapped

from reportgen.answering import end_of, find_head
from reportgen.attribution import score_gradients
from reportgen.cases import answered
from reportgen.classifier import as_logits, unsquashed
from reportgen.contracts import Network
from reportgen.errors import ArchitectureError
from reportgen.explain import IMAGE_METHODS
from reportgen.heads import End, Head, probabilities, sigmoid, softmax
from reportgen.options import BuildOptions
from reportgen.probing import answer_to
from reportgen.results import Target

CPU = torch.device("cpu")
LN3 = float(np.log(3))
SQUASHES: dict[str, Callable[[Tensor], Tensor]] = {
    "logits": lambda logits: logits,
    "softmax": lambda logits: logits.softmax(1),
    "log_softmax": lambda logits: logits.log_softmax(1),
    "sigmoid": lambda logits: logits.sigmoid(),
}


def both(index: int) -> list[Target]:
    """The class, asked about on two images."""
    return [Target(index, f"class {index}", "label")] * 2


class Ending(nn.Module):
    """A network whose logits, from -2 to 2 and more on strong noise, go through one more step."""

    def __init__(self, end: str, classes: int = 4) -> None:
        super().__init__()
        self.inner = settled(Small(classes))
        self.end = SQUASHES[end]

    def forward(self, images: Tensor) -> Tensor:
        return self.end(3 * self.inner(images))


class Silent(nn.Module):
    """Ten outputs, all of them NaN."""

    def forward(self, images: Tensor) -> Tensor:
        return images.new_full((len(images), 10), float("nan"))


class TestProbabilities:
    def test_on_paper(self) -> None:
        logits = np.array([[0.0, LN3]])
        np.testing.assert_allclose(probabilities(logits), [[0.25, 0.75]])
        np.testing.assert_allclose(probabilities(logits, "sigmoid"), [[0.5, 0.75]])

    def test_no_logit_overflows(self) -> None:
        with np.errstate(all="raise", under="ignore"):
            np.testing.assert_allclose(sigmoid(np.array([[-1e4, 0, 1e4]])), [[0, 0.5, 1]])

    def test_what_is_not_finite_stays_so(self) -> None:
        assert np.isnan(sigmoid(np.array([[np.nan, 0]]))).tolist() == [[True, False]]

    @pytest.mark.parametrize("end", ["softmax", "log_softmax"])
    def test_a_softmax_is_undone_up_to_a_shift(self, end: End) -> None:
        logits = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 9.0]])
        undone = as_logits(SQUASHES[end](logits), end)
        assert torch.allclose(undone - undone[:, :1], logits - logits[:, :1], atol=1e-5)
        assert torch.allclose(undone.softmax(1), logits.softmax(1), atol=1e-6)

    def test_a_sigmoid_is_undone(self) -> None:
        logits = torch.tensor([[1.0, -2.0, 0.5]])
        assert torch.allclose(as_logits(logits.sigmoid(), "sigmoid"), logits, atol=1e-5)

    def test_certain_answers_stay_finite(self) -> None:
        certain = torch.tensor([[0.0, 1.0]])
        ends: tuple[End, ...] = ("softmax", "sigmoid")
        for end in ends:
            assert unsquashed(certain, end).isfinite().all()
        np.testing.assert_allclose(softmax(as_logits(certain, "softmax").numpy()), [[0, 1]], atol=1e-30)
        np.testing.assert_allclose(sigmoid(as_logits(certain, "sigmoid").numpy()), [[0, 1]], atol=1e-7)

    def test_both_answers_of_a_single_logit_have_a_gradient(self) -> None:
        single = torch.tensor([[LN3]], requires_grad=True)
        pair = as_logits(single)
        assert torch.allclose(pair.softmax(1), torch.tensor([[0.25, 0.75]]))
        for index, slope in ((0, -0.5), (1, 0.5)):
            assert torch.autograd.grad(pair[0, index], single, retain_graph=True)[0].item() == slope

    def test_a_single_probability_is_that_of_yes(self) -> None:
        pair = as_logits(torch.tensor([[0.75]]), "sigmoid")
        assert torch.allclose(pair.softmax(1), torch.tensor([[0.25, 0.75]]))


class TestFound:
    def found(self, module: nn.Module, head: Any = None, told: Any = None) -> tuple[Head, list[str]]:  # noqa: ANN401
        chosen = BuildOptions(model=Path("a.pth"), head=head)
        found, notes = find_head(chosen, Network(module, "toy", (), head=told), SIZE, CPU)
        return found, [key.removeprefix("note.") for key, _ in notes]

    @pytest.mark.parametrize(
        ("end", "head", "expected", "told"),
        [
            ("logits", None, Head(), []),
            ("softmax", None, Head(ends="softmax"), ["ends_softmax"]),
            ("log_softmax", None, Head(ends="log_softmax"), ["ends_log_softmax"]),
            ("sigmoid", None, Head(), ["ends_unsure"]),
            ("logits", "sigmoid", Head("sigmoid", "logits", "option"), ["head_sigmoid_option"]),
            ("sigmoid", "sigmoid", Head("sigmoid", "sigmoid", "option"), ["head_sigmoid_option", "ends_sigmoid"]),
            ("softmax", "sigmoid", Head("sigmoid", "sigmoid", "option"), ["head_sigmoid_option", "head_opposed"]),
            ("softmax", "softmax", Head("softmax", "softmax", "option"), ["ends_softmax"]),
        ],
    )
    def test_from_the_answers_and_the_option(self, end: str, head: Any, expected: Head, told: list[str]) -> None:  # noqa: ANN401
        assert self.found(Ending(end), head) == (expected, told)

    def test_the_configuration_decides_where_no_option_does(self) -> None:
        assert self.found(Ending("logits"), None, "sigmoid") == (
            Head("sigmoid", "logits", "config"), ["head_sigmoid_config"],
        )  # fmt: skip
        assert self.found(Ending("logits"), "softmax", "sigmoid")[0] == Head("softmax", "logits", "option")

    @pytest.mark.parametrize(
        ("end", "head", "ends", "told"),
        [
            ("logits", None, "logits", ["head_single"]),
            ("logits", "sigmoid", "logits", ["head_single"]),
            ("sigmoid", None, "logits", ["head_single", "ends_unsure"]),
            ("sigmoid", "sigmoid", "sigmoid", ["head_single", "ends_sigmoid"]),
        ],
    )
    def test_a_single_output_is_yes_against_no(self, end: str, head: Any, ends: End, told: list[str]) -> None:  # noqa: ANN401
        assert self.found(Ending(end, classes=1), head) == (
            Head("softmax", ends, "option" if head else "default"),
            told,
        )

    def test_nan_says_nothing(self) -> None:
        assert self.found(Silent()) == (Head(), [])

    def test_chance_in_the_answers_is_told(self) -> None:
        class Dropping(Ending):
            def forward(self, images: Tensor) -> Tensor:
                return super().forward(nn.functional.dropout(images, 0.5, training=True))

        assert self.found(Dropping("logits"))[1] == ["unsteady"]

    def test_rows_that_add_up_to_one_by_chance_once_are_no_softmax(self) -> None:
        assert end_of(torch.tensor([[0.25, 0.75], [0.5, 0.5]])) == "softmax"
        assert end_of(torch.tensor([[0.25, 0.75], [0.5, 0.501]])) == "sigmoid"
        assert end_of(torch.tensor([[0.25, 0.75], [-0.5, 1.5]])) == "logits"
        assert end_of(torch.tensor([[1.0], [0.5]])) == "sigmoid"  # one number is never a softmax

    @pytest.mark.parametrize("row", [[0.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    def test_answers_that_never_change_show_nothing(self, row: list[float]) -> None:
        assert end_of(torch.tensor([row, row])) == "logits"


class TestExplained:
    """The same network, with and without a last step: its probabilities agree, and so do its explanations."""

    PIXELS = photographs(2)

    def classifier(self, end: End, kind: Any = "softmax") -> Any:  # noqa: ANN401
        return wrapped(Ending(end), head=Head(kind, end))

    @pytest.mark.parametrize("end", ["softmax", "log_softmax"])
    def test_probabilities_are_squashed_once(self, end: End) -> None:
        plain, squashed = self.classifier("logits"), self.classifier(end)
        np.testing.assert_allclose(squashed.probabilities(self.PIXELS), plain.probabilities(self.PIXELS), atol=1e-6)

    def test_of_a_sigmoid_too(self) -> None:
        plain, squashed = self.classifier("logits", "sigmoid"), self.classifier("sigmoid", "sigmoid")
        expected = plain.probabilities(self.PIXELS)
        np.testing.assert_allclose(squashed.probabilities(self.PIXELS), expected, atol=1e-6)
        np.testing.assert_allclose(expected, sigmoid(plain.logits(self.PIXELS)))
        ((case, *_), _) = answered(plain, [image(each) for each in self.PIXELS])
        assert case.prediction.first.probability == pytest.approx(expected[0].max())
        assert sum(each.probability for each in case.prediction.top) != pytest.approx(1, abs=0.05)

    def test_saliency_is_that_of_the_log_probability(self) -> None:
        """d log p_k / dx = d z_k / dx - sum of p_j d z_j / dx."""
        plain, squashed = self.classifier("logits"), self.classifier("softmax")
        slopes = np.stack([score_gradients(plain, self.PIXELS, both(k)) for k in range(4)])
        shares = plain.probabilities(self.PIXELS)
        mean = np.einsum("nk,knhwc->nhwc", shares, slopes)
        np.testing.assert_allclose(score_gradients(squashed, self.PIXELS, both(2)), slopes[2] - mean, atol=1e-4)

    @pytest.mark.parametrize(
        ("end", "kind", "score"),
        [("softmax", "softmax", "log-probability"), ("log_softmax", "softmax", "log-probability"),
         ("logits", "softmax", "logit"), ("sigmoid", "sigmoid", "logit")],
    )  # fmt: skip
    def test_the_score_is_named(self, end: End, kind: str, score: str) -> None:
        classifier = self.classifier(end, kind)
        cases, _ = answered(classifier, [image(each) for each in self.PIXELS])
        (one,), _ = IMAGE_METHODS["saliency"].explain(classifier, cases, options())
        assert one.parameters["score"] == score


class Returning(nn.Module):
    def __init__(self, answer: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> object:
        return self.answer(images)


def boxes(images: Tensor) -> object:
    return [{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0), "scores": torch.zeros(0)} for _ in images]


@pytest.mark.parametrize(
    ("answer", "why", "fix"),
    [
        (boxes, "detector", "one logit for each class"),
        (lambda images: {"logits": images[:, 0], "pred_boxes": images[:, 1]}, "detector", "one logit for each class"),
        (lambda images: images, r"a map of shape \(2, 3, 16, 20\): .* segmentation", r"logits.mean\(\(2, 3\)\)"),
        (lambda images: {"out": images, "aux": images}, "segmentation", "file.py:Class"),
        (lambda images: (images, images), "segmentation", "file.py:Class"),
        (lambda images: {"loss": 1, "scores": images.mean((2, 3))}, "a dict without logits, of loss, scores", "--arch"),
        (lambda images: images[:, 0], r"a tensor of shape \(2, 16, 20\)", "--arch"),
        (lambda images: images.mean((2, 3))[:1], r"a tensor of shape \(1, 3\)", "--arch"),
        (lambda _: "cat", "a str", "--arch"),
    ],
)
def test_what_is_no_classifier_is_refused_by_name(answer: Callable[[Tensor], object], why: str, fix: str) -> None:
    with pytest.raises(ArchitectureError, match=why) as caught:
        answer_to(Network(Returning(answer), "toy", ()), SIZE, CPU)
    assert caught.value.code == "E-ARCH-OUTPUT"
    assert re.search(fix, caught.value.fix)
