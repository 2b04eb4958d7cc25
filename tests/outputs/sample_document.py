"""A report as `compose` makes them, from invented results: every kind of block, a failure, names of all sorts."""

from collections.abc import Iterable
from dataclasses import replace

from sample_pictures import activation, photo, photograph, saliency

from reportgen import figures
from reportgen.document import (
    Answer,
    Bar,
    Bars,
    Card,
    Choice,
    Controls,
    Figure,
    Matrix,
    MatrixCell,
    MatrixRow,
    NoPicture,
    Option,
    Overview,
    OverviewItem,
    Panel,
    Paragraph,
    Reference,
    ReportDocument,
    ScaleBar,
    Section,
    Sentence,
    Table,
)
from reportgen.language import load_words

NAMES = ("0_12.jpg", "scenes/striped disc/1.jpg", "展覽/夜市小吃.jpg", "IMG_20240811_181502_edited_final.jpeg")
CLASSES = ("striped disc", "checkered square", "ring", "plus", "triangle", "star")


def report(
    names: Iterable[str] = NAMES, title: str = "What honest.pth looks at", language: str = "en"
) -> ReportDocument:
    """The report on images of these names."""
    listed = tuple(names)
    return ReportDocument(
        language=language,
        title=title,
        subtitle=f"Saliency maps, filter visualisation and LIME on {len(listed)} images",
        byline=("Lin Mei-Hua (林美華)", "Student number: B08901000", "Model: honest.pth, SHA-256 5f1c09ab7741"),
        running_head=f"{title} · Lin Mei-Hua",
        sections=(
            _summary(listed),
            _failures(),
            _cards(listed),
            _saliency(listed),
            _filters(listed),
            _appendix(listed),
        ),
        references=_references(),
        facts={"generator": "reportgen", "images": [{"file": name} for name in listed], "summary": {"accuracy": 0.75}},
        words=load_words("en").table("page"),
        author="Lin Mei-Hua (林美華)",
    )


def small() -> ReportDocument:
    """A document of one page, for what does not depend on its content."""
    whole = report(NAMES[:1])
    return replace(whole, sections=whole.sections[1:2])


def _said(*texts: str) -> tuple[Sentence, ...]:
    return tuple(Sentence(text, ("images[0].explanations[0].measures.half_area",)) for text in texts)


def _scale(kind: str, label: str) -> ScaleBar:
    return ScaleBar(figures.colour_bar(kind, f"Colour scale from 0 to 1: {label}."), "0", "1", label)


def _summary(names: tuple[str, ...]) -> Section:
    items = tuple(
        OverviewItem(
            f"image-{i}",
            figures.jpeg(figures.fit(photograph(i), 112), f"Photograph {name}, small."),
            name,
            f"{CLASSES[i % 6]}, 9{i % 10}%",
            ("right", "wrong", "unknown")[i % 3],
            "confident error" if i % 3 == 1 else "",
        )
        for i, name in enumerate(names)
    )
    blocks = (
        Paragraph(
            _said(
                "honest.pth was read as a course-shaped network: 23 layers, 152,310 parameters, 6 classes.",
                "It was fed 128 x 128 pixels in RGB order, scaled to [0, 1].",
            ),
            heading="The model.",
        ),
        Paragraph(
            _said(
                "Of 4 labelled images it answers 3 as labelled (75%).",
                "On the median image, half of the saliency for the predicted class lies in 4.2% of the pixels; evenly "
                "spread it would take 50%.",
                "LIME's linear model explains 0.81 of the variation on the median image (R², from 0.55 to 0.93).",
            ),
            tone="finding",
            heading="The answers.",
        ),
        Paragraph(
            _said(
                "On 3 of 4 images LIME's heaviest region lies in the lower right. If the objects do not all lie there, "
                "look for a mark, a border or a background that the network has learned instead."
            ),
            tone="warning",
        ),
        Overview(items, "The worst first."),
        _matrix(),
        Paragraph(_said("The folders' names are the labels: they match the class names."), tone="note"),
    )
    return Section("summary", "Summary", blocks)


def _matrix() -> Matrix:
    def row(name: str, *counts: int) -> MatrixRow:
        hit = CLASSES.index(name)
        cells = (MatrixCell(str(n), min(n, 5), place == hit) for place, n in enumerate(counts))
        return MatrixRow(name, tuple(cells), "50%")

    rows = (row("striped disc", 3, 1), row("checkered square", 0, 5))
    return Matrix("matrix", 5, "Which was taken for which.", "Label, answer", CLASSES[:2], "As labelled", rows)


