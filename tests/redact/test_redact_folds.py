"""Known values that something broke over lines of a stream: fold, xxd -p, base64 -w, MIME, a logger's prefix before each line."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.redact import Redactor, Stream, folds, helper, wide
from leakguard.redact.folds import LEAST
from leakguard.redact.helper import Pair
from leakguard.redact.known import forms
from leakguard.redact.pump import IDLE
from tests.redact.texts import clean_lines, secret

FEW = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
PREFIXES = ("", "    ", "> ", "\t", "2026-11-22 11:41:05,123 - bot - INFO - ", "| ", "# ")
ENDS = ("\n", "\r\n", "\r")
KEY = secret(91, "{{alnum*32}}")
HEX = secret(92, "{{hex*64}}")
PHRASE = "correct horse battery staple of the moon"


@pytest.fixture(scope="module")
def shared(environment: str) -> Redactor:
    made = Redactor(cache_folder=environment)
    wide.prepare(made)
    return made


@pytest.fixture
def known(shared: Redactor) -> Iterator[Redactor]:
    """One that knows nothing but what a test tells it."""
    yield shared
    shared.known._set({})


def streamed(redactor: Redactor, data: bytes, cuts: list[int] | None = None) -> bytes:
    out: list[bytes] = []
    stream = Stream(redactor, out.append)
    at = 0
    for cut in [*(cuts or []), len(data)]:
        stream.feed(data[at:cut])
        at = cut
    stream.flush()
    return b"".join(out)


def broken(text: bytes, width: int, prefix: bytes = b"", end: bytes = b"\n") -> bytes:
    return b"".join(prefix + text[at : at + width] + end for at in range(0, len(text), width))


def joined(out: bytes, prefix: bytes = b"") -> bytes:
    return b"".join(line.removeprefix(prefix) for line in out.splitlines())


def left(form: bytes, out: bytes, caseless: bool) -> list[bytes]:
    """What of a form is in some text, in pieces of LEAST characters."""
    form, out = (form.lower(), out.lower()) if caseless else (form, out)
    return [form[at : at + LEAST] for at in range(len(form) - LEAST + 1) if form[at : at + LEAST] in out]


def least_width(form: bytes, caseless: bool) -> int:
    """The narrowest lines in which a form is seen: one of its two grams is whole in them."""
    return 2 * (folds.LONG_GRAM if caseless and not form.isalnum() else folds.GRAM)


# ---------------------------------------------------------------- laws
@settings(FEW, max_examples=120)
@given(st.data())
def test_no_form_survives_in_pieces(known: Redactor, draw: Any) -> None:
    """Drawn at random, in any form, in lines of any width, at any place in them, in any writes: of what stood over several lines
    not LEAST characters are left. And whole texts agree."""
    template = draw.draw(st.sampled_from(("{{alnum*32}}", "{{alnum*64}}", "{{hex*64}}", "{{alnum*20}}/+={{alnum*8}}", "{{alnum*17}}")))
    seed = draw.draw(st.integers(0, 10_000))
    value = secret(seed, template).encode()
    known.known._set({})
    assert known.register(value, "a.key")
    form = draw.draw(st.sampled_from([form for form in forms(value) if 0 not in form.text]))
    width = draw.draw(st.integers(least_width(form.text, form.any_case), 80))
    prefix = draw.draw(st.sampled_from(PREFIXES)).encode()
    end = draw.draw(st.sampled_from(ENDS)).encode()
    before, after = (secret(seed + n, "{{alnum*80}}")[: draw.draw(st.integers(0, 80))].encode() for n in (1, 2))
    text = before + form.text + after
    data = b"the first line\n" + broken(text, width, prefix, end) + b"an order was filled\n" + b"".join(clean_lines(seed, 3))
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=20)))
    out = streamed(known, data)
    assert streamed(known, data, cuts) == out
    assert streamed(known, out) == out
    assert not left(form.text, joined(out, prefix), form.any_case)
    assert out.count(b"\n") == data.count(b"\n")
    if not prefix.strip() and end != b"\r":
        assert form.text not in joined(known.redact(data), prefix)


@settings(FEW, max_examples=3)
@given(st.integers(0, 1000), st.integers(12, 90), st.sampled_from(PREFIXES))
def test_byte_by_byte_it_is_the_same(known: Redactor, seed: int, width: int, prefix: str) -> None:
    known.known._set({})
    known.register_many([("one", KEY), ("two", HEX), ("phrase", PHRASE)])
    texts = [KEY, HEX, PHRASE, base64.b64encode(f"user:{KEY}".encode()).decode(), HEX.encode().hex()]
    text = " and ".join(Random(seed).sample(texts, 3)).encode()
    data = broken(text, width, prefix.encode()) + b"".join(clean_lines(seed, 2)) + text[:40]
    out = streamed(known, data)
    assert streamed(known, data, list(range(len(data)))) == out
    assert streamed(known, data, list(accumulate(map(len, data.splitlines(keepends=True))))) == out


@settings(FEW, max_examples=8)
@given(st.data(), st.integers(0, 100), st.integers(12, 60))
def test_two_processes_agree(known: Redactor, draw: Any, seed: int, width: int) -> None:
    """A value that is broken where a block ends."""
    known.known._set({})
    known.register_many([("one", KEY), ("phrase", PHRASE)])
    lines = b"".join(clean_lines(seed, 40))
    text = draw.draw(st.sampled_from((KEY, KEY.encode().hex(), PHRASE)))
    data = lines + broken(text.encode(), width) + lines + broken(PHRASE.encode(), width) + lines
    before = helper._possible, helper.AFTER, helper.LEAST
    helper._possible, helper.AFTER, helper.LEAST = (lambda _: True), 1, 1024  # type: ignore[assignment]
    try:
        out: list[bytes] = []
        pair = Pair(known, lambda made: out.append(bytes(made)))
        ends = list(accumulate(map(len, data.splitlines(keepends=True))))
        at = 0
        for cut in [*sorted(draw.draw(st.lists(st.sampled_from(ends), max_size=6))), len(data)]:
            pair.feed(data[at:cut])
            at = cut
        pair.close()
    finally:
        helper._possible, helper.AFTER, helper.LEAST = before
    assert b"".join(out) == streamed(known, data)


# ---------------------------------------------------------------- what programs do
WRAPPED: dict[str, list[str]] = {
    "fold -w 20": ["fold", "-w", "20"], "fold -w 16": ["fold", "-w", "16"], "fold -s -w 40": ["fold", "-s", "-w", "40"],
    "base64 -w 20": ["base64", "-w", "20"], "base64 -w 64": ["base64", "-w", "64"], "base64": ["base64"],
    "xxd -p": ["xxd", "-p"], "openssl enc -base64": ["openssl", "enc", "-base64"],
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("prefix", ["", "> ", "2026-11-22 INFO bot - "])
@pytest.mark.parametrize("value", [KEY, HEX])
def test_what_a_command_wraps(known: Redactor, name: str, prefix: str, value: str) -> None:
    text = f"the vault at 10.0.0.7 says that its new key is {value}, and nothing more"
    try:
        made = subprocess.run(WRAPPED[name], input=text.encode(), capture_output=True, check=True, timeout=60).stdout
    except FileNotFoundError:
        pytest.skip(f"there is no {WRAPPED[name][0]} here")
    known.register(value, "a.key")
    data = b"".join(prefix.encode() + line + b"\n" for line in made.splitlines())
    out = streamed(known, data)
    assert b"<redacted:a.key:" in out
    for form in forms(value.encode()):
        assert not left(form.text, joined(out, prefix.encode()), form.any_case)


def test_a_mime_body(known: Redactor) -> None:
    from email.message import EmailMessage

    known.register(KEY, "a.key")
    for encoding in ("base64", "quoted-printable"):
        message = EmailMessage()
        message.set_content(f"Dear all, the new key that you have been waiting for is {KEY}. Yours", cte=encoding)
        data = message.as_bytes().replace(b"\n", b"\r\n")
        assert KEY.encode() not in data
        out = streamed(known, data)
        assert b"<redacted:a.key:" in out
        for form in forms(KEY.encode()):
            assert not left(form.text, joined(out).replace(b"=", b""), False)


def test_every_line_of_it_leaves_at_once(known: Redactor) -> None:
    """What is drawn at random is masked by itself: nothing has to wait for the next line."""
    known.register(HEX, "a.key")
    out: list[bytes] = []
    stream = Stream(known, out.append)
    for line in broken(b"it is " + HEX.encode(), 16).splitlines(keepends=True):
        stream.feed(line)
        assert not stream.waiting
    assert b"".join(out).startswith(b"it is <redacted:a.key:")
    assert b"".join(out).count(b"\n<redacted:a.key:") == 4


def test_what_is_lost_of_it_is_masked_all_the_same(known: Redactor) -> None:
    known.register(KEY, "a.key")
    out = streamed(known, b"it is " + KEY[:13].encode() + b"\nquite another line\n")
    assert out.startswith(b"it is <redacted:a.key:")
    assert out.endswith(b">\nquite another line\n")


def test_lines_of_others_between_its_own(known: Redactor) -> None:
    known.register(HEX, "a.key")
    others = clean_lines(3, 8)
    pieces = broken(HEX.encode(), 20).splitlines(keepends=True)
    data = b"".join(line for pair in zip(pieces, others, strict=False) for line in pair)
    out = streamed(known, data)
    assert not left(HEX.encode(), out, True)
    for line in others[:4]:
        assert line in out


def test_words_wait_for_the_next_line(known: Redactor) -> None:
    """A passphrase begins as any text could: the line waits until it is known, or nothing comes."""
    known.register(PHRASE, "phrase")
    for following, masked in ((b"battery staple of the moon\n", True), (b"races are on Sunday\n", False)):
        out: list[bytes] = []
        stream = Stream(known, out.append)
        stream.feed(b"before\nthis is the correct horse\n")
        assert b"".join(out) == b"before\n"
        assert stream.waiting
        stream.feed(following)
        assert not stream.waiting
        if masked:
            assert b"horse" not in b"".join(out)
            assert b"staple" not in b"".join(out)
        else:
            assert b"".join(out) == b"before\nthis is the correct horse\n" + following
    out = []
    stream = Stream(known, out.append)
    stream.feed(b"this is the correct horse\n")
    stream.idle()  # IDLE seconds later
    assert IDLE < 0.1
    assert b"".join(out) == b"this is the correct horse\n"
    stream.feed(b"battery staple of the moon\n")
    assert b"staple" not in b"".join(out)


LOW = (
    "https://api.binance.com/api/v3/orders/of/the/bot", "production-database-of-the-bot", "/run/secrets/the_database_password",
    "freqtrade.worker-of-the-day", "state='RUNNING' and more", "postgresql://trader:trader@db.internal:5432/trades",
)  # fmt: skip


def test_values_that_are_words_mask_no_ordinary_text(known: Redactor) -> None:
    data = b"".join(clean_lines(5, 200))
    for value in LOW:
        for size in range(4, len(value) - 1):
            data += b"about " + value[:size].encode() + b"\nan ordinary line\n" + value[:size].encode() + b", \n2026-11-22 11:41:05 INFO x\n"
    before = streamed(known, data)
    assert known.register_many([("low", value) for value in LOW]) == len(LOW)
    assert streamed(known, data) == before


def test_clean_lines_are_not_touched_and_never_wait(known: Redactor) -> None:
    assert known.register_many([(f"v{n}", secret(500 + n, "{{alnum*40}}")) for n in range(50)]) == 50
    stream = Stream(known, (out := []).append)
    lines = clean_lines(6, 300)
    for line in lines:
        stream.feed(line)
        assert not stream.waiting
    assert b"".join(out) == b"".join(lines)


def test_an_unfinished_line_that_goes_on_with_it_is_not_shown(known: Redactor) -> None:
    known.register(PHRASE, "phrase")
    out: list[bytes] = []
    stream = Stream(known, out.append)
    stream.feed(b"the correct horse battery\nstaple of")
    stream.idle()
    assert b"staple" not in b"".join(out)
    stream.feed(b" the moon\n> ")
    stream.idle()
    assert b"".join(out).endswith(b">\n> ")
    assert b"moon" not in b"".join(out)


def test_what_is_registered_meanwhile_counts_from_then_on(known: Redactor) -> None:
    known.register(KEY, "a.key")
    out: list[bytes] = []
    stream = Stream(known, out.append)
    stream.feed(KEY[:16].encode() + b"\n")
    known.register(HEX, "another")
    stream.feed(broken(HEX.encode(), 20))
    assert not left(HEX.encode(), joined(b"".join(out)), True)
    assert KEY[:8].encode() not in b"".join(out)


def test_a_line_that_waits_before_one_without_end(known: Redactor) -> None:
    """Memory stays bounded, and nothing is lost."""
    known.register(PHRASE, "phrase")
    data = b"the correct horse\n" + b"the order was filled " * 120_000
    out: list[bytes] = []
    stream = Stream(known, out.append)
    for at in range(0, len(data), 65_536):
        stream.feed(data[at : at + 65_536])
        assert len(stream._pending) < 2_500_000
    stream.flush()
    assert b"".join(out) == data


def test_files_are_cleaned_of_it(known: Redactor, tmp_path: Any) -> None:
    from leakguard.redact.files import Options, clean

    known.register(KEY, "a.key")
    path = tmp_path / "wrapped.log"
    path.write_bytes(b"".join(clean_lines(7, 20)) + broken(b"the key is " + KEY.encode(), 20) + broken(KEY.encode().hex().encode(), 40) + b"end\n")
    done = clean(known, str(path), Options(force=True))
    assert (done.state, done.verified) == ("cleaned", True)
    assert not left(KEY.encode(), joined(path.read_bytes()), False)
    assert not left(KEY.encode().hex().encode(), joined(path.read_bytes()), True)


def test_the_command_masks_it(tmp_path: Any) -> None:
    known = tmp_path / "known.json"
    known.write_text(f'{{"api_secret": "{KEY}"}}')
    command = [sys.executable, "-m", "leakguard", "redact", "--known", str(known)]
    code = "import textwrap; print('\\n'.join(textwrap.wrap(open(0).read(), 20)))"
    child = [sys.executable, "-c", code]
    data = f"the key is {KEY}".encode()
    piped = subprocess.run(child, input=data, capture_output=True, check=True, timeout=60).stdout
    for done in (
        subprocess.run(command, input=piped, capture_output=True, check=False, timeout=120),
        subprocess.run([*command, "--", *child], input=data, capture_output=True, check=False, timeout=120),
    ):
        assert done.returncode == 0
        assert b"<redacted:api_secret:" in done.stdout
        assert not left(KEY.encode(), joined(done.stdout), False)


@settings(FEW, max_examples=40)
@given(st.data(), st.sampled_from([
    KEY, "p&ss \"w'rd</tag> 100%", "naïve-pässwörd-ключ", "line one of the key\nline two of the key\nend", "https://hooks.example/T0/B1/x9Yz",
    "tab\tand\x01control", PHRASE, "a1B2c3D4", "1234567890123",
]))  # fmt: skip
def test_what_stands_whole_is_found_as_by_whole_forms(known: Redactor, draw: Any, value: str) -> None:
    """In a stream a form is known by two grams, in a record by all of it."""
    known.known._set({})
    assert known.register(value, "a.key")
    grams = folds.known(known.known)
    assert grams is not None
    for form in forms(value.encode()):
        text = form.text.upper() if form.any_case and draw.draw(st.booleans()) else form.text
        data = b"%s %s, and%s\n" % (secret(1).encode(), text, draw.draw(st.sampled_from((b"", b" ", b"=", b"%3d"))))
        found = grams.find(data, 0)
        assert found is not None
        assert set(known.known.find(data)) <= set(found.places)
