"""Structured values: mappings, sequences, dataclasses, exceptions, nested; copied where something is masked.

Nothing that was given is changed. What stands under a sensitive name is masked whatever it looks like, numbers, booleans
and None excepted (a policy decides about numbers). Bounded in depth and number; what lies beyond the bounds, or leads
back to itself in something that had to be copied, is masked. Imported by core.py only.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from leakguard.redact.names import is_value

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

T = TypeVar("T")

MAX_DEPTH = 32
MAX_ITEMS = 100_000

_PLAIN = frozenset((int, float, bool, complex, type(None)))


class _Walk:
    """One call: what is on the way from the root, and how much was seen."""

    __slots__ = ("items", "on_way", "redactor", "unroll", "went_round")

    def __init__(self, redactor: Redactor, unroll: bool = False) -> None:
        self.redactor = redactor
        self.on_way: set[int] = set()
        self.items = 0
        self.went_round = False
        self.unroll = unroll
        """Whether what leads back to itself is replaced."""


def redact_object(redactor: Redactor, value: T) -> T:
    """`value` without secrets; the same object if there are none."""
    walk = _Walk(redactor)
    out = _any(walk, value)
    if out is not value and walk.went_round:
        out = _any(_Walk(redactor, unroll=True), value)
    return out  # type: ignore[no-any-return]


def redact_pair(redactor: Redactor, name: str, value: T) -> T:
    """`value`, which stands under `name`."""
    return _named(_Walk(redactor), name, value)  # type: ignore[no-any-return]


def _any(walk: _Walk, value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return walk.redactor.redact_str(value)
    if kind in _PLAIN:
        return value
    if kind is bytes:
        return walk.redactor.redact_bytes(value)
    if isinstance(value, str):
        return _subclassed(value, str.__str__(value), walk.redactor.redact_str(str.__str__(value)))
    if isinstance(value, (bytes, bytearray)):
        plain = bytes(value)
        out = walk.redactor.redact_bytes(plain)
        return value if out is plain else kind(out)
    handler = _handler(value)
    if handler is None:
        return value
    walk.items += 1
    if len(walk.on_way) >= MAX_DEPTH or walk.items > MAX_ITEMS:
        return "<redacted:depth>"
    if id(value) in walk.on_way:
        walk.went_round = True
        return "<redacted:cycle>" if walk.unroll else value
    walk.on_way.add(id(value))
    try:
        return handler(walk, value)
    finally:
        walk.on_way.discard(id(value))


def _subclassed(value: Any, plain: str, out: str) -> Any:
    """A changed str of a subclass, of that class if it can be made of text alone."""
    if out == plain:
        return value
    try:
        return type(value)(out)
    except Exception:  # noqa: BLE001 - an enum's member, a class that wants more
        return out


def _handler(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _mapping
    if isinstance(value, tuple):
        return _tuple
    if isinstance(value, (list, set, frozenset)):
        return _sequence
    if isinstance(value, BaseException):
        return _exception
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _dataclass
    name = type(value).__name__
    return _sequence if name == "deque" else None


def _named(walk: _Walk, name: Any, value: Any) -> Any:
    """What stands under a name in a mapping, an object or a pair."""
    redactor = walk.redactor
    if type(name) is bytes:
        kind, sure = redactor.names.kind(name)
    elif isinstance(name, str):
        kind, sure = redactor.names.kind(name.encode("utf-8", "surrogatepass"))
    else:
        return _any(walk, value)
    return _hidden(walk, kind, sure, value) if kind else _any(walk, value)


def _hidden(walk: _Walk, kind: str, sure: bool, value: Any) -> Any:
    """`value` under a sensitive name: text is masked, of a list every text."""
    redactor = walk.redactor
    if isinstance(value, str):
        data = str.__str__(value).encode("utf-8", "surrogatepass")
        if not is_value(data, sure) or _said(data):
            return _any(walk, value)
        return _subclassed(value, str.__str__(value), _masked(redactor, kind, data).decode("utf-8", "replace"))
    if isinstance(value, (bytes, bytearray)):
        if not is_value(bytes(value), sure) or _said(value):
            return _any(walk, value)
        return type(value)(_masked(redactor, kind, bytes(value)))
    if type(value) in _PLAIN:
        if not redactor.policy.numbers or value is None or isinstance(value, bool):
            return value
        return _masked(redactor, kind, str(value).encode()).decode()
    if sure and isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(v, (str, bytes)) for v in value):
        items = [_hidden(walk, kind, sure, item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else _remade(value, items)
    return _any(walk, value)


def _said(data: bytes | bytearray) -> bool:
    return data.startswith(b"<redacted:") and data.endswith(b">")


def _masked(redactor: Redactor, kind: str, data: bytes) -> bytes:
    from leakguard.redact.names import RANK_NAME, Span

    known = redactor.known.find(data)
    whole = [owner for start, end, owner in known if start == 0 and end == len(data)]
    if whole:
        return redactor.replaced(data, [Span(0, len(data), whole[0].name, RANK_NAME)])
    return redactor.replaced(data, [Span(0, len(data), kind, RANK_NAME)])


def _mapping(walk: _Walk, value: Any) -> Any:
    changed: dict[Any, Any] = {}
    renamed = False
    pairs = list(value.items())
    for key, item in pairs:
        new_key = _any(walk, key) if isinstance(key, (str, bytes, tuple)) else key
        new = _named(walk, key, item)
        renamed = renamed or new_key is not key
        if new is not item or new_key is not key:
            changed[key] = (new_key, new)
    name = value.get("name", value.get("key")) if "value" in value and isinstance(value, dict) else None
    if isinstance(name, str) and "value" not in changed:  # {"name": "API_KEY", "value": "..."}
        new = _named(walk, name, value["value"])
        if new is not value["value"]:
            changed["value"] = ("value", new)
    if not changed:
        return value
    made = {changed[key][0] if key in changed else key: changed[key][1] if key in changed else item for key, item in pairs}
    if type(value) is dict:
        return made
    try:
        out = copy.copy(value)
        if renamed:
            out.clear()
        out.update(made)
        return out
    except Exception:  # noqa: BLE001 - a mapping that cannot be changed
        try:
            return type(value)(made)
        except Exception:  # noqa: BLE001
            return made


def _tuple(walk: _Walk, value: Any) -> Any:
    fields = getattr(value, "_fields", None)
    if fields and len(fields) == len(value):
        items = [_named(walk, name, item) for name, item in zip(fields, value, strict=True)]
    elif len(value) == 2 and isinstance(value[0], (str, bytes)):  # a header
        items = [_any(walk, value[0]), _named(walk, value[0], value[1])]
    else:
        items = [_any(walk, item) for item in value]
    if all(new is old for new, old in zip(items, value, strict=True)):
        return value
    return type(value)(*items) if fields else _remade(value, items)


def _sequence(walk: _Walk, value: Any) -> Any:
    before = list(value)
    if len(before) == 2 and type(value) is list and isinstance(before[0], (str, bytes)):
        items = [_any(walk, before[0]), _named(walk, before[0], before[1])]
    else:
        items = [_any(walk, item) for item in before]
    if all(new is old for new, old in zip(items, before, strict=True)):
        return value
    return _remade(value, items)


def _remade(value: Any, items: list[Any]) -> Any:
    try:
        return type(value)(items)
    except Exception:  # noqa: BLE001 - a class that wants more than its items
        return tuple(items) if isinstance(value, tuple) else items


def _dataclass(walk: _Walk, value: Any) -> Any:
    changed = {}
    for field in dataclasses.fields(value):
        before = getattr(value, field.name, None)
        after = _named(walk, field.name, before)
        if after is not before:
            changed[field.name] = after
    if not changed:
        return value
    out = copy.copy(value)
    for name, after in changed.items():
        object.__setattr__(out, name, after)
    return out


def _exception(walk: _Walk, value: BaseException) -> BaseException:
    """A copy that says the same without secrets: arguments, attributes, notes, causes; the traceback is kept."""
    args = tuple(_any(walk, item) for item in value.args)
    own = {name: _named(walk, name, item) for name, item in vars(value).items()}
    links = {name: getattr(value, name) for name in ("__cause__", "__context__")}
    masked = {name: None if link is None else _any(walk, link) for name, link in links.items()}
    changed = (
        any(new is not old for new, old in zip(args, value.args, strict=True))
        or any(own[name] is not item for name, item in vars(value).items())
        or any(masked[name] is not link for name, link in links.items())
    )
    told = str(value)
    safe = walk.redactor.redact_str(told)
    if not changed and safe is told:
        return value
    out = _copied(value, args, own, masked)
    if str(out) != walk.redactor.redact_str(str(out)):  # it builds its message from elsewhere
        out = _speaking(value, safe)
        out.__cause__, out.__context__ = masked["__cause__"], masked["__context__"]
        out.__suppress_context__ = value.__suppress_context__
    return out.with_traceback(value.__traceback__)


def _copied(value: BaseException, args: tuple[Any, ...], own: dict[str, Any], links: dict[str, Any]) -> BaseException:
    out = type(value).__new__(type(value), *args)  # never __init__: it may do anything
    out.args = args
    vars(out).update(own)
    out.__cause__, out.__context__ = links["__cause__"], links["__context__"]
    out.__suppress_context__ = value.__suppress_context__
    return out


def _speaking(value: BaseException, text: str) -> BaseException:
    """An exception of a class of its own below the given one's, which says `text`."""
    kind = type(value)
    own: Any = type(kind.__name__, (kind,), {"__str__": lambda _self: text, "__module__": kind.__module__})
    out: BaseException = own.__new__(own, text)
    out.args = (text,)
    return out
