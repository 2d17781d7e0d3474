"""What a value stands in far above it (leakguard/detect/above.py): the venue of a long list is named once."""

from __future__ import annotations

import json
from random import Random

import pytest

from leakguard.detect.above import FAR, STRUCTURE, TITLE, ruling
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

FILL = "x" * 60


def _ruled(text: str, venues: tuple[str, ...] = ("okx", "bybit"), fits: tuple[str, ...] = ("okx", "bybit")) -> tuple[str, int] | None:
    """Who rules the place of `@` in a text whose names of venues are these."""
    at = text.index("@")
    mentions = sorted(
        (found, found + len(venue), venue) for venue in venues for found in range(at) if text.lower().startswith(venue, found)
    )
    return ruling(text.encode(), at, reversed(mentions), fits.__contains__, {})


def _rows(line: str, count: int = 60) -> str:
    return "".join(line.replace("%", f"{number:02d}{FILL}") for number in range(count))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"okx": [' + _rows('{"key": "%", "s": "%"},') + '{"key": "@', STRUCTURE),
        ('{"exchange": "okx", "subs": [' + _rows('{"key": "%"},') + '{"key": "@', STRUCTURE),
        ("export const okxAccounts: Account[] = [\n" + _rows("  { key: '%' },\n") + "  { key: '@", STRUCTURE),
        ("OKX_ACCOUNTS = [\n" + _rows('  ("%", "%"),\n') + '  ("@', STRUCTURE),
        ("okx:\n  accounts:\n" + _rows("    - key: %\n") + "    - key: @", STRUCTURE),
        ('<exchange name="okx">\n' + _rows("  <key>%</key>\n") + "  <key>@", STRUCTURE),
        ("## OKX\n\n" + _rows("- key: %\n") + "- key: @", TITLE),
        ("<h2>OKX accounts</h2>" + _rows("<tr><td>%</td></tr>") + "<tr><td>@", TITLE),
        ("[okx]\n" + _rows("key%=%\n") + "key=@", TITLE),
        ("OKX\n\n" + _rows("main\t%\t%\n") + "main\t@", TITLE),
    ],
)
def test_a_head_rules_what_it_is_still_open_for(text: str, what: int) -> None:
    assert _ruled(text) == ("okx", what)


@pytest.mark.parametrize(
    "text",
    [
        '{"okx": [' + _rows('{"key": "%"},') + '], "other": [{"key": "@',
        '[{"exchange": "okx", "key": "1"},' + _rows('{"id": "%"},') + '{"key": "@',
        "okx:\n  key: 1\nother:\n" + _rows("  - key: %\n") + "  - key: @",
        '<exchange name="okx">\n</exchange>\n' + _rows("  <key>%</key>\n") + "  <key>@",
        "## OKX\n\n" + _rows("- note %\n") + "## Mail\n- key: @",
        "### OKX\n\n" + _rows("- note %\n") + "## Mail\n- key: @",
        "<h2>OKX</h2>" + _rows("<p>%</p>") + "<h2>Mail</h2><p>@",
        "[okx]\n" + _rows("n%=%\n") + "[mail]\nkey=@",
        "We trade at OKX since long.\n" + _rows("line %\n") + "key: @",
    ],
)
def test_a_head_rules_nothing_behind_its_end(text: str) -> None:
    assert _ruled(text) is None


def test_the_nearest_title_ends_the_one_before_it_whether_it_fits_or_not() -> None:
    text = "## OKX\n\n" + _rows("- key: %\n") + "## Bybit\n\n" + _rows("- key: %\n") + "- key: @"
    assert _ruled(text) == ("bybit", TITLE)
    assert _ruled(text, fits=("okx",)) is None


def test_headings_below_a_heading_do_not_end_it() -> None:
    text = "## OKX\n\n" + _rows("### sub %\n- key: 1\n") + "- key: @"
    assert _ruled(text) == ("okx", TITLE)


