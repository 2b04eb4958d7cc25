"""What answers live on: how many stand when the picture is made poorer, and what page one and a card say of it."""

from collections.abc import Iterator, Mapping, Sequence

from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.phrasing import (
    SAME_PLACE_LEAST,
    SAME_PLACE_SHARE,
    citing,
    enumerated,
    listing,
    percent,
    said,
    shown_name,
)
from reportgen.results import Cue, Run, Scalar, Subject

Numbers = dict[str, Scalar]

COPIES = ("grey", "swapped", "blurred", "shuffled")
NAMED = 5  # images that a sentence names
MANY = 0.5  # share of the images from which a change is a pattern
FAR = 0.25  # share of the labelled images by which an exchange of channels must help


def numbers(run: Run) -> Numbers:
    """How many answers each copy leaves standing, for `summary` in report.json; absent where none was asked."""
    asked = [each for each in run.subjects if each.cues]
    if not asked:
        return {}
    present = [name for name in COPIES if any(cue.name == name for cue in asked[0].cues)]
    changed = {name: sum(_changed(each, name) for each in asked) for name in present}
    measured: Numbers = {"cues": len(asked)}
    for name, n in changed.items():
        measured |= {f"{name}_changed": n, f"{name}_kept": len(asked) - n}
    measured |= _swapped(asked)
    several = len({each.prediction.first.index for each in asked}) > 1
    # An answer that falls with the details as easily as with the colours tells nothing of colours.
    if several and changed.get("grey", 0) >= max(SAME_PLACE_LEAST, MANY * len(asked), 1 + changed.get("blurred", 0)):
        measured["grey_pattern"] = True
    # A network that always answers the same keeps its answer whatever it is shown.
    if several and int(measured.get("shuffled_kept", 0)) >= max(SAME_PLACE_LEAST, SAME_PLACE_SHARE * len(asked)):
        measured["shuffled_pattern"] = True
    return measured


def warnings(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Iterator[tuple[Sentence, ...]]:
    """For page one, a paragraph each: channels in the wrong order, and answers by colour."""
    if "swapped_pattern" in summary:
        keys = ("summary.swapped_right", "summary.right", "summary.labelled")
        counts = {"swapped": summary["swapped_right"], "right": summary["right"], "total": summary["labelled"]}
        yield (said(words, "pattern.swapped", keys, **counts),)
    if "grey_pattern" in summary:
        changed = [each for each in run.subjects if _changed(each, "grey")]
        told = of_images(words, "grey", ("grey_changed", "cues"), summary, changed)
        yield (told, *_which_colour(words, summary))


def _which_colour(words: Words, summary: Mapping[str, Scalar]) -> Iterator[Sentence]:
    """Whether it counts which colour something has: another one is a greater change than another light."""
    if "swapped_kept" not in summary or "swapped_pattern" in summary:
        return
    kept, total = int(summary["swapped_kept"]), int(summary["cues"])
    keys = ("summary.swapped_kept", "summary.cues")
    if not kept:
        yield said(words, "pattern.grey_every", keys, total=total)
    elif kept < SAME_PLACE_SHARE * total:
        yield said(words, "pattern.grey_which", keys, kept=kept, total=total)
    else:
        yield said(words, "pattern.grey_any", keys, kept=kept, total=total)


def findings(words: Words, summary: Mapping[str, Scalar]) -> Iterator[Sentence]:
    """For page one: what the answers live on, over all images."""
    if "cues" not in summary:
        return
    total = int(summary["cues"])
    kept = {name: summary[f"{name}_kept"] for name in COPIES if f"{name}_kept" in summary}
    keys = ("summary.cues", *(f"summary.{name}_kept" for name in kept))
    told = listing(words, [words(f"pattern.kept_{name}", n=n) for name, n in kept.items()])
    yield citing(words, "pattern.cues", keys, total=total, kept=told)
    if "shuffled_pattern" in summary:
        yield said(words, "pattern.shuffled", ("summary.cues", "summary.shuffled_kept"))


def card(words: Words, subject: Subject, key: str) -> Iterator[Sentence]:
    """For a card: the probability on poorer copies, and what is answered instead."""
    if subject.cues:
        keys = tuple(f"{key}.cues[{n}].probability" for n in range(len(subject.cues)))
        changed = [n for n, cue in enumerate(subject.cues) if _differs(subject, cue)]
        keys += tuple(f"{key}.cues[{n}].answer.{name}" for n in changed for name in ("name", "probability"))
        name = shown_name(subject.prediction.first.name)
        copies = listing(words, [_on_copy(words, subject, cue) for cue in subject.cues])
        yield said(words, "pattern.card", keys, target=name, copies=copies)


def _on_copy(words: Words, subject: Subject, cue: Cue) -> str:
    """The probability on one copy, and the answer where it is another."""
    told = words(f"pattern.card_{cue.name}", probability=percent(cue.probability))
    if not _differs(subject, cue):
        return told
    answer = {"answer": shown_name(cue.answer.name), "probability": percent(cue.answer.probability)}
    return words("pattern.card_changed", copy=told, **answer)


def of_images(
    words: Words, name: str, counts: tuple[str, str], summary: Mapping[str, Scalar], subjects: Sequence[Subject]
) -> Sentence:
    """A pattern of so many images out of all, with their names."""
    n, total = (int(summary[key]) for key in counts)
    key = f"pattern.{name}_all" if n == total else f"pattern.{name}"
    keys = tuple(f"summary.{each}" for each in counts)
    return said(words, key, keys, n=n, total=total, names=names_of(words, subjects))


def names_of(words: Words, subjects: Sequence[Subject]) -> str:
    """The images' names; where there are many, the first few."""
    names = [shown_name(each.image.name) for each in subjects]
    if len(names) <= NAMED:
        return listing(words, names)
    return words("pattern.such_as", names=enumerated(words, names[:NAMED]))


def _swapped(asked: Sequence[Subject]) -> Numbers:
    """How many answers are right with red and blue exchanged, and whether they are by far more than as fed."""
    pairs = [(each, each.prediction.label.index) for each in asked if each.prediction.label]
    answers = [(cue.answer.index, label) for each, label in pairs for cue in each.cues if cue.name == "swapped"]
    if not answers:
        return {}
    right = sum(answer == label for answer, label in answers)
    as_fed = sum(bool(each.prediction.right) for each, _ in pairs)
    pattern: Numbers = {"swapped_pattern": True} if right - as_fed >= max(SAME_PLACE_LEAST, FAR * len(pairs)) else {}
    return {"swapped_right": right, **pattern}


def _changed(subject: Subject, name: str) -> bool:
    return any(cue.name == name and _differs(subject, cue) for cue in subject.cues)


def _differs(subject: Subject, cue: Cue) -> bool:
    return cue.answer.index != subject.prediction.first.index
