"""Every section and figure is there, in order, numbered, with pictures or a reason."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fake_run import fake_evidence, fake_run
from reading import WORDS, all_sections, card, written
from scenarios import RUNS

from reportgen.compose import compose
from reportgen.document import (
    Bars,
    Block,
    Controls,
    Figure,
    Matrix,
    NoPicture,
    Overview,
    Panel,
    Paragraph,
    Picture,
    ReportDocument,
    Section,
    Sentence,
    Table,
)
from reportgen.language import load_references
from reportgen.results import WARNINGS, Finding, InputSpec, Scalar
from reportgen.schema import ReportFacts

DOCUMENTS = {name: compose(run, WORDS) for name, run in RUNS.items()}
EACH = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())


def blocks(document: ReportDocument) -> Iterator[Block]:
    return (block for section in all_sections(document.sections) for block in section.blocks)


def figures(document: ReportDocument) -> list[Figure]:
    return [block for block in blocks(document) if isinstance(block, Figure)]


def tables(document: ReportDocument) -> list[Table]:
    return [block for block in blocks(document) if isinstance(block, Table)]


def table_numbers(document: ReportDocument) -> list[int]:
    return [block.number for block in blocks(document) if isinstance(block, Matrix | Table)]


def sentences(document: ReportDocument) -> Iterator[Sentence]:
    return (each for block in blocks(document) if isinstance(block, Paragraph) for each in block.sentences)


def section(document: ReportDocument, anchor: str) -> Section:
    (found,) = [each for each in all_sections(document.sections) if each.anchor == anchor]
    return found


def panels(document: ReportDocument) -> Iterator[Panel]:
    return (panel for figure in figures(document) for row in figure.rows for panel in row)


def pictures(document: ReportDocument) -> Iterator[Picture]:
    yield from (panel.content for panel in panels(document) if isinstance(panel.content, Picture))
    yield from (scale.picture for figure in figures(document) for scale in figure.scales)
    for block in blocks(document):
        if isinstance(block, Overview):
            yield from (item.thumbnail for item in block.items)


@EACH
def test_figures_and_tables_are_numbered_one_after_another(document: ReportDocument) -> None:
    assert [figure.number for figure in figures(document)] == list(range(1, len(figures(document)) + 1))
    assert table_numbers(document) == list(range(1, len(table_numbers(document)) + 1))


@EACH
def test_anchors_are_unique_and_fit_an_address(document: ReportDocument) -> None:
    anchors = [each.anchor for each in all_sections(document.sections)]
    anchors += [each.anchor for each in figures(document)] + [each.anchor for each in tables(document)]
    assert len(anchors) == len(set(anchors))
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", anchor) for anchor in anchors)
    links = [item.anchor for block in blocks(document) if isinstance(block, Overview) for item in block.items]
    assert set(links) <= set(anchors)
    addresses = [panel.anchor for panel in panels(document) if panel.anchor]
    assert len(addresses) == len(set(addresses))
    assert {each.partition("/")[0] for each in addresses} <= set(anchors)


@EACH
def test_every_panel_shows_something_or_says_why(document: ReportDocument) -> None:
    for figure in figures(document):
        assert figure.caption, figure.anchor
        assert {len(row) for row in figure.rows} == {max(map(len, figure.rows))}, figure.anchor
        for row in figure.rows:
            assert 1 <= len(row) <= 8
            assert any(isinstance(panel.content, Picture) or panel.content.reason for panel in row)
            for panel in row:
                assert panel.label or panel == Panel(NoPicture(""), "")


@EACH
def test_every_picture_has_an_alternative_text_with_a_number(document: ReportDocument) -> None:
    for picture in pictures(document):
        assert picture.data
        assert re.search(r"\d|small", picture.alt), picture.alt
        assert "{" not in re.sub(r"tri\{angle\}|\{name\}", "", picture.alt)


@EACH
def test_no_block_is_empty_and_no_table_ragged(document: ReportDocument) -> None:
    for block in blocks(document):
        match block:
            case Paragraph(sentences=said):
                assert said
                assert all(each.text for each in said)
            case Table(header=header, rows=rows, align=align):
                assert rows
                assert {len(row) for row in rows} == {len(header)} == {len(align)}
            case Bars(bars=bars):
                assert 1 <= len(bars) <= 6
            case Overview(items=items):
                assert items
            case Matrix(columns=columns, rows=grid):
                assert grid
                assert {len(row.cells) for row in grid} == {len(columns)}
            case Controls(filters=filters, order=order):
                assert all(len(choice.options) > 2 for choice in filters)
                assert len({option.token for option in order.options}) == len(order.options)
    for each in all_sections(document.sections):
        assert each.title
        assert each.blocks or each.sections, each.anchor


@EACH
def test_invisible_characters_never_reach_the_page(document: ReportDocument) -> None:
    texts = [sentence.text for sentence in sentences(document)]
    texts += [text for table in tables(document) for row in (table.header, *table.rows) for text in row]
    texts += [figure.caption + figure.method for figure in figures(document)]
    texts += [panel.label + panel.detail for panel in panels(document)]
    texts += [panel.content.reason for panel in panels(document) if isinstance(panel.content, NoPicture)]
    texts += [picture.alt for picture in pictures(document)]
    texts += [each.title for each in all_sections(document.sections)]
    texts += [document.title, document.subtitle, document.running_head, *document.byline]
    assert not [text for text in texts if "\u202e" in text or "\x1b" in text]


@pytest.mark.parametrize("name", ["homework", "many classes"])
def test_the_same_run_gives_an_equal_document(name: str) -> None:
    assert compose(RUNS[name], WORDS) == DOCUMENTS[name]


@EACH
def test_the_facts_are_report_json(document: ReportDocument) -> None:
    ReportFacts.model_validate_json(json.dumps(document.facts, allow_nan=False))


@EACH
def test_references_are_those_that_the_text_cites(document: ReportDocument) -> None:
    text = " ".join(sentence.text for sentence in sentences(document))
    cited = {key for key, entry in load_references().items() if entry["short"] in text}
    assert {reference.key for reference in document.references} == cited


def test_the_sections_stand_in_their_order() -> None:
    assert [each.anchor for each in DOCUMENTS["default"].sections] == [
        "summary", "failures", "images", "saliency", "filters", "lime", "appendix",
    ]  # fmt: skip
    assert [each.anchor for each in DOCUMENTS["no trouble"].sections] == [
        "summary", "images", "saliency", "filters", "lime", "appendix",
    ]  # fmt: skip
    assert [each.anchor for each in DOCUMENTS["saliency only"].sections][3:] == ["saliency", "appendix"]
    assert [each.anchor for each in DOCUMENTS["broken down"].sections] == ["summary", "failures", "images", "appendix"]


@pytest.mark.parametrize("task", ["saliency", "filters", "lime"])
def test_a_task_says_what_how_limits_and_source(task: str) -> None:
    headings = [each.heading for each in section(DOCUMENTS["default"], task).blocks if isinstance(each, Paragraph)]
    wanted = [WORDS(f"heading.{name}") for name in ("what", "how", "limits", "source")]
    assert [heading for heading in headings if heading in wanted] == wanted


@pytest.mark.parametrize("task", ["saliency", "filters", "lime"])
def test_the_homework_has_the_write_ups_figures_beside_the_corrected_ones(task: str) -> None:
    document = DOCUMENTS["homework"]
    own = section(document, task)
    assert own.title == WORDS(f"section.{task}_hw5")
    assert [each.title for each in own.sections] == [WORDS("section.writeup"), WORDS("section.corrected")]
    why = [each.heading for each in own.sections[0].blocks if isinstance(each, Paragraph)]
    assert WORDS("heading.differs") in why
    default = section(DOCUMENTS["default"], task)
    assert [b.anchor for b in own.sections[1].blocks if isinstance(b, Figure)] == [
        b.anchor for b in default.blocks if isinstance(b, Figure)
    ]
    assert (document.title, DOCUMENTS["default"].title) == (WORDS("title.hw5"), "What weights <1>.pth looks at")


@pytest.mark.parametrize(
    ("task", "shapes"),
    [("saliency", [(2, 4)]), ("filters", [(1, 4), (2, 4)]), ("lime", [(1, 4)])],
)
def test_the_write_ups_figures_have_its_shapes(task: str, shapes: list[tuple[int, int]]) -> None:
    written = section(DOCUMENTS["homework"], f"{task}-writeup")
    made = [block for block in written.blocks if isinstance(block, Figure)]
    assert [(len(figure.rows), len(figure.rows[0])) for figure in made] == shapes


def test_a_method_that_broke_down_costs_its_part_only() -> None:
    document = DOCUMENTS["half broken down"]
    parts = {
        task: [each.anchor for each in section(document, task).sections] for task in ("saliency", "filters", "lime")
    }
    assert parts == {
        "saliency": ["saliency-writeup"], "filters": ["filters-writeup"], "lime": ["lime-corrected"],
    }  # fmt: skip


def test_a_card_has_a_row_per_class_with_original_saliency_activation_and_lime_side_by_side() -> None:
    document = DOCUMENTS["default"]
    figure_of = {f.anchor: f for f in figures(document)}
    assert [len(figure_of[f"{card(RUNS['default'], n)}-figure"].rows) for n in (1, 2, 3, 4)] == [1, 2, 1, 1]
    labels = [[panel.label for panel in row] for row in figure_of[f"{card(RUNS['default'], 2)}-figure"].rows]
    assert labels == [
        ["Original", "Saliency: ring", "cnn.1, filter 0", "LIME: ring"],
        ["Original", "Saliency: <b>square</b>", "cnn.1, filter 0", "LIME: <b>square</b>"],
    ]


def test_a_card_leads_with_its_bars_its_answer_and_its_pictures() -> None:
    failed, *cards = section(DOCUMENTS["default"], "images").sections
    assert failed.title == "e/torn.jpg"
    for each in cards:
        assert each.lead == 3
        assert [block.kind for block in each.blocks[:3]] == ["bars", "paragraph", "figure"]


def test_a_flat_map_a_failure_and_a_dead_filter_are_hatched_boxes() -> None:
    reasons = {panel.content.reason for panel in panels(DOCUMENTS["default"]) if isinstance(panel.content, NoPicture)}
    assert WORDS("reason.flat_gradient") in reasons
    assert WORDS("reason.dead_filter") in reasons
    assert any(reason.startswith(WORDS("reason.raised")) and "<out> of {memory}" in reason for reason in reasons)
    drawn = [panel for panel in panels(DOCUMENTS["nothing drawn"]) if isinstance(panel.content, Picture)]
    assert {panel.label for panel in drawn} == {"Original", "a/star_0.jpg", "b/ring & plus.png"}


def test_what_failed_is_listed_with_a_reason_and_a_way_out() -> None:
    (table,) = [block for block in section(DOCUMENTS["homework"], "failures").blocks if isinstance(block, Table)]
    assert table.rows[0] == ("e/torn.jpg", "The file ends too early", "Copy it again from its source")
    what, why, fix = table.rows[1]
    assert what == "d/{name}<U+202E>gpj.exe: LIME for tri{angle}"
    assert "RuntimeError" in why
    assert fix == WORDS("failures.fix_raised")
    (filters,) = [b for b in section(DOCUMENTS["failed filters"], "failures").blocks if isinstance(b, Table)]
    assert filters.rows[0][0] == "Filter 1 of cnn.0"


def strips(document: ReportDocument) -> list[Figure]:
    return [figure for figure in figures(document) if figure.anchor.startswith("filters-figure-")]


def test_a_filter_is_one_strip_of_what_excites_it_and_what_does_not() -> None:
    first, *more = strips(DOCUMENTS["no trouble"])
    assert [figure.anchor for figure in (first, *more)] == ["filters-figure-1-1", "filters-figure-1-2",
                                                            "filters-figure-2-1"]  # fmt: skip
    above, below = [[panel.label for panel in row] for row in first.rows]
    assert above == ["synthetic", "variant 2", "variant 3", "highest", "highest 2", "highest 3", "", ""]
    assert below[:2] == ["middle", "lowest"]
    assert below[2:6] == ["a/star_0.jpg", "b/ring & plus.png", "c/<img src=x>.jpg", "d/{name}<U+202E>gpj.exe"]
    shown = [isinstance(panel.content, Picture) for row in first.rows for panel in row]
    assert shown == [*[True] * 6, *[False] * 2, *[True] * 6, *[False] * 2]
    alts = [panel.content.alt for panel in first.rows[0] if isinstance(panel.content, Picture)]
    assert "b/ring & plus.png, rows 0 to 9, columns 4 to 20" in alts[4]


def test_what_stands_where_is_explained_once() -> None:
    first, *more = strips(DOCUMENTS["default"])
    assert "crops that excite it most" in first.caption
    assert all("excite" not in figure.caption and not figure.method and not figure.scales for figure in more)
    assert (len(first.scales), bool(first.method)) == (1, True)


def test_of_many_images_those_are_shown_that_the_filter_answers_to_most() -> None:
    document = DOCUMENTS["twelve images"]
    first = strips(document)[0]
    failed, *cards = section(document, "images").sections
    names = [panel.label for panel in first.rows[1]][2:6]
    assert names == [each.title for each in cards[:4]]  # the fake answers fall from image to image
    assert "the 4 of 12 photographs that it answers to most" in first.caption
    assert [block.tone for block in failed.blocks if isinstance(block, Paragraph)] == ["warning"]
    overview = next(block for block in blocks(document) if isinstance(block, Overview))
    assert len(overview.items) == 12


def test_a_filter_without_pictures_is_apart_and_says_why() -> None:
    document = DOCUMENTS["default"]
    (missing,) = [figure for figure in figures(document) if figure.anchor.startswith("filters-missing-")]
    (panel, *rest) = missing.rows[0]
    assert panel.content == NoPicture(WORDS("reason.dead_filter"))
    assert panel.label == "Filter 7"
    assert not any(isinstance(each.content, Picture) for each in rest)


def test_the_tables_say_what_filters_answer_to_and_who_needs_them() -> None:
    found = {table.anchor: table for table in tables(DOCUMENTS["default"])}
    answers, needs = found["filters-table"], found["filters-needs"]
    assert len({len(row) for row in answers.rows} | {len(answers.header)}) == 1
    assert [row[-1] for row in answers.rows if row[1] == "7"] == [WORDS("status.dead")]
    assert needs.rows[0] == ("cnn.0", "1", "5.0", "ring −13, tri{angle} −2.0", "star +6.0", "tri{angle} −1.1", "–")


def test_a_label_beyond_the_best_three_has_its_bar() -> None:
    bars = next(block for block in blocks(DOCUMENTS["many classes"]) if isinstance(block, Bars))
    assert [bar.tone for bar in bars.bars] == ["predicted", "other", "other", "label"]
    assert next(b for b in blocks(DOCUMENTS["default"]) if isinstance(b, Bars)).bars[0].tone == "both"


def test_the_title_block_names_author_number_and_model() -> None:
    document = DOCUMENTS["homework"]
    assert document.byline == (
        "A. Student <a@b>",
        "Student number: B0{7}",
        "Model: weights <1>.pth, SHA-256 abababababab…",
    )
    assert document.running_head == "Homework 5: Explainable AI · A. Student <a@b>"
    assert document.subtitle == "Saliency maps, filter visualisation and LIME on 4 images"
    assert DOCUMENTS["one image"].subtitle.endswith("on 1 image")
    assert DOCUMENTS["broken down"].subtitle == "2 images"
    plain = compose(replace(fake_run(images=1, methods=("saliency",)), author="", student_id="", title="Mine"), WORDS)
    assert (plain.title, plain.running_head, len(plain.byline), plain.author) == ("Mine", "Mine", 1, "")


def test_the_appendix_marks_what_was_assumed() -> None:
    layers, note = section(DOCUMENTS["default"], "layers").blocks
    assert isinstance(layers, Table)
    assert layers.rows[1] == ("cnn.1*", "ReLU", WORDS("assume.activation"), "")
    assert layers.rows[2][2] == f"2x2; {WORDS('assume.pool')}"
    assert layers.rows[3] == ("fc.0", "Linear", "640 -> 6", "3,846")
    assert isinstance(note, Paragraph)
    assert len(section(DOCUMENTS["one layer"], "layers").blocks) == 1
    settings, told = section(DOCUMENTS["default"], "settings").blocks
    assert isinstance(settings, Table)
    assert isinstance(told, Paragraph)
    assert "classes" not in [row[0] for row in settings.rows]
    assert told.sentences[0].text == WORDS("appendix.not_given", names="classes")
    (hashes,) = section(DOCUMENTS["default"], "hashes").blocks
    assert isinstance(hashes, Table)
    assert [row[3] for row in hashes.rows] == [image["sha256"] for image in DOCUMENTS["default"].facts["images"]]


def test_the_appendix_shows_what_the_first_batch_norm_says_of_the_input() -> None:
    text, chart, source = section(DOCUMENTS["default"], "feeding").blocks
    assert isinstance(source, Paragraph)
    assert "Lee et al. 2021" in source.sentences[0].text
    assert "lee2021" in [reference.key for reference in DOCUMENTS["default"].references]
    assert isinstance(text, Paragraph)
    assert "channel order by the batch-norms" in text.sentences[0].text
    assert "clear for the channel order (100% of resampled sets agree) and weak" in text.sentences[1].text
    assert isinstance(chart, Bars)
    assert "in nats" in chart.caption
    assert [(bar.label, bar.text) for bar in chart.bars] == [
        ("RGB, mean 0.5, deviation 0.5 (best)", "0.01"),
        ("BGR, mean 0.5, deviation 0.5", "0.2"),
        ("RGB, [0, 1] as it is", "1.5"),
    ]
    assert chart.bars[2].value == 1
    run = fake_run()
    silent = replace(run, model=replace(run.model, input=replace(run.model.input, evidence=None)))
    assert "feeding" not in [each.anchor for each in section(compose(silent, WORDS), "appendix").sections]


@pytest.mark.parametrize("key", sorted(WARNINGS))
def test_what_must_not_be_overlooked_is_a_warning_of_the_summary(key: str) -> None:
    facts: dict[str, Scalar] = {
        "order": "BGR", "mean": "0", "std": "1", "divergence": "0.01", "images": 3, "order_share": "1%", "share": "2%",
        "other": "9", "names": "cat", "count": 1,
    }  # fmt: skip
    run = fake_run()
    document = compose(replace(run, model=replace(run.model, notes=((key, facts),))), WORDS)
    told = [b for b in section(document, "summary").blocks if isinstance(b, Paragraph) and b.tone == "warning"]
    assert WORDS(key, **facts) in [block.sentences[0].text for block in told]


def of_model(**changed: object) -> ReportDocument:
    run = fake_run()
    return compose(replace(run, model=replace(run.model, **changed)), WORDS)  # type: ignore[arg-type] # fields of it


def model_paragraph(document: ReportDocument) -> str:
    (found,) = [
        b
        for b in section(document, "summary").blocks
        if isinstance(b, Paragraph) and b.heading == WORDS("heading.model")
    ]
    return " ".join(sentence.text for sentence in found.sentences[1:])


def test_the_summary_says_in_two_sentences_what_was_read_and_how_sure() -> None:
    assert model_paragraph(of_model(input=InputSpec((32, 32)))) == " ".join([
        WORDS("summary.read_settled_one", points="activation: ReLU6, weakly"),
        WORDS("summary.undecided", points="behind depth-wise convolutions: an activation"),
    ])  # fmt: skip
    decided = {"channel_order": "batch-norm", "normalisation": "batch-norm", "size": "batch-norm"}
    spec = InputSpec((32, 48), "bgr", chosen_by=decided, evidence=fake_evidence())
    told = "channel order: BGR; normalisation: mean 0.5, deviation 0.5; input size: 32 × 48"
    assert model_paragraph(of_model(input=spec, findings=(), notes=())) == WORDS("summary.settled", n=3, points=told)
    assert model_paragraph(of_model(input=InputSpec((32, 32)), findings=())) == WORDS("summary.read")
    assert "nats" not in model_paragraph(of_model())
    plain = Finding("behind-full-normed-1", "an activation", "clear", (("an activation", 0.1),), 1.0, 2)
    assert model_paragraph(of_model(input=InputSpec((32, 32)), findings=(plain,))) == WORDS("summary.read")


def test_the_appendix_lists_what_batch_norms_were_asked_and_no_infinite_distance() -> None:
    told, how, table = section(DOCUMENTS["default"], "reading").blocks
    assert isinstance(told, Paragraph)
    assert WORDS("note.inferred") in [sentence.text for sentence in told.sentences]
    assert isinstance(how, Paragraph)
    assert isinstance(table, Table)
    assert table.rows == (
        ("activation", "ReLU6", "weak", "ReLU6 0.052; ReLU 0.121", "90%"),
        ("behind depth-wise convolutions", "an activation", "undecided", "an activation 0.3", WORDS("reading.alone")),
    )
    evidence = fake_evidence()
    lost = replace(evidence.candidates[2], divergence=1e30)
    spec = InputSpec((32, 32), evidence=replace(evidence, candidates=(*evidence.candidates[:2], lost)))
    _, chart, _ = section(of_model(input=spec), "feeding").blocks
    assert isinstance(chart, Bars)
    assert [bar.text for bar in chart.bars] == ["0.01", "0.2"]


def test_what_all_figures_of_a_section_share_is_said_below_the_first() -> None:
    document = written(RUNS["further methods, twelve images"])
    for anchor in ("saliency", "gradcam", "integrated-gradients"):
        (section,) = [each for each in document.sections if each.anchor == anchor]
        first, *more = [block for block in section.blocks if isinstance(block, Figure)]
        assert first.method
        assert more
        assert not any(figure.method for figure in more)


def test_the_legend_is_silent_on_what_no_card_shows() -> None:
    """A filter that only its synthetic image excites answers nowhere on the photographs."""
    run = RUNS["further methods, twelve images"]
    silent = tuple(replace(study, measures={**study.measures, "maximum": 0.0}) for study in run.filters)
    (section,) = [each for each in written(replace(run, filters=silent)).sections if each.anchor == "images"]
    (legend,) = [block for block in section.blocks if isinstance(block, Paragraph)]
    assert "Saliency:" in " ".join(sentence.text for sentence in legend.sentences)
    assert not any("filter" in sentence.text or "Activation" in sentence.text for sentence in legend.sentences)


def test_the_cards_are_read_by_one_legend() -> None:
    run = RUNS["further methods, twelve images"]
    (section,) = [each for each in written(run).sections if each.anchor == "images"]
    (legend,) = [block for block in section.blocks if isinstance(block, Paragraph)]
    told = " ".join(sentence.text for sentence in legend.sentences)
    assert all(name in told for name in ("Saliency:", "Grad-CAM:", "Activation:", "LIME:", "Orange speaks for"))
    mine = [block for each in section.sections for block in each.blocks if isinstance(block, Figure)]
    assert len(mine) == 12
    assert all("Explained: " in figure.caption and not figure.method for figure in mine)
