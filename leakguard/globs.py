"""Globs on paths, translated to one compiled `re` that needs no backtracking between components.

Used for `--include`/`--exclude` and for a rule's `paths`. Imports nothing of the project, reads no file, knows no
current directory: a pure function of pattern and path. May be imported by everything.

What a glob means (paths and globs use `/` on every system; case matters everywhere):

* `*`, `?` and `[a-z]`, `[!a-z]` match within one component, names that start with a dot too; `\\` takes the next
  character as it is. There are no braces, no `[[:alpha:]]` and no negation.
* `**` as a whole component matches any number of components, none included: `**/x`, `a/**/b`. `dir/**` is
  everything below `dir`. Anywhere else `**` is `*`.
* A glob without a slash matches any component: `*.lock` fits `a/b/poetry.lock`, `node_modules` fits
  `web/node_modules/left-pad/index.js`.
* A glob with a slash starts where the path starts (a leading `./` counts on neither side); `/x` fits absolute paths.
* A glob that fits a directory fits everything below it: `src/gen` and `src/gen/` fit `src/gen/a/b.py`. With the
  slash at its end it fits directories only. A directory itself is asked for as `src/gen/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

_END = r"(?:/|\Z)"
_DIRECTORY = "/"


def compile_globs(patterns: Sequence[str]) -> Callable[[str], bool]:
    """One predicate for all patterns: does any of them fit this path? Without patterns nothing fits.

    Raises ValueError naming the pattern that has no meaning here (empty, or a negation).
    """
    return _compile(tuple(patterns))


@lru_cache(maxsize=1024)
def _compile(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    if not patterns:
        return _never
    match = re.compile(rf"(?:\./+)*(?:{'|'.join(map(_translate, patterns))})").match

    def fits(path: str) -> bool:
        return match(path) is not None

    return fits


def _never(_path: str) -> bool:
    return False


def _translate(pattern: str) -> str:
    """The `re` source of one glob.

    Between two `**` the leftmost fit is as good as any other, and so it is between two `*` of a component: atomic
    groups say so, and a glob of thirty stars cannot make the matcher try 2^30 ways.
    """
    if pattern.startswith("!"):
        raise ValueError(f"glob {pattern!r}: negation has no meaning here (write \\! for a name with that sign)")
    body = pattern
    while body.startswith("./"):
        body = body[2:].lstrip("/")
    names = [name for name in body.split("/") if name]
    if not names:
        raise ValueError(f"glob {pattern!r}: names no path")
    end = _DIRECTORY if body.endswith("/") else _END
    if body.startswith("/"):
        names.insert(0, "")
    elif len(names) == 1 and names[0] != "**":
        names.insert(0, "**")
    if names[-1] == "**":
        end = _DIRECTORY  # dir/** is what lies below dir, not a file of that name
    groups = _split(names)
    if not any(groups):
        return "" if not body.endswith("/") else "[^/]*/"
    return _assemble(groups, end)


def _split(names: list[str]) -> list[list[str]]:
    """The runs of components between the `**`; the first run is anchored, and empty if `**` comes first."""
    groups: list[list[str]] = [[]]
    for name in names:
        if name != "**":
            groups[-1].append(name)
        elif groups[-1] or len(groups) == 1:
            groups.append([])
    if len(groups) > 1 and not groups[-1]:
        groups.pop()
    return groups


def _assemble(groups: list[list[str]], end: str) -> str:
    last = len(groups) - 1
    out = []
    for number, group in enumerate(groups):
        if not group:
            continue
        text = "/".join(map(_component, group)) + (end if number == last else "/")
        out.append(text if number == 0 else f"(?>(?:[^/]*/)*?{text})")
    return "".join(out)


def _component(glob: str) -> str:
    """One component: fixed pieces between stars, each found as far left as it goes."""
    pieces = _pieces(glob)
    if len(pieces) == 1:
        return pieces[0]
    if not any(pieces):
        return "[^/]+"
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1] if piece)
    return f"{pieces[0]}{middle}[^/]*{pieces[-1]}"


def _pieces(glob: str) -> list[str]:
    pieces = [""]
    at = 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "[^/]"
        elif char == "[" and (close := _class_end(glob, at)) >= 0:
            pieces[-1] += _class(glob[at:close])
            at = close + 1
        else:
            if char == "\\" and at < len(glob):
                char = glob[at]
                at += 1
            pieces[-1] += re.escape(char)
    return pieces


def _class_end(glob: str, at: int) -> int:
    """Where the bracket closes, or -1 (then it is an ordinary character); a `]` in first place belongs to it."""
    if glob[at : at + 1] in {"!", "^"}:
        at += 1
    return glob.find("]", at + 1)


def _class(inside: str) -> str:
    negated = inside[0] in "!^"
    chars = inside[1:] if negated else inside
    items = []
    at = 0
    while at < len(chars):
        low = chars[at]
        if chars[at + 1 : at + 2] == "-" and at + 2 < len(chars):
            high = chars[at + 2]
            at += 3
            if low <= high:
                items.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            items.append(re.escape(low))
            at += 1
    if not items:  # only ranges that run backwards: nothing is in it
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{''.join(items)}]"
