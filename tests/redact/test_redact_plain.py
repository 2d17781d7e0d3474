"""Long records without a secret: order books, lists of numbers, prose. None of them is a flood, and what stands among them is found.
Each test failed once: a list of decimals and a page of prose became `<redacted:error>`, as each of their words could end a phrase.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from texts import secret

from leakguard.redact import Redactor
from leakguard.redact import logging as redact_logging
from leakguard.redact.logging import MOST_LOOKED, masked_args
from tests import leaks

KEY = secret(901, "{{alnum*48}}")
_WORDS = b"""order book snapshot received from exchange feed handler with stale sequence number while resync pending orders paused
    until next heartbeat arrives worker restarted after timeout waiting response""".split()


def _decimal(random: Random) -> Decimal:
    return Decimal(random.randrange(10**12)) / 10**8


def _prose(random: Random, count: int) -> str:
    return b" ".join(random.choice(_WORDS) for _ in range(count)).decode()


def _texts() -> dict[str, str]:
    random = Random(4)
    decimals = [_decimal(random) for _ in range(1200)]
    return {
        "decimals": str(decimals),
        "many decimals": str(decimals * 10),
        "order book": str({"symbol": "BTC/USDT", "bids": [[each, each / 7] for each in decimals[:400]], "nonce": None}),
        "times": str([datetime(2026, 11, 22, 10, n % 60) for n in range(900)]),
        "integers": str(list(range(5000))),
        "times of trades": str([random.randrange(10**12, 10**13) for _ in range(1500)]),
        "floats": str([random.random() for _ in range(1000)]),
        "rows": "\n".join(" ".join(f"{random.random():.4f}" for _ in range(12)) for _ in range(250)),
        "prose": _prose(random, 3000),
        "prose that is not ASCII": _prose(random, 3000) + " → café",
    }


@pytest.mark.parametrize("name", _texts())
def test_what_is_long_and_harmless_stays(own: Redactor, name: str) -> None:
    text = _texts()[name]
    assert own.redact(text) is text
    assert own.scanner().scan(text.encode(), "").matches == []
    out = io.BytesIO()
    stream = own.stream(out.write)
    stream.feed(text.encode() + b"\n")
    stream.flush()
    assert out.getvalue().decode() == text + "\n"
    assert own.stats().floods == own.stats().errors == 0


@pytest.mark.parametrize("name", ["decimals", "prose", "prose that is not ASCII", "order book"])
@pytest.mark.parametrize("seed", range(4))
def test_a_phrase_among_them_is_masked(redactor: Redactor, name: str, seed: int) -> None:
    phrase = leaks.leak("phrase", seed)[0].decode().strip()
    text = _texts()[name]
    at = text.index(" ", len(text) * (seed + 1) // 6)
    for joined in (text[:at] + " " + phrase + text[at:], phrase + " " + text, text + " " + phrase, f"{text[:40]}: {phrase}"):
        out = redactor.redact(joined)
        assert phrase not in out
        assert "<redacted:bip39.mnemonic" in out
        assert len(out) > len(joined) - len(phrase)


def test_a_dozen_plain_words_are_no_phrase(redactor: Redactor) -> None:
    """All that fires is the automaton of phrases: nobody else is asked."""
    text = b" ".join(_WORDS[:16])
    assert any(ident == 4_000_000 for ident, _ in _raw(redactor, text))
    assert redactor._scan(text) == []
    assert redactor._look(text) is None


def _raw(redactor: Redactor, data: bytes) -> list[tuple[int, int]]:
    own = redactor.runtime.merged.own()
    redactor.runtime.merged.database.scan(data, own.on_found, 0, None, own.scratch)
    return list(own.found)


# ---------------------------------------------------------------- records with arguments
@pytest.fixture
def cleaned(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[logging.Logger, list[Any], list[str]]]:
    """A logger, the records that went the long way, and what its handler was told."""
    slow: list[Any] = []
    told: list[str] = []
    clean = redact_logging.Cleaner.clean

    def counted(self: Any, record: logging.LogRecord) -> None:
        slow.append(record.msg)
        clean(self, record)

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(f"{record.getMessage()} {record.args}")

    monkeypatch.setattr(redact_logging.Cleaner, "clean", counted)
    patches = redact_logging.install(redactor)
    logger = logging.Logger("plain", logging.INFO)  # nobody's but ours
    logger.addHandler(Handler())
    yield logger, slow, told
    patches.undo()


def test_clean_arguments_go_the_quick_way(cleaned: tuple[logging.Logger, list[Any], list[str]]) -> None:
    logger, slow, told = cleaned
    logger.info("order %s filled at %.2f (%5.1f %%). Done.", 17, 41234.5, 0.1)
    logger.info("price %s at %s.", Decimal("1.25"), datetime(2026, 11, 22))
    logger.info("nothing %d%%", 3)
    assert slow == []
    assert len(told) == 3


def test_arguments_that_are_not_wholly_shown_go_the_long_way(cleaned: tuple[logging.Logger, list[Any], list[str]]) -> None:
    logger, slow, told = cleaned

    class Price(Decimal):
        """Says more than a number."""

        def __str__(self) -> str:
            return f"api_secret={KEY}"

    logger.info("cut %.8s", f"api_secret={KEY}")
    logger.info("cut %-20.8r.", f"api_secret={KEY}")
    logger.info("own %s", Price("1"))
    logger.info("object %s", UUID(int=5))
    logger.info("map %(a)s", {"a": 1})
    assert len(slow) == 5
    assert not [one for one in told if KEY in one]


class _Counted(str):
    """A text that counts how much of it was gone through."""

    __slots__ = ("looked",)

    def __contains__(self, what: object) -> bool:
        self.looked: list[int]
        self.looked.append(len(self))
        return str.__contains__(self, what)  # type: ignore[arg-type]


def test_many_arguments_are_not_each_looked_for_in_a_long_message(redactor: Redactor) -> None:
    args = {f"row{n}": n for n in range(5000)} | {"api_secret": KEY}
    told = _Counted("padding " * 30_000 + str(redactor.redact(args)))
    told.looked = []
    safe, exact = masked_args(redactor, args, f"{'padding ' * 30_000}{args}", told)
    assert sum(told.looked) < MOST_LOOKED
    assert KEY not in str(safe)
    assert safe["row17"] == 17
    assert exact


def test_an_argument_that_only_the_message_gives_away_is_hidden_among_many(redactor: Redactor) -> None:
    args = {f"row{n}": f"word{n}" for n in range(3000)} | {"plain": KEY}
    joined = "padding " * 60_000 + f"{args} api_secret={KEY}"
    safe, exact = masked_args(redactor, args, joined, joined.replace(KEY, "<redacted:generic.secret:3f9a1c>"))
    assert not exact
    assert KEY not in str(safe)
    assert safe["row17"] == "word17"


def test_a_record_says_where_it_was_made(cleaned: tuple[logging.Logger, list[Any], list[str]], redactor: Redactor) -> None:
    logger = cleaned[0]
    where: list[tuple[str, str]] = []
    logger.handlers[0].emit = lambda record: where.append((record.funcName or "", record.filename))  # type: ignore[method-assign]
    logger.info("here")
    logger.info("there", stacklevel=2)
    assert where[0] == ("test_a_record_says_where_it_was_made", "test_redact_plain.py")
    assert where[1][1] != "test_redact_plain.py"
    before = logging.currentframe
    redact_logging.install(redactor).undo()
    assert logging.currentframe is before
