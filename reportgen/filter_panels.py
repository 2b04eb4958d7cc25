"""Panels of one filter: images made for it, real crops, and where it answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reportgen import figures
from reportgen.document import NoPicture, Panel, Picture
from reportgen.language import Words
from reportgen.panels import synthetic_panel
from reportgen.phrasing import number, shown_name
from reportgen.results import Crop, FilterStudy, Subject

PIXELS = 176  # of the longer side: eight side by side on A4, at 200 dpi
LONGEST = 24  # characters of a name above a picture: two lines
SMALL = 32  # px up to which a crop is shown pixel by pixel


def made_panels(words: Words, study: FilterStudy) -> Iterator[Panel]:
    """The image made to excite a filter, then further ones that differ from it."""
    yield replace(synthetic_panel(words, study), label=words("filters.panel_made"))
    for n, variant in enumerate(() if study.variants is None else study.variants, 2):
        alt = words("alt.variant", layer=shown_name(study.layer), filter=study.filter, n=n)
        picture = figures.jpeg(figures.fit(figures.filter_picture(variant), PIXELS), alt)
        yield Panel(picture, words("filters.panel_variant", n=n))


def crop_panels(words: Words, study: FilterStudy, kind: str, size: tuple[int, int]) -> Iterator[Panel]:
    """The crops of one kind, strongest first. size: height and width of what is fed."""
    name = words(f"filters.panel_{kind}")
    for n, crop in enumerate(study.cropped(kind), 1):
        label = name if n == 1 else words("filters.panel_numbered", kind=name, n=n)
        yield Panel(_crop(words, crop, size), label, number(crop.activation))


def _crop(words: Words, crop: Crop, size: tuple[int, int]) -> Picture:
    top, bottom, left, right = crop.box
    alt = words(
        f"alt.crop_{crop.kind}",
        name=shown_name(crop.image),
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        activation=number(crop.activation),
    )
    pixels = figures.crop_picture(crop, size)
    if max(pixels.shape[:2]) <= SMALL:
        return figures.png(pixels, alt, pixelated=True)
    return figures.jpeg(figures.fit(pixels, PIXELS), alt)


def where_panels(words: Words, study: FilterStudy, subjects: Sequence[tuple[int, Subject]]) -> Iterator[Panel]:
    """The map on photographs, by their places in the run; full colour is the maximum over all images."""
    top = float(study.measures.get("maximum", 0.0))
    for position, subject in subjects if top > 0 else ():
        maximum = number(study.image_measures[position]["maximum"])
        name = shown_name(subject.image.name)
        alt = words("alt.activation", layer=shown_name(study.layer), filter=study.filter, name=name, maximum=maximum)
        photo = figures.backdrop(subject.image, PIXELS)
        picture = figures.jpeg(figures.activation_outlined(photo, study.activations[position], top), alt)
        yield Panel(picture, _shortened(name), words("filters.detail_most", maximum=maximum))


def _shortened(name: str) -> str:
    """A name that fits above a small picture: its beginning and its end."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2 - 1]}…{name[-LONGEST // 2 :]}"


def nothing_panel(words: Words, study: FilterStudy, why: str) -> Panel:
    """Stands for a filter without pictures."""
    return Panel(NoPicture(why), words("filters.panel_activation", filter=study.filter))
