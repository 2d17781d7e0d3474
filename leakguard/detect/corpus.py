"""The labelled corpus: files as trading people write them, with credentials that the packs themselves describe.

Which venues there are, what their credentials look like and which parts belong together is read off the packs; how
files are written (names, order, quotes, labels in seven languages, encodings, what stands between) and what must not
be found is data in corpus.toml. Every value is made by seed: nothing that looks alive is stored.

Promise: the output depends on packs, data and seed alone. Reads one file, corpus.toml beside it. Used by
`rules stats` and the tests through detect/score.py; never by scanning.
"""

from __future__ import annotations

import os
import re
import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from json import dumps
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from leakguard.detect.assign import PART_NAMES
from leakguard.detect.generate import expand, expand_marked, names
from leakguard.detect.rules import Example, Pack
from leakguard.model import SetRule, Venue

_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"
"""Around a value while its file is written: number, then the value as written."""

_MARKED = re.compile(f"{_OPEN}([0-9]+){_MIDDLE}([^{_CLOSE}]*){_CLOSE}")
_HOLE = re.compile(r"\{(\w+)\}")
_FIELD = re.compile(r"\{\{[^{}]+\}\}")
_PART_WORDS = frozenset(word for _, runs in PART_NAMES for run in runs for word in run.split("_")) | {"connect", "b"}


class Label(NamedTuple):
    """A secret that is in a sample. `start` and `end` are byte offsets of what stands there, maybe encoded."""

    value: bytes
    start: int
    end: int
    provider: str
    part: str
    account: int
    """Which parts belong together: the number of the account in its file."""


class Sample(NamedTuple):
    """A file of the corpus, and all that is to be found in it."""

    path: str
    kind: str
    data: bytes
    labels: tuple[Label, ...]
    negatives: int
    """Values in it that look like secrets and are none."""
    venue: str
    """Whose table row it counts in."""
    sets: bool = True
    """Whether the labels of an account make a set of the packs."""


class Part(NamedTuple):
    """A part that a venue's credential has: its kind, how its value is made, and what people call it."""

    role: str
    part: str
    template: str
    names: tuple[str, ...]


class Shop(NamedTuple):
    """A venue with its credential, as the corpus writes it."""

    venue: Venue
    parts: tuple[Part, ...]
    stems: tuple[str, ...]


class Account(NamedTuple):
    """One credential in a file: values by role, and the words its file calls it by."""

    shop: Shop
    words: dict[str, str]
    values: tuple[tuple[Part, str], ...]


@lru_cache(maxsize=1)
def data() -> dict[str, Any]:
    """What corpus.toml says."""
    with open(os.path.join(os.path.dirname(__file__), "corpus.toml"), "rb") as file:
        return tomllib.load(file)


# ---------------------------------------------------------------- what the packs say
def shops(packs: Sequence[Pack]) -> list[Shop]:
    """The venues with a set all of whose required parts have an example with a name."""
    out = []
    for pack in packs:
        if pack.venue.kind in ("exchange", "broker", "dex", "custody"):
            ranked = sorted(pack.sets, key=lambda item: -len(item.required))
            shop = next((made for item in ranked if (made := _shop(pack, item))), None)
            if shop:
                out.append(shop)
    return out


def _shop(pack: Pack, item: SetRule) -> Shop | None:
    parts = []
    rules = {rule.id: rule for rule in pack.rules}
    for role, ids in item.parts:
        known = [ident for ident in ids if ident in rules and _named(pack, ident)]
        if not known:
            if role in item.required:
                return None
        elif role in item.required or rules[known[0]].part in ("passphrase", "memo"):
            examples = _named(pack, known[0])
            parts.append(Part(role, rules[known[0]].part, examples[0].secret, tuple(one.name for one in examples)))
    return Shop(pack.venue, tuple(parts), _stems(pack.venue, parts))


def _named(pack: Pack, ident: str) -> list[Example]:
    return [example for example in pack.proofs[ident].examples if example.name and not example.only]


