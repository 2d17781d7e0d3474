"""Standard logging: records are cleaned on their way to every handler, and what handlers make of them once more.

`install` replaces methods of the classes of the module `logging`: so it covers loggers and handlers made before and after,
loggers that do not propagate, records from elsewhere and `lastResort`. A record is cleaned after each handler's filters, in
its place: the number of its arguments stays, for formatters that unpack them. Never raises into the application: a record
that cannot be checked says `<redacted:error>` (or passes, by the redactor's policy). Imported by applications and standard.py.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from io import StringIO
from operator import is_
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Patches
from leakguard.redact.refused import refused
from leakguard.redact.shown import ready, redact_shown

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

_STANDARD = frozenset(vars(logging.makeLogRecord({})))
_FIELDS = len(_STANDARD)
_PLAIN = frozenset((int, float, bool, type(None)))
_SHOWN_WHOLE = frozenset((str, int, float, bool, type(None)))
_NUMBERS = frozenset(("decimal", "datetime", "fractions"))
"""Modules of values that say numbers, and all of them."""
_CUT = re.compile(r"%[^a-zA-Z%]*\.[^a-zA-Z%]*[hlL]?[sra]")
"""What shows only the beginning of an argument. (%.2f is a number's.)"""
_TOKEN = re.compile(r"<redacted:[^<>\s]{1,110}>")
_HIDDEN = "<redacted:log.argument>"
_ERROR = "<redacted:error>"


class _Done(str):
    """A message that takes arguments and does not use them: they stay for formatters that unpack them."""

    __slots__ = ()

    def __mod__(self, _args: Any) -> str:
        return str.__str__(self)[:]

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> Any:
        return _Done, ("".join(self),)


class _Unusual(Exception):  # noqa: N818 - not an error
    """A record's arguments are not plainly shown as a whole in its message."""


class Cleaner:
    """Cleans records with a redactor."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.kept: dict[int, Any] = {}
        """Of each record that a logger is handing to its handlers, by id: how many fields it had when it was cleaned, from
        the first handler on what was in them. Let go of at once: what hangs on a record, frames for one, must not live
        longer for our sake."""
        if hasattr(os, "register_at_fork"):  # what other threads were at does not end in the child
            os.register_at_fork(after_in_child=self.kept.clear)

    def clean(self, record: logging.LogRecord) -> None:
        """Takes the secrets out of a record, in place. Never raises."""
        try:
            self._clean(record)
        except Exception as error:  # noqa: BLE001 - whatever it is, the application goes on
            self.failed(record, error)

    def passed(self, record: logging.LogRecord, before: Any) -> None:
        """Cleans a record that a handler's filters let pass, unless nothing was put into it since `before`."""
        fields = record.__dict__
        if before is None or len(fields) != len(before) or not all(map(is_, fields.values(), before.values())):
            self.clean(record)
        if id(record) in self.kept:
            self.kept[id(record)] = fields.copy()

    def failed(self, record: logging.LogRecord, error: Exception) -> None:
        """What could not be checked says so: level, time and place of the record stay."""
        self.redactor.counts.failed(error)
        if self.redactor.policy.on_error == "open":
            return
        record.msg, record.args = _ERROR, ()
        record.exc_info = record.exc_text = record.stack_info = None
        for name in record.__dict__.keys() - _STANDARD:
            record.__dict__[name] = _ERROR

    def _clean(self, record: logging.LogRecord) -> None:
        redactor = self.redactor
        if record.args or type(record.msg) is not str:
            self._message(record)
        else:
            record.msg = redactor.redact_str(record.msg)
        if record.exc_info:
            self._exception(record)
        if record.exc_text:
            record.exc_text = redactor.redact_str(record.exc_text)
        if record.stack_info:
            record.stack_info = redactor.redact_str(record.stack_info)
        if len(record.__dict__) != _FIELDS:
            fields = record.__dict__
            for name in fields.keys() - _STANDARD:
                value = fields[name]
                if type(value) not in _PLAIN:
                    fields[name] = redact_shown(redactor, value, name)

    def _message(self, record: logging.LogRecord) -> None:
        """Message and arguments, together and each by itself."""
        redactor, msg, args = self.redactor, record.msg, record.args
        try:
            joined, sound = record.getMessage(), True
        except Exception:  # noqa: BLE001 - a wrong format: logging itself will say so, with both
            joined, sound = f"{msg} {args!r}", False
        told = redactor.redact_str(joined)
        if told is joined:
            if type(msg) is not str:
                record.msg = redact_shown(redactor, msg)
            elif sound and type(args) is tuple and not ("." in msg and _CUT.search(msg)):
                if not all(kind in _SHOWN_WHOLE or kind.__module__ in _NUMBERS for kind in map(type, args)):
                    record.args = redact_shown(redactor, args)
                return
            record.args = redact_shown(redactor, args)
            return
        record.args, exact = masked_args(redactor, args, joined, told)
        record.msg = redact_shown(redactor, msg)
        if not sound:
            if redactor.redact_str(str(record.msg)) != str(record.msg):
                record.msg = told
            return
        try:
            again = record.getMessage()
            fine = exact and redactor.redact_str(again) == again
        except Exception:  # noqa: BLE001 - a number's place holds a replacement now
            fine = False
        if not fine:
            record.msg = _Done(told) if record.args else told

    def _exception(self, record: logging.LogRecord) -> None:
        info: Any = record.exc_info
        if isinstance(info, BaseException):
            info = (type(info), info, info.__traceback__)
        if isinstance(info, tuple) and len(info) == 3 and isinstance(info[1], BaseException):
            safe = self.redactor.redact(info[1])
            if safe is not info[1]:
                record.exc_info = (type(safe), safe, info[2])


def masked_args(redactor: Redactor, args: Any, joined: str, told: str) -> tuple[Any, bool]:
    """Arguments without secrets, as many as there were, and whether each is masked as in the message: what is in `joined`
    but no longer in `told` is a secret."""
    if isinstance(args, Mapping):
        out = dict(redact_shown(redactor, args))
        plain = type(args) is dict  # what was replaced says its secrets no more
        gone = _gone([(key, value) for key, value in out.items() if not plain or args.get(key) is value], joined, told)
        return out | dict.fromkeys(gone, _HIDDEN), not gone
    if not isinstance(args, tuple):
        return redact_shown(redactor, args), True
    # each by itself: of a pair the first would name the second
    safe = [redact_shown(redactor, arg) for arg in args]
    hidden = _gone([(number, value) for number, value in enumerate(safe) if value is args[number]], joined, told)
    tokens = _TOKEN.findall(told)
    exact = not hidden or len(tokens) == len(hidden)
    for at, number in enumerate(hidden):
        safe[number] = tokens[at] if exact else _HIDDEN
    return tuple(safe), exact


MOST_LOOKED = 1 << 29
"""Characters of messages that are gone through for the arguments of one record: a tenth of a second."""
_WORD = re.compile(r"[\w.\-]+")


def _gone(values: Sequence[tuple[Any, Any]], joined: str, told: str) -> list[Any]:
    """The keys of those values that were part of the message and were masked there. Of more than are worth a search each, one
    that is no word of the message counts as masked."""
    out = []
    words: set[str] | None = None
    left = MOST_LOOKED
    for key, value in values:
        if type(value) in (bool, type(None)):
            continue
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        left -= len(told)
        if left < MOST_LOOKED // 2:  # there are many, and the message is long
            if words is None:
                words = set(_WORD.findall(told))
            if text in words:
                continue
            left -= len(joined)
        if left < 0 or (text in joined and text not in told):
            out.append(key)
    return out


# ---------------------------------------------------------------- installing
def install(redactor: Redactor) -> Patches:
    """Closes all paths of standard logging; `.undo()` of what comes back opens them again."""
    ready(redactor)
    patches = Patches()
    cleaner = Cleaner(redactor)
    patches.put(logging.Handler, "filter", lambda before: _filter(before, cleaner, patches))
    handed, call_handlers = _handing(cleaner, patches)
    patches.put(logging.Logger, "handle", lambda _before: handed)
    patches.put(logging.Logger, "callHandlers", lambda _before: call_handlers)
    patches.put(logging.Handler, "format", lambda before: _format(before, cleaner, patches))
    patches.put(logging.Handler, "handleError", lambda before: _handle_error(before, cleaner, patches))
    if _from_logging(logging.currentframe):  # asked once a record, and attributes of sys cost more while late.py is there
        patches.put(logging, "currentframe", lambda _before: partial(sys._getframe, 0))
    for name in ("formatException", "formatStack"):
        patches.put(logging.Formatter, name, lambda before: _text(before, cleaner, patches))
    return patches


def _filter(before: Any, cleaner: Cleaner, patches: Patches) -> Any:
    kept, again = cleaner.kept, cleaner.passed
    plain = before is logging.Filterer.filter  # which says yes where there are no filters

    def filter(self: logging.Handler, record: logging.LogRecord) -> Any:
        """Between a handler's filters, which may add to a record, and its `emit`."""
        key = id(record)
        state = kept.get(key)
        if type(state) is int:  # the first handler, right after the record was cleaned
            fields = record.__dict__
            state = kept[key] = fields.copy() if len(fields) == state else None
            if state is not None and plain and not self.filters:
                return True
        passed = True if plain and not self.filters else before(self, record)
        if patches.on and passed:
            if isinstance(passed, logging.LogRecord) and passed is not record:
                cleaner.clean(passed)
            else:
                again(record, state)
        return passed

    return filter


def _handing(cleaner: Cleaner, patches: Patches) -> tuple[Any, Any]:  # noqa: PLR0915 - what it returns is one function
    """What takes the place of `Logger.handle` and `Logger.callHandlers`: a record is cleaned after the logger's filters and
    before any handler, also for handlers that have a `handle` or `filter` of their own. The usual record goes from `handle`
    to its handler's `emit` in one function: a call costs as much as a pass of hyperscan over twenty bytes."""
    logger_class, base = logging.Logger, logging.Handler
    before, before_handlers = logger_class.handle, logger_class.callHandlers
    handle, own_filter, no_filter = base.handle, base.filter, logger_class.filter
    direct = all(map(_from_logging, (before, before_handlers, handle, no_filter)))  # nobody does more in one of them
    redactor = cleaner.redactor
    kept, clean, looked = cleaner.kept, cleaner.clean, redactor.looked
    scan, fired, stopped, most, free, fresh, back = redactor.guard
    known, count = redactor.known, redactor.counts.records
    shown, size, numbers, cut, unusual = _SHOWN_WHOLE, _FIELDS, _NUMBERS, _CUT.search, _Unusual
    quiet = True
    """Whether the last record was clean, as in look.py."""

    def handed(  # noqa: PLR0912, PLR0915 - flat
        self: logging.Logger, record: logging.LogRecord, filtered: bool = False
    ) -> None:
        nonlocal quiet
        if not filtered:
            kind, own = type(self), self.__dict__
            if (
                self.filters or kind.callHandlers is not callHandlers or kind.filter is not no_filter
                or "callHandlers" in own or "filter" in own or not direct or not patches.on
            ):  # fmt: skip
                before(self, record)  # which comes back by callHandlers
                return
            if self.disabled:
                return
        fields = record.__dict__
        try:
            msg, args = fields["msg"], fields["args"]
            if (
                type(msg) is not str or len(fields) != size or fields["exc_info"] is not None
                or fields["exc_text"] is not None or fields["stack_info"] is not None
            ):  # fmt: skip
                clean(record)
            else:
                text = msg
                if args:
                    if type(args) is not tuple or ("." in msg and cut(msg) is not None):
                        raise unusual
                    for arg in args:
                        kind = type(arg)
                        if kind not in shown and kind.__module__ not in numbers:
                            raise unusual
                    text = msg % args  # all arguments are in it as they are
                data = text.encode()
                if not quiet or len(data) > most or (
                    10 in data or 92 in data or 37 in data or 27 in data or 0 in data or 8 in data
                ) or known.loose is not None or not text.isascii():  # fmt: skip
                    calm = False
                else:  # look.Looks.calm without the call
                    try:
                        scratch = free()
                    except IndexError:
                        scratch = fresh()
                    try:
                        scan(data, fired, 0, None, scratch)
                        calm = True
                        next(count)
                    except stopped:
                        calm = False
                    back(scratch)
                if not calm:
                    told = looked(text, data)
                    quiet = told is text
                    if not quiet:
                        if args:
                            clean(record)
                        else:
                            fields["msg"] = told
        except Exception:  # noqa: BLE001 - a record of somebody's own making, a wrong format, unusual arguments
            clean(record)
        if direct:  # one handler and no filter: nothing can come into the record on the way from here to its `emit`
            one: Any = None
            logger: logging.Logger | None = self
            while logger is not None:
                handlers = logger.handlers
                if handlers:
                    if one is not None or len(handlers) > 1:
                        one = None
                        break
                    one = handlers[0]
                logger = logger.parent if logger.propagate else None
            if one is not None and not one.filters:
                kind, own = type(one), one.__dict__
                if kind.handle is handle and kind.filter is own_filter and "handle" not in own and "filter" not in own:
                    if fields["levelno"] >= one.level:
                        one.acquire()
                        try:
                            one.emit(record)
                        finally:
                            one.release()
                    return
        key = id(record)
        try:
            kept[key] = len(fields)
            before_handlers(self, record)
        finally:
            kept.pop(key, None)

    def callHandlers(self: logging.Logger, record: logging.LogRecord) -> None:  # noqa: N802
        if patches.on:
            handed(self, record, True)
        else:
            before_handlers(self, record)

    return handed, callHandlers


def _from_logging(function: Any) -> bool:
    """Whether a method is the one of the module `logging`, and not what somebody put in its place."""
    return getattr(function, "__globals__", None) is vars(logging)


def _format(before: Any, cleaner: Cleaner, patches: Patches) -> Any:
    def format(self: logging.Handler, record: logging.LogRecord) -> str:
        """What any formatter made of a record: its own tracebacks, fields put together."""
        out: str = before(self, record)
        if not patches.on:
            return out
        if record.exc_text:
            record.exc_text = cleaner.redactor.redact_str(record.exc_text)
        out = cleaner.redactor.redact(out)
        return refused(cleaner.redactor, out) if type(out) is str else out

    return format


def _text(before: Any, cleaner: Cleaner, patches: Patches) -> Any:
    def formatted(self: logging.Formatter, what: Any) -> str:
        out: str = before(self, what)
        return refused(cleaner.redactor, cleaner.redactor.redact(out)) if patches.on else out

    return formatted


def _outside(frame: Any) -> Any:
    """The first frame that is neither ours nor logging's; None if there is none, as of a record from elsewhere."""
    own = os.path.dirname(logging.__file__), os.path.dirname(__file__)
    while frame is not None and os.path.dirname(frame.f_code.co_filename) in own:
        frame = frame.f_back
    return frame


def _handle_error(before: Any, cleaner: Cleaner, patches: Patches) -> Any:
    def handleError(self: logging.Handler, record: logging.LogRecord) -> None:  # noqa: N802
        """The report of logging's own errors, as one redacted text: it shows message, arguments and source lines."""
        if not patches.on:
            before(self, record)
            return
        stream = sys.stderr
        if not logging.raiseExceptions or not stream:
            return
        error = sys.exc_info()[1]
        try:
            cleaner.clean(record)
            out = StringIO()
            out.write("--- Logging error ---\n")
            traceback.print_exception(error, file=out)
            frame = _outside(sys._getframe(1))
            if frame is not None:
                out.write("Call stack:\n")
                traceback.print_stack(frame, file=out)
            else:
                out.write(f"Logged from file {record.filename}, line {record.lineno}\n")
            out.write(f"Message: {record.msg!r}\nArguments: {record.args!r}\n")
            stream.write(refused(cleaner.redactor, cleaner.redactor.redact_str(out.getvalue())))
        except OSError:
            return  # as logging does: there is nowhere to tell it
        except Exception as failure:  # noqa: BLE001
            cleaner.redactor.counts.failed(failure)
        finally:
            del error

    return handleError