def _failures() -> Section:
    rows = (
        ("broken.jpg", "the file ends after 14 of 40 kB", "Copy it again from where it came from"),
        ("x" * 300 + ".png", "the method failed on this image", "See the method's limits; the other methods stand"),
    )
    table = Table("table-1", 1, "Each of these cost only itself.", ("What", "Why", "What to do"), rows, "lll")
    gap = Answer("Author's answer", "", "No answer yet: write it below the heading # Filter visualisation in notes.md.")
    return Section("failures", "What failed", (table, gap))


def _cards(names: tuple[str, ...]) -> Section:
    cards = tuple(_card(i, name, len(names)) for i, name in enumerate(names))
    return Section("images", "Image by image", (_controls(),), cards)


def _controls() -> Controls:
    outcomes = (Option("", "all"), Option("right", "right"), Option("wrong", "wrong"), Option("unknown", "no label"))
    classes = (Option("", "all"), *(Option(f"c{n}", name) for n, name in enumerate(CLASSES)))
    orders = tuple(Option(str(n), name) for n, name in enumerate(("as given", "worst first")))
    return Controls((Choice("Answer", outcomes), Choice("Class", classes)), Choice("Order", orders))


def _card(number: int, name: str, total: int) -> Section:
    first = (
        Panel(
            photo(number, name),
            "Original",
            "128 x 128 px; turned upright as its EXIF tag says",
            anchor=f"image-{number}/original",
        ),
        Panel(
            saliency(number, f"Saliency of {name}: half of it in 4% of the pixels."),
            "Saliency: ring",
            "maximum 3.71",
            anchor=f"image-{number}/saliency",
        ),
        Panel(activation(number, f"Activation on {name}, at most 2.4."), "cnn.12, filter 5", "maximum 2.4"),
        Panel(photo(number + 40, name), "LIME: ring (a class whose name needs two lines)", "R² 0.81, 73 superpixels"),
    )
    no = NoPicture("The gradient is zero everywhere: no small change of any pixel moves this score.")
    second = (
        Panel(photo(number, name), "Original"),
        Panel(no, "Saliency: star (label)"),
        Panel(activation(number + 9, f"Activation on {name}, at most 1.1."), "cnn.12, filter 7", "maximum 1.1"),
        Panel(photo(number + 50, name), "LIME: star (label)", "R² 0.55, 73 superpixels"),
    )
    wrong = number % 3 == 1
    figure = Figure(
        f"figure-{number + 1}",
        number + 1,
        f"{name}: the photograph, where the saliency for the class lies, where a filter answers, and which regions "
        "LIME weighs. Orange regions speak for the class, blue hatched ones against it.",
        (first, second) if wrong else (first,),
        method="Saliency: |d logit / d pixel|, largest channel, full colour at the 99th percentile. LIME: 1000 "
        "samples, fill the image's mean colour, probability.",
    )
    tones = ("predicted", "label", "other", "other", "other") if wrong else ("both", "other", "other", "other", "other")
    shares = (0.872, 0.061, 0.034, 0.021, 0.004)
    bars = Bars(
        "Probabilities of the best classes",
        tuple(
            Bar(CLASSES[(number + i) % 6], share, f"{100 * share:.1f}%", tone)  # type: ignore[arg-type]  # literals
            for i, (share, tone) in enumerate(zip(shares, tones, strict=True))
        ),
    )
    text = Paragraph(
        _said(
            "The network answers ring with 87%, and the label agrees; plus comes second with 6.1%.",
            "Half of the saliency for ring lies in 4.2% of the pixels, centred in the upper left; the strongest tenth "
            "of the pixels holds 71%.",
            "The region that counts most for ring is number 1, in the upper left, 3.9% of the image: showing it, "
            "instead of hiding it, raises the linear model's probability by +0.31.",
            "64% of the saliency falls into the regions that LIME finds supportive, which cover 11% of the image.",
        )
    )
    outcome = ("right", "wrong", "unknown")[number % 3]
    facts = Card((outcome, f"c{number % 6}"), (number, total - 1 - number))
    return Section(f"image-{number}", name, (figure, bars, text), card=facts)


