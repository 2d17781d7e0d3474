"""Tables in streams: rows whose head, an earlier line, names their columns are masked as the scanner reports them, and more."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.detect.engine import Engine
from leakguard.redact import Redactor, tables, wide
from leakguard.redact.stream import Stream
from tests.redact.test_redact_laws import _reported, streamed
from tests.redact.texts import FORMS, clean_lines, secret, table

FEW = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)


@st.composite
def texts(draw: Any) -> bytes:
    """Tables of all forms among lines of a log, some cut short, one after the other, or with odd ends of lines."""
    out: list[bytes] = []
    for _ in range(draw(st.integers(1, 4))):
        out += clean_lines(draw(st.integers(0, 500)), draw(st.integers(0, 3)))
        made, _ = table(draw(st.sampled_from(FORMS)), draw(st.integers(0, 500)), draw(st.integers(0, 4)))
        lines = made.splitlines(keepends=True)
        out += lines[draw(st.integers(0, 1)) * draw(st.integers(0, 2)) :]
        out.append(draw(st.sampled_from([b"", b"\n", b"(4 rows)\n", b"a,b\n", b"| x | y | z |\n"])))
    return b"".join(out).replace(b"\n", draw(st.sampled_from([b"\n", b"\n", b"\r\n"])))


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("form", FORMS)
def test_the_rows_of_a_table_are_masked(redactor: Redactor, form: str, size: int) -> None:
    data, values = table(form, 3, 5)
    out = streamed(redactor, data, list(range(0, len(data), size)))
    assert not [value for value in values if value in out]
    assert out.splitlines()[0] == data.splitlines()[0]
    assert out.count(b"\n") == data.count(b"\n")
    assert len(values) == out.count(b"<redacted:")
    assert not [value for value in values if value in redactor.redact(data)]


@pytest.mark.parametrize("form", FORMS)
def test_a_table_has_more_rows_than_the_scanner_reads(redactor: Redactor, form: str) -> None:
    data, values = table(form, 4, 700)
    out = streamed(redactor, data, [])
    assert not [value for value in values if value in out]


@FEW
@given(texts(), st.data())
def test_any_split_gives_the_same(redactor: Redactor, data: bytes, draw: Any) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=40)))
    once = streamed(redactor, data, [])
    assert streamed(redactor, data, cuts) == once
    assert streamed(redactor, once, []) == once


@FEW
@given(texts())
def test_what_the_scanner_reports_is_absent(redactor: Redactor, engine: Engine, data: bytes) -> None:
    out = streamed(redactor, data, [])
    assert not [value for value in _reported(engine, data) if value in out]
    assert not _reported(engine, out)
    whole = redactor.redact(data)
    assert not [value for value in _reported(engine, data) if value in whole]


def test_blocks_and_lines_see_the_same_heads(redactor: Redactor) -> None:
    large = wide.of(redactor)
    assert large is not None
    data = b"".join(table(form, 5, 2)[0] for form in FORMS) + b"".join(clean_lines(1, 50))
    found = {data.count(b"\n", 0, end - 1) for ident, end in large.near(data) if ident == tables.HEADER}
    assert found
    alone = {
        number for number, line in enumerate(data.splitlines(keepends=True))
        if tables.heads(line, 0, redactor.runtime.scan(line))
    }  # fmt: skip
    assert alone <= found


@pytest.mark.parametrize(
    "text",
    [
        b"exchange,api_secret\n\nbinance,%s\n",
        b"exchange,api_secret\nbinance,x,y\nbinance,%s\n",
        b"Please keep the key, the secret and the token safe\nI will, %s\n",
        b"from bot import key, secret\nprint key, %s\n",
        b"2026-11-21 11:41:00 api_key,order\n2026-11-21 11:41:00,%s\n",
        b"| exchange | api_secret |\n|---|---|\n\n| binance | %s |\n",
        b"INSERT INTO x (exchange, api_secret) VALUES ('binance', NULL);\n('binance', '%s')\n",
    ],
)
def test_what_is_no_row_stays(redactor: Redactor, text: bytes) -> None:
    data = text % b"an0rdinary"
    assert streamed(redactor, data, []) == data


def test_values_that_are_none_stay(redactor: Redactor) -> None:
    data = b"user,password,email\nbob,NULL,b@x.org\neve,,e@x.org\nann,true,a@x.org\n"
    assert streamed(redactor, data, []) == data


def test_a_prompt_after_a_table_is_shown_and_a_value_is_not(redactor: Redactor) -> None:
    out: list[bytes] = []
    stream = Stream(redactor, out.append)
    stream.feed(b"exchange,api_secret\nbinance,%s\n" % secret(1).encode())
    del out[:]
    stream.feed(b"mydb=> ")
    stream.idle()
    assert b"".join(out) == b"mydb=> "
    stream.feed(b"select 1, " + secret(2).encode())
    stream.idle()
    assert secret(2).encode()[:6] not in b"".join(out)
    stream.feed(b"\n")
    assert secret(2).encode() not in b"".join(out)


def test_what_the_rules_cannot_judge_is_masked(own: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"from bot import key, secret\nprint key, an0rdinary\n"
    low = data.index(b"\n") + 1
    opened = tables.opened(own, data, 0, low, own.runtime.scan(data[:low]))
    assert opened is not None
    assert opened[0].ends
    assert not tables.step(own, opened[0], data, low, len(data), None)[0]

    def fails(*_: object) -> Any:
        raise RuntimeError

    monkeypatch.setattr(own.runtime, "judge", fails)
    spans, _ = tables.step(own, opened[0], data, low, len(data), None)
    assert [data[span.start : span.end] for span in spans] == [b"print key", b"an0rdinary"]  # nobody knows better


def test_hostile_tables_end(redactor: Redactor) -> None:
    for data in (
        b"api_key,api_secret\n" * 3000,
        b"api_key,api_secret\n" + b"a1b2c3d4e5," * 20_000 + b"\n",
        b"token," * 30_000 + b"\n" + b"x9y8z7w6," * 30_000 + b"\n",
        b"INSERT INTO a (key, secret) VALUES " + b"('a1b2c3d4','e5f6a7b8')," * 5000 + b"\n",
        b"(" * 5000 + b"key, secret) VALUES\n" + b"(" * 50_000 + b"\n",
        b"|" * 2000 + b"secret|\n" + b"|" * 50_000 + b"\n",
    ):
        out = streamed(redactor, data, [])
        assert out.count(b"\n") == data.count(b"\n")


def test_a_value_that_stands_there_often_is_looked_for_once(redactor: Redactor) -> None:
    """It was looked for, and marked, wherever it stands as often as it was found: 24 s for 120 KB of rows."""
    rows = 2000
    data = b"INSERT INTO a (key, secret) VALUES " + b"('a1b2c3d4','e5f6a7b8')," * rows + b"\n"
    assert rows <= len(redactor._find(data, redactor._scan(data), [])) <= 10 * rows


def test_random_heads_never_raise(redactor: Redactor) -> None:
    random = Random(7)
    pieces = [b"key", b"api_secret", b",", b";", b"|", b"\t", b"(", b")", b" VALUES", b"\n", b"\r\n", b'"', b"'", b"`", b" ", b"INSERT INTO x ",
              b" FROM stdin;", b"\\.", b"---", b"a1b2c3d4e5", b"--"]  # fmt: skip
    for _ in range(300):
        data = b"".join(random.choices(pieces, k=40)) + b"\n"
        out = streamed(redactor, data, [])
        assert b"<redacted:error>" not in out
        assert streamed(redactor, data, sorted(random.sample(range(len(data)), 5))) == out
