"""Two runs laid side by side, on made-up runs whose differences are known."""

from dataclasses import replace

import pytest
from changed_runs import BASE, answered, each, explained, gathered, judged, less_sure, moved_lime, moved_saliency

from reportgen.changes import Comparison
from reportgen.errors import InputRefused
from reportgen.heads import softmax
from reportgen.pairing import compared
from reportgen.results import Run, SaliencyMap
from reportgen.rules import read_rules

BOOK = read_rules()
ALL = ("moved", "same", "open", "not_compared")


def changes(new: Run, base: Run = BASE) -> Comparison:
    return compared(base, new, BOOK)


def states(comparison: Comparison, method: str) -> list[str]:
    return [one.state for one in comparison.maps if one.method == method]


def test_a_run_and_itself_differ_in_nothing() -> None:
    comparison = changes(BASE)
    assert comparison.unchanged
    assert {one.state for one in comparison.maps} == {"same"}
    assert all(one.rank == pytest.approx(1) and one.overlap == 1 for one in comparison.maps)
    summary = comparison.summary()
    assert (summary["flipped"], summary["confidence_change_largest"], summary["changed"]) == (0, 0.0, 0)
    assert not comparison.settings
    assert not [result for result in comparison.results if result.broken]


class TestImages:
    def test_are_matched_by_what_is_in_them(self) -> None:
        renamed = each(BASE, lambda n, s: replace(s, image=replace(s.image, name=f"other/{n}")))
        turned = replace(renamed, subjects=renamed.subjects[::-1])
        comparison = changes(turned)
        assert comparison.unchanged
        assert [one.base.image.sha256 for one in comparison.images] == [
            one.new.image.sha256 for one in comparison.images
        ]

    def test_of_one_run_only_are_listed(self) -> None:
        fewer = replace(BASE, subjects=BASE.subjects[1:])
        assert changes(fewer).only_base == (BASE.subjects[0].image.name,)
        assert changes(BASE, fewer).only_new == (BASE.subjects[0].image.name,)
        assert len(changes(fewer).images) == 3

    def test_that_are_there_twice_are_matched_once_each(self) -> None:
        twice = replace(BASE, subjects=(*BASE.subjects, BASE.subjects[0]))
        assert len(changes(twice, twice).images) == 5
        assert changes(BASE, twice).only_base == (BASE.subjects[0].image.name,)

    def test_none_in_common_is_refused(self) -> None:
        others = each(BASE, lambda _, s: replace(s, image=replace(s.image, sha256="0" * 64)))
        with pytest.raises(InputRefused, match="no image is in both"):
            changes(others)

    def test_other_classes_are_refused(self) -> None:
        with pytest.raises(InputRefused, match="different classes"):
            changes(replace(BASE, model=replace(BASE.model, classes=("a", "b"))))


class TestAnswers:
    def test_that_flipped_are_counted_and_stand_first(self) -> None:
        comparison = changes(answered(BASE, 2))
        assert [image.flipped for image in comparison.images] == [True, False, False, False]
        assert comparison.images[0].base.image == BASE.subjects[2].image
        summary = comparison.summary()
        assert (summary["accuracy_base"], summary["accuracy_new"]) == (1.0, 0.75)

    def test_a_newly_wrong_one_stands_before_one_that_became_right(self) -> None:
        comparison = changes(answered(answered(BASE, 3), 1, right=True), BASE)
        assert [image.base.image.name for image in comparison.images[:2]] == [
            BASE.subjects[3].image.name,
            BASE.subjects[1].image.name,
        ]

    def test_confidence_is_of_the_class_first_answered(self) -> None:
        new = less_sure(BASE, 1.0)
        image = changes(new).images[0]
        for subject, got in zip((image.base, image.new), image.confidence, strict=True):
            assert got == softmax(subject.prediction.logits[None])[0, image.base.prediction.first.index]
        assert image.confidence[1] < image.confidence[0]


