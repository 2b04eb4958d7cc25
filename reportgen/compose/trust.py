"""How far each picture can be believed: the chip below it, sentences on its card and on page one, tables of checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median_low

from reportgen.compose import agreeing, installation, pointing
from reportgen.document import Block, Chip, Panel, Paragraph, Section, Sentence, Table
from reportgen.language import Words
from reportgen.panels import Found, target_words
from reportgen.phrasing import citing, coefficient, compared, counted, listing, paragraph, percent, said
from reportgen.results import CheckResult, Explanation, Run, Scalar, Verdict
from reportgen.verdicts import (
    AGREEMENT,
    FAITHFULNESS,
    LEAD,
    MARGIN,
    OBJECT,
    RANDOMISATION,
    ROAD,
    SILENT,
    STABILITY,
    STATES,
    State,
)

ANCHOR = "verdicts"
ENOUGH = 0.5  # of probability, which an answer keeps without what a picture marks, from which the rest is enough for it
COLUMNS = (FAITHFULNESS, ROAD, STABILITY, AGREEMENT, OBJECT)  # checks of single pictures, in the table of all
EXPLAINED = (ROAD, RANDOMISATION, STABILITY, AGREEMENT, OBJECT)  # beside faithfulness
Numbers = dict[str, Scalar]


def judged(run: Run) -> tuple[Found, ...]:
    """All explanations that have a verdict, image by image."""
    return tuple(
        Found(subject, explanation, f"images[{i}].explanations[{j}]")
        for i, subject in enumerate(run.subjects)
        for j, explanation in enumerate(subject.explanations)
        if explanation.verdict
    )


def verdict_of(item: Found) -> Verdict:
    """The verdict of an explanation that has one. Raises ValueError where there is none."""
    if item.explanation.verdict is None:
        raise ValueError(f"{item.key} was not judged")
    return item.explanation.verdict


def marked(panel: Panel, words: Words, explanation: Explanation) -> Panel:
    """The panel with the verdict below it, where there is one."""
    verdict = explanation.verdict
    return replace(panel, chip=Chip(verdict.state, chip_text(words, verdict), ANCHOR)) if verdict else panel


def chip_text(words: Words, verdict: Verdict) -> str:
    """The verdict with the number that decided it and what that was held against."""
    state = words(f"verdict.{verdict.state}")
    measure = words(f"verdict.measure_{verdict.decided}")
    numbers = _compared(verdict.deciding)
    return words("verdict.chip", state=state, measure=measure, numbers=numbers) if numbers else state


def _compared(result: CheckResult) -> str:
    """What was measured and what it was held against; empty where nothing was."""
    return compared(result.value, result.threshold) if result.value is not None and result.threshold is not None else ""


def sentences(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    """For a card: which of its pictures hold, which do not; the best state first. The chips have the numbers."""
    told = [item for item in items if item.explanation.verdict and item.ok]
    for state in STATES:
        group = [item for item in told if verdict_of(item).state == state]
        if group and state not in SILENT:
            keys = tuple(key for item in group for key in _keys(item))
            named = listing(words, [_method(words, item) for item in group])
            yield counted(words, f"trust.card_{state}", len(group), keys, pictures=named)
    untested = [item for item in told if verdict_of(item).state == "not_tested"]
    for reason in dict.fromkeys(verdict_of(item).deciding.reason for item in untested):
        group = [item for item in untested if verdict_of(item).deciding.reason == reason]
        named = listing(words, [_method(words, item) for item in group])
        keys = tuple(f"{item.key}.verdict.state" for item in group)
        yield said(words, "trust.card_not_tested", keys, pictures=named, why=words(reason))
    yield from pointing.sentences(words, told)
    if told and told[0].explanation.target.leads:
        yield from agreeing.sentences(words, told[0])


def _keys(item: Found) -> tuple[str, ...]:
    position = verdict_of(item).checks.index(verdict_of(item).deciding)
    start = f"{item.key}.verdict"
    return f"{start}.state", f"{start}.checks[{position}].value", f"{start}.checks[{position}].threshold"


def _method(words: Words, item: Found) -> str:
    return words(f"method.{item.explanation.method}")


def numbers(run: Run) -> Numbers:
    """How many pictures got which verdict, for `summary` in report.json; of the predicted class, as all of it."""
    told = [item for item in judged(run) if item.explanation.target.leads]
    if not told:
        return {}
    states = [verdict_of(item).state for item in told]
    tested = len(states) - sum(state in SILENT for state in states)
    counts: Numbers = {f"verdicts_{state}": states.count(state) for state in STATES}
    share: Numbers = {"supported_share": states.count("supported") / tested} if tested else {}
    return {"verdicts": len(states), "verdicts_tested": tested, **counts, **share}


def warnings(run: Run, words: Words) -> Iterator[tuple[Sentence, ...]]:
    """For page one, a paragraph each: a network without evidence, and methods that do not show it."""
    if told := tuple(_without_evidence(run, words)):
        yield told
    for position, each in enumerate(run.method_checks):
        if each.result.state == "fails":
            key = f"method_checks[{position}].result"
            fails = said(
                words,
                f"trust.fails_{each.result.check}",
                (f"{key}.value", f"{key}.threshold"),
                method=words(f"method.{each.method}"),
                numbers=_compared(each.result),
            )
            yield (fails,)
    yield from ((sentence,) for sentence in agreeing.warnings(run, words))


def _without_evidence(run: Run, words: Words) -> Iterator[Sentence]:
    """Where faithfulness supports nothing; what follows from other checks speaks of the methods, not of the network."""
    results = dict(_tested(run))
    states = [each.state for each in results.values()]
    keys = tuple(f"{key}.state" for key in results)
    if not states or "supported" in states:
        return
    if weak := states.count("weak"):
        yield counted(words, "trust.none_but_weak", weak, keys, total=len(states))
    elif all(_still(each) for each in results.values()):
        yield counted(words, "trust.none_still", len(states), (*keys, "presentation.gap_margin"), margin=MARGIN)
        return
    elif "indistinct" not in states:
        yield counted(words, "trust.none_fail", len(states), keys)
        return
    else:
        yield counted(words, "trust.none", len(states), keys)
    yield from _why_blind(words, results)


def _why_blind(words: Words, results: Mapping[str, CheckResult]) -> Iterator[Sentence]:
    """Why the test may find nothing: the rest is enough for the answers, or what it shows alone is too little."""
    kept, kept_keys = _median(results, "deletion")
    back, back_keys = _median(results, "insertion")
    if kept >= ENOUGH:
        yield said(words, "trust.none_kept", kept_keys, kept=percent(kept))
    elif back < MARGIN:
        yield said(words, "trust.none_alone", back_keys, back=percent(back))


def _median(results: Mapping[str, CheckResult], name: str) -> tuple[float, tuple[str, ...]]:
    """A measure of the median picture, and where report.json holds it."""
    values = {f"{key}.measures.{name}": float(each.measures[name]) for key, each in results.items()}
    middle = median_low(values.values())
    return middle, tuple(key for key, value in values.items() if value == middle)


def _tested(run: Run) -> Iterator[tuple[str, CheckResult]]:
    """What faithfulness says of the pictures of the class explained, where it says anything."""
    for item in _predicted(judged(run)):
        checks = verdict_of(item).checks
        for position, each in enumerate(checks):
            if each.check == FAITHFULNESS and each.state not in SILENT:
                yield f"{item.key}.verdict.checks[{position}]", each


def _still(result: CheckResult) -> bool:
    """Whether hardly anything moves the answer: neither the picture's gap nor the widest of a control is wide."""
    return max(abs(float(result.value or 0.0)), abs(float(result.measures["control"]))) < MARGIN


