"""Style sheets and scripts without what only people read. Made for the built-in ones, and no more than they need."""

import re
from collections.abc import Collection, Iterator

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND = re.compile(r"\s*([{};,>])\s*")  # not the colon: `a :hover` selects others than `a:hover`
_COLON = re.compile(r"([a-z-]): ")
_ZERO = re.compile(r"(?<![\w.#])0(\.\d)")
_SEPARATE = re.compile(r",(?![^(]*\))")  # a comma of a list of selectors, not one inside :is()
_INSIDE = re.compile(r"\([^)]*\)|\[[^]]*\]")  # of :is() one is enough, and attributes are no elements
_ELEMENT = re.compile(r"(?<![\w.:#-])([a-z][a-z0-9]*)(?![\w(-])")
_QUOTED = re.compile(r"""("[^"\n]*"|'[^'\n]*'|`[^`\n]*`)""")
_SIGNS = re.compile(r"\s*([=(){}\[\];,?:<>!&|+*/-])\s*")


def slim_style(text: str) -> str:
    """The same rules in fewer bytes. No quoted text may hold a comment, a bracket or two spaces."""
    short = _AROUND.sub(r"\1", " ".join(_COMMENT.sub("", text).split()))
    return _ZERO.sub(r"\1", _COLON.sub(r"\1:", short)).replace(";}", "}").strip()


def used_only(style: str, names: Collection[str], language: str) -> str:
    """The rules of a slim style sheet that can apply to a page with these classes and elements in this language."""

    def applies(selector: str) -> bool:
        tongues = re.findall(r":lang\(([^)]*)\)", selector)
        asked = re.findall(r"\.([a-z][\w-]*)", selector) + _ELEMENT.findall(_INSIDE.sub("", selector))
        return set(asked) <= set(names) and all(f"{language}-".startswith(f"{tongue}-") for tongue in tongues)

    kept = []
    for head, body in _blocks(style):
        if head.startswith("@media"):
            inside = used_only(body, names, language)
            kept += [f"{head}{{{inside}}}"] if inside else []
        else:
            selectors = [each for each in _SEPARATE.split(head) if applies(each)]
            kept += [f"{','.join(selectors)}{{{body}}}"] if selectors else []
    return "".join(kept)


def _blocks(style: str) -> Iterator[tuple[str, str]]:
    """What stands before each outermost pair of braces, and in it."""
    depth = start = opened = 0
    for place, sign in enumerate(style):
        if sign == "{":
            depth += 1
            opened = place if depth == 1 else opened
        elif sign == "}":
            depth -= 1
            if depth == 0:
                yield style[start:opened], style[opened + 1 : place]
                start = place + 1


def slim_script(text: str) -> str:
    """The same statements in fewer bytes.

    Each ends in a semicolon or a brace; comments have lines of their own, and no quote or regular expression within.
    """
    lines = (line for line in text.splitlines() if not line.strip().startswith("//"))
    parts = _QUOTED.split("\n".join(lines))
    return "".join(
        part if n % 2 else _SIGNS.sub(r"\1", " ".join(f"|{part}|".split())[1:-1]) for n, part in enumerate(parts)
    ).strip()