def _stems(venue: Venue, parts: Sequence[Part]) -> tuple[str, ...]:
    """What the venue's variables begin with: what its examples begin with, as far as it is a name of the venue."""
    # what apiKeyOfBit2c begins with cannot be told by case alone
    plain = [name for part in parts for name in part.names if name in (name.upper(), name.lower())]
    known = {re.sub(r"[^a-z0-9]", "", name) for name in (*venue.aliases, venue.provider)}
    stems = [stem for name in plain if len(stem := _stem(name)) > 2 and stem.replace("_", "") in known]
    return tuple(dict.fromkeys(stems)) or (venue.provider.replace("-", "_"),)


def _stem(name: str) -> str:
    """What names the venue in a variable's name: BINANCE_US of BINANCE_US_API_KEY."""
    return "_".join(word for word in name.lower().split("_") if word not in _PART_WORDS)


# ---------------------------------------------------------------- one file
class Writer:
    """Writes samples. One random generator, so the order of calls matters."""

    def __init__(self, packs: Sequence[Pack], seed: int) -> None:
        self.rng = Random(f"corpus {seed}")  # noqa: S311  # the same files everywhere; they open nothing
        self.shops = shops(packs)
        self.table = data()
        self.negatives = 0

    def sample(self, kind: Mapping[str, Any], shop: Shop) -> Sample | None:
        """A file of a kind with an account of a shop, maybe with others; None if the kind cannot hold it."""
        rng, self.negatives = self.rng, 0
        if not _has(kind, shop):
            return None
        accounts = self._accounts(kind, shop)
        if not all(_holds(kind, value) for account in accounts for _, value in account.values):
            return None
        labels: list[tuple[str, Part, int, str]] = []
        blocks = [self._account(kind, account, number, labels) for number, account in enumerate(accounts)]
        first = accounts[0].words
        body = _fill(self._text(_pick(rng, kind.get("body", "{accounts}"))), first | self._noise(kind))
        body = body.replace("{accounts}", kind.get("between", "\n").join(blocks))
        if "wrap" in kind:
            escaped = WHOLE[kind["wrap"]](body)
            body = self._text(kind["around"]).replace("{body}", escaped)
        path = _fill(_pick(rng, kind["path"]), first)
        return self._finish(path, kind, body, labels, shop)

    def _accounts(self, kind: Mapping[str, Any], shop: Shop) -> list[Account]:
        """The shop's account and, if the kind holds several, now and then others, of the same or other venues."""
        rng = self.rng
        count = min(kind.get("most", 1), rng.choices((1, 2, 3), (6, 3, 1))[0])
        stay = rng.random() < 0.5
        others = [one for one in self.shops if _has(kind, one)]
        chosen = [shop] + [shop if stay else rng.choice(others) for _ in range(count - 1)]
        several = len({one.venue.provider for one in chosen}) < len(chosen)
        tags = rng.sample(self.table["tags"], count) if several else [""] * count
        style = rng.choice(("{stem}_{tag}", "{tag}_{stem}", "{stem}{n}", "{stem}_{n}"))
        tagged = zip(chosen, tags, strict=True)
        return [self._words(one, tag, number, style) for number, (one, tag) in enumerate(tagged)]

    def _words(self, shop: Shop, tag: str, number: int, style: str) -> Account:
        rng, venue = self.rng, shop.venue
        stem = rng.choice(shop.stems)
        if tag:
            stem = style.format(stem=stem, tag=tag, n=number + 1)
        host = rng.choice(venue.hosts) if venue.hosts else f"{venue.provider}.invalid"
        words = {
            "id": venue.provider, "key": f"{venue.provider}_{tag}" if tag else venue.provider, "title": venue.title,
            "tag": tag or "main", "stem": stem.lower(), "STEM": stem.upper(), "Stem": names(stem)["Pascal"],
            "kebab": names(stem)["kebab"], "host": host, "ID": venue.provider.upper(), "n": str(number + 1),
        }  # fmt: skip
        # in one go: a public half is that of the seed beside it
        made = self.table["values"].get(venue.provider, {})
        values = expand("\0".join(made.get(part.role, part.template) for part in shop.parts), rng).split("\0")
        return Account(shop, words, tuple(zip(shop.parts, values, strict=True)))

    def _account(
        self, kind: Mapping[str, Any], account: Account, number: int, labels: list[tuple[str, Part, int, str]]
    ) -> str:
        """One account's text, its values marked."""
        rng = self.rng
        values = list(account.values)
        if not kind.get("ordered") and rng.random() < 0.2:
            rng.shuffle(values)
        spell = _pick(rng, kind.get("part", "{name}={value}"))
        style = _pick(rng, kind.get("names", "env"))
        variant = rng.randrange(12)
        pieces, holes = [], {"passphrase_value": ""} | account.words
        for part, value in values:
            if style == "header" and not _header(account.shop.venue, part):
                continue  # a secret is not sent
            labels.append((value, part, number, account.shop.venue.provider))
            written = ESCAPES[kind.get("escape", "none")](value)
            marked = f"{_OPEN}{len(labels) - 1}{_MIDDLE}{written}{_CLOSE}"
            name = self._name(style, part, account, variant)
            holes |= {f"{part.role}_name": name, f"{part.role}_value": marked, f"{part.role}_raw": value}
            pieces.append(_fill(self._text(spell), holes | {"name": name, "value": marked}))
            if "gap" in kind and rng.random() < 0.25:
                pieces.append(_fill(self._text(rng.choice(kind["gap"])), holes | self._noise(kind)))
        parts = kind.get("join", "\n").join(pieces)
        text = _fill(self._text(_pick(rng, kind.get("account", "{parts}"))), holes | self._noise(kind))
        return text.replace("{parts}", parts)

    def _name(self, style: str, part: Part, account: Account, variant: int) -> str:
        """What a style of names calls a part; one variant for all parts of an account."""
        if style == "header":
            return _header(account.shop.venue, part)
        table = self.table["names"][style]
        own = next((name for name in part.names if _stem(name.lower()) == account.words["stem"]), "")
        if own and table.get("own") and variant % 3 == 0:
            return names(own)[table["own"]]
        known = table.get(part.part) or table.get(_ALIKE.get(part.part, "api-secret"), ["secret"])
        return _fill(known[variant % len(known)], account.words)

    def _noise(self, kind: Mapping[str, Any]) -> dict[str, str]:
        """Lines between, of the kind's language: real code has ids and hashes all around its keys."""
        lines = self.table["noise"].get(kind.get("noise", ""), [""])
        return {"noise": self._text(self.rng.choice(lines)), "noise2": self._text(self.rng.choice(lines))}

    def _text(self, template: str) -> str:
        """A template with its fields filled; every longer one counts as a value that is no secret."""
        for field in _FIELD.findall(template):
            number = re.search(r"\*(\d+)", field)
            self.negatives += "gen:" in field or "uuid" in field or bool(number and int(number[1]) >= 12)
        return expand(template, self.rng) if "{{" in template else template

    def _finish(
        self, path: str, kind: Mapping[str, Any], body: str, values: list[tuple[str, Part, int, str]], shop: Shop
    ) -> Sample:
        """The file's bytes, in one of the encodings its kind may have, and where the marked values came to lie."""
        encoding = self.rng.choice(kind.get("encodings", ["utf-8"]))
        if self.rng.random() < 0.1 and "wrap" not in kind:
            body = body.replace("\n", "\r\n")
        mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff", "utf-8-sig": "\ufeff"}.get(encoding, "")
        codec = "utf-8" if encoding == "utf-8-sig" else encoding
        out, labels, at, seen = mark.encode(codec), [], 0, set()
        for found in _MARKED.finditer(body):
            out += body[at : found.start()].encode(codec)
            at, number = found.end(), int(found[1])
            value, part, account, provider = values[number]
            piece = found[2].encode(codec)
            if number not in seen:  # written twice: the first place is the label's
                seen.add(number)
                labels.append(Label(value.encode(), len(out), len(out) + len(piece), provider, part.part, account))
            out += piece
        out += body[at:].encode(codec)
        joined = kind.get("sets", True)
        return Sample(path, kind["name"], out, tuple(labels), self.negatives, shop.venue.provider, joined)

    # ------------------------------------------------------------ wallets and what is no secret
    def wallet(self, kind: Mapping[str, Any]) -> Sample:
        """A file with wallet secrets that prove themselves."""
        text, spans = expand_marked(_pick(self.rng, kind["text"]), self.rng)
        labels = []
        for number, (start, end) in enumerate(spans):
            low, high = len(text[:start].encode()), len(text[:end].encode())
            labels.append(Label(text[start:end].encode(), low, high, kind["provider"], kind["part"], number))
        path = _pick(self.rng, kind["path"])
        return Sample(path, kind["name"], text.encode(), tuple(labels), 0, kind["provider"], False)

    def negative(self, kind: Mapping[str, Any]) -> Sample:
        """A file without any secret, with venue names all around."""
        self.negatives = 0
        shop = self.rng.choice(self.shops)
        words = self._words(shop, "", 0, "").words
        text = _fill(self._text(_pick(self.rng, kind["text"])), words)
        path = _fill(_pick(self.rng, kind["path"]), words)
        return Sample(path, kind["name"], text.encode(), (), max(1, self.negatives), shop.venue.provider)


