"""Exceptions: copies that say the same without secrets, with the same traceback, causes and contexts.

What an exception refers to (causes, contexts, members of groups, exceptions among its arguments and attributes) is gathered
first and copied after: so chains may be long and lead back to themselves. Nothing that was given is changed, and no constructor of
the application's runs: it may do anything. What cannot be copied is replaced by an exception of the same name, of a class below
the nearest that can. Imported by objects.py and mask.py only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Redact = Callable[[str, Any], Any]
"""(name or "", value) -> the value without secrets."""

MOST = 10_000
"""Exceptions that are followed from one."""

_HEAP = 1 << 9
"""Of a class's flags: it was made by a `class` statement."""
_LINKS = ("__cause__", "__context__")
_STATE: tuple[tuple[type[BaseException], tuple[str, ...]], ...] = (
    (OSError, ("errno", "strerror", "filename", "filename2")),
    (UnicodeError, ("encoding", "object", "start", "end", "reason")),
    (SyntaxError, ("msg", "filename", "lineno", "offset", "text", "end_lineno", "end_offset", "print_file_and_line")),
    (ImportError, ("msg", "name", "path")),
    (SystemExit, ("code",)),
    (StopIteration, ("value",)),
)
"""What Python's own exceptions keep beside their arguments and attributes."""
_TOKEN = re.compile(r"<redacted:[^<>\s]{1,110}>")


class _Parts(NamedTuple):
    """What one exception holds, redacted; what of it are exceptions is as it was."""

    args: tuple[Any, ...]
    own: dict[str, Any]
    state: dict[str, Any]
    says: str
    changed: bool


def redacted(value: BaseException, redact: Redact) -> BaseException:
    """The same object if neither it nor what it leads to says a secret."""
    chain = _gathered(value)
    parts = {id(error): _parts(error, redact) for error in chain}
    wanted = {number for number, one in parts.items() if one.changed}
    before = -1
    while before != len(wanted):
        before = len(wanted)
        for error in reversed(chain):
            if id(error) not in wanted and any(id(other) in wanted for other in _leads_to(error)):
                wanted.add(id(error))
    if id(value) not in wanted:
        return value
    copies: dict[int, BaseException] = {}
    changing = [error for error in chain if id(error) in wanted]
    for error in changing:
        _copy(error, parts, wanted, copies, redact)
    for error in changing:
        _link(error, parts[id(error)], copies)
    return copies[id(value)]


def _gathered(value: BaseException) -> list[BaseException]:
    """An exception and all that it leads to, each once."""
    seen = {id(value)}
    out = [value]
    for error in out:  # grows meanwhile
        for other in _leads_to(error):
            if id(other) not in seen and len(out) < MOST:
                seen.add(id(other))
                out.append(other)
    return out


def _leads_to(error: BaseException) -> list[BaseException]:
    found: Iterable[Any] = (error.__cause__, error.__context__, *error.args, *vars(error).values())
    if isinstance(error, BaseExceptionGroup):
        found = (*found, *error.exceptions)
    return [other for other in found if isinstance(other, BaseException)]


def _parts(error: BaseException, redact: Redact) -> _Parts:
    args = tuple(_part("", item, redact) for item in error.args)
    if isinstance(error, BaseExceptionGroup):
        args = (*args[:1], *error.args[1:])  # the members
    own = {name: _part(name, item, redact) for name, item in vars(error).items()}
    before = _state(error)
    state = {name: redact("", item) for name, item in before.items()}
    if isinstance(error, UnicodeError) and state.get("object") is not before.get("object"):
        state["object"] = _object(before)
    told = said(error)
    says = redact("", told)
    changed = (
        says is not told
        or any(new is not old for new, old in zip(args, error.args, strict=True))
        or any(own[name] is not item for name, item in vars(error).items())
        or any(state[name] is not item for name, item in before.items())
    )
    return _Parts(args, own, state, says, changed)


