"""Go's regular expressions (RE2 syntax) in the words of our two engines.

Parses a pattern into a small tree, bounds every open repeat, names the group that holds the secret, and writes it
out in a form that `re`, `regex` and hyperscan read alike: explicit byte sets, scoped flags, no other groups.
Patterns work on bytes: a character outside ASCII is its UTF-8 bytes, and inside a class it stands for any byte from
0x80 on. What cannot be said raises Unsupported naming the construct. Pure; imported by foreign.py only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leakguard.detect.trigger import Unsupported

LIMITS = (2048, 1024, 512, 256, 128, 64, 32, 16)
"""What an open repeat (`*`, `+`, `{n,}`) may be bounded to: the largest that keeps a match within its limit."""
_ACROSS_LINES = 4
"""How much more a repeat is given that goes over line ends: armoured keys are longer than tokens."""
_MOST_STRINGS = 64


class Text(NamedTuple):
    """A run of bytes; `fold`: in any case."""

    text: bytes
    fold: bool


class OneOf(NamedTuple):
    """One byte of a set."""

    members: frozenset[int]


class Edge(NamedTuple):
    """A place between bytes, as our engines write it."""

    text: str


class Chain(NamedTuple):
    """One after the other."""

    parts: tuple[Node, ...]


class Choice(NamedTuple):
    """One of several."""

    branches: tuple[Node, ...]


class Repeat(NamedTuple):
    """So often; `most` None: any number of times."""

    body: Node
    least: int
    most: int | None
    lazy: bool


class Group(NamedTuple):
    """A capturing group."""

    number: int
    body: Node


Node = Text | OneOf | Edge | Chain | Choice | Repeat | Group

_ALL = frozenset(range(256))
_HIGH = frozenset(range(128, 256))


def _span(*pairs: str) -> frozenset[int]:
    return frozenset(code for pair in pairs for code in range(ord(pair[0]), ord(pair[-1]) + 1))


_DIGIT, _WORD, _SPACE = _span("09"), _span("09", "AZ", "az", "__"), frozenset(b"\t\n\f\r ")
_PERL = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "D": _ALL - _DIGIT, "W": _ALL - _WORD, "S": _ALL - _SPACE}
_POSIX = {
    "alnum": _span("09", "AZ", "az"), "alpha": _span("AZ", "az"), "ascii": frozenset(range(128)),
    "blank": frozenset(b"\t "), "cntrl": frozenset((*range(32), 127)), "digit": _DIGIT, "graph": _span("!~"),
    "lower": _span("az"), "print": _span(" ~"), "punct": _span("!/", ":@", "[`", "{~"),
    "space": _SPACE | {11}, "upper": _span("AZ"), "word": _WORD, "xdigit": _span("09", "AF", "af"),
}  # fmt: skip
# Unicode classes as far as bytes can tell: their ASCII members, and any byte of a longer character.
_UNICODE = {
    "L": _span("AZ", "az") | _HIGH, "Lu": _span("AZ") | _HIGH, "Ll": _span("az") | _HIGH,
    "N": _DIGIT | _HIGH, "Nd": _DIGIT | _HIGH, "P": _POSIX["punct"] - frozenset(b"$+<=>^`|~") | _HIGH,
    "S": frozenset(b"$+<=>^`|~") | _HIGH, "Z": frozenset(b" ") | _HIGH, "Latin": _span("AZ", "az") | _HIGH,
}  # fmt: skip
_CONTROL = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_SPECIAL = frozenset("\\.+*?()|[]{}^$")


class _Reader:
    """Reads a pattern from left to right. `flags` holds those of i, m, s that are on."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.groups = 0

    def read(self) -> Node:
        node, _ = self.choice(frozenset())
        if self.at < len(self.pattern):
            raise Unsupported(f"unmatched ) at {self.at}")
        return node

    def ahead(self, text: str) -> bool:
        if self.pattern.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def next(self) -> str:
        if self.at >= len(self.pattern):
            raise Unsupported("the pattern ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def choice(self, flags: frozenset[str]) -> tuple[Node, frozenset[str]]:
        """Branches up to a `)` or the end. Flags set on the way hold for all that follows, later branches too."""
        branches: list[Node] = []
        parts: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            if self.ahead("|"):
                branches.append(_chain(parts))
                parts = []
                continue
            if self.pattern.startswith("(?", self.at):
                flags = self.flagged(flags, parts)
                continue
            node = self.atom(flags)
            parts.append(self.repeated(node))
        branches.append(_chain(parts))
        return (branches[0] if len(branches) == 1 else Choice(tuple(branches))), flags

    def flagged(self, flags: frozenset[str], parts: list[Node]) -> frozenset[str]:
        """`(?P<name>...)`, `(?:...)`, `(?i-s:...)`, or `(?i)`, which changes the flags from here on."""
        self.at += 2
        if self.ahead("P<") or self.ahead("<"):
            while self.next() != ">":
                pass
            parts.append(self.repeated(self.group(flags)))
            return flags
        inner, on = set(flags), True
        while (char := self.next()) not in ":)":
            if char == "-":
                on = False
            elif char in "ims":
                (inner.add if on else inner.discard)(char)
            else:
                raise Unsupported(f"(?{char} is not available")
        if char == ")":
            return frozenset(inner)
        body, _ = self.choice(frozenset(inner))
        if not self.ahead(")"):
            raise Unsupported("missing )")
        parts.append(self.repeated(body))
        return flags

    def group(self, flags: frozenset[str]) -> Group:
        self.groups += 1
        number = self.groups
        body, _ = self.choice(flags)
        if not self.ahead(")"):
            raise Unsupported("missing )")
        return Group(number, body)

    def atom(self, flags: frozenset[str]) -> Node:
        char = self.next()
        if char == "(":
            return self.group(flags)
        if char == "[":
            return self.one_of(flags)
        if char == ".":
            return OneOf(_ALL if "s" in flags else _ALL - {10})
        if char in "^$":
            return Edge(f"(?m:{char})" if "m" in flags else {"^": "^", "$": r"\Z"}[char])
        if char in "*+?":
            raise Unsupported(f"nothing before {char}")
        if char == "\\":
            return self.escape(flags)
        return _text(char, flags)

    def escape(self, flags: frozenset[str]) -> Node:
        char = self.next()
        if char in "AbB":
            return Edge(f"\\{char}")
        if char == "z":
            return Edge(r"\Z")
        if char == "Q":
            text, _, _ = self.pattern[self.at :].partition("\\E")
            self.at = min(self.at + len(text) + 2, len(self.pattern))
            return _chain([_text(one, flags) for one in text])
        if char in _PERL or char in "pP":
            return OneOf(self.perl(char))
        self.at -= 1
        return _text(chr(self.code()), flags)

    def perl(self, char: str) -> frozenset[int]:
        """The set behind `\\d` and its kin, and `\\pL`, `\\p{Greek}`, `\\P...`."""
        if char in _PERL:
            return _PERL[char]
        name = self.next()
        if name == "{":
            end = self.pattern.find("}", self.at)
            if end < 0:
                raise Unsupported("\\p{ without }")
            name, self.at = self.pattern[self.at : end], end + 1
        negated = (char == "P") != name.startswith("^")
        name = name.lstrip("^")
        if name not in _UNICODE:
            raise Unsupported(f"the class \\p{{{name}}} is not available on bytes")
        return (_ALL - _UNICODE[name]) | _HIGH if negated else _UNICODE[name]

    def code(self) -> int:
        """The character that an escape stands for; the backslash is behind us."""
        char = self.next()
        if char in _CONTROL:
            return _CONTROL[char]
        if char == "x":
            if self.ahead("{"):
                digits = ""
                while (one := self.next()) != "}":
                    digits += one
            else:
                digits = self.next() + self.next()
            try:
                return ord(chr(int(digits, 16)))
            except (ValueError, OverflowError):
                raise Unsupported(f"\\x{{{digits}}} is no character") from None
        if char in "01234567":
            digits = char
            while len(digits) < 3 and self.at < len(self.pattern) and self.pattern[self.at] in "01234567":
                digits += self.next()
            if len(digits) == 1 and char != "0":
                raise Unsupported("back-references are not available")
            return int(digits, 8)
        if char.isascii() and char.isalnum():
            raise Unsupported(f"\\{char} is not available")
        return ord(char)

    def one_of(self, flags: frozenset[str]) -> OneOf:
        negated = self.ahead("^")
        members: set[int] = set()
        first = True
        while first or not self.ahead("]"):
            first = False
            if self.ahead("[:"):
                end = self.pattern.find(":]", self.at)
                name = self.pattern[self.at : end] if end >= 0 else ""
                if name.lstrip("^") not in _POSIX:
                    raise Unsupported(f"no class [:{name}:]")
                found = _POSIX[name.lstrip("^")]
                members |= _ALL - found if name.startswith("^") else found
                self.at = end + 2
                continue
            if self.pattern.startswith("\\", self.at) and self.pattern[self.at + 1 : self.at + 2] in (*_PERL, "p", "P"):
                self.at += 1
                members |= self.perl(self.next())
                continue
            members |= self.range_of()
        if "i" in flags:
            members |= {code ^ 32 for code in members if chr(code).isascii() and chr(code).isalpha()}
        return OneOf(frozenset(_ALL - (members - _HIGH) if negated else members))

    def range_of(self) -> frozenset[int]:
        low = self.member()
        if not (self.pattern.startswith("-", self.at) and self.pattern[self.at + 1 : self.at + 2] not in ("]", "")):
            return frozenset((low,)) if low < 128 else _HIGH
        self.at += 1
        high = self.member()
        if high < low:
            raise Unsupported("a range that runs backwards")
        return frozenset(range(low, min(high, 127) + 1)) | (_HIGH if high > 127 else frozenset())

    def member(self) -> int:
        char = self.next()
        return self.code() if char == "\\" else ord(char)

    def repeated(self, node: Node) -> Node:
        """The node with the repeats that follow it."""
        while self.at < len(self.pattern):
            start = self.at
            bounds = self.bounds()
            if bounds is None:
                self.at = start
                break
            node = Repeat(node, *bounds, self.ahead("?"))
        return node

    def bounds(self) -> tuple[int, int | None] | None:
        char = self.next()
        if char in "*+?":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        if char != "{":
            return None
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at : end].partition(",") if end >= 0 else ("", "", "")
        if not low.isdigit() or (high and not high.isdigit()):
            return None  # a brace that means itself
        self.at = end + 1
        least, most = int(low), int(high) if high else None if comma else int(low)
        if most is not None and most < least:
            raise Unsupported(f"{{{least},{most}}}: more at least than at most")
        return least, most


