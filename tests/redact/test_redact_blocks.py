"""Streams in large blocks: several databases say what one does, two processes say what one does."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.detect.runtime import Flood
from leakguard.redact import Redactor, Stream, helper, tables, wide
from leakguard.redact.helper import Pair
from leakguard.redact.stream import CONTEXT
from tests import leaks
from tests.redact.test_redact_laws import texts
from tests.redact.texts import FORMS, VIEWS, clean_lines, example_text, leaky_lines, secret, table

FEW = settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)


def log(seed: int, megabytes: float) -> bytes:
    """Lines of a bot, with a leak in every tenth, keys over several lines and wrapped text here and there."""
    out: list[bytes] = []
    number = 0
    while number * 2600 < megabytes * 1e6:
        rows = leaky_lines(seed + number)
        out += clean_lines(seed + number, 30)
        out += [line for line, _ in rows[number % 7 :: 7]]
        if number % 400 == 317:
            out.append(leaks.leak("pem", number)[0])
        if number % 40 == 11:
            out.append(table(FORMS[number // 40 % len(FORMS)], number, 60)[0])
        if number % 100 == 29:
            out.append(leaks.wrapped(b"a long text that is wrapped " * 6 + rows[0][0]))
        number += 1
    return b"".join(out)


def streamed(redactor: Redactor, data: bytes, size: int = 1 << 20) -> bytes:
    out: list[bytes] = []
    stream = Stream(redactor, out.append)
    for at in range(0, len(data), size):
        stream.feed(data[at : at + size])
    stream.flush()
    return b"".join(out)


# ---------------------------------------------------------------- several databases
def _both(redactor: Redactor, data: bytes) -> tuple[Any, Any]:
    large = wide.of(redactor)
    assert large is not None
    made: list[Any] = []
    for scan in (lambda: large.scan(data, 1 << 20), lambda: redactor.runtime.merged.scan(data, True, 1 << 20)):
        try:
            # heads of tables are looked for in blocks only
            made.append(sorted(item for item in wide.worth_a_look(data, scan()) if item[0] != tables.HEADER))
        except Flood:
            made.append(None)
    return made[0], made[1]


@settings(FEW, max_examples=60)
@given(st.lists(texts(), min_size=1, max_size=4), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_several_databases_say_what_one_does(redactor: Redactor, parts: list[bytes], end: bytes) -> None:
    ours, theirs = _both(redactor, b"".join(parts).replace(b"\n", end))
    assert ours == theirs


@settings(FEW, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 1 << 32), st.sampled_from(sorted(VIEWS))), min_size=1, max_size=6))
def test_they_do_for_every_rule(redactor: Redactor, draws: list[tuple[int, str]]) -> None:
    rows = []
    for seed, view in draws:
        text = example_text(seed)
        try:
            rows.append(VIEWS[view](text))
        except ValueError:
            rows.append(bytes(text.data))
    ours, theirs = _both(redactor, b"\n".join(rows) + b"\n")
    assert ours == theirs


def test_every_trigger_is_in_one_of_them(redactor: Redactor) -> None:
    made = wide.plan(redactor.runtime.ruleset)
    near, far, beyond, login = ({ident for _, ident in rows} for rows in made)
    assert not near & far and not beyond & (near | far) and not login & (near | far | beyond)
    assert len(far) > 200 and beyond and len(login) > 10
    assert all(b"\n" not in pattern for pattern, _ in made.far)


USERS = [
    "postgres://bot:%s@db/x", "redis://u:%s@h,c@d", "jdbc:mysql://u:%s@h", "ssh://git@h and amqp://u:%s@a@b", "nats://%s@h", "://%s@",
    "mongodb+srv://a:%s@", "x mysql://u@h", "MYSQL://u:%s@b:%s@c@d@e@f h", "a@b ://u:%s@h", "://u:%s", "https://u:%s@h://v:w@i", "u:%s@h",
]  # fmt: skip


@settings(FEW, max_examples=120)
@given(st.lists(st.tuples(st.sampled_from(USERS), st.integers(0, 20)), min_size=1, max_size=9), st.sampled_from(["\n", "\r\n", "\r"]))
def test_rules_for_urls_fire_where_their_user_ends(redactor: Redactor, both: Any, rows: list[tuple[str, int]], end: str) -> None:
    """They are looked for only in lines where the redactor's own trigger for it fires."""
    data = b"the first line, so that there are enough bytes for a block of lines to be one " * 4 + b"\n"
    for form, seed in rows:
        data += (form.replace("%s", secret(seed, "{{alnum*14}}")) + end).encode()
    ours, theirs = _both(redactor, data)
    assert ours == theirs
    quick, slow = both
    assert streamed(quick, data) == streamed(slow, data) == b"".join(_line_by_line(slow, data))


