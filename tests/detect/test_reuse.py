"""Versions of one text are found to hold exactly what a whole scan finds in each."""

from __future__ import annotations

import gzip
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import zip_longest
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import ENCODINGS, TEMPLATES, leak

from leakguard.detect import rules
from leakguard.detect.columns import fold_hits
from leakguard.detect.engine import Engine, Scan
from leakguard.detect.generate import expand, expand_marked, pour
from leakguard.detect.looks import FOLD, Pair, briefly, quiet
from leakguard.detect.reaches import Watching, reaches_of
from leakguard.detect.reuse import Reuse, differences
from leakguard.detect.sample import contexts, near_text
from leakguard.detect.stage1 import PHRASE_BASE, TEXT_BASE

SEEDS = st.integers(0, 1 << 32)
PATHS = ("app/client.py", "notes.md", "deploy/.env", "conf/settings.yaml", "", "src/binance/keys.json", "data.csv")


@cache
def packs() -> tuple[rules.Pack, ...]:
    folder = rules.builtin_folder()
    return tuple(rules.parse_pack(name, data) for name, data in rules.read_files(rules.pack_files(folder)))


KEPT_LINES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lines.gz")


@cache
def filler() -> tuple[bytes, ...]:
    """Lines of this project as they were one day: code and prose that is about credentials and holds few. Kept, so that no
    change of a document draws other texts; `python tests/detect/test_reuse.py` keeps those of today."""
    with gzip.open(KEPT_LINES) as handle:
        return tuple(handle.read().splitlines(keepends=True))


@cache
def lines_of_today() -> tuple[bytes, ...]:
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    lines: list[bytes] = []
    for folder in ("leakguard/detect", "leakguard/sources", "docs"):
        for name in sorted(os.listdir(os.path.join(top, folder))):
            if name.endswith((".py", ".md", ".toml")):
                with open(os.path.join(top, folder, name), "rb") as handle:
                    lines += handle.read().splitlines(keepends=True)
    return tuple(lines)


def block(random: Random, most: int, lines: tuple[bytes, ...] = ()) -> list[bytes]:
    lines = lines or filler()
    start = random.randrange(len(lines))
    return list(lines[start : start + random.randrange(1, most)])


def example(proof: rules.Example, random: Random) -> bytes:
    """An example as it is, or in a context that can hold it."""
    if proof.template:
        return expand(proof.template, random).encode()
    rows = []
    for context in random.sample(contexts(), 4):
        if context.name not in proof.skip and (not proof.only or context.name in proof.only):
            with suppress(ValueError):  # a context that cannot hold it
                rows += pour({"name": proof.name, "secret": proof.secret}, [context], random)
    return random.choice(rows)[1].encode() if rows else b""


def planted(random: Random) -> bytes:
    """An example of some rule, a near miss, a leak in an encoding, a table, a name of somebody, or names alone."""
    kind = random.randrange(12)
    pack = random.choice(packs())
    if kind < 5 and pack.proofs:
        ident = random.choice(sorted(pack.proofs))
        number = random.randrange(len(pack.proofs[ident].examples))
        return example(pack.proofs[ident].examples[number], random)
    if kind == 5 and pack.proofs:
        ident = random.choice(sorted(pack.proofs))
        near = pack.proofs[ident].near_misses
        return near_text(ident, 0, near[0][0]) if near else b""
    if kind == 6:
        text, _ = leak(random.choice(sorted(TEMPLATES)), random.randrange(1 << 20))
        return b"x = " + ENCODINGS[random.choice(sorted(ENCODINGS))](text)
    if kind == 7:
        rows = [leak("binance", random.randrange(1 << 20))[1] for _ in range(random.randrange(2, 60))]
        return b"name,api_key,api_secret\n" + b"".join(b"a%d,%s,%s\n" % (n, r[:20], r) for n, r in enumerate(rows))
    if kind == 8:
        venue = pack.venue
        return (venue.aliases[0] if venue is not None and venue.aliases else "okx").encode()
    if kind == 9:
        return random.choice((b'api_secret = "', b"secret: ", b"token=", b"-----BEGIN RSA PRIVATE KEY-----", b"seed phrase: "))
    if kind == 10:
        return random.choice((b"{", b"}", b"[okx]\n", b"\n\n", b'"', b"'", b"\\", b" + \\\n", b"\xc3\xa9", b'"salt": "iv', b"# mnemonic "))
    return b"abcdefghij0123456789ABCDEFGHIJ"[: random.randrange(1, 30)]