def parse(pattern: str) -> Node:
    """The tree of an RE2 pattern."""
    return _Reader(pattern).read()


def _text(char: str, flags: frozenset[str]) -> Node:
    return Text(char.encode("utf-8", "surrogatepass"), "i" in flags and char.isascii() and char.isalpha())


def _chain(parts: Sequence[Node]) -> Node:
    """Parts in a row, with neighbouring texts joined."""
    out: list[Node] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, Text) and isinstance(last, Text) and part.fold == last.fold:
            out[-1] = Text(last.text + part.text, part.fold)
        else:
            out.append(part)
    return out[0] if len(out) == 1 else Chain(tuple(out))


# ---------------------------------------------------------------- width and writing
def _parts(node: Node) -> tuple[Node, ...]:
    """What a node is made of."""
    if isinstance(node, (Group, Repeat)):
        return (node.body,)
    return node.parts if isinstance(node, Chain) else node.branches if isinstance(node, Choice) else ()


def width(node: Node, limit: int) -> tuple[int, int]:
    """Least and most bytes, open repeats bounded to `limit`."""
    if isinstance(node, (Text, OneOf, Edge)):
        size = len(node.text) if isinstance(node, Text) else int(isinstance(node, OneOf))
        return size, size
    widths = [width(part, limit) for part in _parts(node)]
    if isinstance(node, Choice):
        return min(low for low, _ in widths), max(high for _, high in widths)
    if isinstance(node, Repeat):
        return widths[0][0] * node.least, widths[0][1] * _most(node, limit)
    return sum(low for low, _ in widths), sum(high for _, high in widths)