@pytest.mark.parametrize("count", [30, 100, 126, 127, 128, 129, 170, 250, 300, 520])
def test_many_urls_in_a_line_are_a_flood_either_way(both: tuple[Redactor, Redactor], count: int) -> None:
    """Three rules fire at each, which are not looked for where the line is handled quickly."""
    line = b" ".join(b"jdbc:mysql://u:%s@h" % secret(number, "{{alnum*14}}").encode() for number in range(count)) + b"\n"
    quick, slow = both
    assert streamed(quick, b"a line\n" + line) == streamed(slow, b"a line\n" + line)


def test_short_hex_is_left_out_in_blocks_of_any_size(redactor: Redactor) -> None:
    for digits in range(12, 20):
        line = b"id " + b"4a6b4c6d4e6f4a6b4c6d"[:digits] + b" end\n"
        found = wide.worth_a_look(line, redactor.runtime.merged.scan(line, True, 0))
        assert bool(found) == (digits >= wide.HEX_RUN), digits


def test_without_compiled_databases_one_does_it(environment: str) -> None:
    alone, together = Redactor(cache_folder=environment), Redactor(cache_folder=environment)
    wide._MADE[alone] = None
    wide.prepare(together)
    assert wide.of(together) is not None
    data = log(3, 0.3)
    assert streamed(alone, data) == streamed(together, data)
    assert alone.stats().kinds == together.stats().kinds


