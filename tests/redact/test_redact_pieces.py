"""Values that cannot be a secret, replacements that somebody cut, and what only begins like one.
Each test failed once: a version was masked, a cut replacement was masked again, a secret passed behind `<redacted:`.
"""

from __future__ import annotations

import io
from typing import Any

import pytest
from texts import leaky_lines, secret

from leakguard.redact import Redactor, pieces
from tests import leaks

KEY = secret(881, "{{alnum*48}}")
SHORT = secret(882, "{{alnum*18}}")
DIGITS = secret(883, "{{hex*64}}")


# ---------------------------------------------------------------- what cannot be a secret
VERSIONS = ("0.3.0", "^0.3.0", "~9.0.6", "v1.20.3", "1.0.0-beta.11", "2024.1.15", "3.2.1.dev0", "122.0.6261.128", "10.0.0.1")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_under_a_sensitive_name_stays(redactor: Redactor, version: str) -> None:
    names = ("shamir-mnemonic", "SecretStorage", "jsonwebtoken", "password-hash", "api_key", "secret", "signature")
    for name in names:
        for text in (f'"{name}": "{version}"', f"{name} = '{version}'", f"{name}={version}", f"{name}: {version}"):
            assert redactor.redact(text) is text, text
        value = {name: version}
        assert redactor.redact(value) is value
    table = f"name,api_secret\nbinance,{version}\n"
    assert redactor.redact(table) is table


@pytest.mark.parametrize("value", ["true", "False", "0", "12", "1234567", "-1.5", "none"])
def test_what_says_nothing_under_a_sensitive_name_stays(redactor: Redactor, value: str) -> None:
    text = f'"api_secret": "{value}"'
    assert redactor.redact(text) is text


@pytest.mark.parametrize("value", [
    "12.05.1990", "1990.5.12", "12.5.90", "1.2.3-Wm9xQ2vLk", "0.3.0.9.8.7", "12345678", "1.2.3.4.5.6", "v1.2.3x9Kq", "01.02.03",
])  # fmt: skip
def test_what_only_looks_like_a_version_is_masked(redactor: Redactor, value: str) -> None:
    assert value not in redactor.redact(f'password = "{value}"')
    assert redactor.redact({"password": value}) == {"password": "<redacted:generic.password>"}


# ---------------------------------------------------------------- what was cut
def _lines(redactor: Redactor) -> list[bytes]:
    more = (
        f"{{'api_secret': '{KEY}', 'x': 1}}", f'api_key="{KEY}"', f"secret: {KEY}", f"token {KEY} api_secret={KEY} rest",
        "otp: 123456 next", f"mine {KEY[:40]} is",
    )  # fmt: skip
    lines = [line.rstrip(b"\n") for line, _ in leaky_lines(100)] + [text.encode() for text in more]
    return [out for out in map(redactor.redact, lines) if b"<redacted:" in out]


@pytest.mark.parametrize("way", ["right", "dots", "ellipsis", "quoted", "field", "left", "wide", "column"])
def test_a_replacement_that_was_cut_is_left_alone(own: Redactor, way: str) -> None:
    own.register(KEY[:40], "own.trading-key")
    changed = []
    for line in _lines(own):
        for at in range(len(line) + 1):
            left, window = line[:at], line[max(0, at - 24) : at]
            piece = {
                "right": left, "dots": left + b"...", "ellipsis": left + "…".encode(), "quoted": b"'" + left + b"'",
                "field": b'note="' + left + b'..." end', "left": line[at:], "wide": window, "column": b"| " + window + b" | x",
            }[way]  # fmt: skip
            if own.redact(piece) != piece:
                changed.append(piece)
    # the rule of a venue's passphrase takes five letters of a mark; a column's bar is a cookie
    fine = b"b'<reda'", b"b'<redac'", b"b'<redact'", b"b'<redacte'", b"cookie: | x", b"cookie:  | x"
    assert [one for one in changed if not one.endswith(fine)] == []