# a part that a table of names does not have is called like another
_ALIKE = {
    "identifier": "api-key", "access-token": "api-key", "client-id": "api-key", "account": "uid", "memo": "passphrase",
    "password": "passphrase", "mnemonic": "private-key", "seed": "private-key", "signing-key": "private-key",
}  # fmt: skip

ESCAPES: Mapping[str, Callable[[str], str]] = {
    "none": str,
    "json": lambda text: dumps(text, ensure_ascii=False)[1:-1],
    "sql": lambda text: text.replace("'", "''"),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64n": lambda text: b64encode(text.encode() + b"\n").decode(),
    "url": lambda text: quote(text, safe=""),
}
"""How a value is written in its file."""

WHOLE: Mapping[str, Callable[[str], str]] = {
    "json": lambda text: dumps(text, ensure_ascii=False)[1:-1],
    "lines": lambda text: ",\n    ".join(dumps(line + "\n", ensure_ascii=False) for line in text.split("\n")),
    "comment": lambda text: "\n".join("# " + line for line in text.split("\n")),
}
"""How a whole text is written in another."""


def _header(venue: Venue, part: Part) -> str:
    """The request header that a venue expects a part in; "" if none."""
    return next((name for name, kind in venue.headers if kind == part.part), "")


def _has(kind: Mapping[str, Any], shop: Shop) -> bool:
    """Whether a shop's credential has the parts that a kind of file writes by role, and no others."""
    if kind.get("names") == "header":
        return any(_header(shop.venue, part) for part in shop.parts)
    roles = {part.role for part in shop.parts}
    need = set(kind.get("need", ()))
    return need <= roles and (not kind.get("ordered") or roles <= {"key", "secret", "passphrase"})