def test_accounts_of_one_venue_are_its_own_however_many_there_are(engine: Engine) -> None:
    """Ninety accounts below one name: those far below it were nobody's, and no pairs."""
    draw = Random("accounts")
    accounts = [{"label": f"sub{n}", "apiKey": expand("{{hex*32}}", draw), "secret": expand("{{hex*64}}", draw)} for n in range(90)]
    data = json.dumps({"limits": {"depth": 20}, "accounts": {"gateio": accounts}}, indent=2).encode()
    assert len(data) < FAR
    found = [engine.rules[match.rule].id for match in engine.scan(data, "a.json").matches]
    assert sorted(found) == ["gate.api-key"] * 90 + ["gate.api-secret"] * 90


def test_a_service_on_the_way_owns_no_secret_that_only_sounds_like_its_password(engine: Engine) -> None:
    """A variable below `ansible_user` was a password of Ansible's, whatever venue the host was called after."""
    draw = Random("hosts")
    key, secret = expand("{{alnum*64}}", draw), expand("{{alnum*64}}", draw)
    text = f"ansible_user: deploy\nbot_api_key: '{key}'\nbot_api_secret: '{secret}'\n"
    found = {engine.rules[match.rule].id for match in engine.scan(text.encode(), "ansible/host_vars/hashkey-01.yml").matches}
    assert found == {"hashkey.api-key", "hashkey.api-secret"}


def test_a_file_called_after_a_plain_word_and_its_accounts_is_the_venues(engine: Engine) -> None:
    draw = Random("apex")
    row = ",".join(expand(shape, draw) for shape in ("{{uuid}}", "{{b64u*40}}", "{{b64u*20}}"))
    text = f"label,api_key,api_secret,passphrase\nmain,{row}\n"
    found = {engine.rules[match.rule].provider for match in engine.scan(text.encode(), "apex_subaccounts.csv").matches}
    assert found == {"apex"}


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("delta.ini", ""),
        ("bot.rs", "pub mod delta {\n"),
        ("notes.txt", "Cuenta delta\n"),
        ("history", "./tradectl login delta -v\n"),
        ("chat.txt", "Can you send me the Delta keys please?\n"),
    ],
)
def test_a_venue_called_by_a_plain_word_is_known_where_that_is_all_there_is(engine: Engine, path: str, head: str) -> None:
    draw = Random(path)
    text = head + expand('API_KEY: "{{alnum*30}}"\nAPI_SECRET: "{{alnum*60}}"\n', draw)
    found = {engine.rules[match.rule].id for match in engine.scan(text.encode(), path).matches}
    assert found == {"delta.api-key", "delta.api-secret"}


def test_a_private_key_may_be_what_a_venue_calls_its_secret(engine: Engine) -> None:
    """Beside an API key of the same form it was a second key."""
    draw = Random("private")
    text = expand("Rotate the phemex key.\n\nDescription of the old ones\nAPIKEY: {{uuid}}\nPrivate Key: {{b64u*88}}\n", draw)
    found = [engine.rules[match.rule].id for match in engine.scan(text.encode(), "ticket.txt").matches]
    assert found == ["phemex.api-key", "phemex.api-secret"]


@pytest.mark.parametrize("template", ["{{b64u*16}}9a-BFX-Rd7{{b64u*17}}", "{{b64u*30}}7aF9xhC0uzBFX"])
def test_letters_in_a_key_of_url_safe_base64_name_nobody(engine: Engine, template: str) -> None:
    draw = Random("bfx")
    secret = expand(template, draw)
    row = expand("1,main,{{lowernum*13}},{{b64u*43}}\n2,sub,{{lowernum*13}},", draw) + secret + "\n"
    found = {engine.rules[match.rule].provider for match in engine.scan(f"id,label,api_key,api_secret\n{row}".encode(), "luno.csv").matches}
    assert found == {"luno"}
