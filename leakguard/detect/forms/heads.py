"""Heads of tables: what a column is called, whose values tables.py reads.

Rules of Markdown, tabs and commas of exports, <th> of pages, the columns of an INSERT. Pure; knows no rules. Imported by
this package.
"""

from __future__ import annotations

import re

from leakguard.detect.forms.base import LONG, TAIL, Form, Named
from leakguard.detect.patterns import compiled

RULED = compiled(rb"(?i)\|[ \t`*]{0,4}([\w .\-]{0,40}(?:key|secret|phrase|token|password)\w{0,8})[ \t`*]{0,400}(?=\|)")
CELLED = compiled(rb"(?i)(?:\A|\n)[\"']?([\w .\-]{0,40}(?:key|secret|phrase|password))[\"']?[;\t](?P<quote>[\"']?)\Z")
INSERTED = compiled(rb"(?i)(?<!\w)\w{0,60}(?:key|secret|phrase|pass|pwd|token|mnemonic|seed|cred|auth|priv)\w{0,40}")
PAGE_HEAD = compiled(
    rb"(?i)<th(?:[ ][^<>\n]{1,120})?>\s{0,20}(?:<\w{1,8}>)?"
    rb"((?:[a-z][\w.\-/]{0,24}[ _\-]){0,3}[\w.\-]{0,24}(?:key|secret|phrase|password))(?:</\w{1,8}>)?\Z"
)
EXPORTED_HEAD = compiled(rb"[\"']?\w[\w .\-/()]{0,40}[\"']?(?:[,;\t][\"']?[\w .\-/()]{0,40}[\"']?){1,40}")
TABBED = compiled(
    rb"(?i)(?:\A|[\n\t,;])[\"']?([\w .\-]{0,40}(?:key|secret|phrase|password))(?:[\"']?\t|\"[,;])[\"']?\Z"
)


