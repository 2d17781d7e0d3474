"""Structured values: mappings, sequences, dataclasses, exceptions, nested; copied where something is masked.

Nothing that was given is changed. What stands under a sensitive name is masked whatever it looks like, numbers, booleans
and None excepted (a policy decides about numbers). Bounded in depth and number; what lies beyond the bounds, or leads
back to itself in something that had to be copied, is masked. Objects of other classes are what they are, but for
those who will show them (shown.py): then what they say is looked at. Imported by core.py and shown.py.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import UserString
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from leakguard.redact import pieces
from leakguard.redact.mask import failed
from leakguard.redact.names import is_value
from leakguard.redact.raised import redacted
from leakguard.redact.refused import name_of, refused

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

T = TypeVar("T")

MAX_DEPTH = 32
MAX_ITEMS = 100_000

_PLAIN = frozenset((int, float, bool, complex, type(None)))
_LAZY = (range, memoryview)
"""Sequences of numbers."""
_OURS = frozenset((dict, list, tuple, set, frozenset))
"""Collections that show what is in them and nothing else."""
_NUMBERS = frozenset(("decimal", "datetime", "fractions"))
"""Modules of values that say numbers."""


class Said:
    """Stands for an object that shows a secret: says the same without it, and is in all else that object. Pickled or copied
    it is what it says."""

    def __init__(self, inner: Any, says: str, shows: str) -> None:
        self._inner = inner
        self._says = says
        self._shows = shows

    def __str__(self) -> str:
        return self._says

    def __repr__(self) -> str:
        return self._shows

    def __format__(self, how: str) -> str:
        return format(self._says, how)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return str, (self._says,)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Walk:
    """One call: what is on the way from the root, and how much was seen."""

    __slots__ = ("items", "on_way", "redactor", "shown", "unroll", "went_round")

    def __init__(self, redactor: Redactor, unroll: bool = False, shown: bool = False) -> None:
        self.redactor = redactor
        self.on_way: set[int] = set()
        self.items = 0
        self.went_round = False
        self.unroll = unroll
        """Whether what leads back to itself is replaced."""
        self.shown = shown
        """Whether objects of any class are replaced that show a secret."""


def redact_object(redactor: Redactor, value: T) -> T:
    """`value` without secrets; the same object if there are none."""
    return redact_pair(redactor, "", value)


def redact_pair(redactor: Redactor, name: str, value: T, shown: bool = False) -> T:
    """`value`, which stands under `name` ("" for none)."""
    walk = _Walk(redactor, shown=shown)
    out = _named(walk, name, value) if name else _any(walk, value)
    if out is not value and walk.went_round:
        walk = _Walk(redactor, unroll=True, shown=shown)
        out = _named(walk, name, value) if name else _any(walk, value)
    return out  # type: ignore[no-any-return]


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
        return _object(walk, value) if walk.shown else value
    walk.items += 1
    if len(walk.on_way) >= MAX_DEPTH or walk.items > MAX_ITEMS:
        return "<redacted:depth>"
    if id(value) in walk.on_way:
        walk.went_round = True
        return "<redacted:cycle>" if walk.unroll else value
    walk.on_way.add(id(value))
    try:
        out = handler(walk, value)
        return _object(walk, out) if walk.shown and kind not in _OURS else out
    except Exception as error:  # noqa: BLE001 - this one cannot be checked; what it stands among can
        walk.redactor.counts.failed(error)
        return value if walk.redactor.policy.on_error == "open" else failed(value)
    finally:
        walk.on_way.discard(id(value))


def _object(walk: _Walk, value: Any, kind: str = "") -> Any:
    """An object of a class that is none of ours, or what stands for it. `kind`: it stands under a name of that kind, and all that
    it says is a secret."""
    own: Any = type(value)
    if own.__module__ in _NUMBERS or (own.__repr__ is object.__repr__ and own.__str__ is object.__str__):
        return value
    walk.items += 1
    if walk.items > MAX_ITEMS:
        return "<redacted:depth>"
    try:
        shows = repr(value)
        says = shows if own.__str__ is object.__str__ else str(value)
    except Exception:  # noqa: BLE001 - whoever shows it will see
        return value
    redactor = walk.redactor
    if kind and is_value(says.encode("utf-8", "surrogatepass"), True, kind) and not pieces.said(says.encode("utf-8", "surrogatepass")):
        masked = _masked(redactor, kind, says.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        return Said(value, masked, masked)
    shown = redactor.redact_str(shows)
    said = shown if says is shows else redactor.redact_str(says)
    return value if said is says and shown is shows else Said(value, said, shown)


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
    if type(value).__name__ == "deque":
        return _sequence
    if isinstance(value, UserString):
        return _user_string
    return _sequence if isinstance(value, Sequence) and not isinstance(value, _LAZY) else None


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
        if not is_value(data, sure, kind) or pieces.said(data):
            return _any(walk, value)
        return _subclassed(value, str.__str__(value), _masked(redactor, kind, data).decode("utf-8", "replace"))
    if isinstance(value, (bytes, bytearray)):
        if not is_value(bytes(value), sure, kind) or pieces.said(bytes(value)):
            return _any(walk, value)
        return type(value)(_masked(redactor, kind, bytes(value)))
    if type(value) in _PLAIN:
        if not redactor.policy.numbers or value is None or isinstance(value, bool):
            return value
        return _masked(redactor, kind, str(value).encode()).decode()
    if sure and isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(v, (str, bytes)) for v in value):
        items = [_hidden(walk, kind, sure, item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else _remade(value, items)
    if walk.shown and sure and _handler(value) is None:
        return _object(walk, value, kind)
    return _any(walk, value)


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
    field = name_of(walk.redactor, value) if "loc" in value and "input" not in changed else ""
    if field:  # one of pydantic's errors: {"loc": ("api_secret",), "input": "..."}
        new = _named(walk, field, value["input"])
        if new is not value["input"]:
            changed["input"] = ("input", new)
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
    return _remade(value, items)


def _user_string(walk: _Walk, value: Any) -> Any:
    out = walk.redactor.redact_str(value.data)
    return value if out is value.data else type(value)(out)


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
    """A collection like `value` of other items: of its class, which may want more than items to be made."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        return kind(items)
    if isinstance(value, tuple):
        return tuple.__new__(kind, items)
    try:
        if isinstance(value, frozenset):
            return kind(items)
        out = copy.copy(value)  # with what else it has: a deque its length
        out.clear()
        (out.update if isinstance(value, set) else out.extend)(items)
        return out
    except Exception:  # noqa: BLE001 - a class of its own mind
        return set(items) if isinstance(value, (set, frozenset)) else items


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
    def redact(name: str, item: Any) -> Any:
        out = _named(walk, name, item) if name else _any(walk, item)
        return refused(walk.redactor, out) if type(out) is str else out

    return redacted(value, redact)