def test_nobody_waits_for_databases_that_are_not_compiled(redactor: Redactor, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    wide.of(redactor)  # which is put back afterwards
    monkeypatch.setattr(redactor, "cache_folder", str(tmp_path))
    monkeypatch.delitem(wide._MADE, redactor)
    assert wide.of(redactor) is None


def test_a_damaged_cache_is_no_cache(redactor: Redactor, tmp_path: Any) -> None:
    with open(wide._path(redactor), "rb") as file:
        blob = bytearray(file.read())
    path = tmp_path / "blocks.bin"
    for at in (3, 40, 5000, len(blob) - 1):
        damaged = blob.copy()
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        assert wide._read(str(path)) is None
    path.write_bytes(blob[:-1])
    assert wide._read(str(path)) is None
    path.write_bytes(blob)
    assert wide._read(str(path)) is not None


# ---------------------------------------------------------------- lines whose runs are masked
ODD = [
    'token="%s"', "token=%sAAAA", "x%s", "key: '%s' and again %s", "password=%s%%20x", "secret='%s", "a %s/b/c", "%s@host", "'%s'%s",
    "deadbeef%s", "token=%s 0123456789abcdef", "apiKey='%s' sk_live_%s",
]  # fmt: skip


@settings(FEW, max_examples=80)
@given(st.data(), st.lists(st.sampled_from(ODD), min_size=1, max_size=8), st.integers(0, 1000))
def test_a_block_is_redacted_as_its_lines_are(redactor: Redactor, draw: Any, forms: list[str], seed: int) -> None:
    """One line at a time goes through one database and the long way, a block through all that is quick."""
    templates = ("{{alnum*40}}", "{{hex*64}}", "{{alnum*18}}", "{{hex*14}}", "{{alnum*52}}")
    lines = clean_lines(seed, 6)
    for form in forms:
        value = secret(seed, draw.draw(st.sampled_from(templates)))
        lines.append(form.replace("%s", value).replace("%%", "%").encode() + b"\n")
    data = b"".join(draw.draw(st.permutations(lines)))
    assert streamed(redactor, data) == b"".join(_line_by_line(redactor, data))


USUAL = [
    '{"OK-ACCESS-KEY":"%s","OK-ACCESS-SIGN":"%s=","OK-ACCESS-PASSPHRASE":"%s"}', "GET https://h/x?a=1&signature=%s H: {'X-MBX-APIKEY': '%s'}",
    "config: {'apiKey': '%s', 'secret': '%s'} ok", "https://api.telegram.org/bot1234567890:AA%s/getUpdates 200", "to postgresql://bot:%s@db:5432/x 5",
    "renewed %s for 24 h", "secret: '%s', 'again %s'", "'apiKey': '%s' {0}", "secret={0} then", "password: '{0}'", "x {0} and {0}", "token='{0}",
    "secret: '%s\\n%s'", "signature=%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s", "mongodb://u:apiKey='%s@h/x", "a={0}{0} key: '{0}'", "schl\u00fcssel: %s x",
    "api_key='%s", "   %s%s'}", "order 17 of BTC/USDT is filled at 0.25", "{0}", "id 0123456789abcdef", "key: '{0}' url https://u:{0}@h", "apiKey: %s",
    "'X-MBX-APIKEY': 'abc%s', 'note': '<%s>'", "mnemonic phrase 'seed': '%s' %s", "cookie: a=%s; b=%s", "password=%s&password=%s",
]  # fmt: skip
"""Lines as programs write them; {0} is a known value."""
KNOWN = secret(7, "{{alnum*32}}")


@settings(FEW, max_examples=120)
@given(st.data(), st.lists(st.sampled_from(USUAL), min_size=2, max_size=12), st.integers(0, 100))
def test_what_is_quick_says_what_the_long_way_does(both: tuple[Redactor, Redactor], draw: Any, forms: list[str], seed: int) -> None:
    """With the databases for blocks lines are masked in one loop, without them each by all layers."""
    data = b"2026-11-21 11:41:05 INFO the first line, so that there are enough bytes for a block of lines to be one " * 3 + b"\n"
    for number, form in enumerate(forms):
        templates = ("{{alnum*12}}", "{{hex*14}}", "{{alnum*33}}", "{{alnum*40}}", "{{hex*64}}", "{{alnum*64}}")
        line = form.replace("{0}", KNOWN)
        while "%s" in line:
            value = secret(seed + draw.draw(st.integers(number, number + 1)), draw.draw(st.sampled_from(templates)))
            line = line.replace("%s", value, 1)
        data += line.encode() + draw.draw(st.sampled_from((b"\n", b"\n", b"\n", b"\r\n")))
    quick, slow = both
    before = quick.stats().kinds, slow.stats().kinds
    assert streamed(quick, data) == streamed(slow, data)
    counts = [{kind: n - old.get(kind, 0) for kind, n in now.stats().kinds.items() if n != old.get(kind, 0)} for old, now in zip(before, both, strict=True)]
    assert counts[0] == counts[1]


@pytest.fixture(scope="module")
def both(environment: str) -> tuple[Redactor, Redactor]:
    """One that handles blocks quickly, and one that does not, with the same known value."""
    made = Redactor(cache_folder=environment), Redactor(cache_folder=environment)
    for one in made:
        one.register(KNOWN, "known.value")
    wide.prepare(made[0])
    wide._MADE[made[1]] = None
    return made


def test_a_start_in_advance_leaves_nothing_behind(own: Redactor) -> None:
    wide.prepare(own)
    helper.warm(own)
    assert own in wide._MADE
    assert own.stats()._replace(records=0) == Redactor(cache_folder=own.cache_folder).stats()._replace(records=0)
    token = secret(3)
    assert token.encode() not in streamed(own, f"apiKey: '{token}'\n".encode() * 3)
    assert sum(own.stats().kinds.values()) == 3


def _line_by_line(redactor: Redactor, data: bytes) -> list[bytes]:
    out: list[bytes] = []
    stream = Stream(redactor, out.append)
    for line in data.splitlines(keepends=True):
        stream.feed(line)
    stream.flush()
    return out


# ---------------------------------------------------------------- two processes
@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, own: Redactor) -> Iterator[Redactor]:
    """A Redactor that is helped also where there is one processor, from the first block on."""
    monkeypatch.setattr(helper, "_possible", lambda redactor: redactor.escrow is None)
    monkeypatch.setattr(helper, "AFTER", 1)
    own.register_many([("phrase", "a phrase that is known"), ("other", secret(5))])
    yield own