def _celled(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(start=name.start + found.start(1) - found.start())


def _tabbed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """The first name of two columns, both of which are named like credentials."""
    return Named(found[1].strip(), name.start + found.start(1) - found.start(), b"") if _NEXT_COLUMN.match(data, start) else None


def _ruled(data: bytes, start: int) -> Named | None:
    """The first column that is named like a credential in the head of a table, whose rule is near `start`."""
    stop = data.rfind(b"\n", max(0, start - 8), start + TAIL)
    line = data.rfind(b"\n", max(0, stop - 2000), max(0, stop)) + 1
    found = RULED.search(data, line, stop) if stop > 0 else None
    if found is None:
        return None
    above = _IN_GRID.search(data, max(0, line - 4000), line)
    # a line of one cell above it is the table's title
    is_row = above is not None and above[1].count(b"|") >= data.count(b"|", line, stop) - 1
    return None if is_row else Named(found[1], found.start(1), b"|")


_IN_GRID = compiled(rb"((?:\|[^|\n]{0,400}){0,60}\|)[ \t]*\r?\n[ \t]*\+[+\-=]{3,2000}[ \t]*\r?\n\Z")
"""Before a line of a grid that is not its first: a rule below it, too, but no names of columns in it."""


_CREDENTIALS = compiled(
    rb"(?i)(?:login_)?(pass\w{1,4}|kennwort|wachtwoord|mot de passe|pwd"
    rb"|(?:(?<![A-Za-z])[a-z]{2,12}[_ ])?(?:private[_ ]?key|privkey|api[_ ]?key|api[_ ]?secret|secret[_ ]?key|(?:access|api|auth)[_ ]?token"
    rb"|mnemonic|(?:seed|recovery)[_ ]?phrase))\Z"
)


def _exported_head(data: bytes, start: int) -> Named | None:
    """The credentials' column in the head of an export, the end of whose name is `TAIL` bytes behind `start`. Its line names
    columns and has nothing else: not the arguments of a function."""
    end = start + TAIL
    while end > start and data[end - 1] in _BORDERS:
        end -= 1
    low = data.rfind(b"\n", max(0, end - 600), end) + 1
    stop = data.find(b"\n", end, end + 600)
    line = data[low : stop if stop >= 0 else end + 600].removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
    found = _CREDENTIALS.search(data, max(low, end - 32), end)
    if found is None or data[end : end + 1] not in _COLUMN_ENDS or not EXPORTED_HEAD.fullmatch(line):
        return None
    if _CREDENTIAL_BEHIND.match(data, end) or _CREDENTIAL_BEFORE.search(data, low, found.start()):
        return None  # two columns of credentials side by side are known as a name that is given a name
    return Named(found[1], found.start(), b"")


_CREDENTIAL_BEHIND = compiled(rb"(?i)[\"']?[,;\t][\"']?[\w ]{0,24}(?:key|secret|phrase|password|token|memo)[\"']?(?:[,;\t\r\n]|\Z)")
_CREDENTIAL_BEFORE = compiled(rb"(?i)(?:key|secret|phrase|password|token|memo)[\"']?[,;\t][\"']?\Z")
_BORDERS = frozenset(b",;\t\r\n\"'")
_COLUMN_ENDS = (b",", b";", b"\t", b'"', b"'", b"\r", b"\n", b"")
_COLUMNS = compiled(rb"[\w\s,`\"\[\].]{3,1800}")


def _inserted(data: bytes, start: int) -> Named | None:
    """The first column that is named like a credential in the list of an INSERT, whose first row begins at `start`."""
    low = max(0, start - 2000)
    stop = data.rfind(b")", low, start)
    opened = data.rfind(b"(", low, max(low, stop)) + 1
    found = INSERTED.search(data, opened, stop) if opened and _COLUMNS.fullmatch(data, opened, stop) else None
    return Named(found[0], found.start(), b"") if found else None


_NEXT_COLUMN = compiled(rb"(?i)[\w .\-]{0,40}(?:key|secret|phrase|password)[\"']?(?=[\t\r\n]|[,;]\"?[A-Za-z\r\n])")


def _barred(data: bytes, start: int) -> Named | None:
    """The first column that is named like a credential in a head of Confluence's or Jira's, the line above `start`'s end."""
    stop = data.rfind(b"\n", max(0, start - 4), start + TAIL)
    line = data.rfind(b"\n", max(0, stop - 2000), max(0, stop)) + 1
    found = RULED.search(data, line, stop) if stop > 0 and data.startswith(b"||", line) else None
    return Named(found[1], found.start(1), b"|") if found else None


def _below(data: bytes, start: int) -> Named | None:
    """The same of AsciiDoc and of lists of reStructuredText, which say first that they are tables."""
    end = start + TAIL
    found = _CELL_BELOW.search(data, end, end + 1000)
    return Named(found[1], found.start(1), b"|") if found else None


_CELL_BELOW = compiled(rb"(?i)(?:\||- )[ \t`*]{0,4}([\w .\-]{0,40}(?:key|secret|phrase|token|password)\w{0,8})[ \t`*]{0,4}(?=[|\r\n])")


FORMS = (
    # | Venue | API key | API secret | and below it |---|---|---|
    Form(RULED, r"\|[ \t]*\r?\n[ \t]*[|+]?[ \t:]*--", whole=_ruled),
    # | Venue | API key |, and below it +=====+: a grid of reStructuredText
    Form(EXPORTED_HEAD, r"\|[ \t]*\r?\n[ \t]*\+={3}", whole=_ruled),
    # "api_key";"v": a row with its name before it
    Form(CELLED, r"(?i)(?:key|secret|phrase|password)[\"']?[;\t][\"']?" + LONG, asked=_celled),
    # Account<tab>ApiKey<tab>ApiSecret, "Venue","Key","Secret": the head of a table
    Form(TABBED, r"(?i)(?:key|secret|phrase|password)(?:[\"']?\t|\"[,;])[\"']?[a-z][a-z _]{4}", asked=_tabbed),
    # INSERT INTO t (id, api_secret) VALUES (1, 'v'), COPY t (id, api_secret) FROM stdin;
    Form(INSERTED, r"\)\s{0,8}(?:(?:VALUES|values)\s{0,8}\(|FROM stdin;\r?\n)[^)]{5}", whole=_inserted),
    # <th>API key</th>: the head of a page's table; it ends with the tag, which is `TAIL` long
    Form(PAGE_HEAD, r"(?i)(?:key|secret|phrase|password)(?:</(?:p|b|strong|span|div)>)?</th>"),
    # username,password: the head of what managers of passwords and browsers export; it ends with the word itself
    Form(
        EXPORTED_HEAD,
        r"(?i)(?:name|logins?|users?|mail|account|title|url|benutzer|utilisateur|usuario)[\"']?[,;\t][\"']?(?:login_)?"
        r"(?:password|passwort|passwd|kennwort|wachtwoord|mot de passe|[^p]pwd)",
        whole=_exported_head,
    ),
    # address,private_key: the head of a table with one column of credentials, whatever stands around it
    Form(
        EXPORTED_HEAD,
        r"(?i)(?:[\w\"'][,;\t]|^|\n)[\"']?(?:[a-z]{2,12}[_ ])?"
        r"(?:private[_ ]?key|privkey|api[_ ]?key|api[_ ]?secret|secret[_ ]?key|(?:access|api|auth)[_ ]?token"
        r"|mnemonic|(?:seed|recovery)[_ ]?phrase)[\"']?[,;\t\r\n]",
        whole=_exported_head,
    ),
    # ||Venue||API key||Secret|| and a row below it; it ends with the row's bar
    Form(EXPORTED_HEAD, r"[\w *]\|\|[ \t]*\r?\n[ \t]*\|[ \t]?[^\s|]", whole=_barred),
    # |===, and the names of the columns on the next line; .. list-table::, and they are its first item
    Form(EXPORTED_HEAD, r"(?:^|\n)\|===\r?\n", whole=_below),
    Form(EXPORTED_HEAD, r"\.\. list-table::", whole=_below),
)