def _part(name: str, item: Any, redact: Redact) -> Any:
    return item if isinstance(item, BaseException) else redact(name, item)


def _state(error: BaseException) -> dict[str, Any]:
    """What an exception keeps where `vars` does not show it."""
    names = [name for kind, some in _STATE if isinstance(error, kind) for name in some]
    for kind in type(error).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            names.append(f"_{kind.__name__.lstrip('_')}{name}" if private else name)
    found = {name: getattr(error, name, None) for name in names}
    return {name: item for name, item in found.items() if item is not None}  # an OSError tells a None that is set


def _object(state: dict[str, Any]) -> Any:
    """What could not be decoded or encoded, with the few characters that are told of it at their place, and no others."""
    what, start, end = state["object"], state.get("start", 0), state.get("end", 0)
    if not 0 <= start <= end <= len(what) or end - start > 4:
        start = end = 0
    filler = "?" if isinstance(what, str) else b"?"
    return filler * start + what[start:end] + filler * (len(what) - end)


def said(error: BaseException) -> str:
    """What an exception says; "" if it cannot."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it shows the same in a traceback: nothing
        return ""


# ---------------------------------------------------------------- copies
def _copy(
    error: BaseException, parts: dict[int, _Parts], wanted: set[int], copies: dict[int, BaseException], redact: Redact
) -> BaseException:
    """The copy of one exception, made when it is first asked for: a group is made of its members."""
    made = copies.get(id(error))
    if made is not None:
        return made
    one = parts[id(error)]
    args = one.args
    if isinstance(error, BaseExceptionGroup):
        members = [_copy(m, parts, wanted, copies, redact) if id(m) in wanted else m for m in error.exceptions]
        args = (*args[:1], members)
    try:
        out = _blank(type(error), args)
        _set(out, "args", args)
        vars(out).update(one.own)
        for name, item in one.state.items():
            _set(out, name, item)
        says = said(out)
        fine = redact("", says) == says and _TOKEN.sub("", says) == _TOKEN.sub("", one.says)
    except Exception:  # noqa: BLE001 - a class of somebody's own, in C or with rules of its own
        fine = False
    if not fine:  # it makes its message from elsewhere
        out = speaking(error, one.says)
    copies[id(error)] = out
    return out


def _link(error: BaseException, one: _Parts, copies: dict[int, BaseException]) -> None:
    """Puts copies in the place of what an exception's copy refers to."""
    out = copies[id(error)]
    if any(id(item) in copies for item in one.args):
        _set(out, "args", tuple(copies.get(id(item), item) for item in out.args))
    own = vars(out)
    for name, item in one.own.items():
        if name in own and id(item) in copies:
            own[name] = copies[id(item)]
    for name in _LINKS:
        link = getattr(error, name)
        _set(out, name, copies.get(id(link), link))
    _set(out, "__suppress_context__", error.__suppress_context__)
    _set(out, "__traceback__", error.__traceback__)


def _blank(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    base: Any = next(one for one in kind.__mro__ if not one.__flags__ & _HEAP)
    out: BaseException = base.__new__(kind, *args)
    return out


def _set(error: BaseException, name: str, value: Any) -> None:
    object.__setattr__(error, name, value)  # past a `__setattr__` of its class, which may refuse


def speaking(value: BaseException, text: str) -> BaseException:
    """An exception of a class of its own below the given one's, or the nearest that can be, which says `text`."""
    name, module = type(value).__name__, type(value).__module__
    body = {
        "__str__": lambda _self: text, "__repr__": lambda _self: f"{name}({text!r})", "__module__": module,
    }  # fmt: skip
    for base in type(value).__mro__:
        try:
            own: Any = type(name, (base,), body)
            out = _blank(own, (text,))
            _set(out, "args", (text,))
        except Exception:  # noqa: BLE001, S112 - the next one may
            continue
        _set(out, "__traceback__", value.__traceback__)
        return out
    return Exception(text)