class TestMaps:
    def test_that_moved_say_so_and_the_others_do_not(self) -> None:
        assert set(states(changes(moved_lime(BASE)), "lime")) == {"moved"}
        assert set(states(changes(moved_lime(BASE)), "saliency")) == {"same"}
        assert set(states(changes(moved_saliency(BASE)), "saliency")) == {"moved"}

    def test_the_farthest_stands_first(self) -> None:
        def blended(n: int, share: float) -> Run:
            turned = moved_saliency(BASE).subjects[n]
            heats = [subject.explanations[0].result for subject in (BASE.subjects[n], turned)]
            assert all(isinstance(heat, SaliencyMap) for heat in heats)
            mixed = (1 - share) * heats[0].heat + share * heats[1].heat  # type: ignore[union-attr]
            first = replace(BASE.subjects[n].explanations[0], result=SaliencyMap(mixed))
            subject = replace(BASE.subjects[n], explanations=(first, *BASE.subjects[n].explanations[1:]))
            return replace(BASE, subjects=tuple(subject if i == n else s for i, s in enumerate(BASE.subjects)))

        one, other = blended(1, 0.3), blended(3, 0.9)
        both = replace(BASE, subjects=(BASE.subjects[0], one.subjects[1], BASE.subjects[2], other.subjects[3]))
        assert [image.base.image for image in changes(both).images[:2]] == [
            BASE.subjects[3].image,
            BASE.subjects[1].image,
        ]

    def test_of_different_classes_are_not_compared(self) -> None:
        (flipped, *_) = changes(answered(BASE, 0)).images
        assert {(one.state, one.reason) for one in flipped.maps} == {("not_compared", "compare.reason_class")}

    @pytest.mark.parametrize(
        ("parameters", "reason"), [({"samples": 5}, ""), ({"asked": 5}, "compare.reason_settings")]
    )
    def test_of_other_settings_are_not_compared_but_for_more_samples(
        self, parameters: dict[str, int], reason: str
    ) -> None:
        new = explained(BASE, "lime", lambda one: replace(one, parameters={**one.parameters, **parameters}))
        assert {one.reason for one in changes(new).maps if one.method == "lime"} == {reason}

    def test_of_networks_fed_otherwise_are_not_compared(self) -> None:
        darker = each(BASE, lambda _, s: replace(s, image=replace(s.image, pixels=s.image.pixels * 0.5)))
        assert {one.reason for one in changes(darker).maps} == {"compare.reason_input"}

    def test_that_are_missing_say_so(self) -> None:
        new = explained(
            BASE, "lime", lambda one: replace(one, status="failed", result=None, reason="reason.raised", measures={})
        )
        assert {one.reason for one in changes(new).maps if one.method == "lime"} == {"compare.reason_missing"}

    def test_of_a_method_that_nothing_is_known_of_stay_open(self) -> None:
        unknown = explained(BASE, "saliency", lambda one: replace(one, method="crystal_ball"))
        assert set(states(changes(unknown, unknown), "crystal_ball")) == {"open"}


class TestVerdicts:
    def test_lost_and_gained(self) -> None:
        base = judged(BASE, ["supported", "supported", "weak", "weak"])
        new = judged(BASE, ["supported", "indistinct", "supported", "weak"], 0.05)
        summary = changes(new, base).summary()
        assert (summary["verdicts"], summary["verdicts_lost"], summary["verdicts_gained"]) == (8, 2, 2)

    def test_a_small_step_over_the_threshold_below_a_map_that_stays_is_noise(self) -> None:
        base, new = judged(BASE, ["supported"] * 4, 0.12), judged(BASE, ["indistinct"] * 4, 0.09)
        comparison = changes(new, base)
        assert {one.verdict for one in comparison.maps} == {"within_noise"}
        moved = changes(moved_saliency(new), base)
        assert {one.verdict for one in moved.maps if one.method == "saliency"} == {"lost"}


def test_what_was_set_otherwise_is_listed() -> None:
    other = replace(
        BASE,
        provenance=replace(BASE.provenance, settings={**BASE.provenance.settings, "lime_samples": 9}),
        model=replace(BASE.model, input=replace(BASE.model.input, mean=(0.4,))),
    )
    assert dict(changes(other).settings) == {"lime_samples": (1000, 9), "input.mean": ("0.5, 0.5, 0.5", "0.4")}


def test_rules_with_another_outcome_are_listed() -> None:
    comparison = changes(gathered(BASE))
    told = {one.new.name: (one.base.outcome, one.new.outcome, one.lost) for one in comparison.rule_changes}
    assert told["lime_same_place"] == ("passed", "failed", True)
    back = changes(BASE, gathered(BASE))
    assert not any(one.lost for one in back.rule_changes)


def test_the_same_two_runs_give_the_same_numbers_in_any_order_of_images() -> None:
    new = gathered(BASE)
    turned = replace(new, subjects=new.subjects[::-1])
    one, other = changes(new), changes(turned)
    assert [i.base.image.name for i in one.images] == [i.base.image.name for i in other.images]
    numbers = [[(m.rank, m.overlap, m.floor) for m in comparison.maps] for comparison in (one, other)]
    assert numbers[0] == numbers[1]
