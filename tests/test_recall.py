"""What was made before is not made again, whatever else has changed; and what would differ is."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toy_models
from torch import nn

from reportgen import studied
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, FilterMethod, ImageMethod, PictureCheck, RunCheck, Silent
from reportgen.keys import ALWAYS, NEVER, OF_TASK, network_fingerprint
from reportgen.options import BuildOptions
from reportgen.recall import recalling
from reportgen.resources import results_folder
from reportgen.results import Case, CheckResult, Explanation, FilterStudy, MethodCheck, SaliencyMap
from reportgen.shelf import Keep, in_memory
from reportgen.verdicts import State


@dataclass
class Counted:
    """Stands for every method and check, and notes the images that it is asked about."""

    asked: list[str] = field(default_factory=list)
    fails: bool = False

    def explain(
        self,
        classifier: Classifier,  # noqa: ARG002 - as every method
        cases: Sequence[Case],
        options: BuildOptions,  # noqa: ARG002
    ) -> Iterator[tuple[Explanation, ...]]:
        for case in cases:
            self.asked.append(case.image.name)
            heat = SaliencyMap(np.asarray(case.image.pixels).mean(axis=-1))
            if self.fails:
                yield (Explanation("saliency", case.targets[0], "failed", None, "reason.raised"),)
            else:
                yield (Explanation("saliency", case.targets[0], "ok", heat, measures={"x": 0.1}),)

    def study(
        self,
        classifier: Classifier,  # noqa: ARG002 - as every method
        cases: Sequence[Case],
        options: BuildOptions,  # noqa: ARG002
        keep: Keep = in_memory,  # noqa: ARG002
    ) -> Iterator[FilterStudy]:
        self.asked.append(",".join(case.image.name for case in cases))
        for number in range(2):
            maps = np.random.default_rng(number).random((len(cases), 3, 5))
            bad = self.fails and number
            yield FilterStudy("filters", "a", number, "failed" if bad else "ok", maps, reason="x" if bad else "")

    def judge(self, evidence: Evidence) -> Iterator[tuple[CheckResult, ...]]:
        for case, said in zip(evidence.cases, evidence.explanations, strict=True):
            self.asked.append(case.image.name)
            yield tuple(CheckResult("faithfulness", "supported", 0.9, 0.5) for _ in said)

    def judge_run(self, evidence: Evidence) -> Iterator[MethodCheck]:
        self.asked.append(",".join(case.image.name for case in evidence.cases))
        yield MethodCheck("saliency", CheckResult("randomisation", "supported", 0.1, 0.5, above=False))


@pytest.fixture
def classifier() -> Classifier:
    return toy_models.wrapped(toy_models.settled(toy_models.Small()))


@pytest.fixture
def cases(classifier: Classifier) -> list[Case]:
    rng = np.random.default_rng(3)
    return [toy_models.case(classifier, rng.random((*toy_models.SIZE, 3)).astype(np.float32)) for _ in range(4)]


def asked(classifier: Classifier, cases: Sequence[Case], counted: Counted | None = None, **given: Any) -> list[str]:  # noqa: ANN401 - any setting
    """The images for which the method was run, in a run of its own."""
    counted = counted or Counted()
    options = toy_models.options(**given)
    with recalling(classifier, options, Silent()) as recall:
        table = recall.methods({"saliency": ImageMethod("saliency", counted.explain, ())})
        found = list(table["saliency"].explain(classifier, cases, options))
    assert [each[0].target for each in found] == [case.targets[0] for case in cases]
    for each, case in zip(found, cases, strict=True):
        if isinstance(each[0].result, SaliencyMap):
            np.testing.assert_array_equal(each[0].result.heat, case.image.pixels.mean(axis=-1))
    return counted.asked


def names(cases: Sequence[Case]) -> list[str]:
    return [case.image.name for case in cases]


class TestImages:
    def test_a_second_run_asks_about_what_is_new_only(self, classifier: Classifier, cases: list[Case]) -> None:
        assert asked(classifier, cases[:2]) == names(cases[:2])
        assert asked(classifier, cases[:2]) == []
        assert asked(classifier, [cases[3], cases[1], cases[2], cases[0]]) == [cases[3].image.name, cases[2].image.name]
        assert asked(classifier, cases) == []

    def test_another_name_is_no_other_image(self, classifier: Classifier, cases: list[Case]) -> None:
        asked(classifier, cases)
        renamed = [replace(case, image=replace(case.image, name=f"{n}")) for n, case in enumerate(cases)]
        assert asked(classifier, renamed) == []

    @pytest.mark.parametrize("part", ["pixels", "sha256", "label", "targets"])
    def test_what_a_result_depends_on_makes_another(self, part: str, classifier: Classifier, cases: list[Case]) -> None:
        asked(classifier, cases)
        case = cases[0]
        pixels = case.image.pixels.copy()
        pixels[0, 0, 0] = 1 - pixels[0, 0, 0]
        changed = {
            "pixels": replace(case, image=replace(case.image, pixels=pixels)),
            "sha256": replace(case, image=replace(case.image, sha256="00" * 32)),
            "label": replace(case, image=replace(case.image, label=1)),
            "targets": replace(case, targets=(replace(case.targets[0], name="other"),)),
        }[part]
        assert len(asked(classifier, [changed, *cases[1:]])) == 1

    def test_a_run_that_was_cut_off_goes_on_where_it_stopped(self, classifier: Classifier, cases: list[Case]) -> None:
        counted, options = Counted(), toy_models.options()
        with pytest.raises(KeyboardInterrupt), recalling(classifier, options, Silent()) as recall:  # noqa: PT012
            table = recall.methods({"saliency": ImageMethod("saliency", counted.explain, ())})
            for n, _ in enumerate(table["saliency"].explain(classifier, cases, options)):
                if n == 1:
                    raise KeyboardInterrupt
        assert asked(classifier, cases) == names(cases[2:])

    def test_what_failed_is_tried_again(self, classifier: Classifier, cases: list[Case]) -> None:
        assert asked(classifier, cases, Counted(fails=True)) == names(cases)
        assert asked(classifier, cases) == names(cases)

    def test_what_is_damaged_is_made_again_and_said(self, classifier: Classifier, cases: list[Case]) -> None:
        asked(classifier, cases)
        root = results_folder()
        assert root
        files = [path for path in sorted(root.glob("*/*")) if path.suffix != ".json"]
        assert len(files) == len(cases)
        for file in files[:2]:
            file.write_bytes(file.read_bytes()[:-1])
        progress = Silent()
        counted, options = Counted(), toy_models.options()
        with recalling(classifier, options, progress) as recall:
            table = recall.methods({"saliency": ImageMethod("saliency", counted.explain, ())})
            assert len(list(table["saliency"].explain(classifier, cases, options))) == len(cases)
        assert len(counted.asked) == 2
        assert progress.lines == [
            "2 results were stored before, 2 were made", "2 stored results were damaged, and were made again",
        ]  # fmt: skip
        assert asked(classifier, cases) == []

    def test_nothing_is_kept_where_that_is_not_wanted(self, classifier: Classifier, cases: list[Case]) -> None:
        assert asked(classifier, cases, store=False) == names(cases)
        assert asked(classifier, cases, store=False) == names(cases)
        assert asked(classifier, cases) == names(cases)

    def test_nor_of_a_network_that_says_something_else_each_time(
        self, classifier: Classifier, cases: list[Case]
    ) -> None:
        facts = replace(classifier.facts, notes=(("note.unsteady", {}),))
        unsteady = replace(classifier, facts=facts)
        assert asked(unsteady, cases) == names(cases)
        assert asked(unsteady, cases) == names(cases)

    def test_a_bound_of_nothing_keeps_nothing(self, classifier: Classifier, cases: list[Case]) -> None:
        asked(classifier, cases, store_mb=0)
        assert asked(classifier, cases) == names(cases)

    def test_without_a_home_it_is_said_and_done_all_the_same(
        self, classifier: Classifier, cases: list[Case], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        progress = Silent()
        with recalling(classifier, toy_models.options(), progress) as recall:
            table = recall.methods({"saliency": ImageMethod("saliency", Counted().explain, ())})
            assert len(list(table["saliency"].explain(classifier, cases, toy_models.options()))) == len(cases)
        assert [line.startswith("results are not stored: ") for line in progress.lines] == [True]


class TestNetworks:
    def other(self, change: str) -> Classifier:
        """The same network but for one thing."""
        module = toy_models.settled(toy_models.Small())
        made = toy_models.wrapped(module)
        with torch.no_grad():
            if change == "weight":
                module.get_parameter("cnn.0.weight")[0, 0, 0, 0] += 1e-7
            elif change == "statistics":
                module.get_buffer("cnn.1.running_mean").add_(1e-6)
        if change == "layer":
            setattr(module.get_submodule("cnn"), "2", nn.ReLU6())
        elif change == "hook":
            module.register_forward_hook(lambda _m, _i, out: out * 2)
        elif change == "fed":
            facts = made.facts
            return replace(made, facts=replace(facts, input=replace(facts.input, mean=(0.5,), std=(0.5,))))
        return made

    @pytest.mark.parametrize("change", ["weight", "statistics", "layer", "hook", "fed"])
    def test_any_change_makes_another(self, change: str, cases: list[Case]) -> None:
        same, other = self.other("none"), self.other(change)
        asked(same, cases)
        assert asked(self.other("none"), cases) == []
        assert network_fingerprint(other) != network_fingerprint(same)
        assert asked(other, cases) == names(cases)

    def test_state_outside_of_every_tensor_shows_in_the_answers(self) -> None:
        one, two = (toy_models.wrapped(toy_models.Constant(answer)) for answer in ((0.0, 1.0), (0.0, 2.0)))
        assert network_fingerprint(one) != network_fingerprint(two)

    def test_the_file_it_came_from_says_nothing(self, classifier: Classifier) -> None:
        moved = replace(classifier, facts=replace(classifier.facts, file="moved.pth"))
        assert network_fingerprint(moved) == network_fingerprint(classifier)


class TestSettings:
    def test_each_stands_in_one_list(self) -> None:
        lists = (ALWAYS, frozenset(OF_TASK), NEVER)
        assert sum(map(len, lists)) == len(frozenset().union(*lists))
        unclassified = set(BuildOptions.model_fields) - frozenset().union(*lists)
        assert unclassified == set(), "say in keys.py whether it changes the numbers of a result"

    @pytest.mark.parametrize(
        ("given", "again"),
        [
            ({"title": "Another", "author": "A", "out": Path("there"), "formats": ("json",)}, False),
            ({"lime_samples": 61, "filter_steps": 9, "batch_size": 3, "checks": "none"}, False),
            ({"seed": 17}, True),
        ],
    )
    def test_only_those_that_change_its_numbers_count(
        self, given: dict[str, Any], again: bool, classifier: Classifier, cases: list[Case]
    ) -> None:
        asked(classifier, cases)
        assert asked(classifier, cases, **given) == (names(cases) if again else [])

    def test_a_file_that_is_named_counts_by_its_content(
        self, classifier: Classifier, cases: list[Case], tmp_path: Path
    ) -> None:
        def run(name: str) -> int:
            counted, options = Counted(), toy_models.options(lime_fill_image=tmp_path / name)
            with recalling(classifier, options, Silent()) as recall:
                list(recall.methods({"lime": ImageMethod("lime", counted.explain, ())})["lime"].explain(
                    classifier, cases, options
                ))  # fmt: skip
            return len(counted.asked)

        for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
            (tmp_path / name).write_text(text)
        assert [run("a"), run("b"), run("c")] == [len(cases), 0, len(cases)]


def test_studies_speak_of_all_images_together(classifier: Classifier, cases: list[Case]) -> None:
    def run(some: Sequence[Case]) -> list[str]:
        counted, options = Counted(), toy_models.options()
        with recalling(classifier, options, Silent()) as recall:
            table = recall.studies({"filters": FilterMethod("filters", counted.study, ())})
            found = list(table["filters"].explain(classifier, some, options))
            for number, each in enumerate(found):
                expected = np.random.default_rng(number).random((len(some), 3, 5)).astype(np.float32)
                np.testing.assert_array_equal(each.activations, expected)
            assert len(found) == 2
        return counted.asked

    assert len(run(cases)) == 1
    assert run(cases) == []
    assert len(run(cases[:2])) == 1
    assert len(run(cases[::-1])) == 1


@pytest.mark.parametrize("piece", [0, 3 * 5 * 4 * 3])
def test_a_study_that_is_damaged_or_half_there_is_made_again(
    piece: int, classifier: Classifier, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studied, "PIECE", piece)

    def run(fails: bool = False) -> tuple[int, list[FilterStudy]]:
        counted, options = Counted(fails=fails), toy_models.options()
        with recalling(classifier, options, Silent()) as recall:
            table = recall.studies({"filters": FilterMethod("filters", counted.study, ())})
            return len(counted.asked), list(table["filters"].explain(classifier, cases, options))

    assert [each.status for each in run(fails=True)[1]] == ["ok", "failed"]
    _, first = run()
    root = results_folder()
    assert root
    entries = [path for path in root.rglob("*") if path.is_file() and path.name != "about.json"]
    assert len(entries) == 1 + 2 * (1 + (4 if not piece else 2))
    for entry in entries:
        whole = entry.read_bytes()
        for damaged in (whole[:-1], None):
            entry.unlink()
            if damaged is not None:
                entry.write_bytes(damaged)
            again = run()[1]
            assert [each.filter for each in again] == [0, 1]
            for one, other in zip(first, again, strict=True):
                np.testing.assert_array_equal(one.activations, other.activations)
            assert entry.read_bytes() == whole


def test_checks_look_at_the_picture_too(classifier: Classifier, cases: list[Case]) -> None:
    def run(pictures: Sequence[tuple[Explanation, ...]], **given: Any) -> tuple[int, int]:  # noqa: ANN401 - any setting
        counted, whole = Counted(), Counted()
        options = toy_models.options(**given)
        evidence = Evidence(classifier, cases, pictures, {}, options)
        with recalling(classifier, options, Silent()) as recall:
            single = recall.picture_checks({"faithfulness": PictureCheck("faithfulness", counted.judge, ())})
            of_run = recall.run_checks({"randomisation": RunCheck("randomisation", whole.judge_run, ())})
            assert [len(each) for each in single["faithfulness"].judge(evidence)] == [1] * len(cases)
            assert [each.method for each in of_run["randomisation"].judge(evidence)] == ["saliency"]
        return len(counted.asked), len(whole.asked)

    pictures = list(Counted().explain(classifier, cases, toy_models.options()))
    assert run(pictures) == (len(cases), 1)
    assert run(pictures) == (0, 0)
    changed = dataclasses.replace(pictures[0][0], measures={"x": 0.2})
    assert run([(changed,), *pictures[1:]]) == (1, 1)
    assert run(pictures, checks="full") == (len(cases), 1)
    assert run(pictures, title="Another") == (0, 0)


def test_a_method_that_fails_as_a_whole_is_asked_for_its_vote_no_more(
    classifier: Classifier, cases: list[Case]
) -> None:
    pictures = list(Counted().explain(classifier, cases, toy_models.options()))

    def run(value: float) -> int:
        counted = Counted()
        state: State = "fails" if value > 0.5 else "supported"
        said = MethodCheck("saliency", CheckResult("randomisation", state, value, 0.5, above=False))
        options = toy_models.options()
        evidence = Evidence(classifier, cases, pictures, {}, options, (said,))
        with recalling(classifier, options, Silent()) as recall:
            table = recall.picture_checks({"agreement": PictureCheck("agreement", counted.judge, ())})
            list(table["agreement"].judge(evidence))
        return len(counted.asked)

    assert [run(0.1), run(0.2), run(0.9), run(0.8), run(0.1)] == [len(cases), 0, len(cases), 0, 0]


def test_a_check_with_nothing_to_say_says_nothing(classifier: Classifier, cases: list[Case]) -> None:
    def silent(_: Evidence) -> Iterator[tuple[CheckResult, ...]]:
        yield from ()

    options = toy_models.options()
    evidence = Evidence(classifier, cases, [() for _ in cases], {}, options)
    with recalling(classifier, options, Silent()) as recall:
        table = recall.picture_checks({"object": PictureCheck("object", silent, ())})
        assert list(table["object"].judge(evidence)) == []
