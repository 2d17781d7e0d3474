"""What a compose file says of the variables that an environment file beside it sets: for which service, and what that calls them.

A key in `.env` under a name like EX_KEY is nobody's; that `BYBIT_API_KEY: ${EX_KEY}` stands in the compose file beside it, in a
service that runs a venue's bot, says whose it is. Says so as `Origin.about` does: `$EX_KEY words`, for that variable alone, or
`$* words` for all variables of a file that one service alone reads as a whole.

Reads at most MOST files of LARGEST bytes, with the care that read_whole takes, and keeps nothing. Imported by pipeline.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from leakguard.sources.windows import read_whole

MOST, LARGEST = 4, 64 * 1024
_MOST_SAID = 120
_ENVIRONMENT = re.compile(r"(?:[\w\-]{0,40})?\.env(?:\.[\w\-]{1,30}){0,2}")
_COMPOSE = re.compile(r"(?i)(?:docker-|podman-)?compose[\w.\-]{0,40}\.ya?ml|(?:stack|swarm)[\w.\-]{0,40}\.ya?ml")
_SERVICES = re.compile(r"(?m)^services:[ \t]*(?:#[^\n]*)?$")
_SERVICE = re.compile(r"(?m)^([ \t]{1,8})([\w.\-]{1,60}):[ \t]*(?:[&#][^\n]*)?$")
_END = re.compile(r"(?m)^\S")
_READ = re.compile(r"(?m)^[ \t]*(?:- ?)?[\"']?([A-Za-z_]\w{1,60})[\"']?[ \t]*[:=][ \t]*[\"']?\$\{?([A-Za-z_]\w{1,60})(?:[:?}\-+\"'\s]|$)")
_WHOSE = re.compile(
    r"(?mi)^[ \t]*(?:- ?)?[\"']?(?:(?:image|container_name|command|entrypoint):"
    r"|\w{0,24}(?:exchange|venue|broker)(?:_?(?:id|name))?[\"']?[:=])[ \t]*([^\n$]{2,80})"
)
_WHOLE = re.compile(r"(?m)^[ \t]*env_file:[ \t]*([^\n]*(?:\n[ \t]*- [^\n]+){0,8})")


def read_by(path: str) -> tuple[str, ...]:
    """What the compose files beside an environment file say of its variables; () for every other file."""
    folder, name = os.path.split(path)
    if not _ENVIRONMENT.fullmatch(name):
        return ()
    try:
        beside = sorted(filter(_COMPOSE.fullmatch, os.listdir(folder or ".")))[:MOST]
    except OSError:
        return ()
    texts = [read_whole(os.path.join(folder, each), LARGEST) or b"" for each in beside]
    said = [each for text in texts for each in _said(text.decode("utf-8", "replace"), name)]
    wholes = {each for each in said if each.startswith("$* ")}
    # what two services read as a whole is of neither
    return tuple(dict.fromkeys(each for each in said if len(wholes) == 1 or each not in wholes))[:_MOST_SAID]


def _said(text: str, name: str) -> Iterator[str]:
    for service, body in _services(text):
        whose = " ".join([service, *(found[1].strip("\"' ") for found in _WHOSE.finditer(body))])
        for found in _READ.finditer(body):
            if found[1] != found[2]:
                yield f"${found[2]} {found[1]}"
            yield f"${found[2]} {whose}"
        if any(name in found[1] for found in _WHOLE.finditer(body)):
            yield f"$* {whose}"


def _services(text: str) -> Iterator[tuple[str, str]]:
    """The services of a compose file with what stands below each."""
    begin = _SERVICES.search(text)
    if begin is None:
        return
    end = _END.search(text, begin.end() + 1)
    stop = end.start() if end else len(text)
    heads = list(_SERVICE.finditer(text, begin.end(), stop))
    heads = [head for head in heads if head[1] == heads[0][1]]
    for number, head in enumerate(heads):
        yield head[2], text[head.end() : heads[number + 1].start() if number + 1 < len(heads) else stop]