def paired(redactor: Redactor, data: bytes, size: int, at_work: Any = None) -> tuple[bytes, int]:
    """What a Pair makes of some input in pieces of a size, and how often there was somebody to help."""
    out: list[bytes] = []
    pair = Pair(redactor, lambda made: out.append(bytes(made)))
    helped = 0
    for number, at in enumerate(range(0, len(data), size)):
        pair.feed(data[at : at + size])
        helped += pair.handle >= 0
        if at_work is not None:
            at_work(number, pair)
    pair.close()
    return b"".join(out), helped


LOG = log(11, 2.5)


@pytest.mark.parametrize("size", [40_000, 65_536, 200_001, 262_144])
def test_two_processes_say_what_one_does(two: Redactor, environment: str, size: int) -> None:
    other = Redactor(cache_folder=environment)
    other.register_many([("phrase", "a phrase that is known"), ("other", secret(5))])
    made, helped = paired(two, LOG, size)
    assert helped
    assert made == streamed(other, LOG)
    assert two.stats() == other.stats()


def test_the_other_process_is_done_before_this_one_begins(two: Redactor) -> None:
    """Answers that come while blocks of this process stand before them wait for these, and nobody waits for ever."""

    def pause(_number: int, pair: Pair) -> None:
        if pair.handle >= 0:
            assert select.select([pair.handle], [], [], 60)[0]

    made, helped = paired(two, LOG, 65_536, pause)
    assert helped
    assert made == streamed(two, LOG)


def test_what_another_process_is_late_with_is_waited_for(two: Redactor) -> None:
    """A process that stands still: this one goes on until much waits, and then for the answer."""
    stopped: list[int] = []

    def stop(number: int, pair: Pair) -> None:
        assert len(pair._jobs) <= helper._BEHIND + 1
        if pair._helper is not None and not stopped:
            stopped.append(pair._helper.process)
            os.kill(stopped[0], signal.SIGSTOP)
            threading.Timer(1.0, os.kill, (stopped[0], signal.SIGCONT)).start()

    made, _ = paired(two, LOG, 65_536, stop)
    assert stopped
    assert made == streamed(two, LOG)


@settings(FEW, max_examples=8)
@given(st.data())
def test_they_do_for_any_split(redactor: Redactor, draw: Any) -> None:
    before = helper._possible, helper.AFTER, helper.LEAST
    helper._possible, helper.AFTER, helper.LEAST = (lambda _: True), 1, CONTEXT  # type: ignore[assignment]
    try:
        data = LOG[: 600_000]
        cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=30)))
        out: list[bytes] = []
        pair = Pair(redactor, lambda made: out.append(bytes(made)))
        at = 0
        for cut in [*cuts, len(data)]:
            pair.feed(data[at:cut])
            if draw.draw(st.booleans()):
                pair.step()
            at = cut
        pair.close()
        assert b"".join(out) == streamed(redactor, data)
    finally:
        helper._possible, helper.AFTER, helper.LEAST = before


