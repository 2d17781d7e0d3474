"""UTF-32: a secret is found in each of its four forms, where it stands, whatever is around it; and hostile bytes cost little."""

from __future__ import annotations

from functools import cache as once
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.detect import cache, utf16, utf32
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Origin

pytestmark = pytest.mark.usefixtures("loaded")

TOKEN = expand("{{gen:github ghp_}}", Random(21))
FORMS = [(order, mark) for order in ("utf-32-le", "utf-32-be") for mark in ("", "\ufeff")]

forms = pytest.mark.parametrize(("order", "mark"), FORMS)


@once
def engine() -> Engine:
    loaded = cache.load(cache.Selection(), cache.FULL_COMPILE_AT)
    return Engine(loaded.ruleset, loaded.stage1)


_TEXT = st.text(st.sampled_from("ab =:\n\r\té\x01中"), max_size=20)


@forms
@given(before=_TEXT, after=_TEXT, odd=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_token_is_found_where_it_stands(order: str, mark: str, before: str, after: str, odd: int) -> None:
    text = f"{before}\nGITHUB_TOKEN={TOKEN}\n{after}"
    data = b"\xff" * odd + (mark + text).encode(order)
    found, _ = findings_of(engine(), Document(data, Origin("file", "a.txt")), engine().scan(data, "a.txt").matches, 1)
    assert [(one.rule, one.start_line) for one in found] == [("github.personal-access-token", before.count("\n") + 2)]
    if not odd:  # else what stands beside it may tell nothing of the order
        assert data[found[0].start_byte : found[0].end_byte].decode(order) == TOKEN
        assert found[0].view == (order.replace("32-", "32"),)


@given(st.lists(st.tuples(st.sampled_from([b"a\0\0\0", b"\0\0\0a", b"\0", b"a", b"\1", b"a\0"]), st.integers(1, 20)), max_size=6))
def test_runs_are_in_bounds_in_order_and_made_of_letters(pieces: list[tuple[bytes, int]]) -> None:
    data = b"".join(piece * times for piece, times in pieces)
    last = 0
    for start, end, which in utf32.runs(data.translate(utf16._CLASSES), 2, 3):
        assert last <= start < end <= len(data)
        letters = data[start + (3 if which == 3 else 0) : end : 4]
        assert len(letters) >= utf32.LEAST
        assert letters.strip(b"a") == b""
        last = end - 3
    for view in utf16.wide_views(data):
        for at in range(len(view.data)):
            start, end = view.raw(at, at + 1)
            assert view.start <= start <= end <= view.end <= len(data)


@pytest.mark.parametrize("filling", [bytes(1 << 20), b"a\0\0\0" * (1 << 18), b"a\0\0" * (1 << 18), b"\0\0\0a\xff" * (1 << 17)])
def test_views_of_hostile_bytes_are_no_longer_than_a_quarter(filling: bytes) -> None:
    views = [view for view in utf16.wide_views(filling) if view.kind.startswith("utf-32")]
    assert sum(len(view.data) for view in views) <= len(filling) // 4