def summary_sentences(words: Words, summary: Mapping[str, Scalar]) -> Iterator[Sentence]:
    """For page one: how many pictures can be believed, and of how many that cannot be told."""
    tested, supported = (int(summary.get(f"verdicts_{name}", 0)) for name in ("tested", "supported"))
    keys = ("summary.verdicts_tested", "summary.verdicts_supported")
    if tested == supported == 1:
        yield said(words, "trust.summary_single", keys)
    elif tested == supported > 1:
        yield said(words, "trust.summary_every", keys, total=tested)
    elif supported:
        yield counted(words, "trust.summary", supported, keys, total=tested)
    if supported and (open_ := int(summary["verdicts_indistinct"])):
        yield counted(words, "trust.summary_open", open_, ("summary.verdicts_indistinct",))


def explained(run: Run) -> tuple[str, ...]:
    """Sentences that say how was tested, one for each check that was made."""
    made = {check.check for item in judged(run) for check in verdict_of(item).checks}
    made |= {each.result.check for each in run.method_checks}
    return ("trust.what", *(f"trust.what_{name}" for name in EXPLAINED if name in made)) if judged(run) else ()


def section(run: Run, words: Words) -> Section | None:
    """What was tested and how, method by method, and every picture in one table; None where nothing was judged."""
    items = judged(run)
    if not items:
        return None
    blocks: list[Block] = [
        paragraph(words, "what", *_how(run, words)),
        Paragraph(tuple(said(words, f"trust.state_{state}") for state in _present(items))),
        _methods(run, words, items),
        _pictures(words, items),
        *([on_object] if (on_object := pointing.table(words, _predicted(items))) else []),
        *installation.known(run, words),
    ]
    return Section(ANCHOR, words("section.verdicts"), tuple(blocks))


