"""Short addresses for pictures, so that the page that WeasyPrint parses is small and holds each picture once."""

import hashlib

from reportgen.document import Picture

SCHEME = "picture"


class Pictures:
    """The pictures of one document under short URLs; the same bytes have the same URL, so the PDF holds them once."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[str, bytes]] = {}

    def source(self, picture: Picture) -> str:
        """The picture's URL, good for MemoryFetcher only."""
        url = f"{SCHEME}:{hashlib.sha256(picture.data).hexdigest()}"
        self.held[url] = (picture.media_type, picture.data)
        return url
