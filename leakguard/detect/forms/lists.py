"""Lists that are named in the plural: each value of API_KEYS = ["v", "w"] is one of what the list is called.

Pure; knows no rules. Imported by this package.
"""

from __future__ import annotations

from leakguard.detect.forms.base import LIST_OF, random
from leakguard.detect.patterns import compiled

_MANY = r"(?:key|token|secret|password|passphrase|mnemonic|seed|cred|credential)(?P<many>s|s?_?(?:list|array|pool|ring)s?)"
_PLURAL = compiled(f"(?i)[\\w.\\-$]{{0,60}}?{_MANY}".encode())
_OPENED = compiled(
    rf"(?i){_MANY}[\"'`\])]{{0,3}}(?:"
    rf"(?:: ?[\w\[\]<>]{{1,40}})? ?(?:=>|:=|[:=]) ?{LIST_OF}[\[({{]\s{{0,40}}(?:[bru]?[\"'`])?"
    r"|:[ \t]?\r?\n[ \t]{0,40}- [\"']?)\Z".encode()
)
_NAME_BEFORE = compiled(rb"[\w.\-$]{0,60}\Z")
_WORDS_OF_LISTS = (b"key", b"token", b"secret", b"pass", b"seed", b"cred", b"mnemonic")
_MEMBER = compiled(rb"[0-9A-Za-z+/=_.~\-]{16,256}(?![\w+/=.~\-])")
_NEXT_MEMBER = compiled(rb"[\"'`]?(?:,\s{0,40}[bru]?[\"'`]|[ \t]{0,4}\r?\n[ \t]{0,40}- [\"']?|,[ \t]{0,4}(?=[\w+/]))")
_OF_PUBLIC = compiled(rb"(?i)(?:witness|account|dkim|pub(?:lic)?|signature|checksum|foreign|primary|address|mint)[\w.\-]{0,20}\Z")
_MINT = compiled(rb"[1-9A-HJ-NP-Za-km-z]{43,44}")
"""The address of a coin: in a list of tokens, where there is trading."""
MOST_SEVERAL = 1_100
"""Bytes of a list that `several` reads."""


def several(data: bytes, start: int) -> list[tuple[bytes, int, int, int]]:
    """Of a list that is named in the plural, API_KEYS = ["v", "w"], and whose first value starts at `start`: what each
    value is called, where the list's name starts, and the value's start and end."""
    if not random(data, start):
        return []  # a list of words, which most are
    low = max(0, start - 160)
    before = data[low:start]
    small = before.lower()
    if not any(word in small for word in _WORDS_OF_LISTS):
        return []
    found = _OPENED.search(before)
    if found is None:
        return []
    name = _NAME_BEFORE.search(before, 0, found.start())
    begin = name.start() if name else found.start()
    return _members(data, before[begin : found.start("many")], low + begin, start)


def listed_bare(data: bytes, name: bytes, name_start: int, start: int) -> list[tuple[bytes, int, int, int]]:
    """The same of values with commas between them and no bracket around: API_KEYS=v,w."""
    found = _PLURAL.fullmatch(name)
    return _members(data, name[: found.start("many")], name_start, start) if found else []


def _members(data: bytes, one: bytes, name_start: int, start: int) -> list[tuple[bytes, int, int, int]]:
    """The values from `start` on, each called `one` and its number; none if they are shown to everybody."""
    out: list[tuple[bytes, int, int, int]] = []
    if _OF_PUBLIC.search(one):
        return out
    coins = one[-5:].lower() == b"token"
    stop = start + MOST_SEVERAL
    while (member := _MEMBER.match(data, start, stop)) is not None:
        if random(data, start) and not (coins and _MINT.fullmatch(member[0])):
            out.append((b"%s_%d" % (one, len(out) + 1), name_start, start, member.end()))
        between = _NEXT_MEMBER.match(data, member.end(), stop)
        if between is None:
            break
        start = between.end()
    return out
