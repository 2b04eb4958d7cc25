"""What holding a filter at its mean does, against what is known on paper and by finite differences."""

import numpy as np
import pytest
import torch
from toy_models import (
    Filters,
    FunctionalReLU,
    NoGradient,
    Small,
    fingerprint,
    gabor,
    image,
    photographs,
    settled,
    wrapped,
)

from reportgen.ablation import (
    candidates,
    centred_logits,
    change_of_predicted,
    class_effects,
    first_order,
    held_at_mean,
    most_excited,
)
from reportgen.channels import Channels, channel_answers
from reportgen.classifier import Classifier
from reportgen.inputs import InputSpec
from reportgen.pool import Pool

IMAGES = photographs(5)


def answers_of(classifier: Classifier, *layers: str) -> dict[str, Channels]:
    pool = Pool(tuple(image(each) for each in IMAGES), (), InputSpec(IMAGES.shape[1:3]))
    return channel_answers(classifier, pool, layers)


class TestHeldAtMean:
    def test_a_linear_head_changes_by_its_weight_times_what_is_missing(self) -> None:
        """logit k = sum of w_kc a_c over the means a_c of the maps: it moves by exactly w_kc (mean - a_c)."""
        weights = np.array([[0.5, -2.0, 1.0], [1.5, 0.25, -1.0]])
        network = Filters(np.stack([gabor(0), gabor(60), gabor(120)]))
        head = torch.nn.Linear(3, 2)
        with torch.no_grad():
            head.weight.copy_(torch.tensor(weights))
        module = torch.nn.Sequential(network, head)
        classifier = wrapped(module)
        stats = answers_of(classifier, "0.act")["0.act"]
        maps = network.act(network.conv(torch.tensor(IMAGES).permute(0, 3, 1, 2))).detach().numpy().mean(axis=(2, 3))
        before = classifier.logits(IMAGES)
        for channel in range(3):
            held = held_at_mean(classifier, IMAGES, "0.act", channel, float(stats.mean[channel]))
            moved = weights[:, channel] * (maps[:, channel].mean() - maps[:, channel])[:, None]
            expected = np.exp(before + moved) / np.exp(before + moved).sum(axis=1, keepdims=True)
            np.testing.assert_allclose(held, expected, atol=1e-6)

    def test_the_network_is_given_back(self) -> None:
        classifier = wrapped(settled(Small()))
        before, alone = fingerprint(classifier.module), classifier.probabilities(IMAGES)
        held = held_at_mean(classifier, IMAGES, "cnn.2", 1, 0.3)
        assert fingerprint(classifier.module) == before
        assert np.abs(held - alone).max() > 0
        np.testing.assert_array_equal(classifier.probabilities(IMAGES), alone)


