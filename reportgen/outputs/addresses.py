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
        return self.keep(picture.media_type, picture.data)

    def keep(self, media_type: str, data: bytes) -> str:
        """The URL of anything that the page shows, a font for one."""
        url = f"{SCHEME}:{hashlib.sha256(data).hexdigest()}"
        self.held[url] = (media_type, data)
        return url
