"""Fills templates of rule packs with seeded random secrets, and pours them into the contexts people write them in.

The template language is that of docs/rules.md: `{{class*n}}`, `{{class*n-m}}`, `{{uuid}}`, `{{word}}`,
`{{b64of:text}}`, `{{gen:NAME ARG}}`; `{{{{` writes a literal `{{`; in examples `<<` and `>>` enclose the secret.

Promise: the output depends on the template and the random generator alone. Reads one file, contexts.toml beside
it. A bad template raises ValueError naming what is wrong. Used by `rules check`, the tests and the corpus; never
by scanning. Offsets are in characters of the returned text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from leakguard.detect.makers import MAKERS
from leakguard.detect.makers.base import ALPHABETS, WORDS, Memory, fill, uuid_text

Span = tuple[int, int]

_URL_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NOT_BARE = frozenset(" \t\r\n\"'`#;\\")


class Context(NamedTuple):
    """A way to write a name and its secret; see contexts.toml for the fields."""

    name: str
    template: str
    quoted: str = ""
    url: bool = False
    escape: str = ""
    without: str = ""


def _pieces(template: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of a template: literal, field, open, close."""
    import re

    for found in re.finditer(r"\{\{\{\{|\{\{(.*?)\}\}|<<|>>|(?:(?!\{\{|<<|>>).)+|\{\{", template, re.DOTALL):
        if found[0] == "{{":
            raise ValueError("template: a {{ is not closed")
        if found[1] is not None:
            yield "field", found[1]
        else:
            yield {"<<": "open", ">>": "close", "{{{{": "brace"}.get(found[0], "literal"), found[0]


def _field(field: str, rng: Random, memory: Memory) -> str:
    """The text for one `{{field}}`."""
    kind, colon, rest = field.partition(":")
    if kind == "b64of" and colon:
        from base64 import b64encode

        return b64encode(rest.encode()).decode("ascii")
    if kind == "gen" and colon:
        name, _, arg = rest.strip().partition(" ")
        if name not in MAKERS:
            raise ValueError(f"template: no generator {name!r}")
        return MAKERS[name](rng, arg.strip(), memory)
    if field == "uuid":
        return uuid_text(rng)
    if field == "word":
        return rng.choice(WORDS)
    return _random(field, rng)


def _random(field: str, rng: Random) -> str:
    """The text for `class*n` or `class*n-m`."""
    name, star, count = field.partition("*")
    least, dash, most = count.partition("-")
    if not star or name not in ALPHABETS:
        raise ValueError(f"template: no field {field!r}")
    if not least.isdigit() or (dash and not most.isdigit()):
        raise ValueError(f"template: {field!r} needs a number, or two with a dash")
    low, high = int(least), int(most) if dash else int(least)
    if not 1 <= low <= high <= 16_384:
        raise ValueError(f"template: {field!r} is outside 1 to 16384")
    return fill(rng, ALPHABETS[name], rng.randint(low, high))


def expand(template: str, rng: Random) -> str:
    """The template with its fields filled. Markers of secrets stay: near misses have none, but may show `<<EOF`."""
    memory: Memory = {}
    parts = []
    for kind, text in _pieces(template):
        parts.append(_field(text, rng, memory) if kind == "field" else "{{" if kind == "brace" else text)
    return "".join(parts)


def expand_marked(template: str, rng: Random) -> tuple[str, list[Span]]:
    """The template filled, its markers taken out, and where the secrets between them stand."""
    memory: Memory = {}
    text, spans, opened = "", [], -1
    for kind, piece in _pieces(template):
        if kind == "open":
            if opened >= 0:
                raise ValueError("template: << inside <<")
            opened = len(text)
        elif kind == "close":
            if opened < 0:
                raise ValueError("template: >> without <<")
            if len(text) == opened:
                raise ValueError("template: nothing between << and >>")
            spans.append((opened, len(text)))
            opened = -1
        else:
            text += _field(piece, rng, memory) if kind == "field" else "{{" if kind == "brace" else piece
    if opened >= 0:
        raise ValueError("template: << without >>")
    if not spans:
        raise ValueError("template: no secret is marked with << and >>")
    return text, spans