class TestFirstOrder:
    @pytest.mark.parametrize("layer", ["cnn.0", "cnn.1", "cnn.2", "cnn.5", "cnn.6"])
    def test_it_is_the_derivative_of_what_holding_does(self, layer: str) -> None:
        """Moving a channel a little towards its mean moves the predicted logit by that part of the estimate."""
        module = settled(Small()).double()
        classifier = wrapped(settled(Small()))
        stats = answers_of(classifier, layer)
        found = first_order(classifier, IMAGES, stats)[layer]
        inputs = torch.tensor(IMAGES, dtype=torch.float64).permute(0, 3, 1, 2)
        step = 1e-6

        def logits(channel: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
            def hook(_: torch.nn.Module, __: object, output: torch.Tensor) -> torch.Tensor:
                moved = output.clone()
                moved[:, channel] += step * (stats[layer].mean[channel] - moved[:, channel])
                return moved

            handle = module.get_submodule(layer).register_forward_hook(hook)
            with torch.no_grad():
                given = module(inputs).numpy()
            handle.remove()
            return np.asarray(given)

        with torch.no_grad():
            start = module(inputs).numpy()
        first = start.argmax(axis=1)
        rows = np.arange(len(IMAGES))
        for channel in range(len(found)):
            slope = (logits(channel) - start)[rows, first] / step
            assert found[channel] == pytest.approx(np.abs(slope).mean(), rel=2e-3, abs=1e-4)

    def test_all_layers_at_once_give_the_same(self) -> None:
        classifier = wrapped(settled(Small()), batch=2)
        stats = answers_of(classifier, "cnn.2", "cnn.6")
        together = first_order(classifier, IMAGES, stats)
        for name in stats:
            np.testing.assert_allclose(together[name], first_order(classifier, IMAGES, {name: stats[name]})[name])

    def test_a_network_without_gradient_has_no_estimate(self) -> None:
        module = torch.nn.Sequential(torch.nn.ReLU(), NoGradient())
        classifier = wrapped(module)
        assert first_order(classifier, IMAGES, answers_of(classifier, "0")) == {}

    def test_functions_between_layers_are_seen_through(self) -> None:
        classifier = wrapped(settled(FunctionalReLU()))
        found = first_order(classifier, IMAGES, answers_of(classifier, "first"))
        assert (found["first"] > 0).any()


def test_candidates_are_twice_as_many_as_are_shown_and_the_most_excited_without_an_estimate() -> None:
    zeros = np.zeros(5)
    stats = Channels(np.array([1.0, 3.0, 3.0, 2.0, 3.0]), zeros, np.array([0.9, 0.1, 0.2, 0.9, 0.2]), zeros, zeros, 1)
    assert candidates(np.array([0.1, 0.5, 0.3, 0.5, 0.0]), stats, 2) == (1, 3, 2, 0)
    assert candidates(zeros[:0], stats, 2) == (2, 4, 1, 3)
    assert most_excited(stats).tolist() == [2, 4, 1, 3, 0]


class TestEffects:
    INTACT = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5]])
    HELD = np.array([[0.4, 0.4, 0.2], [0.2, 0.5, 0.3], [0.2, 0.3, 0.5]])
    NAMES = ("a", "b", "c")

    def test_the_class_that_falls_most_where_the_filter_answers_is_named_first(self) -> None:
        above = np.array([True, False, False])
        found = class_effects(self.INTACT, self.HELD, above, self.NAMES)
        assert [(each.name, each.index) for each in found] == [("a", 0), ("c", 2), ("b", 1)]
        assert [each.drop for each in found] == pytest.approx([0.3, -0.1, -0.2])
        assert [each.change for each in found] == pytest.approx([0.4 / 3, 0.1 / 3, 0.3 / 3])

    def test_where_it_never_answers_more_all_images_count(self) -> None:
        found = class_effects(self.INTACT, self.HELD, np.zeros(3, bool), self.NAMES)
        assert found[0].drop == pytest.approx(0.2 / 3)

    def test_of_many_classes_those_that_fall_most_by_either_measure_and_the_last_stay(self) -> None:
        """The probability of 0, 1 and 2 falls most; of the small ones that of 5, 6 and 7 falls to a thousandth."""
        intact = np.array([[0.3, 0.25, 0.2, 0.1, 0.1, 1e-4, 1e-4, 1e-4, 0.0497]])
        held = intact * np.array([0.7, 0.7, 0.7, 1, 1, 1e-3, 1e-3, 1e-3, 1])
        held[0, 8] += 1 - held.sum()
        found = class_effects(intact, held, np.ones(1, bool), [str(k) for k in range(9)])
        assert [each.name for each in found] == ["0", "1", "2", "5", "6", "7", "8"]
        assert found[3].fall - found[-1].fall == pytest.approx(np.log(1e3) + np.log(held[0, 8] / intact[0, 8]))

    def test_logits_are_read_off_the_probabilities(self) -> None:
        logits = np.array([[3.0, -40.0, 1.0], [0.0, 200.0, -5.0]])
        exact = np.exp(logits - logits.max(axis=1, keepdims=True))
        softmax = exact / exact.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(centred_logits(softmax), logits - logits.mean(axis=1, keepdims=True), atol=1e-9)
        small = np.array([[3.0, -4.0, 1.0], [0.0, 2.0, -5.0]])
        sigmoid = 1 / (1 + np.exp(-small))
        np.testing.assert_allclose(centred_logits(sigmoid), small - small.mean(axis=1, keepdims=True), atol=1e-9)

    def test_the_predicted_class_is_that_of_the_whole_network(self) -> None:
        assert change_of_predicted(self.INTACT, self.HELD) == pytest.approx((0.3 + 0.1 + 0) / 3)
