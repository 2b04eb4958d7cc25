"""Rules on the network: dead filters, and whether it was fed as its batch-norms say."""

from reportgen.rules.rule import Evidence, Measured, NotTested, Rule

CONTRADICTED = frozenset({"note.fed_opposed", "note.fed_none"})
UNSURE = frozenset({"note.fed_weak", "note.fed_weak_normalisation", "note.fed_weak_order"})
KEYS = tuple(f"model.input.evidence.{name}" for name in ("order", "normalisation", "chosen"))


def dead_filters(evidence: Evidence) -> Measured | NotTested:
    """Share of the filters studied that answer to none of the images."""
    total = int(evidence.summary.get("filters", 0))
    if not total:
        return NotTested("untested.filters")
    dead = int(evidence.summary["filters_dead"])
    return Measured(dead / total, ("summary.filters_dead", "summary.filters"), facts={"n": dead, "total": total})


def input_contradicted(evidence: Evidence) -> Measured | NotTested:
    """Whether options or convention speak against what the first batch-norm stores."""
    return _noted(evidence, CONTRADICTED)


def input_unsure(evidence: Evidence) -> Measured | NotTested:
    """Whether the first batch-norm does not tell clearly how photographs were fed, and no option does."""
    return _noted(evidence, UNSURE)


def _noted(evidence: Evidence, notes: frozenset[str]) -> Measured | NotTested:
    model = evidence.run.model
    if model.input.evidence is None:
        return NotTested("untested.batch_norm")
    return Measured(float(any(key in notes for key, _ in model.notes)), KEYS)


RULES = (
    Rule("dead_filters", "filters", "at_most", "share", dead_filters),
    Rule("input_contradicted", "input", "at_most", "flag", input_contradicted),
    Rule("input_unsure", "input", "at_most", "flag", input_unsure),
)
