"""Names and values without a sign between them: what decode/pairs.py writes as lines, each value in its own place."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

Pairs = dict[str, str]


def serialized(pairs: Pairs, quote: str = '"') -> str:
    strings = (f"s:{len(text)}:{quote}{text}{quote};" for pair in pairs.items() for text in pair)
    return f"a:{len(pairs)}:{{{''.join(strings)}}}"


def registry(pairs: Pairs, width: int) -> str:
    out = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Environment]\r\n"
    for name, value in pairs.items():
        digits = [f"{byte:02x}" for byte in f"{value}\0".encode("utf-16-le")]
        lines = [",".join(digits[at : at + width]) for at in range(0, len(digits), width)]
        out += f'"{name}"=hex(2):' + ",\\\r\n  ".join(lines) + "\r\n"
    return out


WAYS: dict[str, Callable[[Pairs], str]] = {
    "PHP": serialized,
    "PHP in a dump": lambda pairs: "INSERT INTO `wp_options` VALUES (9,'bot','" + serialized(pairs, '\\"') + "','yes');\n",
    "PHP in a dump, again": lambda pairs: "('bot','" + serialized({"inner": serialized(pairs)}, '\\"') + "')",
    "a session of PHP": lambda pairs: "".join(f'{name}|s:{len(value)}:"{value}";' for name, value in pairs.items()),
    "a registry": lambda pairs: registry(pairs, 21),
    "a registry on one line": lambda pairs: registry(pairs, 4000),
    "a page": lambda pairs: '<div class="text">' + "<br>".join(f"{name}:<br><code>{value}</code>" for name, value in pairs.items()) + "</div>",
    "a page without marks": lambda pairs: '<div class="text">' + "<br>".join(f"{name}:<br>{value}" for name, value in pairs.items()) + "</div>",
    "XHTML": lambda pairs: "<p>" + "".join(f"{name}: <br />\n<b>{value}</b><br />\n" for name, value in pairs.items()) + "</p>",
}


def _keys(seed: int) -> Pairs:
    random = Random(seed)
    return {"binance_api_key": expand("{{alnum*64}}", random), "binance_api_secret": expand("{{alnum*64}}", random)}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_key_and_its_secret_are_found_in_their_places(way: str, engine: Engine) -> None:
    for seed in range(4):
        pairs = _keys(seed)
        data = ("words before it\n" + WAYS[way](pairs) + "\nwords behind it\n").encode()
        found = {match.secret: match for match in engine.scan(data).matches}
        for value in pairs.values():
            match = found[value.encode()]
            if "registry" not in way:
                assert data[match.secret_start : match.secret_end] == value.encode()
            else:
                assert data[match.secret_start : match.secret_start + 6] == f"{ord(value[0]):02x},00,".encode()
                assert data[: match.secret_end].count(b",00") >= data[: match.secret_start].count(b",00") + 60  # a line may break off within a letter


def test_a_short_password_of_an_option(engine: Engine) -> None:
    password = expand("{{alnum*14}}", Random(8))
    options = {"smtp_host": "mail.example.net", "smtp_user": "shop", "smtp_password": password, "smtp_port": "587"}
    assert password.encode() in {match.secret for match in engine.scan(serialized(options).encode()).matches}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_what_is_cut_off_or_damaged_fails_nowhere(way: str, engine: Engine) -> None:
    whole = ("words before it\n" + WAYS[way](_keys(3)) * 3).encode()
    random = Random(way)
    for _ in range(60):
        data = bytearray(whole[: random.randrange(len(whole))])
        for _ in range(random.randrange(5) if data else 0):
            data[random.randrange(len(data))] = random.randrange(256)
        engine.scan(bytes(data))


def test_options_without_a_secret_say_nothing(engine: Engine) -> None:
    options = {"meta_key": "_edit_last", "token": "", "cache_key_prefix": "wp_posts_by_date", "public_key_file": "/etc/ssl/site.pub"}
    page = "Press any key:<br><code>continue</code><br>Your key:<br>your_api_key_goes_here_please"
    assert not engine.scan((serialized(options) + page).encode()).matches


def test_lists_without_end_cost_what_they_weigh(engine: Engine) -> None:
    pairs = {f"name_{number}_key": f"value number {number}" for number in range(20_000)}
    for way in WAYS.values():
        engine.scan(way(pairs).encode())
