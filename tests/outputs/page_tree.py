"""A page as an HTML parser sees it; and a document taken apart."""

import base64
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

import tinyhtml5  # type: ignore[import-untyped]  # ships no types

from reportgen.document import Picture

# What is not text for a reader: identifiers, and words that choose how something is set.
NOT_TEXT = {"anchor", "token", "tokens", "key", "kind", "tone", "align", "language", "media_type"}


def parse(page: bytes) -> Element:
    """The page's <html>, tags without their namespace."""
    root: Element = tinyhtml5.parse(page.decode())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text(element: Element) -> str:
    """All text inside, each run of white space as one space."""
    return " ".join("".join(element.itertext()).split())


def of_class(root: Element, name: str) -> Iterator[Element]:
    """The elements of a class."""
    return (element for element in root.iter() if name in element.get("class", "").split())


def image_bytes(source: str) -> bytes:
    """The bytes in a data: URL."""
    return base64.b64decode(source.partition(";base64,")[2], validate=True)


def with_text(value: Any, words: str) -> Any:  # noqa: ANN401 - any part of a document
    """The same document with these words in every slot that holds text."""
    if isinstance(value, str):
        return words
    if isinstance(value, tuple):
        return tuple(with_text(item, words) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        slots = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        new = {name: with_text(slot, words) for name, slot in slots.items() if name not in NOT_TEXT}
        return dataclasses.replace(value, **new)
    if isinstance(value, Mapping):
        return {key: with_text(slot, words) for key, slot in value.items()}
    return value


def pictures(part: Any) -> list[Picture]:  # noqa: ANN401 - any part of a document
    """All pictures below, in order."""
    if isinstance(part, Picture):
        return [part]
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        return [found for slot in dataclasses.fields(part) for found in pictures(getattr(part, slot.name))]
    return [found for item in part for found in pictures(item)] if isinstance(part, tuple) else []