def _holds(kind: Mapping[str, Any], value: str) -> bool:
    return re.fullmatch(kind.get("holds", r"[^\s\"'`\\]+"), value) is not None


def _pick(rng: Random, choice: Any) -> str:
    return str(rng.choice(choice)) if isinstance(choice, list) else str(choice)


def _fill(text: str, holes: Mapping[str, str]) -> str:
    """A text with its {holes} filled, those that are known."""
    return _HOLE.sub(lambda found: holes.get(found[1], found[0]), text)


# ---------------------------------------------------------------- all of it
def corpus(packs: Sequence[Pack], seed: int, kinds: int = 14, negatives: int = 12) -> Iterator[Sample]:
    """Every venue in `kinds` kinds of files, every wallet kind thrice and `negatives` files of every kind without a
    secret."""
    writer = Writer(packs, seed)
    table = writer.table
    for number, shop in enumerate(writer.shops):
        order = list(table["kind"])
        # the kinds take turns, so that all of them are used by many venues
        at = (number * 5 + seed) % len(order)
        written = 0
        for kind in order[at:] + order[:at]:
            sample = writer.sample(kind, shop)
            if sample is not None:
                yield sample
                written += 1
            if written == kinds:
                break
    for _ in range(3):
        for kind in table["wallet"]:
            yield writer.wallet(kind)
    for _ in range(negatives):
        for kind in table["negative"]:
            yield writer.negative(kind)
