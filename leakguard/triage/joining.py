"""Halves of one credential in two files, joined where a reference says that the files belong together.

A compose file that names its `.env`, code that reads a variable another file sets, a third file that names both; and the
cells of one notebook, the parts of one mail. Only then, only for one venue and one account, and only if there is no
choice: of two that would fit neither is taken.
Works on findings after the scan and keeps no text: what a file refers to are names of files and variables.

Pure functions; same results however the files were shared among workers. Imported by collector.py, pipeline.py and
work.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, product
from posixpath import basename, dirname, join, normpath
from typing import NamedTuple

from leakguard.detect.pairing import Grouping, account_of
from leakguard.model import HALF, CredentialSet, Finding, RuleSet, SetRule, Severity, is_half
from leakguard.triage.exposure import TESTED, credential_set

MOST = 200
"""Names kept of one file."""

LARGEST = 256 * 1024
"""Bytes of a text that is read for references: configuration and code are smaller, logs refer to nothing."""

_LINKING = re.compile(
    r"(?i)(?:docker-|podman-)?compose[\w.\-]*\.ya?ml|(?:stack|swarm)[\w.\-]*\.ya?ml|[\w.\-]+\.service|Procfile"
)
"""Files that hold no secret themselves and say which files belong together."""

_FILE = re.compile(
    rb"(?<![\w.\-/])(?:[\w.\-]{1,40}/){0,8}(?:[\w\-]{1,40}\.){0,3}(?:[\w\-]{1,40})?"
    rb"\.(?:env(?:\.[\w\-]{1,30}){0,2}|json|ya?ml|toml|ini|cfg|conf|properties|key|pem|p8|secrets?|txt|tfvars)(?![\w\-])"
)
# What _FILE ends with: looked for first, for it is found ten times as fast.
_EXTENSION = re.compile(rb"\.(?:env|json|ya?ml|toml|ini|cfg|conf|properties|key|pem|p8|secrets?|txt|tfvars)(?![\w\-])")
_VARIABLE = re.compile(
    rb"\$\{?([A-Z][A-Z0-9_]{2,60})|(?:getenv|Getenv|environ(?:\.get)?|env::var|process\.env|ENV)[.\[(\"' ]{1,3}([A-Z][A-Z0-9_]{2,60})"
    # of a Kubernetes Secret that another file holds
    rb"|(?:secret|configMap)KeyRef:\s{0,40}\{?[^{}]{0,120}?\bkey: {0,2}[\"']?([A-Za-z][\w.\-]{2,60})"
)
_DOTENV = re.compile(rb"dotenv|\$\{")


class References(NamedTuple):
    """What a file refers to: other files, as written, and variables that something else sets."""

    path: str
    files: frozenset[str]
    names: frozenset[str]


class _Half(NamedTuple):
    """Parts of one account in one file that do not make it whole."""

    indexes: tuple[int, ...]
    roles: frozenset[str]
    path: str
    account: frozenset[str]
    set_id: str
    container: str
    """What it is a part of, if its parts know of one another (`Origin.about`)."""


def references(path: str, data: bytes, findings: Iterable[Finding]) -> tuple[References, ...]:
    """What the text of a file refers to; looked for only where it could matter: beside a lone half, and in files that
    tie others together."""
    if len(data) > LARGEST:
        return ()
    if not any(is_half(finding.reasons) for finding in findings) and not _LINKING.fullmatch(basename(path)):
        return ()
    files = {found.group().decode() for found, _ in zip(_files(data), range(MOST), strict=False)}
    names = {(found[1] or found[2] or found[3]).decode() for found, _ in zip(_VARIABLE.finditer(data), range(MOST), strict=False)}
    if _DOTENV.search(data):
        files.add(".env")  # where it is read from if nothing else is said
    return (References(path, frozenset(files), frozenset(names)),) if files or names else ()


def _files(data: bytes) -> Iterator[re.Match[bytes]]:
    """The names of files in a text."""
    done = 0
    for ending in _EXTENSION.finditer(data):
        if ending.start() >= done:
            start = data.rfind(b"\n", done, ending.start()) + 1 or done
            stop = data.find(b"\n", ending.end())
            done = stop if stop >= 0 else len(data)
            yield from _FILE.finditer(data, start, done)


def join_halves(
    findings: Sequence[Finding], sets: Sequence[CredentialSet], known: Sequence[References], ruleset: RuleSet
) -> tuple[list[Finding], list[CredentialSet]]:
    """The findings and sets with halves of several files joined."""
    out, made = list(findings), list(sets)
    related = any(_container(finding) for finding in findings if is_half(finding.reasons))
    if not (known or related) or len({reference.path for reference in known} | {f.path for f in findings}) < 2:
        return out, made
    halves = _halves(findings, sets, ruleset)
    _add_keys_of_files(halves, findings, known, ruleset)
    done: set[int] = set()
    gone: set[str] = set()
    for rule in ruleset.sets:
        if len(halves.get(rule.id, ())) < 2:
            continue
        for group in _groups(rule, halves[rule.id], known, findings):
            indexes = {index for half in group for index in half.indexes}
            if not done.isdisjoint(indexes):
                continue  # it is whole already, as another set
            done |= indexes
            gone |= {half.set_id for half in group}
            one, members = _joined(rule, group, out, ruleset)
            made.append(one)
            for index, finding in members:
                out[index] = finding
    return out, [one for one in made if one.id not in gone]


def _halves(findings: Sequence[Finding], sets: Sequence[CredentialSet], ruleset: RuleSet) -> dict[str, list[_Half]]:
    """Lone halves by the set that they would be a part of."""
    roles: dict[str, list[tuple[str, str]]] = {}
    for rule in ruleset.sets:
        for role, ids in rule.parts:
            for ident in ids:
                roles.setdefault(ident, []).append((rule.id, role))
    partial = {one.id: one for one in sets if not one.complete and not one.testnet}
    members: dict[tuple[str, str, int], list[tuple[str, int]]] = {}
    for index, finding in enumerate(findings):
        if not is_half(finding.reasons) or TESTED in finding.reasons:
            continue
        for ident, role in roles.get(finding.rule, ()):
            whole = partial.get(finding.set_id)
            if whole is None or whole.rule == ident:
                key = (ident, finding.set_id, -1 if whole is not None else index)
                members.setdefault((key[0], key[1] + finding.path, key[2]), []).append((role, index))
    out: dict[str, list[_Half]] = {}
    for (ident, _, _), parts in members.items():
        first = findings[parts[0][1]]
        rule = next(rule for rule in ruleset.sets if rule.id == ident)
        account = frozenset[str]().union(*(account_of(findings[i].name, rule.provider, ruleset) for _, i in parts))
        numbers = tuple(index for _, index in parts)
        out.setdefault(ident, []).append(
            _Half(numbers, frozenset(role for role, _ in parts), first.path, account, first.set_id, _container(first))
        )
    return out


PEM = "pem.private-key"
"""What a private key in a file of its own is found as, whatever venue it is for."""


def _add_keys_of_files(
    halves: dict[str, list[_Half]], findings: Sequence[Finding], known: Sequence[References], ruleset: RuleSet
) -> None:
    """Adds the private keys in files of their own that a venue's key names: VENUE_PRIVATE_KEY_PATH=./prv.pem. Only where one venue's
    key stands beside the name, and where that venue has such keys."""
    keys: dict[str, list[int]] = {}
    for index, finding in enumerate(findings):
        if finding.rule == PEM and not finding.set_id:
            keys.setdefault(normpath(finding.path), []).append(index)
    roles = {rule.id: role for rule in (ruleset.sets if keys else ()) if (role := _private_role(rule, ruleset))}
    for reference in known if keys else ():
        naming = [ident for ident, own in halves.items() for half in own if half.path == reference.path and ident in roles]
        named = {normpath(join(dirname(reference.path), written)) for written in reference.files} & keys.keys()
        if len(naming) == len(named) == 1:
            (path,) = named
            if len(keys[path]) == 1:
                roles_of = frozenset((roles[naming[0]],))
                halves[naming[0]].append(_Half((keys[path][0],), roles_of, findings[keys[path][0]].path, frozenset(), "", ""))


def _private_role(rule: SetRule, ruleset: RuleSet) -> str:
    """The role in a set that a private key may have; "" if none has."""
    private = {made.id for made in ruleset.rules if made.part == "private-key"}
    return next((role for role, ids in rule.parts if not private.isdisjoint(ids)), "")


def _container(finding: Finding) -> str:
    return str(finding.origin.inside) if finding.origin.about and finding.origin.inside else ""


_DEEPEST = 32
_MOST_NEAR = 64
"""Halves that one name may lead to: of more nobody could say which is meant."""


class _Places:
    """Halves by where they stand, and by the variables they set."""

    def __init__(self, halves: Iterable[_Half], findings: Sequence[Finding]) -> None:
        self.at: dict[str, list[_Half]] = {}
        self.setting: dict[tuple[str, str], list[_Half]] = {}
        self.below: dict[tuple[str, str], list[_Half]] = {}
        for half in halves:
            self.at.setdefault(normpath(half.path), []).append(half)
            above = _folders(half.path)
            for name in {findings[index].name.rpartition(".")[2] for index in half.indexes}:
                self.setting.setdefault((name, above[0]), []).append(half)
                for folder in above:
                    self.below.setdefault((name, folder), []).append(half)

    def named_by(self, reference: References) -> list[_Half]:
        """The halves in the files that a file names."""
        # what is composed is found from where it says; code is run from the project's folder, which is above the code's
        strict = reference.path.endswith((".yml", ".yaml"))
        folders = _folders(reference.path)[: 1 if strict else _DEEPEST]
        meant = dict.fromkeys(
            normpath(join(folder, written)) for written in sorted(reference.files) for folder in folders
        )
        return _few(half for path in meant for half in self.at.get(path, ()))

    def set_for(self, reference: References) -> list[_Half]:
        """The halves that are the variables a file reads, in its folder, below or above it."""
        above = _folders(reference.path)
        return _few(
            half
            for name in sorted(reference.names)
            for found in (self.below.get((name, above[0]), ()), *(self.setting.get((name, up), ()) for up in above[1:]))
            for half in found
        )


def _few(halves: Iterable[_Half]) -> list[_Half]:
    found = [half for half, _ in zip(dict.fromkeys(halves), range(_MOST_NEAR + 1), strict=False)]
    return found if len(found) <= _MOST_NEAR else []


def _folders(path: str) -> list[str]:
    """The folder a file is in, and those above it."""
    out = [dirname(normpath(path)) or "."]
    while out[-1] not in (".", "/") and len(out) < _DEEPEST:
        out.append(dirname(out[-1]) or ".")
    return out


def _groups(
    rule: SetRule, halves: list[_Half], known: Sequence[References], findings: Sequence[Finding]
) -> list[list[_Half]]:
    """Halves that make the set whole together, each in one group at most."""
    places = _Places(halves, findings)
    near: dict[_Half, dict[_Half, None]] = {half: {} for half in halves}
    for reference in known:
        named = places.named_by(reference)
        here = places.at.get(normpath(reference.path), [])
        for one, two in chain(product(here, [*named, *places.set_for(reference)]), combinations(named, 2)):
            if one.path != two.path and _fit(one, two):
                near[one][two] = near[two][one] = None
    of_one: dict[str, list[_Half]] = {}
    for half in halves:
        if half.container:
            of_one.setdefault(half.container, []).append(half)
    for one, two in chain.from_iterable(combinations(_few(related), 2) for related in of_one.values()):
        if one.path != two.path and _fit(one, two):
            near[one][two] = near[two][one] = None
    out: list[list[_Half]] = []
    used: set[_Half] = set()
    for half in halves:
        group = [half, *near[half]]
        if not used.isdisjoint(group) or not _whole(rule, group):
            continue
        # a member that would fit somebody else, too, leaves a choice
        if all(_fit(a, b) for a, b in combinations(group, 2)) and all(near[one].keys() <= set(group) for one in group):
            used.update(group)
            out.append(group)
    return out


def _fit(one: _Half, two: _Half) -> bool:
    """Whether two halves can be of one account: other parts, and names that do not contradict each other."""
    if one.roles & two.roles:
        return False
    numbers = [{word for word in half.account if word.isdigit()} for half in (one, two)]
    same = one.account <= two.account or two.account <= one.account
    return same and numbers[0] == numbers[1]


def _whole(rule: SetRule, group: Sequence[_Half]) -> bool:
    return len(group) > 1 and frozenset(rule.required) <= frozenset[str]().union(*(half.roles for half in group))


def _joined(
    rule: SetRule, group: Sequence[_Half], findings: Sequence[Finding], ruleset: RuleSet
) -> tuple[CredentialSet, list[tuple[int, Finding]]]:
    """The set that a group makes, and its findings, which are halves no more."""
    of_role = {ident: role for role, ids in rule.parts for ident in ids}
    of_role[PEM] = _private_role(rule, ruleset)
    order = [role for role, _ in rule.parts]
    indexes = sorted((i for half in group for i in half.indexes), key=lambda i: order.index(of_role[findings[i].rule]))
    severities = {made.id: made.severity for made in ruleset.rules}
    venue = next((venue for venue in ruleset.venues if venue.provider == rule.provider), None)
    members = []
    for index in indexes:
        finding = findings[index]
        others = sorted({half.path for half in group} - {finding.path})
        reasons = tuple(reason for reason in finding.reasons if not reason.startswith(HALF))
        closed = venue is not None and venue.status == "defunct"  # whole or not, it opens nothing any more
        severity = finding.severity if closed else max(finding.severity, Severity(severities[finding.rule]))
        members.append(finding._replace(reasons=(*reasons, f"the rest of it stands in {', '.join(others)}"), severity=severity))
    parts = [(of_role[member.rule], member) for member in members]
    grouping = Grouping(rule, tuple((role, index) for (role, _), index in zip(parts, indexes, strict=True)), ())
    one = credential_set(grouping, parts, venue, test=False)
    one = one._replace(start_line=members[0].start_line, end_line=members[0].end_line)
    return one, [(i, member._replace(set_id=one.id)) for i, member in zip(indexes, members, strict=True)]