def _most(node: Repeat, limit: int) -> int:
    if node.most is not None:
        return node.most
    lines = isinstance(node.body, OneOf) and 10 in node.body.members and len(node.body.members) > len(_SPACE)
    return max(node.least, limit * _ACROSS_LINES if lines else limit)


def bounded(node: Node, most: int) -> int:
    """The largest of LIMITS that keeps a match within `most` bytes. Unsupported if none does."""
    for limit in LIMITS:
        if width(node, limit)[1] <= most:
            return limit
    raise Unsupported(f"a match could be {width(node, LIMITS[-1])[1]} bytes; at most {most}")


def is_open(node: Node) -> bool:
    """Whether a repeat in it has no upper bound."""
    return (isinstance(node, Repeat) and node.most is None) or any(is_open(part) for part in _parts(node))


def write(node: Node, limit: int | None, secret: frozenset[int] = frozenset()) -> str:
    """The pattern for our engines; the groups numbered in `secret` are named `secret`. `limit` None: unbounded."""
    if isinstance(node, (Text, OneOf, Edge)):
        return _leaf(node)
    if isinstance(node, Choice):
        return "|".join(write(branch, limit, secret) for branch in node.branches)
    if isinstance(node, Group):
        return f"(?{'P<secret>' if node.number in secret else ':'}{write(node.body, limit, secret)})"
    if isinstance(node, Repeat):
        return _atom(node.body, limit, secret) + _times(node, limit) + ("?" if node.lazy else "")
    return "".join(
        _atom(part, limit, secret) if isinstance(part, Choice) else write(part, limit, secret) for part in node.parts
    )


