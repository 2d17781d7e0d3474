"""Every encoding is undone with an exact map back; what is bounded says so; what is no encoding costs nothing."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import ENCODINGS, TEMPLATES, bare, leak, noise, secrets, wrapped

from leakguard.detect import cache, decode, utf16
from leakguard.detect.columns import fold_hits
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import Match

TOKEN, SECRET = leak("github", 77)


def found(engine: Engine, data: bytes, secret: bytes = SECRET) -> Match:
    """The one match of the secret."""
    matches = [match for match in engine.scan(data).matches if bare(match.secret or b"") == secret]
    assert len(matches) == 1, f"{len(matches)} matches"
    return matches[0]


# ---- every kind -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ENCODINGS))
@pytest.mark.parametrize("kind", sorted(set(TEMPLATES) - {"phrase"}))  # short words: a soft line break may leave two letters
def test_every_encoding_is_undone(engine: Engine, name: str, kind: str) -> None:
    for seed in range(3):
        text, secret = leak(kind, seed)
        encoded = ENCODINGS[name](text)
        for before, after in ((b"", b""), (b"x = ", b"\n"), (noise(seed, 300) + b'\n"', b'"\n' + noise(seed, 300))):
            assert secret in secrets(engine, before + encoded + after)


NESTED = ("base64", "hex", "percent", "json", "gzip in base64", "utf-16le", "base64 wrapped", "unicode escapes")


@given(st.lists(st.sampled_from(NESTED), min_size=2, max_size=3), st.integers(0, 1000))
@settings(max_examples=60)
def test_encodings_within_encodings_are_undone(engine: Engine, names: list[str], seed: int) -> None:
    text, secret = leak("github", seed)
    data = b"some words that are text\n" + text
    for name in names:
        if b"\0" in data and name in ("percent", "json", "utf-16le", "unicode escapes"):
            data = base64.b64encode(data)  # nobody writes wide characters out that way
        data = ENCODINGS[name](data)
    assert secret in secrets(engine, data)


def test_depth_has_a_limit(loaded: cache.Loaded, engine: Engine) -> None:
    data = json.dumps({"value": TOKEN.decode()}).encode()
    for _ in range(4):
        data = base64.b64encode(data)
    assert found(engine, data).view == ("base64",) * 4
    assert secrets(engine, base64.b64encode(data)) == set()
    for depth in (0, 1, 3):
        shallow = Engine(loaded.ruleset, loaded.stage1, keep_secrets=True, decode_depth=depth)
        assert secrets(shallow, data) == set()
    assert secrets(Engine(loaded.ruleset, loaded.stage1, keep_secrets=True, decode_depth=0), TOKEN) == {SECRET}


JOINTS = {
    "python": '"\n    "',
    "python, prefixed": '"\n    f"',
    "python +": '" + "',
    "python, over lines": '" +\n        "',
    "backslash": '" \\\n    "',
    "javascript": '" +\n  "',
    "java": '"\n            + "',
    "php": '" . "',
    "php, over lines": '"\n    . "',
    "shell": '"\\\n"',
    "visual basic": '" & _\n    "',
    "lua": '" .. "',
    "sql": '" || "',
    "crlf": '" +\r\n\t"',
}


@pytest.mark.parametrize("name", sorted(JOINTS))
def test_string_pieces_are_joined(engine: Engine, name: str) -> None:
    value = bare(SECRET).decode()
    for size in (9, 20):
        parts = [value[at : at + size] for at in range(0, len(value), size)]
        text = (
            f'const token = "{JOINTS[name][1:-1].join(chr(34) + part + chr(34) for part in parts)[1:-1]}";\n'.encode()
        )
        assert text.count(b"\n") >= JOINTS[name].count("\n")
        match = found(engine, b"first line\n" + text + b"last line\n")
        assert match.view == ("join",)
        assert text[match.secret_start - 11 : match.secret_end - 11].replace(b'"', b"").startswith(value[:9].encode())


@pytest.mark.parametrize("prefix", ["f", "rb", "U"])
def test_pieces_with_a_prefix_are_joined_and_lists_of_letters_are_none(engine: Engine, prefix: str) -> None:
    value = bare(SECRET).decode()
    text = f'token = ("{value[:12]}"\n  {prefix}"{value[12:24]}"{prefix}"{value[24:]}")\n'.encode()
    assert found(engine, text).view == ("join",)
    letters = b"row = ['f','b','ab' + '" + b"','".join([b"f", b"u", b"r"] * 200) + b"']\n"
    assert decode.joined(letters, letters.index(b"ab") + 6)[2] == [(letters.index(b"ab") + 2, letters.index(b"ab") + 7)]


def test_a_private_key_in_string_pieces(engine: Engine) -> None:
    text, secret = leak("pem", 4)
    lines = b" +\n        ".join(b'"%s\\n"' % line for line in text.splitlines())
    assert lines.count(b"BEGIN") == 1
    assert secret in secrets(engine, b"String key = " + lines + b";\n")


@pytest.mark.parametrize("width", [64, 72, 76, 80])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_columns_are_unfolded(engine: Engine, width: int, end: bytes) -> None:
    text = b"Dear all, the deployment token for this week is " + SECRET + b" and please keep it to yourselves, as ever."
    lines = end.join(text[at : at + width] for at in range(0, len(text), width))
    assert SECRET not in lines
    match = found(engine, b"Hello," + end + end + lines + end)
    assert match.view == ("fold",)


def test_continuation_lines_are_unfolded(engine: Engine) -> None:
    for joint in (b"\\\n", b"\\\r\n", b"\\\n    "):
        text = b"export TOKEN=" + SECRET[:21] + joint + SECRET[21:] + b"\nexport NEXT=1\n"
        assert found(engine, text).view == ("fold",)


def test_the_columns_of_large_objects_are_left(engine: Engine) -> None:
    """Decided by the object, not by the window of it that happens to be looked at."""
    text = (b"a word " * 20 + SECRET)[-100:]
    folded = text[:76] + b"\n" + text[76:]
    assert SECRET in {match.secret for match in engine.scan(folded).matches}
    assert engine.scan(folded, size=(1 << 20) + 1).matches == []


def test_fold_hits_are_only_asked_of_usual_widths() -> None:
    for width, hits in ((63, 0), (64, 1), (65, 0), (72, 1), (76, 1), (80, 1), (81, 0)):
        assert len(fold_hits(b"a" * width + b"\nbcd\n")) == hits
        assert fold_hits(b"a" * width + b"\n bcd\n") == []
        assert fold_hits(b"a" * (width - 1) + b"." + b"\nbcd\n") == []


LINES = st.lists(
    st.tuples(
        st.sampled_from([b"", b"a", b" ", b"\r", b"-"]),
        st.sampled_from([0, 1, 5, *range(61, 66), *range(69, 82)]),
        st.sampled_from([b"b", b".", b""]),
        st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r"]),
    ),
    max_size=80,
)


@given(LINES, st.sampled_from([b"", b"c", b" "]))
def test_fold_hits_are_what_going_through_the_lines_says(lines: list[tuple[bytes, int, bytes, bytes]], rest: bytes) -> None:
    data = b"".join(first + b"x" * width + last + end for first, width, last, end in lines) + rest
    expected = []
    at = 0
    for ended in data.split(b"\n")[:-1]:
        at += len(ended) + 1
        line = ended.removesuffix(b"\r")
        inside = re.search(rb"[A-Za-z0-9_+/-]\Z", line) and re.match(rb"[A-Za-z0-9_+/-]", data[at : at + 1])
        if len(line) in (64, 72, 76, 80) and inside:
            expected.append(("fold", at + 1))
    assert fold_hits(data) == expected


# ---- the map back ---------------------------------------------------------------------------------------------------

PLACED = {
    name: ENCODINGS[name]
    for name in ENCODINGS
    if not name.startswith(("gzip", "zlib", "helm", "json in", "utf-16 in", "quoted"))
}


@pytest.mark.parametrize("name", sorted(PLACED))
@given(st.integers(0, 10**6))
@settings(max_examples=10)
def test_the_map_back_is_exact(engine: Engine, name: str, seed: int) -> None:
    """The raw span that a match points at is the encoding of the secret, and of nothing beside it."""
    text, secret = leak("github", seed)
    value = text.split(b'"')[1]
    prefix = noise(seed, seed % 50).hex().encode()
    data = prefix + b"\n" + PLACED[name](b"the " + b"k" * (seed % 7) + text + b"# and more") + b"\n"
    match = found(engine, data, secret)
    raw = data[match.secret_start : match.secret_end]
    if not match.view:
        assert raw == value
    elif name.startswith("base64"):
        digits = raw.replace(b"\\r", b"").replace(b"\\n", b"").translate(decode.digits._URL_TO_STD, b"\r\n ")
        for shift in range(4):  # the span begins with the digit that the secret's first bit is in
            if value in base64.b64decode(b"A" * shift + digits + b"A" * (-(shift + len(digits)) % 4)):
                break
        else:
            pytest.fail("the secret is not in the span")
        assert len(digits) <= -(-4 * len(value) // 3) + 1
    elif name.startswith("hex"):
        assert bytes.fromhex(raw.decode()) == value
    elif name.startswith("utf-16"):
        assert raw.decode("utf-16-be" if name == "utf-16be" else "utf-16-le") == value.decode()
    else:
        assert PLACED[name](value) == raw


@given(st.text(st.characters(min_codepoint=32, max_codepoint=1000, exclude_categories=["Cc"])), st.integers(0, 3))
@settings(max_examples=60)
def test_every_byte_of_a_base64_view_has_its_place(more: str, lead: int) -> None:
    text = b"=" * (lead + 1) + base64.b64encode(b"plain text first" + more.encode())
    (view,) = decode.Runs(text, [("base64", lead + 1 + 20)])
    for at in range(0, len(view.data), 7):
        start, end = view.raw(at, at + 1)
        assert view.start <= start < end <= view.end
        group = (at // 3) * 4 + lead + 1
        assert view.data[at] in base64.b64decode(text[group : group + 4])
        assert group <= start < end <= group + 4


# ---- where a run ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "following", ["api_key: x", "DATABASE_URL: y", "B=abc", 'TOKEN_B="abc"', "password", "a: b", "next words here"]
)
def test_the_next_line_is_not_of_the_run(engine: Engine, following: str) -> None:
    """Unpadded base64 in a list: letters of the next line are digits, too, and would be glued to the secret."""
    value = b"x=" + SECRET
    value += b" " * (-len(value) % 3)
    digits = base64.b64encode(value.rstrip())
    assert not digits.endswith(b"=")
    text = b"data:\n  TOKEN: " + digits + b"\n  " + following.encode() + b"\n"
    assert found(engine, text).view == ("base64",)


@given(st.integers(1, 40), st.integers(0, 10**6))
@settings(max_examples=40)
def test_lines_of_any_width_are_one_run(engine: Engine, groups: int, seed: int) -> None:
    text, secret = leak("github", seed)
    data = b"key: " + wrapped(b"a few words first, " + text + b"and a few after it", 4 * groups, b"\n  ") + b"\n"
    if groups >= 5:  # the first line has to show that it is text
        assert secret in secrets(engine, data)
    else:
        # else nothing of it is found, or all; a line of 16 digits is a random value after `key:`
        assert secret in secrets(engine, data) or not any(text.startswith(b"ghp_") for text in secrets(engine, data))


# ---- bounds ---------------------------------------------------------------------------------------------------------


def test_a_bomb_is_bounded_and_told(engine: Engine) -> None:
    bomb = base64.b64encode(gzip.compress(bytes(300_000_000), 9))
    started = time.process_time()
    scan = engine.scan(b"data: " + bomb)
    assert time.process_time() - started < 20
    assert scan.view_bytes <= 2 * decode.MAX_VIEW
    assert any("packed" in reason for reason in scan.incidents)


def test_many_bombs_are_bounded_together(engine: Engine) -> None:
    """No view is made before it is asked for: four thousand megabytes would not fit."""
    bomb = base64.b64encode(gzip.compress(b"all work and no play " * 400_000, 9))
    scan = engine.scan(b"\n".join(b'data: "' + bomb + b'"' for _ in range(500)))
    assert scan.view_bytes < 16 * decode.MAX_VIEW
    assert sum("bound" in reason for reason in scan.incidents) == 1


def test_what_is_before_a_break_in_packed_data_counts(engine: Engine) -> None:
    packed = bytearray(gzip.compress(TOKEN + Random(1).randbytes(300_000)))
    packed[200_000] ^= 0xFF
    assert SECRET in secrets(engine, b"data: " + base64.b64encode(bytes(packed)))


def test_runs_longer_than_a_view_are_seen_to_the_end(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode.digits, "MAX_VIEW", 256 * 1024)
    leaks = [leak(kind, seed) for kind in ("github", "npm") for seed in range(20)]
    text = b"".join(part for token, _ in leaks for part in (token, b"only words here. " * 1500))
    planted = {secret for _, secret in leaks}
    for name in ("base64", "hex", "base64 wrapped"):
        data = b"x: " + ENCODINGS[name](text)
        scan = engine.scan(data)
        assert planted <= {bare(match.secret or b"") for match in scan.matches}
        assert (
            max(len(view.data) for view in decode.Runs(data, [("base64" if "b" in name else "hex", 3 + 20)])) <= 2**19
        )
        assert not scan.incidents


def test_random_letters_make_no_views(engine: Engine) -> None:
    """An attachment is base64, too: what decodes to no text is not looked at."""
    lines = wrapped(Random(3).randbytes(600_000))
    scan = engine.scan(lines)
    assert scan.view_bytes < len(lines) // 10
    assert scan.cut == -1


# ---- runs and windows -----------------------------------------------------------------------------------------------


def test_a_run_that_the_window_cuts_is_told(engine: Engine) -> None:
    text = b"nothing to see in here, go on. " * 1000
    for name, start in (("base64", 4), ("hex", 4), ("gzip in base64", 4)):
        body = ENCODINGS[name](text if "gzip" not in name else Random(1).randbytes(20_000))
        data = b"x = " + body.rstrip(b"=")  # padding would end the run
        assert engine.scan(data, final=False).cut == start
        assert engine.scan(data, final=True).cut == -1
        assert engine.scan(data + b"\n\nmore", final=False).cut == -1
    for name in ("base64 wrapped", "percent", "unicode escapes", "utf-16le"):
        assert engine.scan(b"xy =" + ENCODINGS[name](text), final=False).cut == -1


def test_a_run_that_the_next_window_could_not_explain_is_told(engine: Engine) -> None:
    """It is whole here; but the next window would begin in its middle, and not know where its groups of four begin."""
    run = base64.b64encode(b"nothing to see in here, go on. " * 1000)
    data = b"x = " + run + b"\n" + b"words " * 100
    assert engine.scan(data, final=False, core_end=30_000, reach=20_000).cut == 4
    assert engine.scan(data, final=False, core_end=30_000, reach=29_997).cut == -1
    assert engine.scan(data, final=False, core_end=len(data) - 10, reach=100).cut == -1


def test_a_cut_inside_another_encoding_is_told_where_it_stands(engine: Engine) -> None:
    inner = b"some = " + base64.b64encode(b"nothing to see in here, go on. " * 999)
    data = b"\1\1" + inner.decode().encode("utf-16-le")
    assert engine.scan(data, final=False).cut == 2 + 2 * 7


# ---- UTF-16 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("lead", [b"", b"\1", b"\1\2", b"\xff\xfe", b"\0", b"abc", b"\0\0\0"])
@pytest.mark.parametrize("tail", [b"", b"\0", b"\0\0", b"\xff", b"\n"])
def test_a_run_is_read_in_one_byte_order(engine: Engine, order: str, lead: bytes, tail: bytes) -> None:
    data = lead + TOKEN.decode().encode(order) + tail
    views = list(utf16.wide_views(data))
    assert len(views) == 1
    assert abs(len(views[0].data) - len(TOKEN)) <= 1
    match = found(engine, data)
    value = data[match.secret_start : match.secret_end]
    assert value.replace(b"\0", b"") == SECRET


def test_runs_in_both_orders_are_read() -> None:
    data = "first text here".encode("utf-16-le") + b"\xff\xff" + "second text here".encode("utf-16-be")
    assert [(view.kind, view.data) for view in utf16.wide_views(data)] == [
        ("utf-16le", b"first text here"),
        ("utf-16be", b"second text here"),
    ]


def test_runs_close_together_are_one_view_and_keep_their_places(engine: Engine) -> None:
    first, second = "some label of it", TOKEN.decode()
    near = first.encode("utf-16-le") + b"\0\1\2\3" + second.encode("utf-16-le") + b"\7" * 40 + "and some more".encode("utf-16-le")
    far = near + b"\5" * 300 + "another text".encode("utf-16-le")
    (view,) = utf16.wide_views(near)
    assert view.data.split(b"\n\x1e\n") == [first.encode(), second.encode(), b"and some more"]
    assert [view.data[-12:] for view in utf16.wide_views(far)] == [b"nd some more", b"another text"]
    for data in (near, far, b"x" + far):
        match = found(engine, data)
        assert data[match.secret_start : match.secret_end].replace(b"\0", b"") == SECRET


# ---- what is no encoding --------------------------------------------------------------------------------------------


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.sampled_from(sorted(decode.FINDERS)), st.integers(20, 300)), max_size=6),
)
@settings(max_examples=300)
def test_no_bytes_and_no_hits_make_a_decoder_fail(data: bytes, hits: list[tuple[str, int]]) -> None:
    inside = [(kind, end) for kind, end in hits if end <= len(data)]
    for view in decode.Runs(data, inside):
        assert 0 <= view.start <= view.end <= len(data)
        for at in range(0, len(view.data), 5):
            start, end = view.raw(at, at + 1)
            assert view.start <= start < end <= view.end


_LETTER = rb"[\t\n\r\x20-\x7e]"


def _one_reading(data: bytes, one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    """Which of two overlapping runs is meant."""
    difference = (one[1] - one[0]) - (other[1] - other[0])
    if difference:
        return one if difference > 0 else other
    before, after = data[one[0] + one[2]], data[other[1] - 2 + other[2]]
    return other if before in b" \t\r\n" and after not in b" \t\r\n" else one


@given(
    st.lists(st.tuples(st.sampled_from([b"a\0", b"\0a", b"\0", b"a", b"\1", b"ab", b" \0", b"\n"]), st.integers(1, 20)), max_size=6),
    st.integers(0, 3),
    st.sampled_from([15, 16, 17, 30, 4096]),
)
@settings(max_examples=300)
def test_wide_runs_are_what_two_patterns_find(pieces: list[tuple[bytes, int]], base: int, together: int) -> None:
    """The one search for both byte orders, against a pattern for each and a choice where both fit; wherever it begins anew."""
    data = b"".join(piece * times for piece, times in pieces)
    patterns = (rb"(?:%b\0){8,}" % _LETTER, rb"(?:\0%b){8,}" % _LETTER)
    expected: list[tuple[int, int, int]] = []
    for span in sorted((*found.span(), which) for which, text in enumerate(patterns) for found in re.finditer(text, data)):
        if expected and span[0] < expected[-1][1] - 1:
            expected[-1] = _one_reading(data, expected[-1], span)
        else:
            expected.append(span)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utf16, "_TOGETHER", together)
        runs = utf16._wide_runs(b"x" * base + data, base, data.translate(utf16._CLASSES))
    assert runs == [(start + base, end + base, which) for start, end, which in expected]


_PARTS = [b"a\0", b"\0a", b"\0", b"a", b"\1", b" \0", b"a\0\0\0", b"\0\0\0b", b"\7\0", b"\xff" * 9]


@given(st.lists(st.tuples(st.sampled_from(_PARTS), st.integers(1, 40)), max_size=9), st.sampled_from([64, 128, 8192]))
@settings(max_examples=300)
def test_an_automaton_says_where_wide_runs_are_and_misses_none(parts: list[tuple[bytes, int]], step: int) -> None:
    """Stretches in which it saw nothing are not looked at: the views are those of a look at everything."""
    data = b"".join(part * times for part, times in parts)
    expected = list(utf16.wide_views(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utf16, "_ALONE", 0)
        patch.setattr(utf16, "_STEP", step)
        assert list(utf16.wide_views(data)) == expected


def test_a_wide_text_over_many_stretches_is_one_view() -> None:
    text = "some text of a program\n" * 4000
    noise = Random(5).randbytes(100_000)
    for order in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        data = noise + b"\xff" + text.encode(order) + b"\xff" + noise
        views = [view for view in utf16.wide_views(data) if len(view.data) > 1000]
        assert [view.data.count(b"a program") for view in views] == [4000]


@pytest.mark.parametrize("kind", ["quoted", "percent", "escape"])
def test_a_long_line_is_gone_through_a_few_times_at_most(kind: str) -> None:
    """Each escape far from the last one began anew at the first byte: a line of ten megabytes was read two hundred times."""
    piece = {"quoted": b" name=3Dabcd", "percent": b" %3Aabcdefghijkl", "escape": b" \\u0061\\u0062\\u0063\\u0064"}[kind]
    data = (b"no escape in here, " * 40 + piece) * 1200
    hits = [(kind, found.end()) for found in re.finditer(re.escape(piece), data)]
    assert sum(len(view.data) for view in decode.Runs(data, hits)) < 3 * len(data)


# ---- what only looks like an encoding -------------------------------------------------------------------------------
@pytest.mark.parametrize("line", [
    b"NEXTAUTH_SECRET=%s\nDEBUG=false\n", b"NEXTAUTH_SECRET=%s\r\nDEBUG=false\r\n", b"nextauth_secret: %s\ndebug: false\n",
    b"app:\n  nextauth_secret: %s\nX=3Y\n", b"nextauth.secret=%s\nnext.thing=1\n",
])  # fmt: skip
def test_base64_at_a_lines_end_is_no_soft_line_break(engine: Engine, line: bytes) -> None:
    """In a .env the next line was part of the secret, for `fix` and the redactor, too."""
    for seed in range(3):
        secret = base64.b64encode(Random(f"padded:{seed}").randbytes(32))
        data = line % secret
        matches = engine.scan(data).matches
        assert [data[one.secret_start : one.secret_end] for one in matches] == [secret]


def test_a_soft_line_break_still_joins_two_lines(engine: Engine) -> None:
    """Where the line is as long as such lines are, and where the text is known as quoted-printable by other signs."""
    for before in (b"x" * (74 - len(SECRET) // 2) + b" ", b"Content-Transfer-Encoding: quoted-printable\n\nhere ", b"a =3D 2, "):
        half = len(SECRET) // 2
        data = before + SECRET[:half] + b"=\n" + SECRET[half:] + b" is the token\n"
        assert found(engine, data).view == ("quoted-printable",)


_PLAIN_JOINT = re.compile(
    rb"[\"'`](?:(?<![,(\[{].)[bfru]{0,2}[\"'`]|(?=[ \t\r\n+.&|\\_])[ \t]{0,8}(?:[+.&|]{1,2}[ \t]{0,4})?"
    rb"(?:[\\_]?\r?\n[ \t]{0,60})?(?:[+.&|]{1,2}[ \t]{0,4})?[bfru]{0,2}[\"'`])",
    re.IGNORECASE,
)
"""What joins two pieces of a string, said plainly."""


@given(st.lists(st.sampled_from([*"\"'`,(bFx_\\+.& \t\r\n", "\"\n", "' + ", "    " * 4, "\r\n"]), max_size=60))
@settings(max_examples=500)
def test_the_quick_pattern_for_joints_is_the_plain_one(parts: list[str]) -> None:
    data = "".join(parts).encode()
    assert [found.span() for found in decode.joins._JOINT.finditer(data)] == [found.span() for found in _PLAIN_JOINT.finditer(data)]


# ---- glued to an escape, coloured, with letters that nobody sees -----------------------------------------------------
GLUED = (
    b'{"log": "start\\n%s\\nend"}', b'"\\t%s\\t"', b'"a\\\\n%s\\\\n"', b'{\\u0022t\\u0022:\\u0022%s\\u0022}', b"\\x3d%s\\x26",
    b"u=http%%3A%%2F%%2F%s%%40host", b"next=a%%253Fb%%253D%s%%2526c", b"line%%0A%s%%0D%%0A", b"Nov 22 host app: start#012%s#012end", b"#011%s",
)  # fmt: skip
MARKED = (
    b"\x1b[31m%s\x1b[0m", b"\x1b[K\x1b[1;32m%s\x1b[m\x1b[K", b'{"log":"\\u001b[33m%s\\u001b[0m\\n"}', b"\\033[0;33m%s\\033[0m",
    b"#033[36m%s#033[0m", b"^[[36m%s^[[0m", b"x = \xe2\x80\x8b%s\xe2\x80\x8b",
)  # fmt: skip


@pytest.mark.parametrize("around", GLUED + MARKED)
def test_what_an_escape_or_a_colour_is_glued_to_is_found_in_its_place(engine: Engine, around: bytes) -> None:
    for seed in range(3):
        text, secret = leak("github", seed)
        token = text[text.index(secret) : text.index(secret) + len(secret)]
        data = b"some words before\n" + around % token + b"\nand after\n"
        (match,) = engine.scan(data).matches
        assert data[match.secret_start : match.secret_end] == token


@pytest.mark.parametrize("mark", [b"\x1b[0m\x1b[31m", b"\xe2\x80\x8b", b"\xc2\xad", b"\xef\xbb\xbf"])
def test_marks_within_a_token_do_not_hide_it(engine: Engine, mark: bytes) -> None:
    data = b"k = '" + SECRET[:15] + mark + SECRET[15:] + b"'\n"
    assert SECRET in secrets(engine, data)


def test_markdown_and_tex_put_strokes_before_underscores(engine: Engine) -> None:
    for stroke in (b"\\", b"\\\\"):
        assert SECRET in secrets(engine, b"the token is " + SECRET.replace(b"_", stroke + b"_") + b" for now\n")


@pytest.mark.parametrize(
    "line",
    [
        b"  apiSecret: \x1b[32m'%s'\x1b[39m,", b"\x1b[36mapi_secret=\x1b[0m%s", b'\x1b[34;1m"api_secret"\x1b[0m\x1b[1;39m: \x1b[0;32m"%s"\x1b[0m',
        b'{"log":"\\u001b[36mapi_secret=\\u001b[0m%s\\n"}', b"api_secret\xc2\xa0=\xc2\xa0%s",
        b'api_secret=\xe2\x80\xae"%s"', b'api_secret=\xe2\x81\xa6"%s"', b'api_secret=\xe2\x80\x8b"%s"',
        b'api_secret\xe2\x80\xae = "%s"', b'api_secret\xe2\x80\x8b: %s', b'"api_secret\xe2\x81\xa6": "%s"',
        b"{\\u0022api_secret\\u0022:\\u0022%s\\u0022}",
        b"{\\x22api_secret\\x22:\\x22%s\\x22}",
    ],
)  # fmt: skip
def test_a_value_that_its_name_explains_is_found_in_colour(engine: Engine, line: bytes) -> None:
    value = expand("{{alnum*64}}", Random(912)).encode()
    data = b"binance client\n" * 3 + line % value + b"\nbye\n"
    assert value in secrets(engine, data)
    # far from everything, and in a long run of marks
    long = b"\x1b[2m2026-11-22T10:00:00\x1b[0m INFO \x1b[32mready\x1b[0m\n" * 3000
    assert value in secrets(engine, long + data + long)


def test_what_stands_for_a_letter_is_no_border(engine: Engine) -> None:
    for escape in (b"%41", b"\\x61", b"\\u0061", b"%254A"):
        assert not engine.scan(b"x" + escape + SECRET + b"\n").matches or SECRET not in secrets(engine, b"x" + escape + SECRET + b"\n")
    # and the value behind a sign that belongs to it is not cut there
    assert not engine.scan(b"sig=ab%2F" + expand("{{alnum*40}}", Random(3)).encode() + b"%3D\n").matches


@pytest.mark.parametrize("written", [
    lambda byte: b"\\x%02x" % byte, lambda byte: b"\\u00%02x" % byte, lambda byte: b"&#%d;" % byte, lambda byte: b"&#x%02x;" % byte,
])  # fmt: skip
@pytest.mark.parametrize("at", [8, 14, 25])
def test_one_letter_that_is_escaped_does_not_hide_a_token(engine: Engine, written: Callable[[int], bytes], at: int) -> None:
    """Whoever writes more escapes than are needed writes `-` and `_` so, or any letter."""
    data = b'token = "' + SECRET[:at] + written(SECRET[at]) + SECRET[at + 1 :] + b'"\n'
    match = found(engine, data)
    assert (match.start, match.end) == (9, len(data) - 2)


@pytest.mark.parametrize("escaped", [b"%5F", b"%5f"])
def test_a_stroke_of_a_token_that_an_url_escapes_does_not_hide_it(engine: Engine, escaped: bytes) -> None:
    data = b"https://example.org/?token=" + SECRET.replace(b"_", escaped) + b"&x=1\n"
    assert SECRET in secrets(engine, data)


@pytest.mark.parametrize("before", [b"a\n", b"a\r\n", b"a = 1\n", b"on\n", b"# x\n", b"[a]\n", b"{\n  "])
@pytest.mark.parametrize("upper", [False, True])
def test_hex_of_a_text_whose_first_line_is_short(engine: Engine, before: bytes, upper: bool) -> None:
    digits = (before + TOKEN).hex()
    data = b"x " + (digits.upper() if upper else digits).encode() + b"\n"
    match = found(engine, data)
    start = 2 + 2 * (before + TOKEN).index(SECRET)
    assert (match.start, match.end) == (start, start + 2 * len(SECRET))


def test_digits_before_a_line_that_is_none_are_no_hex_text(engine: Engine) -> None:
    assert list(decode.Runs(b"ff" * 20 + b"0a" + b"41" * 40, [("short hex", 58)])) == []
