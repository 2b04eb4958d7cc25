"""The appendix: the model layer by layer, every setting, versions and device, the images' fingerprints."""

from collections.abc import Mapping

from reportgen.compose import feeding, reading
from reportgen.document import Paragraph, Section, Sentence, Table
from reportgen.language import Words
from reportgen.phrasing import apart, conversions, enumerated, number, said, shown_name, size_words, whole
from reportgen.results import ForwardFacts, LayerFact, Run, Scalar

KEYS = "precision layout folding folded batch_norms probes distance"


def section(run: Run, words: Words) -> Section:
    """The appendix: four tables, and how the photographs were fed."""
    sections = (
        Section("layers", words("section.layers"), _layers(run, words)),
        *reading.sections(run, words),
        *feeding.sections(run, words),
        Section("settings", words("section.settings"), _settings(run, words)),
        Section("provenance", words("section.provenance"), _provenance(run, words)),
        *([Section("hashes", words("section.hashes"), _hashes(run, words))] if run.subjects else []),
    )
    return Section("appendix", words("section.appendix"), sections=sections, page_break=True)


def _table(words: Words, name: str, columns: str, rows: tuple[tuple[str, ...], ...], align: str) -> Table:
    header = tuple(words(f"appendix.column_{column}") for column in columns.split())
    return Table(f"table-{name}", 0, words(f"appendix.table_{name}"), header, rows, align)


def _layers(run: Run, words: Words) -> tuple[Table | Paragraph, ...]:
    rows = tuple(_layer(words, layer) for layer in run.model.layers)
    table = _table(words, "layers", "layer kind detail parameters", rows, "lllr")
    if any(layer.inferred for layer in run.model.layers):
        return table, Paragraph((said(words, "appendix.inferred"),), "note")
    return (table,)


def _layer(words: Words, layer: LayerFact) -> tuple[str, ...]:
    name = shown_name(layer.name) + "*" * layer.inferred
    assumption = words(layer.assumption) if layer.assumption else ""
    detail = apart(words, [part for part in (shown_name(layer.detail), assumption) if part])
    return name, shown_name(layer.kind), detail, whole(layer.parameters) if layer.parameters else ""


def _settings(run: Run, words: Words) -> tuple[Table | Paragraph, ...]:
    seed = said(words, "appendix.seed", ("provenance.seed",), seed=run.provenance.seed)
    given = {name: value for name, value in run.provenance.settings.items() if str(value)}
    left = [name for name in run.provenance.settings if name not in given]
    keys = tuple(f"provenance.settings.{name}" for name in left)
    told = [said(words, "appendix.not_given", keys, names=enumerated(words, left))] if left else []
    return _table(words, "settings", "setting value", _pairs(given), "ll"), Paragraph((*told, seed))


def _provenance(run: Run, words: Words) -> tuple[Table | Paragraph, ...]:
    provenance, model = run.provenance, run.model
    keys = ("provenance.device", "provenance.precision")
    device = said(words, "appendix.device", keys, device=shown_name(provenance.device), precision=provenance.precision)
    file = said(
        words, "appendix.model", ("model.file", "model.sha256"), file=shown_name(model.file), sha256=model.sha256
    )
    rows = _pairs(provenance.versions)
    passes = _forwards(words, provenance.forwards) if provenance.forwards else ()
    return Paragraph((file, device, *passes)), _table(words, "provenance", "package version", rows, "ll")


def _forwards(words: Words, facts: ForwardFacts) -> tuple[Sentence, ...]:
    """How LIME's passes ran, how far that is from the network itself, and a lower precision that was too far."""
    if not facts.probes:
        return (said(words, "forwards.given", ("provenance.forwards.probes",)),)
    ran = said(
        words,
        "forwards.ran",
        tuple(f"provenance.forwards.{key}" for key in KEYS.split()),
        precision=facts.precision,
        layout=words(f"layout.{facts.layout}"),
        folding=words(f"folding.{facts.folding}", folded=facts.folded, all=facts.batch_norms),
        probes=facts.probes,
        distance=number(facts.distance),
    )
    if facts.rejected is None:
        return (ran,)
    keys = tuple(f"provenance.forwards.{key}" for key in ("rejected", "rejected_distance", "limit"))
    if facts.rejected_distance is None:
        return ran, said(words, "forwards.not_finite", keys[:2], precision=facts.rejected)
    distance, limit = number(facts.rejected_distance), number(facts.limit)
    return ran, said(words, "forwards.too_far", keys, precision=facts.rejected, distance=distance, limit=limit)


def _pairs(facts: Mapping[str, Scalar]) -> tuple[tuple[str, ...], ...]:
    return tuple((name, shown_name(str(value))) for name, value in facts.items())


def _hashes(run: Run, words: Words) -> tuple[Table | Paragraph, ...]:
    rows = []
    for subject in run.subjects:
        image = subject.image
        rows.append((shown_name(image.name), size_words(words, image), conversions(words, image), image.sha256))
    return (_table(words, "hashes", "image size conversions sha", tuple(rows), "llll"),)
