"""The calibration of the verdicts runs, and counts what it says it counts."""

from collections import Counter

import numpy as np
import pytest
import torch
from bench import verdicts
from bench.verdicts import Judged, controls_table, methods_table, normalised, random_network, random_sentence
from toy_models import Small, fingerprint, photographs, settled

from reportgen.checks.controls import controls
from reportgen.checks.deletion import ranks_of, smooth
from reportgen.example import HONEST
from reportgen.options import BuildOptions
from reportgen.results import CheckResult
from reportgen.verdicts import State

OPTIONS = BuildOptions(model=HONEST, lime_once=True, lime_samples=64)


def found(name: str, state: State, evidence: float = 0.0, top: float = 0.0) -> Judged:
    return Judged(name, CheckResult("faithfulness", state, 0.3, 0.1), evidence, top)


def test_every_map_of_every_scene_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "METHODS", ("saliency", "lime"))
    judged = verdicts.trained(OPTIONS, 7, 2, "faithfulness")
    names = Counter(each.name for each in judged)
    assert names == {
        "saliency": 2, "lime": 2, "random smooth": 8, "edges": 12, "blobs": 6, "local contrast": 4, "brightness": 4,
    }  # fmt: skip
    assert {each.result.check for each in judged} == {"faithfulness"}
    assert all(each.evidence > 1.5 for each in judged if each.name == "saliency")


def test_no_map_is_one_that_the_check_compares_with() -> None:
    (image,) = photographs(1, (64, 64))
    known = controls(image, 6, np.random.default_rng(0)).values()
    for kind, heat in verdicts.control_maps(image, np.random.default_rng(0)):
        order = ranks_of(smooth(heat))
        assert not any(np.array_equal(order, each) for each in known), kind


def test_maps_that_lie_on_the_object_are_counted_apart() -> None:
    table = controls_table(
        [
            found("edges", "supported", 3.0, 3.0), found("edges", "supported", 1.9, 2.1), found("edges", "weak"),
            found("blobs", "indistinct"), found("lime", "supported"),
        ]
    )  # fmt: skip
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert rows == [
        ["edges", "3", "66.7 %", "33.3 %", "0.0 %"],
        ["blobs", "1", "0.0 %", "0.0 %", "0.0 %"],
        ["all", "4", "50.0 %", "25.0 %", "0.0 %"],
    ]


def test_methods_are_counted_by_state() -> None:
    table = methods_table([found("lime", "supported"), found("lime", "fails"), found("edges", "supported")])
    assert table.splitlines()[2:] == ["| lime | 50.0 % | 0.0 % | 0.0 % | 50.0 % | 0.30 | 0.10 |"]
    told = random_sentence([found("lime", "weak")])
    assert told.startswith("1 maps and pictures on random networks: 0 supported, 1 weak, 0 indistinct, 0 fails")


def test_a_random_network_is_a_copy_and_takes_nothing_from_torchs_generator() -> None:
    module = settled(Small())
    images = torch.tensor(photographs(4)).permute(0, 3, 1, 2)
    before = fingerprint(module)
    other = random_network(module, 3)
    fitted = normalised(other, images)
    assert fingerprint(module) == before
    assert not fitted.training
    assert torch.equal(other(images), random_network(module, 3)(images))
    assert not torch.equal(other(images), random_network(module, 4)(images))
    mean = fitted.get_submodule("cnn.0")(images).mean(dim=(0, 2, 3))
    assert fitted.get_buffer("cnn.1.running_mean").tolist() == pytest.approx(mean.tolist(), abs=1e-5)
