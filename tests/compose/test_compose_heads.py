"""What the page says of probabilities that stand alone, of log-probabilities, and of no answer at all."""

import re

import pytest
from reading import WORDS, all_sections, says, texts, written
from scenarios import RUNS, unanswered

from reportgen.document import Bars, Paragraph, Table


def shown(name: str) -> str:
    """Everything that is written: sentences, captions, methods."""
    document = written(RUNS[name])
    blocks = [block for section in all_sections(document.sections) for block in section.blocks]
    figures = [f"{block.caption} {block.method}" for block in blocks if block.kind == "figure"]
    return " ".join((texts(RUNS[name]), *figures))


class TestMultiLabel:
    def test_no_sentence_takes_classes_for_rivals(self) -> None:
        assert says(RUNS["multi-label"], "card.second_own")
        assert says(RUNS["homework"], "card.second")
        assert not says(RUNS["homework"], "card.second_own")

    def test_the_bars_say_that_each_stands_alone(self) -> None:
        for name, key in (("multi-label", "card.bars_own"), ("homework", "card.bars")):
            blocks = [b for section in all_sections(written(RUNS[name]).sections) for b in section.blocks]
            cards = [block for block in blocks if isinstance(block, Bars) and block.caption.startswith(("Prob", "The"))]
            assert {block.caption for block in cards} == {WORDS(key)}

    def test_the_write_ups_loss_is_said_not_to_fit(self) -> None:
        assert says(RUNS["multi-label"], "hw5.saliency_exclusive")
        assert not says(RUNS["homework"], "hw5.saliency_exclusive")

    def test_the_facts_hold_the_head(self) -> None:
        head = written(RUNS["multi-label"]).facts["model"]["head"]
        assert head == {"kind": "sigmoid", "ends": "logits", "chosen_by": "option"}


class TestLogProbability:
    def test_saliency_names_it_wherever_it_named_the_logit(self) -> None:
        plain, inside = shown("homework"), shown("softmax inside")
        assert "|d logit / d pixel|" in plain
        assert "|d logit / d pixel|" not in inside
        assert inside.count("|d log-probability / d pixel|") == plain.count("|d logit / d pixel|")
        assert re.search(
            r"raw maxim[a-z]+ .*in nats per unit of colour", texts(RUNS["softmax inside"], "saliency-corrected")
        )

    def test_and_says_what_that_changes(self) -> None:
        assert says(RUNS["softmax inside"], "saliency.how_rivals")
        assert not says(RUNS["homework"], "saliency.how_rivals")


class TestUnanswered:
    def test_the_summary_says_what_happened_and_what_to_check(self) -> None:
        summary = next(s for s in written(RUNS["unanswered"]).sections if s.anchor == "summary")
        first, check = summary.blocks[:2]
        assert isinstance(first, Paragraph)
        assert isinstance(check, Paragraph)
        assert first.tone == "warning"
        assert "none of the 3 images" in first.sentences[0].text
        assert "32 × 40 pixels scaled to [0, 1], less the mean 0.5, 0.5 and 0.5" in check.sentences[1].text

    @pytest.mark.parametrize("name", ["unanswered", "unanswered and unread"])
    def test_every_image_is_a_failure_and_nothing_is_drawn(self, name: str) -> None:
        document = written(RUNS[name])
        sections = list(all_sections(document.sections))
        (table,) = (b for s in sections if s.anchor == "failures" for b in s.blocks if isinstance(b, Table))
        assert len(table.rows) == len(RUNS[name].failures)
        assert len([s for s in sections if s.anchor.startswith("failed-")]) == len(RUNS[name].failures)
        assert not [b for s in sections for b in s.blocks if b.kind in ("figure", "overview")]
        assert document.facts["images"] == []
        assert len(document.facts["failures"]) == len(RUNS[name].failures)

    def test_what_could_not_be_read_is_counted_apart(self) -> None:
        assert says(unanswered(read=False), "unanswered.unread_one")
        assert not says(unanswered(), "unanswered.unread_one")