def _leaf(node: Text | OneOf | Edge) -> str:
    if isinstance(node, OneOf):
        return _set(node.members)
    text = "".join(map(_byte, node.text)) if isinstance(node, Text) else node.text
    return f"(?i:{text})" if isinstance(node, Text) and node.fold else text


def _times(node: Repeat, limit: int | None) -> str:
    if node.most is None and limit is None:
        return f"{{{node.least},}}"
    most = _most(node, limit or 0)
    if (node.least, most) == (0, 1):
        return "?"
    return f"{{{node.least}}}" if node.least == most else f"{{{node.least},{most}}}"


def _atom(node: Node, limit: int | None, secret: frozenset[int]) -> str:
    """Written so that a repeat or a neighbour cannot tear it apart."""
    text = write(node, limit, secret)
    whole = isinstance(node, (OneOf, Group)) or (isinstance(node, Text) and (node.fold or len(node.text) == 1))
    return text if whole else f"(?:{text})"


def _byte(code: int) -> str:
    char = chr(code)
    return char if code < 128 and (char.isalnum() or char in "_ \"'/:;,=@%&<>~`!") else f"\\x{code:02x}"


def _set(members: frozenset[int]) -> str:
    if not members:
        return "(?!)"
    if len(members) == 1:
        return _byte(next(iter(members)))
    # `regex` takes [^a]|[^b] for nothing at all (seen in 2026.11.15): a set that lacks one member is written out
    negated = len(members) > 128 and len(_ALL - members) != 1
    out, codes = "", sorted(_ALL - members if negated else members)
    if not codes:
        return r"[\x00-\xff]"
    start = last = codes[0]
    for code in [*codes[1:], -1]:
        if code != last + 1:
            dash = "" if last <= start + 1 else "-"
            out += _member(start) + (f"{dash}{_member(last)}" if last > start else "")
            start = code
        last = code
    return f"[{'^' if negated else ''}{out}]"


def _member(code: int) -> str:
    char = chr(code)
    return char if code < 128 and (char.isalnum() or char == "_") else f"\\x{code:02x}"


# ---------------------------------------------------------------- the secret's group, and words in every match
def groups(node: Node) -> int:
    """How many groups it has."""
    return isinstance(node, Group) + sum(groups(part) for part in _parts(node))


