"""betterleaks' filter expressions as conditions of the gate `unless`, as far as they say something we can ask.

Understood: `||`, `&&`, `!`, parentheses, comparisons of entropy, `==` and `!=` of texts, matchesAny, containsAny (both
also as `filter.`), on the secret, the match, the line and the path. The rest (variables, token ratio, git facts) is
UNKNOWN: an `||` goes on without it and says so, everything else that contains it is unknown too. So what we do not
understand can only make us report more. Never runs anything. Imported by foreign.py only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from leakguard.detect.trigger import Unsupported

UNKNOWN: list[Any] = ["?"]
"""A condition that we cannot ask."""

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|(?P<raw>r?\"\"\".*?\"\"\"|`[^`]*`)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w.]*)|(?P<sign>\|\||&&|[<>=!]=|[!<>()\[\],?;:+\-*/%{}.])""",
    re.DOTALL,
)
_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"==": False, "!=": True}

Translate = Callable[[str], str]


def condition(expression: str, translate: Translate) -> tuple[list[Any], bool]:
    """The condition an expression stands for, and whether it is all of it. `translate` turns a Go pattern into ours.

    UNKNOWN if nothing of it is understood; Unsupported if one of its patterns is.
    """
    try:
        reader = _Reader(_tokens(expression), translate)
        found = reader.either()
        if reader.at < len(reader.tokens):
            return UNKNOWN, False
    except SyntaxError:
        return UNKNOWN, False
    return found, reader.whole and found is not UNKNOWN


def _tokens(expression: str) -> list[tuple[str, str]]:
    out, at = [], 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise SyntaxError(at)
        at = found.end()
        if found.lastgroup == "raw":
            out.append(("text", found[0].lstrip("r").strip('"') if found[0][0] in 'r"' else found[0][1:-1]))
        elif found.lastgroup == "text":
            out.append(("text", _unquoted(found[0])))
        elif found.lastgroup:
            out.append((found.lastgroup, found[0]))
    return out


def _unquoted(text: str) -> str:
    plain = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda escaped: plain.get(escaped[1], escaped[1]), text[1:-1], flags=re.DOTALL)


class _Reader:
    """Recursive descent over tokens. A value is a condition (list), or a pair ("target", name), ("text", ...) ..."""

    def __init__(self, tokens: list[tuple[str, str]], translate: Translate) -> None:
        self.tokens = tokens
        self.translate = translate
        self.at = 0
        self.whole = True

    def sign(self, *wanted: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at][1] in wanted and self.tokens[self.at][0] != "text":
            self.at += 1
            return self.tokens[self.at - 1][1]
        return ""

    def need(self, wanted: str) -> None:
        if not self.sign(wanted):
            raise SyntaxError(wanted)

    def either(self) -> list[Any]:
        parts = [self.both()]
        while self.sign("||", "or"):
            parts.append(self.both())
        known = [part for part in parts if part is not UNKNOWN]
        if len(known) < len(parts):
            self.whole = False
        if not known:
            return UNKNOWN
        return known[0] if len(known) == 1 else ["or", *known]

    def both(self) -> list[Any]:
        parts = [self.inverted()]
        while self.sign("&&", "and"):
            parts.append(self.inverted())
        if any(part is UNKNOWN for part in parts):
            return UNKNOWN
        return parts[0] if len(parts) == 1 else ["and", *parts]

    def inverted(self) -> list[Any]:
        if not self.sign("!", "not"):
            return self.compared()
        before = self.whole
        self.whole = True
        found = self.inverted()
        # The opposite of half an answer would drop what should be reported.
        found = ["not", found] if found is not UNKNOWN and self.whole else UNKNOWN
        self.whole = before
        return found

    def compared(self) -> list[Any]:
        left = self.value()
        sign = self.sign(*_FLIP)
        if not sign:
            return left[1] if left[0] == "condition" else UNKNOWN
        right = self.value()
        if left[0] in ("number", "text") and right[0] not in ("number", "text"):
            left, right, sign = right, left, _FLIP[sign]
        if left[0] == "entropy" and right[0] == "number":
            return ["entropy", left[1], sign, right[1]]
        if left[0] == "target" and right[0] == "text" and sign in _OPPOSITE:
            same = ["equal", left[1], right[1]]
            return ["not", same] if _OPPOSITE[sign] else same
        return UNKNOWN

    def value(self) -> tuple[str, Any]:
        if self.sign("("):
            inner = self.either()
            self.need(")")
            return "condition", inner
        if self.sign("["):
            return "list", self.items("]")
        if self.at >= len(self.tokens):
            raise SyntaxError("end")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return kind, float(text)
        if kind == "text":
            return kind, text
        if kind != "name":
            raise SyntaxError(text)
        return self.call(text.removeprefix("filter.")) if self.sign("(") else self.member(text)

    def items(self, close: str) -> list[tuple[str, Any]]:
        out: list[tuple[str, Any]] = []
        while not self.sign(close):
            out.append(self.value())
            if not self.sign(","):
                self.need(close)
                break
        return out

    def member(self, name: str) -> tuple[str, Any]:
        """`finding["secret"]`, `attributes["path"]`, `attributes[?"path"].orValue("")`, true, false, a variable."""
        if not self.sign("["):
            known = {"true": ["or", ["and"]], "false": ["or"]}
            return "condition", known.get(name, UNKNOWN)
        self.sign("?")
        keys = self.items("]")
        key = keys[0][1] if len(keys) == 1 and keys[0][0] == "text" else ""
        if self.sign("."):
            method = self.value()
            if method != ("default", ""):
                return "unknown", None
        return _target(name, key)

    def call(self, name: str) -> tuple[str, Any]:
        given = self.items(")")
        kinds = [kind for kind, _ in given]
        if name == "get" and kinds[1:] == ["text", "text"]:
            return given[0] if given[0][0] == "target" else _target("attributes", given[1][1])
        if name == "orValue" and given == [("text", "")]:
            return "default", ""
        if name == "entropy" and kinds == ["target"]:
            return "entropy", given[0][1]
        if name in ("matchesAny", "containsAny") and kinds == ["target", "list"]:
            texts = [text for kind, text in given[1][1] if kind == "text"]
            if len(texts) == len(given[1][1]):
                kind = "regex" if name == "matchesAny" else "text"
                texts = [self.translate(text) for text in texts] if kind == "regex" else texts
                return "condition", [kind, given[0][1], texts]
        return "condition", UNKNOWN


def _target(name: str, key: str) -> tuple[str, Any]:
    if name == "finding" and key in ("secret", "match", "line"):
        return "target", key
    return ("target", "path") if name == "attributes" and key == "path" else ("unknown", None)


__all__ = ["UNKNOWN", "Unsupported", "condition"]