def _saliency(names: tuple[str, ...]) -> Section:
    columns = min(len(names), 5)
    photos = tuple(Panel(photo(i, name), name) for i, name in enumerate(names[:columns]))
    maps = tuple(
        Panel(saliency(i, f"Saliency of {name}."), CLASSES[i % 6], f"maximum {3.7 - i / 2:.2f}")
        for i, name in enumerate(names[:columns])
    )
    figure = Figure(
        "figure-saliency",
        21,
        "Above, the photographs; below, the saliency maps for the class named.",
        (photos, maps),
        method="|d logit / d pixel|, largest channel; full colour at the 99th percentile of each map.",
        scales=(_scale("saliency", "share of each map's 99th percentile"),),
    )
    what = Paragraph(
        _said(
            "A saliency map asks, for each pixel: if this pixel changed a little, how much would the score of the "
            "class change?",
            "The map is the size of the gradient of the class's logit with respect to the pixel.",
        ),
        heading="What it is.",
    )
    limits = Paragraph(
        _said(
            "A gradient is local: it tells what an infinitely small change would do, not what the network would answer "
            "without the region (Adebayo et al. 2018)."
        ),
        heading="Limits.",
    )
    shows = Paragraph(
        _said("Half of the saliency lies in 3.1% to 9.8% of the pixels."),
        tone="finding",
        heading="What these pictures show.",
    )
    rows = tuple(
        (name, CLASSES[i % 6], f"{3.7 - i / 2:.2f}", "4.2%", "71%", "19%", "in the upper left")
        for i, name in enumerate(names)
    )
    header = ("Image", "Class explained", "Maximum", "Half lies in", "In the top tenth", "In the border", "Centre")
    table = Table("table-2", 2, "What was measured on the saliency maps.", header, rows, "llrrrrl")
    words = "The map follows **the ring**, see [the paper](https://arxiv.org/abs/1312.6034) and `code`:"
    answer = Answer("Author's answer", f"{words}\n\n- edges\n- *gaps*")
    return Section("saliency", "Saliency maps", (what, answer, figure, shows, table, limits))


def _filters(names: tuple[str, ...]) -> Section:
    def row(number: int) -> tuple[Panel, ...]:
        synthetic = Panel(photo(number + 70, "made"), f"Filter {number}: synthetic", "answer 7.31")
        maps = (
            Panel(activation(number + i, f"Activation of filter {number}."), f"Filter {number}", "maximum 2.4")
            for i in range(3)
        )
        return (synthetic, *maps)

    dead = tuple(
        Panel(NoPicture("This filter answers to none of these images: it is dead here."), "Filter 9") for _ in range(4)
    )
    photos = tuple(Panel(photo(i, name), name) for i, name in enumerate(names[:3]))
    head = (Panel(NoPicture(""), ""), *photos)
    figure = Figure(
        "figure-filters",
        22,
        "Layer cnn.12: for each filter the synthetic image that excites it, then its activation on the photographs.",
        (head, row(5), row(7), dead),
        scales=(_scale("activation", "share of the filter's maximum"), _scale("weights", "weight")),
    )
    chart = figures.weights_chart(["1", "2", "3"], [0.31, 0.12, -0.08], "Weights: 1: +0.31; 2: +0.12; 3: −0.08.")
    pair = Figure(
        "figure-regions",
        23,
        "Regions that LIME weighs, numbered from the heaviest, and their weights.",
        ((Panel(photo(3, "regions"), "Regions"), Panel(chart, "Weights")),),
    )
    layer = Section("layer", "Layer cnn.12", (figure,), (Section("layer-deep", "A heading deeper still", (pair,)),))
    return Section("filters", "Filter visualisation and activations", sections=(layer,))


def _appendix(names: tuple[str, ...]) -> Section:
    settings = Table(
        "table-3", 3, "Every setting.", ("Setting", "Value"), (("seed", "16"), ("lime_samples", "1000")), "ll"
    )
    hashes = Table(
        "table-4",
        4,
        "The images and their fingerprints.",
        ("Image", "SHA-256", "Size"),
        tuple((name, f"{i:064x}", "128 x 128") for i, name in enumerate(names)),
        "llr",
    )
    sections = (
        Section("settings", "Settings", (settings,)),
        Section("hashes", "The images", (hashes,)),
    )
    return Section("appendix", "Appendix", sections=sections, page_break=True)


def _references() -> tuple[Reference, ...]:
    return (
        Reference(
            "adebayo2018",
            "J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim. Sanity Checks for Saliency "
            "Maps. NeurIPS, 2018.",
            "https://arxiv.org/abs/1810.03292",
        ),
        Reference(
            "erhan2009", "D. Erhan, Y. Bengio, A. Courville, P. Vincent. Visualizing Higher-Layer Features. 2009."
        ),
    )