@pytest.mark.parametrize("when", [1, 4, 7])
def test_a_helper_that_is_killed_loses_nothing(two: Redactor, environment: str, when: int) -> None:
    killed: list[int] = []

    def kill(number: int, pair: Pair) -> None:
        if number == when and pair._helper is not None:
            killed.append(pair._helper.process)
            os.kill(pair._helper.process, signal.SIGKILL)

    made, _ = paired(two, LOG, 200_000, kill)
    assert killed
    other = Redactor(cache_folder=environment)
    other.register_many([("phrase", "a phrase that is known"), ("other", secret(5))])
    assert made == streamed(other, LOG)
    assert two.stats() == other.stats()
    with pytest.raises(ProcessLookupError):
        os.kill(killed[0], 0)  # and it was waited for


def test_what_a_helper_cannot_hand_back_is_redacted_here(two: Redactor, monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    monkeypatch.setattr(helper, "_ROOM", 1000)
    made, _ = paired(two, LOG, 200_000)
    other = Redactor(cache_folder=environment)
    other.register_many([("phrase", "a phrase that is known"), ("other", secret(5))])
    assert made == streamed(other, LOG)
    assert two.stats() == other.stats()


def test_a_value_that_is_registered_later_is_masked_from_then_on(two: Redactor) -> None:
    value = "quite another phrase"
    data = (value.encode() + b" in a line\n") * 40_000

    def register(number: int, _pair: Pair) -> None:
        if number == 1:
            two.register(value, "later")

    made, helped = paired(two, data, 200_000, register)
    assert helped > 2
    first = made.index(b"<redacted:later")
    assert first <= 400_000
    assert value.encode() not in made[first:]


def test_an_interrupt_while_waiting_loses_nothing(two: Redactor, monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    answer = helper.Helper.answer
    calls = [0]

    def interrupted(self: helper.Helper) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        return answer(self)

    monkeypatch.setattr(helper.Helper, "answer", interrupted)
    out: list[bytes] = []
    pair = Pair(two, lambda made: out.append(bytes(made)))
    fed = 0
    with pytest.raises(KeyboardInterrupt):
        for at in range(0, len(LOG), 200_000):
            fed = at + 200_000
            pair.feed(LOG[at:fed])
    pair.close()
    other = Redactor(cache_folder=environment)
    other.register_many([("phrase", "a phrase that is known"), ("other", secret(5))])
    assert b"".join(out) == streamed(other, LOG[:fed])


def test_what_is_sealed_comes_from_one_process(own: Redactor) -> None:
    own.escrow = object()
    assert not helper._possible(own)


# ---------------------------------------------------------------- the command
def _command(**kwargs: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "leakguard", "redact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        bufsize=0, **kwargs,
    )  # fmt: skip


def test_the_command_is_one_in_large_blocks(redactor: Redactor, tmp_path: Any) -> None:
    path = tmp_path / "large.log"
    path.write_bytes(LOG)
    wanted = streamed(redactor, LOG)
    with open(path, "rb") as file:
        done = subprocess.run([sys.executable, "-m", "leakguard", "redact", "-", str(path)], stdin=file, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0
    assert done.stdout == wanted * 2
    assert done.stderr == b""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_after_what_was_read(number: int, code: int) -> None:
    value = secret(31)
    child = _command(start_new_session=True)
    assert child.stdin
    assert child.stdout
    child.stdin.write(f"one\ntoken={value}".encode())
    assert child.stdout.read(4) == b"one\n"
    time.sleep(0.2)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == code
    assert out.startswith(b"token=<redacted:")
    assert value.encode() not in out + err


def test_its_helper_ends_with_it() -> None:
    """The reader goes away in the middle of much: it ends as `cat` does, and nothing is left of it."""
    child = _command(start_new_session=True)
    assert child.stdin
    assert child.stdout
    child.stdout.close()
    try:
        for at in range(0, len(LOG), 65_536):
            child.stdin.write(LOG[at : at + 65_536])
    except BrokenPipeError:
        pass
    child.stdin.close()
    assert child.wait(timeout=60) == -signal.SIGPIPE
    assert child.stderr
    assert child.stderr.read() == b""  # ends when all that had it open have ended
    child.stderr.close()