def test_a_stream_and_fields_leave_it_alone_too(redactor: Redactor) -> None:
    wanted = []
    for line in _lines(redactor):
        at = line.index(b"<redacted:")
        wanted += [line[:cut] for cut in range(at + 10, len(line))] + [line[cut:] for cut in range(at, len(line))]
    text = b"\n".join(wanted) + b"\n"
    out = io.BytesIO()
    stream = redactor.stream(out.write)
    stream.feed(text)
    stream.flush()
    assert [(a, b) for a, b in zip(text.split(b"\n"), out.getvalue().split(b"\n"), strict=True) if a != b] == []
    whole = "<redacted:field.signature:3f9a1c>"
    for cut in range(1, len(whole)):
        value: dict[str, Any] = {"api_secret": whole[:cut], "note": whole[cut:], "signature": f"{whole[:cut]}..."}
        assert redactor.redact(value) is value


def test_a_label_is_known_by_its_beginning_and_its_end() -> None:
    pieces.learn(["venue.api-secret", "MY_KEY"])
    for text in (b"<", b"<red", b"<redacted:", b"<redacted:ven", b"<redacted:venue.api-s...", b"<redacted:MY_", b"<redacted:MY_KEY:3f9"):
        assert pieces.beginning(text), text
    for text in (b"<redbull", b"<redacted:venom", b"<redacted:venue.hunter", b"<redacted:MY_KEYS:3f", b"<redacted:venue.api-secret:3f9a1c7"):
        assert not pieces.beginning(text), text


# ---------------------------------------------------------------- what only begins like a replacement
@pytest.mark.parametrize("value", [KEY, SHORT, DIGITS, "hunterpassword", f"{KEY[:20]}/{KEY[20:]}+=="])
@pytest.mark.parametrize("text", [
    "password=<redacted:{}", "password=<redacted:{} next", "password: <redacted:{}\n", "password='<redacted:{}'", "x password = <redacted:{}, y",
    "password=<redacted:field.{}", "password=<redacted:field.password{}", "password=<redacted:field.password:3f9a1c{}",
    "password=<redacted:field.password>{}", "password=<redacted:field.password:3f9a1c>{}", "password=<redacted:field.password:{}>",
    "postgres://bot:<redacted:{}@db:5432/x", "cookie: <redacted:{}", "a=<redacted:{}&password=<redacted:{}&b=1",
])  # fmt: skip
def test_a_secret_behind_the_beginning_of_a_replacement_is_masked(redactor: Redactor, text: str, value: str) -> None:
    line = text.format(*[value] * text.count("{}"))
    out = redactor.redact(line)
    assert f"password=<redacted:{value}" not in out
    assert value not in out.removeprefix(f"a=<redacted:{value}")
    assert redactor.redact(out) == out
    written = io.BytesIO()
    stream = redactor.stream(written.write)
    stream.feed(line.encode() + b"\n")
    stream.flush()
    assert value.encode() not in written.getvalue().removeprefix(f"a=<redacted:{value}".encode())


@pytest.mark.parametrize("value", [KEY, SHORT, DIGITS])
def test_a_secret_between_the_signs_of_a_replacement_is_masked(redactor: Redactor, value: str) -> None:
    for text in (f"api_secret=<redacted:{value}>", f"api_secret='<redacted:{value}>'", f"api_secret=<redacted:{value}:3f9a1c>"):
        assert value not in redactor.redact(text)
        assert value not in redactor.redact({"api_secret": text.partition("=")[2]})["api_secret"]
    field = {"api_secret": f"<redacted:field.secret> {value} <redacted:field.secret>"}
    assert value not in redactor.redact(field)["api_secret"]


def test_a_rules_value_between_the_signs_is_what_the_rule_says(redactor: Redactor) -> None:
    _, token = leaks.leak("github", 3)
    assert token not in redactor.redact(b"x <redacted:" + token + b"> y")


def test_a_known_value_that_is_but_the_beginning_takes_the_rest_with_it(own: Redactor) -> None:
    own.register(KEY[:40], "own.trading-key")
    for text in (f"secret: {KEY}", f"api_secret={KEY}&x=1", f"password: {KEY[:40]}x"):
        out = own.redact(text)
        assert KEY[40:] not in out
        assert "x" not in out.removeprefix("password: ").removesuffix("&x=1")
        written = io.BytesIO()
        stream = own.stream(written.write)
        stream.feed(text.encode() + b"\n")
        stream.flush()
        assert written.getvalue().decode() == out + "\n"
