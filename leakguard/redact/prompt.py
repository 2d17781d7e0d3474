"""How much of an unfinished line can be shown while nothing comes: a prompt, a progress bar, half a secret not.

Held back are the last word, unless it is plain and stands after no sensitive name; a quoted value under such a name; what
a known value could begin with. Pure functions. Imported by stream.py when a stream is idle.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

_WORD = re.compile(rb"[^\s\"'`<>(){}\[\],;|&]+\Z")
_PLAIN = re.compile(rb"[A-Za-z]{1,15}[.:?!>%$#]{0,3}\Z|[^A-Za-z0-9]{1,80}\Z|[0-9]{1,4}[%/.,:KMGks]?[0-9]{0,4}[%KMGBs/]{0,3}\Z")
_NAMED = re.compile(rb"([\w.\-]{1,80})[\"'\])}\\]{0,4}[ \t]{0,8}(?:=>|[:=,(]|[ \t])[ \t]{0,8}(?:[Bb]earer |[Bb]asic )?[bru]?\\?[\"']?\Z")
_QUOTED = re.compile(rb"([\w.\-]{1,80})[\"'\])}\\]{0,4}[ \t]{0,8}(?:=>|[:=,(])[ \t]{0,8}[bru]?\\?([\"'])")
_COOKIE = re.compile(rb"(?i)(?:set-)?cookie[\"']?[ \t]*[:=,]")


def showable(redactor: Redactor, context: bytes, tail: bytes) -> int:
    """How many bytes of an unfinished line can be shown."""
    del context  # what came before decides about what is masked, not about what may begin
    stop = len(tail)
    if b"PRIVATE KEY" in tail:
        return 0
    cookie = _COOKIE.search(tail)
    if cookie:
        stop = min(stop, cookie.end())
    for found in _QUOTED.finditer(tail):
        if redactor.names.kind(found[1])[0] and tail.find(found[2], found.end()) < 0:
            stop = min(stop, found.end())
    word = _WORD.search(tail)
    if word is not None:
        before = _NAMED.search(tail, max(0, word.start() - 120), word.start())
        named = before is not None and bool(redactor.names.kind(before[1])[0])
        inside = re.search(rb"[=:]", word.group()[:-1]) is not None
        if named or inside or not _PLAIN.match(word.group()):
            stop = min(stop, word.start())
    while stop and redactor.known.begins(tail[:stop]):
        stop -= 1
    return stop