def _predicted(items: Sequence[Found]) -> list[Found]:
    return [item for item in items if item.explanation.target.leads]


def _how(run: Run, words: Words) -> Iterator[Sentence]:
    first, *others = explained(run)
    yield citing(words, first)
    yield said(
        words,
        "trust.held",
        ("presentation.gap_lead", "presentation.gap_margin"),
        lead=percent(LEAD),
        margin=coefficient(MARGIN),
    )
    yield from (citing(words, key) for key in others)


def _present(items: Sequence[Found]) -> tuple[State, ...]:
    present = {verdict_of(item).state for item in items}
    return tuple(state for state in STATES if state in present)


def _methods(run: Run, words: Words, items: Sequence[Found]) -> Table:
    names = tuple(dict.fromkeys(item.explanation.method for item in items))
    header = tuple(words(f"trust.column_{column}") for column in ("method", "tested", "supported", "randomisation"))
    rows = tuple(_method_row(run, words, name, [i for i in items if i.explanation.method == name]) for name in names)
    return Table("verdicts-methods", 0, words("trust.table_methods"), header, rows, "lrrl")


def _method_row(run: Run, words: Words, name: str, items: Sequence[Found]) -> tuple[str, ...]:
    states = [verdict_of(item).state for item in items]
    tested = len(states) - sum(state in SILENT for state in states)
    randomised = [each.result for each in run.method_checks if each.method == name]
    said_of_it = _cell(words, randomised[0]) if randomised else words("status.empty")
    return words(f"method.{name}"), str(tested), str(states.count("supported")), said_of_it


def _pictures(words: Words, items: Sequence[Found]) -> Table:
    columns = [name for name in COLUMNS if any(verdict_of(item).check(name) for item in items)]
    header = tuple(words(f"trust.column_{name}") for name in ("image", "class", "method", "verdict", *columns))
    rows = tuple(_row(words, item, columns) for item in items)
    return Table("verdicts-table", 0, words("trust.table"), header, rows, "llll" + "l" * len(columns))


def _row(words: Words, item: Found, columns: Sequence[str]) -> tuple[str, ...]:
    verdict = verdict_of(item)
    results = (verdict.check(name) for name in columns)
    cells = (_cell(words, each) if each else words("status.empty") for each in results)
    start = (item.name, target_words(words, item.explanation.target), _method(words, item))
    return (*start, words(f"verdict.{verdict.state}"), *cells)


def _cell(words: Words, result: CheckResult) -> str:
    """A check in a table: what was measured and what that was held against, or why nothing was."""
    return _compared(result) or words(result.reason)
