"""The codes of the languages that a report can be in, and what people write for them."""

import difflib
from typing import Any, Literal

Language = Literal["en", "zh-Hant", "zh-Hans"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-Hant", "zh-Hans")
# Other codes for the same languages; a bare "zh" says too little.
_MEANT = {
    "zh-tw": "zh-Hant", "zh-hk": "zh-Hant", "zh-mo": "zh-Hant", "zh-cn": "zh-Hans", "zh-sg": "zh-Hans",
    "zh": "zh-Hant or zh-Hans", "chinese": "zh-Hant or zh-Hans", "english": "en",
}  # fmt: skip


def known_language(value: Any) -> Any:  # noqa: ANN401 - whatever was given
    """Accept any case; name the language that another code for it means."""
    written = str(value).replace("_", "-").lower()
    known = {code.lower(): code for code in LANGUAGES}
    if written in known or not isinstance(value, str):
        return known.get(written, value)
    meant = _MEANT.get(written) or next(iter(difflib.get_close_matches(written, known, n=1)), "")
    hint = f"did you mean {known.get(meant, meant)}?" if meant else f"choose one of {', '.join(LANGUAGES)}"
    raise ValueError(f"there is no such language; {hint}")
