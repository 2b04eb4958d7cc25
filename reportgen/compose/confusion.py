"""Which class was taken for which: the confusion matrix, and a list of pairs where it would be too wide."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from reportgen.document import Matrix, MatrixCell, MatrixRow, Table
from reportgen.language import Words
from reportgen.phrasing import percent, shown_name
from reportgen.results import Prediction, Run

NAMED = 8  # columns that bear names; more bear numbers, which the rows explain
WIDEST = 16  # columns that fit on a page
PAIRS = 20
STEPS = 5  # of heat
Pair = tuple[int, int]  # index of the label, index of the answer


def confusion(run: Run, words: Words) -> Matrix | Table | None:
    """The matrix over the classes that occur; None where fewer than two labelled images or classes do."""
    known = [subject.prediction for subject in run.subjects if subject.prediction.label]
    names = {ranked.index: ranked.name for each in known for ranked in (each.first, each.label) if ranked}
    counts = counted_pairs(known)
    if len(known) < 2 or len(names) < 2:
        return None
    if len(names) > WIDEST:
        return _pairs(words, counts, names)
    classes = sorted(names)
    shown = [shown_name(names[each]) for each in classes]
    if len(classes) > NAMED:
        shown = [f"{n} {name}" for n, name in enumerate(shown, 1)]
    columns = shown if len(classes) <= NAMED else [str(n) for n in range(1, len(shown) + 1)]
    labels = {label for label, _ in counts}
    rows = [_row(name, each, classes, counts) for name, each in zip(shown, classes, strict=True) if each in labels]
    caption = words("confusion.caption" if len(classes) <= NAMED else "confusion.caption_numbers", n=len(known))
    return Matrix(
        "confusion", 0, caption, words("confusion.corner"), tuple(columns), words("confusion.share"), tuple(rows)
    )


def counted_pairs(predictions: Sequence[Prediction]) -> Counter[Pair]:
    """How often each label got each answer."""
    return Counter((each.label.index, each.first.index) for each in predictions if each.label)


def _row(name: str, label: int, classes: Sequence[int], counts: Mapping[Pair, int]) -> MatrixRow:
    total = sum(counts[label, each] for each in classes)
    cells = (
        MatrixCell(str(counts[label, each]), math.ceil(STEPS * counts[label, each] / total), each == label)
        for each in classes
    )
    return MatrixRow(name, tuple(cells), percent(counts[label, label] / total))


def _pairs(words: Words, counts: Mapping[Pair, int], names: Mapping[int, str]) -> Table | None:
    """The most frequent errors, one a row; None where there is none."""
    wrong = {pair: n for pair, n in counts.items() if pair[0] != pair[1]}
    if not wrong:
        return None
    ranked = sorted(wrong, key=lambda pair: (-wrong[pair], pair))[:PAIRS]
    rows = tuple((shown_name(names[a]), shown_name(names[b]), str(wrong[a, b])) for a, b in ranked)
    header = tuple(words(f"confusion.column_{name}") for name in ("label", "answer", "images"))
    caption = words("confusion.pairs", shown=len(rows), total=len(wrong))
    return Table("confusion", 0, caption, header, rows, "llr")
