"""Profile hw5 against the write-up's own code, written out here once more and run on the same small network.

What is not the write-up's is marked: tensors are cloned where its `.cuda()` made copies, superpixels count from 0, and
each image has its own generator.
"""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from lime.lime_image import ImageExplanation, LimeImageExplainer
from numpy.typing import NDArray
from skimage.segmentation import slic
from torch import Tensor, nn
from torch.optim import Adam
from toy_models import case, image, known, options, photographs, wrapped

from reportgen import figures
from reportgen.classifier import Classifier
from reportgen.explain import FILTER_METHODS, IMAGE_METHODS, filters_hw5, lime_hw5
from reportgen.measures import heat_measures, heaviest_regions
from reportgen.options import HW5_FILTER, HW5_INDICES, HW5_LAYER
from reportgen.randomness import legacy_stream
from reportgen.results import Case, ColourSaliency, Explanation, FilterStudy, RegionWeights
from reportgen.segmentation import Cut

SIZE = (48, 48)
LABELS = (0, 3, 10, 7)
SAMPLES = 40
CLASSES = 11


class Course(nn.Module):
    """The course's network, small: index 15 of its `cnn` is a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width, depth in ((6, 3), (8, 3), (8, 1)):
            for _ in range(depth):
                layers += [nn.Conv2d(before, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU()]
                before = width
            layers.append(nn.MaxPool2d(2, 2, 0))
        self.cnn = nn.Sequential(*layers)
        self.fc = nn.Sequential(nn.Linear(8 * 6 * 6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.cnn(images).flatten(1))
        return logits


@pytest.fixture(scope="module")
def model() -> Course:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(16)
        network = Course()
        for seed in range(30):  # gives every normalisation the statistics of its input, so that photographs differ
            network(images_of(photographs(4, SIZE, seed=100 + seed)))
        network.get_parameter("fc.3.weight").mul_(20)
    network.eval()
    assert isinstance(network.cnn[15], nn.ReLU)
    return network


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.float32]:
    return photographs(4, SIZE, seed=3)


@pytest.fixture(scope="module")
def classifier(model: Course) -> Classifier:
    return wrapped(model, SIZE)


@pytest.fixture(scope="module")
def cases(classifier: Classifier, pixels: NDArray[np.float32]) -> list[Case]:
    return [case(classifier, each, label) for each, label in zip(pixels, LABELS, strict=True)]


def images_of(pixels: NDArray[np.float32]) -> Tensor:
    return torch.tensor(pixels).permute(0, 3, 1, 2).contiguous()


def normalize(image: Tensor) -> Tensor:
    return (image - image.min()) / (image.max() - image.min())


def compute_saliency_maps(x: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    model.eval()
    x = x.clone()  # as .cuda()
    x.requires_grad_()
    y_pred = model(x)
    loss_func = torch.nn.CrossEntropyLoss()
    loss = loss_func(y_pred, y)
    loss.backward()
    assert x.grad is not None
    saliencies = x.grad.abs().detach()
    return torch.stack([normalize(item) for item in saliencies])


def filter_explaination(
    x: Tensor, model: Course, cnnid: int, filterid: int, iteration: int, lr: float
) -> tuple[Tensor, Tensor]:
    model.eval()
    layer_activations: list[Tensor] = []
    hook_handle = model.cnn[cnnid].register_forward_hook(lambda _, __, output: layer_activations.append(output))
    model(x)
    filter_activations = layer_activations[-1][:, filterid, :, :].detach()
    x = x.clone()  # as .cuda()
    x.requires_grad_()
    optimizer = Adam([x], lr=lr)
    for _ in range(iteration):
        optimizer.zero_grad()
        model(x)
        objective = -layer_activations[-1][:, filterid, :, :].sum()
        objective.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    filter_visualization = x.detach().squeeze()[0]
    hook_handle.remove()
    return filter_activations, filter_visualization


def lime_explanation(model: nn.Module, image: NDArray[np.float32], label: int, sha256: str) -> ImageExplanation:
    def predict(input: NDArray[np.float64]) -> Any:  # noqa: ANN401 - as the write-up's
        return model(torch.FloatTensor(input).permute(0, 3, 1, 2)).detach().numpy()

    def segmentation(input: NDArray[np.float64]) -> NDArray[np.int64]:
        segments: NDArray[np.int64] = slic(input, n_segments=100, compactness=1, sigma=1, start_label=0)
        return segments

    explainer = LimeImageExplainer(random_state=legacy_stream(16, "lime_hw5", sha256))
    # top_labels: the write-up keeps the five likeliest classes and fails for the others.
    return explainer.explain_instance(
        image=image.astype(np.double), classifier_fn=predict, segmentation_fn=segmentation, num_samples=SAMPLES,
        top_labels=None, labels=(label,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def saliencies(classifier: Classifier, cases: list[Case]) -> list[Explanation]:
    explained = IMAGE_METHODS["saliency_hw5"].explain(classifier, cases, options())
    return [explanation for (explanation,) in explained]


@pytest.fixture(scope="module")
def study(classifier: Classifier, cases: list[Case]) -> FilterStudy:
    (found,) = FILTER_METHODS["filters_hw5"].explain(classifier, cases, options())
    return found


@pytest.fixture(scope="module")
def limes(classifier: Classifier, cases: list[Case]) -> list[Explanation]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lime_hw5, "SAMPLES", SAMPLES)
        explained = list(IMAGE_METHODS["lime_hw5"].explain(classifier, cases, options()))
    return [explanation for (explanation,) in explained]


def test_the_constants_of_the_write_up() -> None:
    assert HW5_INDICES == (1, 2, 47, 98)
    assert (HW5_LAYER, HW5_FILTER) == (15, 0)
    assert lime_hw5.SAMPLES == 1000
    assert Cut("slic", 100, 1.0, 1.0, stand_in=False) == lime_hw5.CUT
    assert (lime_hw5.PARAMETERS["fill"], lime_hw5.PARAMETERS["scale"]) == ("segment", "logit")
    assert (lime_hw5.FEATURES, lime_hw5.LEAST) == (11, 0.05)
    assert options().seed == 16


class TestSaliency:
    def test_the_maps_are_those_of_the_write_up(
        self, saliencies: list[Explanation], model: Course, pixels: NDArray[np.float32]
    ) -> None:
        theirs = compute_saliency_maps(images_of(pixels), torch.tensor(LABELS), model)
        for ours, saliency in zip(saliencies, theirs, strict=True):
            assert isinstance(ours.result, ColourSaliency)
            np.testing.assert_allclose(ours.result.heat, saliency.permute(1, 2, 0), rtol=0, atol=1e-5)

    def test_the_numbers_that_the_stretching_hides_are_kept(
        self, saliencies: list[Explanation], model: Course, pixels: NDArray[np.float32]
    ) -> None:
        for ours, each, label in zip(saliencies, images_of(pixels), LABELS, strict=True):
            x = each[None].clone().requires_grad_()
            loss = torch.nn.CrossEntropyLoss()(model(x), torch.tensor([label]))
            (gradient,) = torch.autograd.grad(loss, x)
            assert ours.measures["loss"] == pytest.approx(loss.item(), rel=1e-5)
            assert ours.measures["maximum"] == pytest.approx(float(gradient.abs().max()), rel=1e-4)
            shape = heat_measures(gradient[0].abs().amax(dim=0).numpy())
            assert ours.measures["half_area"] == pytest.approx(shape["half_area"], abs=1e-3)
            assert ours.measures["place"] == shape["place"]
            assert ours.parameters == {"score": "cross-entropy"}

    def test_it_explains_the_label_and_without_one_the_prediction(
        self, saliencies: list[Explanation], classifier: Classifier, pixels: NDArray[np.float32]
    ) -> None:
        assert [(each.target.index, each.target.role) for each in saliencies] == [(label, "label") for label in LABELS]
        unlabelled = case(classifier, pixels[0])
        ((ours,),) = IMAGE_METHODS["saliency_hw5"].explain(classifier, [unlabelled], options())
        assert (ours.target.index, ours.target.role) == (unlabelled.prediction.first.index, "predicted")

    def test_a_certain_network_has_no_map_where_the_write_up_prints_nan(self, pixels: NDArray[np.float32]) -> None:
        """At a probability of 1 the loss is flat: 0 / 0."""
        certain = nn.Sequential(nn.Flatten(), nn.Linear(3 * 48 * 48, 2))
        with torch.no_grad():
            for parameter in certain.parameters():
                parameter.copy_(torch.tensor([1e3, -1e3]).view(-1, *[1] * (parameter.dim() - 1)).expand_as(parameter))
        x, y = images_of(pixels[:1]), torch.tensor([0])
        assert compute_saliency_maps(x, y, certain).isnan().all()
        classifier = wrapped(certain, SIZE)
        ((ours,),) = IMAGE_METHODS["saliency_hw5"].explain(classifier, [case(classifier, pixels[0], 0)], options())
        assert (ours.status, ours.reason) == ("degenerate", "reason.flat_gradient")
        assert ours.measures == {"maximum": 0.0, "loss": 0.0}


class TestFilters:
    def test_the_layer_is_index_15_of_the_convolutions(self, study: FilterStudy) -> None:
        assert (study.layer, study.filter, study.parameters["layer_assumed"]) == ("cnn.15", 0, False)

    def test_the_activations_are_those_of_the_write_up(
        self, study: FilterStudy, model: Course, pixels: NDArray[np.float32]
    ) -> None:
        theirs, _ = filter_explaination(images_of(pixels), model, cnnid=15, filterid=0, iteration=0, lr=0.1)
        assert theirs.max() > 0
        np.testing.assert_allclose(study.activations, theirs, rtol=0, atol=1e-5 * float(theirs.max()))

    def test_the_first_steps_are_those_of_the_joint_loop_over_all_images(
        self, classifier: Classifier, model: Course, pixels: NDArray[np.float32]
    ) -> None:
        """Later ones, too, but for rounding, which every kink of the network magnifies: see the next test."""
        _, theirs = filter_explaination(images_of(pixels), model, cnnid=15, filterid=0, iteration=10, lr=0.1)
        ours = filters_hw5.climb(classifier, pixels[0], "cnn.15", 0, steps=10)
        assert ours is not None
        np.testing.assert_allclose(ours, theirs.permute(1, 2, 0), rtol=0, atol=1e-5 * float(theirs.abs().max()))

    def test_in_double_precision_all_hundred_steps_are(self, model: Course, pixels: NDArray[np.float32]) -> None:
        """Adam treats every pixel alone, and images do not see each other, so the first may climb alone."""

        class Exact(Classifier):
            def tensor(self, pixels: NDArray[Any]) -> Tensor:
                return torch.tensor(pixels, dtype=torch.float64).permute(0, 3, 1, 2).contiguous()

        double = copy.deepcopy(model).double()
        toy = wrapped(double, SIZE, classes=CLASSES)
        _, theirs = filter_explaination(images_of(pixels).double(), double, cnnid=15, filterid=0, iteration=100, lr=0.1)
        ours = filters_hw5.climb(Exact(double, toy.facts, toy.device, toy.batch), pixels[0], "cnn.15", 0)
        assert ours is not None
        assert float(theirs.max() - theirs.min()) > 2  # far outside of [0, 1]
        np.testing.assert_allclose(ours, theirs.permute(1, 2, 0), rtol=0, atol=1e-5)

    def test_the_study_shows_that_climb(
        self, study: FilterStudy, classifier: Classifier, pixels: NDArray[np.float32]
    ) -> None:
        picture = filters_hw5.climb(classifier, pixels[0], "cnn.15", 0, steps=100)
        assert picture is not None
        np.testing.assert_array_equal(study.visualisation, picture)
        assert study.measures["outside"] == pytest.approx(((picture < 0) | (picture > 1)).mean())


class TestLime:
    @pytest.mark.parametrize("position", range(4))
    def test_weights_and_painting_are_limes_own(
        self, limes: list[Explanation], model: Course, pixels: NDArray[np.float32], position: int
    ) -> None:
        ours, label = limes[position].result, LABELS[position]
        assert isinstance(ours, RegionWeights)
        theirs = lime_explanation(model, pixels[position], label, image(pixels[position]).sha256)
        np.testing.assert_array_equal(ours.segments, theirs.segments)
        expected = dict(theirs.local_exp[label])
        assert len(expected) == len(ours.weights) > 10
        np.testing.assert_allclose(ours.weights, [expected[r] for r in range(len(expected))], rtol=0, atol=1e-6)
        assert limes[position].measures["r2"] == pytest.approx(theirs.score, abs=1e-6)
        assert limes[position].measures["intercept"] == pytest.approx(theirs.intercept[label], abs=1e-6)
        heaviest, weight = theirs.local_exp[label][0]
        assert limes[position].measures["largest_weight"] == pytest.approx(weight, abs=1e-6)
        assert limes[position].measures["largest_area"] == pytest.approx((theirs.segments == heaviest).mean())

    @pytest.mark.parametrize("least", [0.05, 0.0, 0.15])
    @pytest.mark.parametrize("position", range(4))
    def test_the_eleven_regions_are_those_that_lime_paints(
        self, limes: list[Explanation], model: Course, pixels: NDArray[np.float32], position: int, least: float
    ) -> None:
        ours = limes[position].result
        assert isinstance(ours, RegionWeights)
        label = LABELS[position]
        theirs = lime_explanation(model, pixels[position], label, image(pixels[position]).sha256)
        lime_img, mask = theirs.get_image_and_mask(
            label=label, positive_only=False, hide_rest=False, num_features=11, min_weight=least
        )
        shown = heaviest_regions(ours.weights, 11, least)
        signs = np.zeros(len(ours.weights), int)
        signs[list(shown)] = np.where(ours.weights[list(shown)] < 0, -1, 1)
        np.testing.assert_array_equal(signs[ours.segments], mask)
        painted = figures.lime_paint(pixels[position], ours.segments, ours.weights, shown)
        np.testing.assert_allclose(painted, lime_img, atol=1e-6)
        assert len(shown) >= 2
        if least == lime_hw5.LEAST:
            assert limes[position].measures["shown"] == len(shown)

    def test_a_label_that_is_not_among_the_five_likeliest_is_no_error(
        self, classifier: Classifier, pixels: NDArray[np.float32]
    ) -> None:
        logits = classifier.logits(pixels[:1])[0]
        worst = int(np.argmin(logits))
        theirs = LimeImageExplainer(random_state=0).explain_instance(
            pixels[0].astype(np.double), classifier.logits, num_samples=5, segmentation_fn=lambda each: slic(each)
        )
        with pytest.raises(KeyError):
            theirs.get_image_and_mask(label=worst)
        ((ours,),) = IMAGE_METHODS["lime_hw5"].explain(classifier, [known(pixels[0], logits, worst)], options())
        assert (ours.status, ours.target.index) == ("ok", worst)