def versions(seed: int, of: tuple[bytes, ...] = ()) -> Iterator[bytes]:
    """A text, and what became of it edit by edit: lines and pieces come and go, also in the middle of a secret."""
    random = Random(seed)
    lines = [line for _ in range(random.randrange(3, 9)) for line in block(random, 120, of)]
    for _ in range(random.randrange(4)):
        lines.insert(random.randrange(len(lines) + 1), planted(random) + b"\n")
    text = b"".join(lines)
    near = random.randrange(len(text))
    yield text
    for _ in range(random.randrange(4, 14)):
        for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
            if random.random() < 0.6:
                near = random.randrange(len(text) + 1)
            at = min(len(text), max(0, near + random.randrange(-60, 61)))
            kind = random.randrange(6)
            if kind == 0:
                text = text[:at] + b"".join(block(random, 30, of)) + text[at:]
            elif kind == 1:
                text = text[:at] + text[at + random.randrange(1, 400) :]
            elif kind == 2:
                text = text[:at] + text[at + random.randrange(1, 6) :]
            elif kind == 3:
                text = text[:at] + planted(random) + random.choice((b"\n", b"", b" ", b'"')) + text[at:]
            elif kind == 4:
                line = text.rfind(b"\n", 0, at) + 1
                text = text[:line] + planted(random) + b"\n" + text[line:]
            else:
                far = random.randrange(max(1, len(text) - 300))
                text = text[:at] + text[far : far + random.randrange(1, 300)] + text[at:]
            near = at
        if random.random() < 0.05:
            text = text[: len(text) // 2]
        yield text


def apart(kind: str, distance: int) -> tuple[bytes, bytes, bytes]:
    """(text, piece, text): without the piece in the middle something is found in it that is not found with it, or the other
    way round; what it decides about stands `distance` bytes away."""
    random = Random(f"{kind}:{distance}")
    far = dull(random, 4000)
    gap = far[: far.find(b"\n", distance) + 1] if distance else b""
    around = dull(random, 300)
    value = expand("{{alnum*64}}", random).encode()
    if kind == "mention before":
        return around, b"# binance\n", gap + b'secret = "' + value + b'"\n' + around
    if kind == "mention after":
        return around + b'secret = "' + value + b'"\n' + gap, b"# binance\n", around
    if kind == "unshaped":  # no form of the venue's, whose name alone decides
        return around, b"# binance\n", gap + b'api_secret = "' + value[:45] + b'"\n' + around
    if kind == "header":
        rows = b"".join(b"a%d,%s,%s\n" % (n, value[:20], value) for n in range(max(1, distance // 90)))
        return around + b"name,api_key", b",api_secret", b"\n" + rows + around
    text, spans = expand_marked("<<{{gen:pem pkcs8}}>>" if kind.startswith("p") and kind != "phrase" else "<<{{gen:bip39 24}}>>", random)
    secret = text[slice(*spans[0])].encode()
    if kind == "packed end":
        packed = b"x = " + b64encode(dull(random, 60) + text.replace("<<", "").replace(">>", "").encode())
        return around + packed[:-40], packed[-40:-20], packed[-20:] + b"\n" + around
    if kind == "pem begin":
        return around, secret[:27], secret[27:] + b"\n" + around
    if kind == "pem end":
        return around + secret[:-12], secret[-12:], b"\n" + around
    words = secret.split()
    return around + b"\n".join(words[:3]) + b"\n", words[3], b"\n" + b"\n".join(words[4:]) + b"\n\n" + around


APART = [("mention before", distance) for distance in (0, 300, 600, 1300)]
APART += [("mention after", distance) for distance in (0, 300, 600)]
APART += [("unshaped", 0)]
APART += [("header", 200), ("header", 9_000), ("pem begin", 0), ("pem end", 0), ("packed end", 0), ("phrase", 0)]


@pytest.mark.parametrize(("kind", "distance"), APART)
def test_what_decides_may_be_far_away(engine: Engine, kind: str, distance: int) -> None:
    before, piece, after = apart(kind, distance)
    whole = [engine.scan(text, "notes").matches for text in (before + after, before + piece + after)]
    assert [(match.rule, match.confidence) for match in whole[0]] != [(m.rule, m.confidence) for m in whole[1]]
    texts = Reuse(engine)
    for _ in range(2):
        assert texts.scan(before + after, "notes").matches == whole[0]
        assert texts.scan(before + piece + after, "notes").matches == whole[1]


def dull(random: Random, lines: int) -> bytes:
    """Lines that nothing fires in."""
    words = ("result", "index", "total", "row", "buffer", "state", "width", "frame", "layer", "count")
    kinds = ("    {} = {}({}, 1)\n", "for {} in {}:\n", "    return {}.{}\n", "\n", "# {} and {} of the {}\n", "  - {}: {}\n")
    return "".join(
        random.choice(kinds).format(*random.choices(words, k=3)) for _ in range(lines)
    ).encode()  # fmt: skip


def damaged(seed: int) -> Iterator[bytes]:
    """A text around an example of some rule, that lacks a piece, and has it, and lacks another: its lines drawn apart."""
    random = Random(f"damaged:{seed}")
    before, after = dull(random, random.randrange(100, 400)), dull(random, random.randrange(100, 400))
    whole = b""
    while not whole:
        whole = planted(random) + b"\n"
        if random.random() < 0.3:
            whole = planted(random) + b"\n" + whole
    if random.random() < 0.5:
        lines = whole.splitlines(keepends=True)
        whole = b"".join(line + dull(random, random.choice((0, 0, 1, 3, 8, 20, 40))) for line in lines)
    for _ in range(8):
        low = random.randrange(len(whole))
        high = min(len(whole), low + random.choice((1, 1, 4, 20, 200, 4000)))
        instead = random.choice((b"", b"", b" ", b"\n", b"xy", whole[low:high][::-1]))
        yield before + whole[:low] + instead + whole[high:] + after
        if random.random() < 0.3:
            before = dull(random, 3) + before
        yield before + whole + after


@given(SEEDS, st.sampled_from(PATHS))
@settings(max_examples=60)
def test_what_completes_a_secret_is_seen(engine: Engine, seed: int, path: str) -> None:
    texts = Reuse(engine)
    for number, text in enumerate(damaged(seed)):
        assert texts.scan(text, path).matches == engine.scan(text, path).matches, number


@given(SEEDS, st.sampled_from(PATHS))
@settings(max_examples=50)
def test_versions_hold_what_a_whole_scan_finds(engine: Engine, seed: int, path: str) -> None:
    texts = Reuse(engine)
    for number, text in enumerate(versions(seed)):
        assert texts.scan(text, path).matches == engine.scan(text, path).matches, number


@pytest.mark.slow
@given(st.integers(0, 1 << 62), st.sampled_from(PATHS))
@settings(max_examples=1000, derandomize=False)
def test_versions_of_the_project_as_it_is(engine: Engine, seed: int, path: str) -> None:
    """Other texts each time, of lines that change from day to day."""
    texts = Reuse(engine)
    for number, text in enumerate(versions(seed, lines_of_today())):
        assert texts.scan(text, path).matches == engine.scan(text, path).matches, number


@pytest.mark.parametrize("kind", ["base64", "hex"])
def test_what_is_packed_reaches_to_the_end_of_its_run(engine: Engine, kind: str) -> None:
    text = dull(Random(4), 200)
    data = b"x = " + (b64encode(text) if kind == "base64" else text.hex().encode()) + b"\n"
    ends = engine.stage1.scan(data, True)
    told, _ = reaches_of(engine).described(data, ends)
    packed = [(end, after) for end, ident, _, after in told if TEXT_BASE <= ident < PHRASE_BASE]
    assert packed
    assert all(end + after >= len(data) - 1 for end, after in packed)


@pytest.mark.parametrize("way", ["before", "after"])
def test_a_name_that_comes_near_when_lines_between_go_is_seen(engine: Engine, way: str) -> None:
    """Most values that ask have a generic rule's match, and then their text is scanned whole: so asked of the part itself."""
    watch = Watching(engine)
    random = Random(8)
    far, value = dull(random, 400), b'secret = "x"\n'
    for distance, shrunk, drawn in ((1600, 300, False), (1400, 300, True), (1100, 300, False), (1350, 20, False)):
        between = far[750 * (way == "after") - distance :]
        text = far + b" binance " + between + value + far if way == "before" else far + value + between + b" binance " + far
        place = text.index(b'"x"') + 1
        sides = (shrunk, 0) if way == "before" else (0, shrunk)
        assert watch.drawn_near(text, place, 1 + 1700, *sides) is drawn, distance
        assert not watch.drawn_near(text, place, 1 + 1700, *reversed(sides))


@given(SEEDS, st.sampled_from(PATHS))
@settings(max_examples=50)
def test_versions_of_any_text_that_came_before_hold_it_too(engine: Engine, seed: int, path: str) -> None:
    """As in packs: looked at together, each with any of those before it as its base, and some with none after them."""
    random = Random(seed)
    texts = Reuse(engine)
    made = list(random.choice((versions, damaged))(seed))
    bases = [random.randrange(max(0, number - 4), number) if number else -1 for number in range(len(made))]
    at = 0
    while at < len(made):
        batch = range(at, min(len(made), at + random.randrange(1, 6)))
        pairs = [Pair(made[n], path, made[bases[n]], differences(made[bases[n]], made[n])) for n in batch if n]
        looks = iter(texts.looks(pairs))
        for number in batch:
            look = next(looks) if number else None
            keep = number in bases or random.random() < 0.5
            found = texts.scan(made[number], path, ("pack", number), ("pack", bases[number]), look, keep=keep)
            assert found.matches == engine.scan(made[number], path).matches, number
        at = batch.stop


@given(SEEDS)
@settings(max_examples=40)
def test_short_texts_that_stage_1_is_silent_about_hold_nothing(engine: Engine, seed: int) -> None:
    random = Random(seed)
    texts = []
    for _ in range(random.randrange(1, 40)):
        text = b"".join(block(random, 6)) if random.random() < 0.4 else dull(random, random.randrange(6))
        if random.random() < 0.3:
            at = random.choice((0, random.randrange(len(text) + 1), len(text)))
            text = text[:at] + planted(random) + text[at:]
        texts.append(text.strip(b"\n") if random.random() < 0.3 else text)
    for text, nothing in zip(texts, quiet(engine, texts), strict=True):
        if nothing:
            assert engine.scan(text, "") == Scan([], -1, 0, 0, [])


def scattered(seed: int) -> Iterator[bytes]:
    """A text with small changes all over it, in each version others."""
    random = Random(f"scattered:{seed}")
    lines = b"".join(dull(random, 40) + b"".join(block(random, 20)) + planted(random) + b"\n" for _ in range(4)).splitlines(keepends=True)
    for _ in range(8):
        yield b"".join(lines)
        for at in range(random.randrange(8), len(lines), random.choice((4, 8, 12))):
            kind = random.randrange(4)
            low = random.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:low] + (b"", b"x", planted(random), b"# ")[kind] + lines[at][low + random.randrange(4) :]


def wrapped(text: bytes, width: int) -> bytes:
    """A text whose lines were broken at a column, also inside words."""
    lines = text.splitlines()
    return b"".join(line[at : at + width] + b"\n" for line in lines for at in range(0, max(1, len(line)), width))


@given(SEEDS, st.sampled_from((64, 76, 80)))
@settings(max_examples=40)
def test_versions_of_folded_texts_hold_what_a_whole_scan_finds(engine: Engine, seed: int, width: int) -> None:
    texts = Reuse(engine)
    for number, text in enumerate(Random(seed).choice((versions, damaged))(seed)):
        assert texts.scan(wrapped(text, width), "notes.md").matches == engine.scan(wrapped(text, width), "notes.md").matches, number


@given(SEEDS, st.sampled_from(PATHS))
@settings(max_examples=40)
def test_versions_that_differ_all_over_hold_what_a_whole_scan_finds(engine: Engine, seed: int, path: str) -> None:
    """As git's packs tell differences: line by line, however many there are."""
    texts = Reuse(engine)
    old = b""
    for number, text in enumerate(scattered(seed)):
        look = texts.looks([Pair(text, path, old, line_by_line(old, text))])[0] if number else None
        assert texts.scan(text, path, number, number - 1, look).matches == engine.scan(text, path).matches, number
        old = text


def line_by_line(old: bytes, new: bytes) -> list[tuple[int, int, int, int]]:
    """All differences of two texts of as many lines."""
    out: list[tuple[int, int, int, int]] = []
    a = c = 0
    for one, other in zip_longest(old.splitlines(keepends=True), new.splitlines(keepends=True), fillvalue=b""):
        if one != other:
            out.append((a, a + len(one), c, c + len(other)))
        a, c = a + len(one), c + len(other)
    return out


def test_a_fold_reaches_as_far_as_its_lines(engine: Engine) -> None:
    """Of documentation each change made 27 KB of folds before it be judged again, the half of what versions of it cost."""
    random = Random(13)
    text = wrapped(dull(random, 900).replace(b"\n", b" ").replace(b".", b".\n"), 76) * 4
    ends = [(FOLD, end) for _, end in fold_hits(text)]
    assert len(text) > 40_000
    assert len(ends) > 20
    told, _ = reaches_of(engine).described(text, ends)
    assert sum(after for _, _, _, after in told) < 6_000 * len(told)


def test_a_file_that_moved_is_a_version_of_what_it_was(engine: Engine) -> None:
    """It was scanned whole, though the pack has it as a difference."""
    random = Random(14)
    texts = Reuse(engine)
    old, new = (dull(random, 300) for _ in range(2))
    new = old + new[:90]
    value = expand("{{alnum*64}}", random).encode()
    for one, other, reused in (("a/x.py", "lib/a/x.py", True), ("a/x.py", "binance/x.py", False), ("a/x.py", "a/y.py", False)):
        assert texts.alike(one, other) is reused
        before = texts.reused
        for data in (old, old + b'secret = "' + value + b'"\n'):
            more = data + new[len(old) :]
            texts.scan(data, one, ("pack", one))
            look = texts.looks([Pair(more, other, data, [(len(data), len(data), len(data), len(more))])])[0]
            found = texts.scan(more, other, ("pack", other), ("pack", one), look)
            assert found.matches == engine.scan(more, other).matches
        assert (texts.reused > before) is reused


@given(SEEDS)
@settings(max_examples=40)
def test_short_texts_that_are_looked_at_together_are_scanned_as_alone(engine: Engine, seed: int) -> None:
    random = Random(f"brief:{seed}")
    texts, paths = [], []
    for _ in range(random.randrange(1, 30)):
        parts = [b"".join(block(random, 5)), dull(random, random.randrange(4)), planted(random), planted(random)]
        text = b"\n".join(random.sample(parts, random.randrange(1, 4)))[:3000]
        texts.append(wrapped(text, 76) if random.random() < 0.3 else text)
        paths.append(random.choice(("app/client.py", "notes.md", "deploy/.env", "", "src/binance/keys.json")))
    for text, path, ends in zip(texts, paths, briefly(engine, texts, paths), strict=True):
        if ends is not None:
            # how many views are made goes by the order in which hyperscan tells of ends, too: it thins them out as they come
            given, alone = (scan._replace(views=0, view_bytes=0) for scan in (engine.scan(text, path, given=ends), engine.scan(text, path)))
            assert given == alone
    assert any(ends is not None for ends in briefly(engine, texts, paths))


def test_most_short_texts_are_not_scanned(engine: Engine) -> None:
    random = Random(3)
    texts = [b"author A <a@example.org> 1600000000 +0000\n\n" + dull(random, 4) for _ in range(100)]
    assert sum(quiet(engine, texts)) > 90


def test_most_versions_are_not_scanned_whole(engine: Engine) -> None:
    """What the law above would hold for, too, if everything were."""
    texts = Reuse(engine)
    random = Random(7)
    lines = dull(random, 800).splitlines(keepends=True)
    for _ in range(60):
        at = random.randrange(len(lines))
        lines[at : at + random.randrange(4)] = dull(random, random.randrange(1, 12)).splitlines(keepends=True)
        texts.scan(b"".join(lines), "a.py")
    assert texts.reused > 20 * texts.whole


def test_what_was_found_in_a_run_makes_other_runs_no_dearer(engine: Engine) -> None:
    """A translation of a megabyte with some finds in its strings was scanned whole at each change of another string."""
    texts = Reuse(engine)
    random = Random(9)
    token, _ = leak("github", 1)
    packed = b'x = "' + b64encode(b"a token: " + token + b" and more of it") + b'"\n'
    dulls = dull(random, 800)
    found = engine.scan(packed + dulls, "a.py").matches
    assert found
    assert all(match.view for match in found)
    for number in range(8):
        text = packed + dulls[:9000] + b'\ny = "' + b64encode(b"%d: %b" % (number, dull(random, 6))) + b'"\n' + dulls[9000:]
        assert texts.scan(text, "a.py").matches == engine.scan(text, "a.py").matches == found
    assert texts.reused > 6 * texts.whole


if __name__ == "__main__":  # one line in four, in pieces of sixty
    parts = [lines_of_today()[start : start + 60] for start in range(0, len(lines_of_today()), 240)]
    with gzip.GzipFile(KEPT_LINES, "wb", mtime=0) as kept:
        kept.write(b"".join(line for part in parts for line in part))
