"""Known values in the forms that programs write: none survives, in whichever escaping, encoding or wrapping it stands."""

from __future__ import annotations

import base64
import html
import json
import re
import textwrap
from collections.abc import Callable
from itertools import pairwise
from random import Random
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.detect.generate import expand
from leakguard.redact import Redactor
from leakguard.redact.known import forms

SIGNS = "abcXYZ019+/=&%$#@!'\"\\ ?:;<>{}[]()`~^|*,._-é"


def _lower(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


WRITTEN: dict[str, Callable[[str], str]] = {
    "raw": str,
    "repr": repr,
    "repr of repr": lambda v: repr(repr(v)),
    "ascii": ascii,
    "repr of bytes": lambda v: repr(v.encode()),
    "repr of repr of bytes": lambda v: repr(repr(v.encode())),
    "json": json.dumps,
    "json in json": lambda v: json.dumps(json.dumps(v)),
    "json in json in json": lambda v: json.dumps(json.dumps(json.dumps(v))),
    "json, as it is": lambda v: json.dumps(v, ensure_ascii=False),
    "json of PHP": lambda v: json.dumps(v).replace("/", "\\/"),
    "json of Go": lambda v: json.dumps(v).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    "url": quote,
    "url, all": lambda v: quote(v, safe=""),
    "url, lower case": lambda v: _lower(quote(v, safe="")),
    "url, twice": lambda v: quote(quote(v, safe=""), safe=""),
    "form": quote_plus,
    "encodeURIComponent": lambda v: quote(v, safe="!'()*~"),
    "encodeURI": lambda v: quote(v, safe=";,/?:@&=+$-_.!~*'()#"),
    "URLSearchParams": lambda v: quote_plus(v, safe="*").replace("~", "%7E"),
    "requests": lambda v: quote(v, safe="!#$%&'()*+,/:;=?@[]~"),
    "single quotes (bash)": lambda v: "'" + v.replace("'", "'\\''") + "'",
    "single quotes (Python)": lambda v: "'" + v.replace("'", "'\"'\"'") + "'",
    "double quotes (shell)": lambda v: '"' + re.sub(r'(["\\$`])', r"\\\1", v) + '"',
    "printf %q": lambda v: re.sub(r"([^A-Za-z0-9_@%+=:,./é-])", r"\\\1", v),
    "printf %q of bash": lambda v: re.sub(r"(^[#~]|[^A-Za-z0-9_@%+=:,./é#~-])", r"\\\1", v),
    "csv": lambda v: '"' + v.replace('"', '""') + '"',
    "sql": lambda v: "'" + v.replace("'", "''") + "'",
    "unicode_escape": lambda v: v.encode("unicode_escape").decode(),
    "every character escaped": lambda v: "".join(f"\\u{ord(sign):04X}" for sign in v),
    "$'...'": lambda v: "$'" + v.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "html": html.escape,
    "xml in double quotes": lambda v: html.escape(v, quote=False).replace('"', "&quot;"),
    "xml in single quotes": lambda v: html.escape(v, quote=False).replace("'", "&#39;"),
    "hex": lambda v: v.encode().hex(),
    "HEX": lambda v: v.encode().hex().upper(),
    "hex with colons": lambda v: v.encode().hex(":"),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "base64, second alignment": lambda v: base64.b64encode(b"u:" + v.encode()).decode().rstrip("="),
    "base64, third alignment": lambda v: base64.urlsafe_b64encode(b"x" + v.encode() + b"yz").decode(),
    "basic": lambda v: "Basic " + base64.b64encode(b"user:" + v.encode()).decode(),
    "base64 of json": lambda v: base64.b64encode(json.dumps({"k": v, "z": 1}).encode()).decode(),
    "wrapped base64": lambda v: "\n".join(textwrap.wrap(base64.b64encode(v.encode()).decode(), 16)),
    "wrapped hex": lambda v: "\r\n    ".join(textwrap.wrap(v.encode().hex(), 20)),
}
"""How a value is written -> its text."""
AROUND = {"basic": 13, "base64 of json": 14, "json in json in json": 8, "repr of repr of bytes": 8}
"""Characters that a form puts before or after the value; four where nothing is said."""


@pytest.fixture(scope="module")
def known(environment: str) -> Redactor:
    return Redactor(cache_folder=environment)


@pytest.mark.parametrize("name", WRITTEN)
def test_no_form_survives(known: Redactor, name: str) -> None:
    random = Random(name)
    for size in (12, 21, 40):
        value = "k" + "".join(random.choices(SIGNS, k=size)).strip() + "Z3"
        assert known.register(value, "form")
        written = WRITTEN[name](value)
        for text in (f"it was {written} then", written):
            out = known.redact(text)
            core = written.strip("\"'$")
            left = max((n for n in range(len(core)) if any(core[at : at + n] in out for at in range(len(core) - n + 1))), default=0)
            assert left <= AROUND.get(name, 4), (text, out)
        known.unregister(value)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.from_regex(r"[a-z]{4,8}", fullmatch=True), min_size=4, max_size=24, unique=True), width=st.integers(10, 60))