def load_contexts() -> tuple[Context, ...]:
    """The contexts of contexts.toml, in their order."""
    import os
    import tomllib

    path = os.path.join(os.path.dirname(__file__), "contexts.toml")
    with open(path, "rb") as file:
        entries: list[dict[str, Any]] = tomllib.load(file)["context"]
    return tuple(Context(**entry) for entry in entries)


def _as_json(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False)[1:-1]


_ESCAPES: Mapping[str, Callable[[str], str]] = {
    "json": _as_json,
    "json2": lambda text: _as_json(_as_json(text)),
    "xml": lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;"),
    "sql": lambda text: text.replace("'", "''"),
    "indent": lambda text: text.replace("\n", "\n  "),
}


def can_hold(context: Context, secret: str) -> bool:
    """Whether a context can be written with this secret so that whoever reads it gets the secret back."""
    if any(char in context.without for char in secret):
        return False
    if context.url:
        return all(char in _URL_SAFE for char in secret)
    if context.escape in ("json", "json2", "xml", "indent"):
        return True
    if context.quoted:
        escaped = context.quoted if context.escape == "sql" else ""
        return all(char == escaped or char not in context.quoted + "\\\r\n" for char in secret)
    return not any(char in _NOT_BARE for char in secret)


def names(name: str) -> dict[str, str]:
    """A name in the spellings that contexts ask for."""
    import re

    words = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+", name)
    if not words:
        raise ValueError(f"example: name {name!r} has no words")
    low = [word.lower() for word in words]
    return {
        "name": name,
        "snake": "_".join(low),
        "NAME": "_".join(low).upper(),
        "camel": low[0] + "".join(word.capitalize() for word in low[1:]),
        "Pascal": "".join(word.capitalize() for word in low),
        "kebab": "-".join(low),
        "dotted": ".".join(low),
        "header": "-".join(word.capitalize() for word in low),
    }


def _place(
    context: Context, spellings: Mapping[str, str], secret: str, marks: Sequence[Span]
) -> tuple[str, list[Span]]:
    """A context's template with the name and the secret in it, and where the marked parts of the secret came to lie."""
    import re

    escape = _ESCAPES.get(context.escape, str)
    text, spans, at = "", [], 0
    for found in re.finditer(r"\{(\w+)\}", context.template):
        if found[1] != "secret" and found[1] not in spellings:
            continue
        text += context.template[at : found.start()]
        at = found.end()
        if found[1] != "secret":
            text += spellings[found[1]]
            continue
        last = 0
        for start, end in marks:
            text += escape(secret[last:start])
            marked = escape(secret[start:end])
            spans.append((len(text), len(text) + len(marked)))
            text += marked
            last = end
        text += escape(secret[last:])
    return text + context.template[at:], spans


def pour(example: Mapping[str, Any], contexts: Sequence[Context], rng: Random) -> list[tuple[str, str, list[Span]]]:
    """A `{ name, secret }` example in every context that can hold it: (context, text, secrets' spans).

    Each context gets a secret of its own. `only` and `skip` of the example narrow the contexts; ValueError for a
    name among them that no context has, and if no context is left.
    """
    known = {context.name for context in contexts}
    only, skip = example.get("only"), example.get("skip", ())
    for name in [*(only or ()), *skip]:
        if name not in known:
            raise ValueError(f"example: no context {name!r}")
    spellings = names(example["name"])
    template = example["secret"]
    poured = []
    for context in contexts:
        if (only is not None and context.name not in only) or context.name in skip:
            continue
        if "<<" in template:
            secret, marks = expand_marked(template, rng)
        else:
            secret = expand(template, rng)
            marks = [(0, len(secret))]
        if can_hold(context, secret):
            poured.append((context.name, *_place(context, spellings, secret, marks)))
    if not poured:
        raise ValueError("example: no context can hold it")
    return poured
