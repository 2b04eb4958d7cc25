"""WeasyPrint's door to the world, kept shut. Imported only when a PDF is drawn: WeasyPrint needs Pango."""

import hashlib
from collections.abc import Mapping

from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from reportgen.document import Picture

SCHEME = "picture"


class Pictures:
    """The pictures of one document under short URLs; the same bytes have the same URL, so the PDF holds them once."""

    def __init__(self) -> None:
        self.held: dict[str, Picture] = {}

    def source(self, picture: Picture) -> str:
        """The picture's URL, good for the fetcher only."""
        url = f"{SCHEME}:{hashlib.sha256(picture.data).hexdigest()}"
        self.held[url] = picture
        return url


class MemoryFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint ships no types
    """Hands out the document's pictures and data: URLs; anything else ends the drawing.

    refused: what else was asked for. WeasyPrint swallows even a fatal error inside an SVG image, and a hole in the page
    that is only logged is not enough, so whoever draws must look here. Source: WeasyPrint's chapter on security.
    """

    def __init__(self, pictures: Mapping[str, Picture]) -> None:
        super().__init__(allowed_protocols=(SCHEME, "data"), allow_redirects=False)
        self._pictures = pictures
        self.refused: list[str] = []

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """The bytes behind a URL of ours. Raises FatalURLFetchingError for every other one."""
        if url in self._pictures:
            picture = self._pictures[url]
            return URLFetcherResponse(url, picture.data, {"Content-Type": picture.media_type})
        if url.lower().startswith("data:"):
            return super().fetch(url, headers)
        self.refused.append(url)
        raise FatalURLFetchingError(url)
