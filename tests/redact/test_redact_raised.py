"""Exceptions without secrets: what they say, what they are, what they lead to; and that no line is lost for them."""

from __future__ import annotations

import collections
import dataclasses
import io
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from texts import secret

from leakguard.redact import Policy, Redactor
from leakguard.redact import logging as redact_logging

KEY = secret(401)


class Slots(Exception):  # noqa: N818
    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __str__(self) -> str:
        return f"refused: {self.token}"


class Wanting(Exception):  # noqa: N818
    """Its constructors want what its arguments are not."""

    def __new__(cls, *, token: str) -> Wanting:
        return super().__new__(cls, token)

    def __init__(self, *, token: str) -> None:
        self.token = token


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):  # noqa: N818
    token: str


class Mute(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError(self.args[0])


class Response:
    url = f"https://x/?apiKey={KEY}"


class Elsewhere(Exception):  # noqa: N818
    """What it says is in an object that nobody looks into."""

    def __init__(self, response: Any) -> None:
        self.response = response

    def __str__(self) -> str:
        return f"401 for {self.response.url}"


def _noted() -> Exception:
    error = ValueError("x")
    error.add_note(f"with {KEY}")
    return error


CASES: dict[str, tuple[Callable[[], BaseException], str]] = {
    "a file": (lambda: FileNotFoundError(2, "No such file", f"/x/{KEY}"), "[Errno 2] No such file: '/x/<>'"),
    "an argument, and a file": (lambda: OSError(5, f"bad {KEY}", "/tmp/plain"), "[Errno 5] bad <>: '/tmp/plain'"),
    "two files": (lambda: OSError(5, "bad", f"/x/{KEY}", None, "/y"), "[Errno 5] bad: '/x/<>' -> '/y'"),
    "decoding": (
        lambda: UnicodeDecodeError("utf8", KEY.encode() + b"\xff", 40, 41, "bad"),
        "'utf8' codec can't decode byte 0xff in position 40: bad",
    ),
    "syntax": (lambda: SyntaxError("bad", ("f.py", 1, 2, f"key = {KEY}", 1, 3)), "bad (f.py, line 1)"),
    "a module": (lambda: ImportError(f"no {KEY}", name=KEY), "no <>"),
    "the end": (lambda: SystemExit(KEY), "<>"),
    "a group": (lambda: ExceptionGroup("g", [ValueError("fine"), ExceptionGroup("in", [ValueError(KEY)])]), "g (2 sub-exceptions)"),
    "a note": (_noted, "x"),
    "slots": (lambda: Slots(KEY), "refused: <>"),
    "its own constructors": (lambda: Wanting(token=KEY), "<>"),
    "a frozen one": (lambda: Frozen(KEY), "<>"),
}  # fmt: skip


@pytest.fixture
def known(own: Redactor) -> Redactor:
    own.register(KEY, "matrix.key")
    return own


def said(error: BaseException, redactor: Redactor) -> str:
    return str(error).replace(f"<redacted:matrix.key:{redactor.pseudonym('matrix.key', KEY.encode())}>", "<>")


@pytest.mark.parametrize("name", CASES)
def test_an_exception_says_the_same_but_for_the_secret(known: Redactor, name: str) -> None:
    make, says = CASES[name]
    error = make()
    before = (str(error), error.args, repr(error))
    out = known.redact(error)
    assert type(out) is type(error)
    assert said(out, known) == says
    assert KEY not in "".join(traceback.format_exception(out)) + repr(out) + repr(vars(out))
    assert (str(error), error.args, repr(error)) == before, "what was given is changed"
    assert known.redact(out) is out


def test_what_it_keeps_beside_its_arguments_stays(known: Redactor) -> None:
    error = known.redact(OSError(5, f"bad {KEY}", "/tmp/plain"))
    assert (error.errno, error.filename) == (5, "/tmp/plain")
    assert known.redact(SystemExit({"code": KEY})).code != {"code": KEY}
    source = known.redact(SyntaxError("bad", ("f.py", 1, 2, f"key = {KEY}", 1, 3)))
    assert (source.lineno, source.filename) == (1, "f.py")
    assert KEY not in str(source.text)


def test_what_cannot_be_copied_is_still_an_exception(known: Redactor) -> None:
    out = known.redact(Elsewhere(Response()))
    assert isinstance(out, Elsewhere)
    assert KEY not in str(out) + repr(out)
    assert str(out).startswith("401 for https://x/?apiKey=<redacted:")
    assert isinstance(known.redact(Mute(KEY)), Mute)


def test_chains_may_be_long_and_go_round(known: Redactor) -> None:
    first = error = ValueError(f"0 {KEY}")
    for number in range(1, 200):
        later = ValueError(f"{number}")
        later.__context__ = error
        error = later
    first.__cause__ = error  # round
    out = known.redact(error)
    length, at = 0, out
    while at is not None and length < 300:
        assert KEY not in str(at)
        length, at = length + 1, at.__context__
    assert length == 200
    assert KEY in str(first)


def test_a_group_whose_members_lead_back_to_it(known: Redactor) -> None:
    members = [ValueError(f"{number} {KEY}") for number in range(12)]
    group = ExceptionGroup("g", members)
    for member in members:
        member.__context__ = group
    out = known.redact(group)
    assert isinstance(out, ExceptionGroup)
    assert len(out.exceptions) == 12
    assert all(KEY not in str(member) and member.__context__ is out for member in out.exceptions)


@pytest.fixture
def written(known: Redactor) -> Iterator[io.StringIO]:
    patches = redact_logging.install(known)
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.getLogger("raised")
    logger.addHandler(handler)
    logger.propagate = False
    yield out
    logger.removeHandler(handler)
    patches.undo()


@pytest.mark.parametrize("name", [*CASES, "elsewhere", "a long chain"])
def test_no_line_is_lost_for_an_exception(written: io.StringIO, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "a long chain":
        error: BaseException = ValueError(KEY)
        for number in range(50):
            later = ValueError(f"{number}")
            later.__context__ = error
            error = later
    else:
        error = Elsewhere(Response()) if name == "elsewhere" else CASES[name][0]()
    logging.getLogger("raised").error("failed", exc_info=error)
    assert written.getvalue().startswith("failed\n")
    assert type(error).__name__ in written.getvalue()
    assert KEY not in written.getvalue()
    assert not capsys.readouterr().err  # logging reports no error of its own


# ---------------------------------------------------------------- other values
class Weird(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError(KEY)


class Two(collections.namedtuple("Two", "name token")):
    __slots__ = ()

    def __new__(cls, name: str) -> Two:
        return super().__new__(cls, name, "")


class Sized(list[str]):
    def __init__(self, items: list[str], size: int) -> None:
        super().__init__(items)
        self.size = size


def test_one_value_that_cannot_be_checked_does_not_take_the_others_with_it(known: Redactor) -> None:
    out = known.redact({"bad": Weird(a=KEY), "good": "plain", "key": [KEY]})
    assert out["good"] == "plain"
    assert out["bad"] == "<redacted:error>"
    assert KEY not in repr(out)
    assert known.stats().errors == 1


def test_values_of_other_classes_keep_them(known: Redactor) -> None:
    deque = known.redact(collections.deque([KEY], maxlen=3))
    assert (type(deque), deque.maxlen) == (collections.deque, 3)
    two = known.redact(Two._make(["a", KEY]))
    assert type(two) is Two
    sized = known.redact(Sized([KEY], 7))
    assert (type(sized), sized.size) == (Sized, 7)
    users = known.redact(collections.UserList([KEY]))
    assert type(users) is collections.UserList
    text = known.redact(collections.UserString(KEY))
    assert type(text) is collections.UserString
    assert KEY not in repr([deque, two, sized, users, text])
    numbers = range(10**9)
    assert known.redact(numbers) is numbers


def test_structlog_is_given_fields_whatever_happens(environment: str) -> None:
    structlog = pytest.importorskip("structlog", reason="structlog is not installed (extra dev)")
    from leakguard.redact import structlog as redact_structlog

    own = Redactor(Policy(), cache_folder=environment)
    own.register(KEY, "matrix.key")
    patches = redact_structlog.install(own)
    out = io.StringIO()
    try:
        log = structlog.wrap_logger(structlog.PrintLogger(out), processors=[structlog.processors.KeyValueRenderer()])
        log.info("x", v=Weird(a=KEY), w=Two._make(["a", KEY]), error=Slots(KEY))
        own._calm = own._look = _broken
        log.info("y", v={"a": KEY})
    finally:
        patches.undo()
    assert KEY not in out.getvalue()
    assert out.getvalue().count("\n") == 2


def _broken(*_: object) -> Any:
    raise RuntimeError(KEY)