def test_a_phrase_that_is_wrapped_at_its_spaces(known: Redactor, words: list[str], width: int) -> None:
    phrase = " ".join(words)
    known.register(phrase, "phrase")
    try:
        for indent in ("", "    "):
            text = "\n".join(textwrap.wrap(f"it is {phrase} and more", width, subsequent_indent=indent))
            out = known.redact(text)
            assert "<redacted:phrase" in out
            assert not any(f"{one} {two}" in out for one, two in pairwise(words))
            assert out.startswith("it")
            assert out.endswith("more")
    finally:
        known.unregister(phrase)


def test_a_plain_value_has_few_forms() -> None:
    assert len(forms(b"abcDEF0123456789abcDEF0123456789")) < 16
    assert len(forms("pä$s &'\"\\/<w>ord".encode())) < 100


def _drawn(kind: str, size: int) -> str:
    return expand(f"{{{{{kind}*{size}}}}}", Random(size))


LONG_VALUES: dict[str, Callable[[int], str]] = {
    "token": lambda size: _drawn("alnum", size),
    "key with lines": lambda size: "\n".join(
        ["-----BEGIN PRIVATE KEY-----", *textwrap.wrap(_drawn("alnum", size), 64), "-----END PRIVATE KEY-----"]
    ),
    "document": lambda size: json.dumps({"type": "service_account", "private_key": _drawn("alnum", size) + "\n"}),
    "words": lambda size: " ".join(textwrap.wrap(_drawn("alpha", size), 7)),
}


@pytest.mark.parametrize("size", [600, 667, 700, 1700, 4100, 16_000])
@pytest.mark.parametrize("kind", LONG_VALUES)
def test_values_may_be_long(own: Redactor, kind: str, size: int) -> None:
    """hyperscan takes no pattern of more than 16,000 signs: registering a private key raised its error into the program."""
    value = LONG_VALUES[kind](size)
    assert own.register(value, "long.value")
    other = "z" + value[1:]  # ends as it does, and is another
    for written in (str, repr, json.dumps, lambda v: v.encode().hex(), lambda v: base64.b64encode(v.encode()).decode(), quote_plus):
        out = own.redact(f"before {written(value)} after")
        assert out.startswith("before ")
        assert out.endswith(" after")
        assert "<redacted:long.value:" in out
        assert not _shared(written(value), out)
        streamed: list[bytes] = []
        stream = own.stream(streamed.append)
        stream.feed(f"before {written(value)} after\n".encode())
        stream.flush()
        assert not _shared(written(value), b"".join(streamed).decode())
    assert kind != "token" or own.known.find(other.encode()) == []


def _shared(secret: str, out: str) -> bool:
    """Whether a telling part of a secret is still there."""
    plain = "".join(out.split())
    return any("".join(secret[at : at + 40].split()) in plain for at in range(120, len(secret) - 120, 61))
