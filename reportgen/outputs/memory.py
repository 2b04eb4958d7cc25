"""WeasyPrint's door to the world, kept shut. Imported only when a PDF is drawn: WeasyPrint needs Pango."""

from collections.abc import Mapping

from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from reportgen.outputs.addresses import SCHEME


class MemoryFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint ships no types
    """Hands out the document's pictures and data: URLs; anything else ends the drawing.

    pictures: URL -> (media type, bytes).
    refused: what else was asked for. WeasyPrint swallows even a fatal error inside an SVG image, and a hole in the page
    that is only logged is not enough, so whoever draws must look here. Source: WeasyPrint's chapter on security.
    """

    def __init__(self, pictures: Mapping[str, tuple[str, bytes]]) -> None:
        super().__init__(allowed_protocols=(SCHEME, "data"), allow_redirects=False)
        self._pictures = pictures
        self.refused: list[str] = []

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """The bytes behind a URL of ours. Raises FatalURLFetchingError for every other one."""
        if url in self._pictures:
            media_type, data = self._pictures[url]
            return URLFetcherResponse(url, data, {"Content-Type": media_type})
        if url.lower().startswith("data:"):
            return super().fetch(url, headers)
        self.refused.append(url)
        raise FatalURLFetchingError(url)