def first_groups(node: Node) -> tuple[frozenset[int], bool]:
    """The groups one of which is the first that is not empty, and whether one always is."""
    if isinstance(node, Group):
        return frozenset((node.number,)), width(node.body, 1)[0] > 0
    if isinstance(node, Repeat):
        found, sure = first_groups(node.body)
        return found, sure and node.least > 0
    if isinstance(node, Choice):
        each = [first_groups(branch) for branch in node.branches]
        return frozenset().union(*(found for found, _ in each)), all(sure for _, sure in each)
    found = frozenset()
    for part in node.parts if isinstance(node, Chain) else ():
        more, sure = first_groups(part)
        found |= more
        if sure:
            return found, True
    return found, False


def without_lead(node: Node) -> Node:
    """The node without repeats at its beginning that need not be there and hold no group.

    It is found in the same texts, and its groups hold the same; only where a match begins is another. A search for
    `[\\w.-]{0,50}?acme` tries fifty ways at every byte, one for `acme` none.
    """
    if isinstance(node, Choice):
        return Choice(tuple(map(without_lead, node.branches)))
    if not isinstance(node, Chain) or not node.parts:
        return node
    first, rest = node.parts[0], node.parts[1:]
    if isinstance(first, Repeat) and first.least == 0 and not groups(first):
        return without_lead(Chain(rest)) if rest else node
    return Chain((without_lead(first), *rest))


def surely_contains(node: Node, words: Sequence[bytes]) -> bool:
    """Whether every match contains one of the words (lower case), in any case."""
    texts = _strings(node)
    if texts is not None:
        return _each_has(texts, words)
    if isinstance(node, (Group, Repeat)):
        return (isinstance(node, Group) or node.least > 0) and surely_contains(node.body, words)
    if isinstance(node, Choice):
        return all(surely_contains(branch, words) for branch in node.branches)
    return isinstance(node, Chain) and _chain_contains(node, words)


def _chain_contains(node: Chain, words: Sequence[bytes]) -> bool:
    """The same for parts in a row: a word may stand in one of them, or over several with few spellings."""
    run: frozenset[bytes] = frozenset((b"",))
    for part in [*_flat(node), None]:
        texts = None if part is None else _strings(part)
        if texts is not None and len(run) * len(texts) <= _MOST_STRINGS:
            run = frozenset(left + right for left in run for right in texts)
            continue
        if _each_has(run, words) or (part is not None and surely_contains(part, words)):
            return True
        run = texts if texts is not None else frozenset((b"",))
    return False


def _each_has(texts: frozenset[bytes], words: Sequence[bytes]) -> bool:
    return all(any(word in text for word in words) for text in texts)


def _flat(node: Node) -> list[Node]:
    """The parts of a chain; groups, chains and the first round of a repeat opened."""
    if isinstance(node, Repeat) and node.least > 0:
        return [*_flat(node.body), node._replace(least=0, most=None)]  # once for sure, and then perhaps more
    if isinstance(node, (Group, Chain)):
        return [inner for part in _parts(node) for inner in _flat(part)]
    return [node]


def _strings(node: Node) -> frozenset[bytes] | None:
    """All that a node can match, in lower case, if that is a short list."""
    if isinstance(node, (Text, OneOf, Edge)):
        return _leaf_strings(node)
    each = [_strings(part) for part in _parts(node)]
    known = [texts for texts in each if texts is not None]
    if len(known) < len(each):
        return None
    if isinstance(node, Choice):
        found = frozenset().union(*known)
        return found if len(found) <= _MOST_STRINGS else None
    if isinstance(node, Repeat):
        if node.most is None or node.most > 4:
            return None
        known = known * node.least + [known[0] | {b""}] * (node.most - node.least)
    return _product(known)


def _leaf_strings(node: Text | OneOf | Edge) -> frozenset[bytes] | None:
    if isinstance(node, Text):
        return frozenset((node.text.lower(),))
    low = frozenset(bytes((code,)).lower() for code in node.members) if isinstance(node, OneOf) else frozenset((b"",))
    return low if len(low) <= 4 else None


def _product(rows: Sequence[frozenset[bytes]]) -> frozenset[bytes] | None:
    out: frozenset[bytes] = frozenset((b"",))
    for row in rows:
        if len(out) * len(row) > _MOST_STRINGS:
            return None
        out = frozenset(left + right for left in out for right in row)
    return out
