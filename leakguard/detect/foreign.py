"""Other scanners' configurations as packs: gitleaks.toml and betterleaks.toml in, a Pack out.

Their rules become rules of the provider `gitleaks`; their allowlists, filters, path patterns and required rules
become gates. Go's patterns are rewritten (re2.py) and open repeats bounded. What is not honoured is listed in the
pack's `notes` and can only make us report more, with two exceptions that say so: rules on file names alone, and
rules that change a default rule of gitleaks. What cannot be translated is a RulePackError naming file, rule and
field. docs/rules.md, "Import", is the contract. Reads no other file, opens no connection, runs nothing.
Imported by cache.py and cli/rules.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from leakguard.detect import expr, re2
from leakguard.detect.rules import Pack
from leakguard.detect.trigger import Unsupported, derive
from leakguard.errors import RulePackError
from leakguard.model import MAX_MATCH, Confidence, Rule, SetRule, Severity, Venue

PROVIDER = "gitleaks"

_TOP = {
    "title", "description", "extend", "rules", "allowlist", "allowlists", "prefilter", "filter", "minversion",
    "betterleaksminversion",
}  # fmt: skip
_RULE = {
    "id", "description", "path", "regex", "secretgroup", "valuegroup", "entropy", "keywords", "tags", "allowlist",
    "allowlists", "required", "components", "skipreport", "filter", "validate", "confidence",
}  # fmt: skip
# What an id speaks of, for our `part`; the first that is in it decides.
_PARTS = (
    ("private-key", "private-key"), ("webhook", "webhook-url"), ("client-secret", "client-secret"),
    ("client-id", "client-id"), ("refresh-token", "refresh-token"), ("password", "password"), ("passwd", "password"),
    ("jwt", "jwt"), ("basic", "basic-auth"), ("session", "session-token"), ("cookie", "cookie"), ("url", "url-token"),
    ("secret", "api-secret"), ("token", "access-token"), ("pat", "access-token"), ("key", "api-key"),
)  # fmt: skip
_WITHIN = re.compile(r"([+-]?)(\d+)([LC])")


class _Near(NamedTuple):
    """How far from its primary a required rule may be: lines or bytes before and after, -1 for any."""

    lines_before: int = -1
    lines_after: int = -1
    before: int = -1
    after: int = -1


def gitleaks_pack(file: str, data: bytes) -> Pack:
    """The rules of a gitleaks or betterleaks configuration. RulePackError for what cannot be translated."""
    import tomllib

    try:
        doc = _lower(tomllib.loads(data.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulePackError(file, "", "", f"not valid TOML: {error}") from None
    return _Importer(file, doc).pack()


def _lower(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table whose keys are lower case, all the way down: gitleaks reads them in any case."""

    def lowered(value: Any) -> Any:
        if isinstance(value, list):
            return [lowered(item) for item in value]
        return _lower(value) if isinstance(value, dict) else value

    return {key.lower(): lowered(value) for key, value in table.items()}


class _Importer:
    """Turns one configuration into a Pack, collecting notes on what it leaves out."""

    def __init__(self, file: str, doc: dict[str, Any]) -> None:
        self.file = file
        self.doc = doc
        self.notes: list[tuple[str, str, str]] = []
        self.trees: dict[str, re2.Node] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        self.targeted: dict[str, list[list[Any]]] = {}
        self.everywhere: list[list[Any]] = []
        self.uses_default = False

    def pack(self) -> Pack:
        for field in self.doc.keys() - _TOP:
            self.note("", field, "unknown, ignored")
        self.extend()
        tables = self.tables(self.doc, "", "rules")
        for number, raw in enumerate(tables, 1):
            ident = self.text(raw, f"rules[{number}]", "id").strip()
            if not ident:
                raise RulePackError(self.file, f"rules[{number}]", "id", "missing")
            if ident in self.by_id:
                self.note(ident, "id", "defined twice: the last one counts, as in gitleaks")
            self.by_id[ident] = raw
        self.global_conditions()
        rules = [rule for ident, raw in self.by_id.items() if (rule := self.rule(ident, raw)) is not None]
        if not rules:
            own = "" if tables else ", for it holds none of its own: without this option our rules are in force all the same"
            raise RulePackError(self.file, "", "rules", f"no rule that could be imported{own}")
        venue = Venue(PROVIDER, "gitleaks", tags=("imported",))
        sets = tuple(item for rule in rules if (item := self.set_of(rule, {one.id for one in rules})) is not None)
        return Pack(self.file, venue, tuple(rules), sets, {}, tuple(self.notes))

    def note(self, rule: str, field: str, message: str) -> None:
        self.notes.append((f"{PROVIDER}.{rule}" if rule else "", field, message))

    # ------------------------------------------------------------ fields
    def fail(self, rule: str, field: str, reason: str) -> RulePackError:
        return RulePackError(self.file, rule, field, reason)

    def text(self, table: Mapping[str, Any], rule: str, field: str) -> str:
        value = table.get(field, "")
        if not isinstance(value, str):
            raise self.fail(rule, field, "must be a string")
        return value

    def texts(self, table: Mapping[str, Any], rule: str, field: str) -> list[str]:
        value = table.get(field, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(rule, field, "must be a list of strings")
        return value

    def number(self, table: Mapping[str, Any], rule: str, field: str) -> float:
        value = table.get(field, 0)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise self.fail(rule, field, "must be a number")
        return value

    def tables(self, table: Mapping[str, Any], rule: str, field: str) -> list[dict[str, Any]]:
        """An array of tables, or one table: gitleaks takes both for some."""
        value = table.get(field, [])
        found = [value] if isinstance(value, dict) else value
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.fail(rule, field, "must be a table, or an array of tables")
        return found

    def tree(self, rule: str, field: str, pattern: str) -> re2.Node:
        try:
            return re2.parse(pattern)
        except (Unsupported, RecursionError) as error:
            raise self.fail(rule, field, str(error) or "nested too deeply") from None

    def translated(self, rule: str, field: str) -> Callable[[str], str]:
        """Turns a Go pattern of a field into ours, unbounded: for gates, which search with a time limit."""

        def translate(pattern: str) -> str:
            return re2.write(self.tree(rule, field, pattern), None)

        return translate

    # ------------------------------------------------------------ what holds for every rule
    def extend(self) -> None:
        extend = self.doc.get("extend", {})
        if not isinstance(extend, dict):
            raise self.fail("", "extend", "must be a table")
        for field in ("path", "url"):
            if extend.get(field):
                raise self.fail("", f"extend.{field}", "not followed: take it out and import both files")
        self.uses_default = extend.get("usedefault") is True
        if self.uses_default:
            self.note("", "extend.useDefault", "gitleaks' own rules are not here; the built-in rules are in force")
        if extend.get("disabledrules"):
            self.note("", "extend.disabledRules", "ignored: switch built-in rules off with --exclude")

    def global_conditions(self) -> None:
        for field in ("allowlist", "allowlists"):
            for table in self.tables(self.doc, "", field):
                condition = self.allowlist(table, "", field)
                targets = self.texts(table, "", "targetrules")
                for ident in targets:
                    if ident not in self.by_id:
                        self.note("", f"{field}.targetRules", f"there is no rule {ident} here")
                    self.targeted.setdefault(ident, []).append(condition)
                if not targets:
                    self.everywhere.append(condition)
        for field in ("prefilter", "filter"):
            if expression := self.text(self.doc, "", field):
                self.everywhere.append(self.filter("", field, expression))

    def allowlist(self, table: Mapping[str, Any], rule: str, field: str) -> list[Any]:
        """The condition an allowlist stands for; one that never holds if we cannot ask it."""
        target = self.text(table, rule, "regextarget") or "secret"
        if target not in ("secret", "match", "line"):
            raise self.fail(rule, f"{field}.regexTarget", "secret, match or line")
        how = self.text(table, rule, "condition").upper()
        if how not in ("", "OR", "||", "AND", "&&"):
            raise self.fail(rule, f"{field}.condition", "OR or AND")
        parts: list[list[Any]] = []
        if paths := self.texts(table, rule, "paths"):
            parts.append(["regex", "path", [*map(self.translated(rule, f"{field}.paths"), paths)]])
        if patterns := self.texts(table, rule, "regexes"):
            parts.append(["regex", target, [*map(self.translated(rule, f"{field}.regexes"), patterns)]])
        if words := self.texts(table, rule, "stopwords"):
            parts.append(["word", "secret", [word.lower() for word in words]])
        if self.texts(table, rule, "commits"):
            self.note(rule, f"{field}.commits", "ignored: what is found does not depend on its commit")
            if how in ("AND", "&&"):
                return ["or"]
        if how in ("AND", "&&") and parts:
            return ["and", *parts]
        return ["or", *parts]

    def filter(self, rule: str, field: str, expression: str) -> list[Any]:
        condition, whole = expr.condition(expression, self.translated(rule, field))
        if condition is expr.UNKNOWN:
            self.note(rule, field, "not understood, ignored: more may be reported than at home")
            return ["or"]
        if not whole:
            self.note(rule, field, "understood in part: more may be reported than at home")
        return condition

    # ------------------------------------------------------------ one rule
    def rule(self, ident: str, raw: Mapping[str, Any]) -> Rule | None:
        for field in sorted(raw.keys() - _RULE):
            self.note(ident, field, "unknown, ignored")
        pattern = self.text(raw, ident, "regex")
        if not pattern:
            self.no_pattern(ident, raw)
            return None
        if raw.get("skipreport") is True:
            return None  # only there to be required by others
        gates = self.gates(ident, raw)
        tree = self.trees.setdefault(ident, self.tree(ident, "regex", pattern))
        keywords = [word.lower() for word in self.texts(raw, ident, "keywords") if word]
        sure = bool(keywords) and re2.surely_contains(tree, [word.encode() for word in keywords])
        if keywords and not sure:
            gates.insert(1, ("words_near", keywords))
        wrap = any('"match"' in repr(value).replace("'", '"') for name, value in gates if name == "unless")
        own, trigger, width = self.patterns(ident, tree, int(self.secret_group(ident, raw)), wrap)
        title = self.text(raw, ident, "description").strip() or ident
        return Rule(
            id=f"{PROVIDER}.{re.sub(r'[^A-Za-z0-9._-]+', '-', ident)}",
            provider=PROVIDER,
            title=title.rstrip("."),
            part=next((part for word, part in _PARTS if word in ident.lower()), "api-key"),
            severity=int(Severity.HIGH),
            confidence=self.confidence(ident, raw),
            keywords=tuple(keywords) if sure else (),
            pattern=own,
            trigger=trigger,
            width=width,
            gates=tuple(gates),
            tags=(*self.texts(raw, ident, "tags"), "imported"),
            why=title,
            fix="Find out what it opens, revoke it there, then take it out of the file and its history.",
            generic=ident.lower().startswith("generic"),
        )

    def no_pattern(self, ident: str, raw: Mapping[str, Any]) -> None:
        if self.text(raw, ident, "path"):
            self.note(ident, "path", "left out: a rule on file names alone finds no secret")
        elif self.uses_default:
            self.note(ident, "regex", "left out: it changes a rule of gitleaks' own, which is not here")
        else:
            raise self.fail(ident, "regex", "missing")

    def confidence(self, ident: str, raw: Mapping[str, Any]) -> int:
        names = {level.label: int(level) for level in Confidence if level != Confidence.CERTAIN}
        given = self.text(raw, ident, "confidence") or "medium"
        if given not in names:
            raise self.fail(ident, "confidence", f"one of {', '.join(names)}")
        return names[given]

    def secret_group(self, ident: str, raw: Mapping[str, Any]) -> float:
        return self.number(raw, ident, "secretgroup") or self.number(raw, ident, "valuegroup")

    def patterns(self, ident: str, tree: re2.Node, group: int, wrap: bool) -> tuple[str, str, tuple[int, int]]:
        """The second stage's pattern, the first stage's, and the width of a match."""
        count = re2.groups(tree)
        if group > count or group < 0:
            raise self.fail(ident, "secretGroup", f"{group}, but the regex has {count} groups")
        secret = frozenset((group,)) if group else re2.first_groups(tree)[0]
        if not secret:  # no group at all: the whole match
            tree, secret = re2.Group(0, tree), frozenset((0,))
        elif not wrap:
            tree = re2.without_lead(tree)
        try:
            limit = re2.bounded(tree, MAX_MATCH)
            text = re2.write(tree, limit, secret)
            # Open repeats stay open in the first stage: hyperscan counts to thousands slowly, or not at all.
            found = derive(re2.write(tree, None), open_ends=True)
        except (Unsupported, RecursionError, OverflowError) as error:
            raise self.fail(ident, "regex", str(error) or "nested too deeply") from None
        return f"(?P<match>{text})" if wrap else text, found.pattern, re2.width(tree, limit)

    def gates(self, ident: str, raw: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """What the rest of a rule asks, cheapest first."""
        gates: list[tuple[str, Any]] = [("not_placeholder", False)]  # their allowlists decide, not ours
        if path := self.text(raw, ident, "path"):
            gates.append(("path_like", self.translated(ident, "path")(path)))
        if least := self.number(raw, ident, "entropy"):
            gates.append(("entropy", math.nextafter(least, math.inf)))  # gitleaks wants more than this
        conditions = [*self.everywhere, *self.targeted.get(ident, ())]
        for field in ("allowlist", "allowlists"):
            conditions += [self.allowlist(table, ident, field) for table in self.tables(raw, ident, field)]
        if expression := self.text(raw, ident, "filter"):
            conditions.append(self.filter(ident, "filter", expression))
        conditions = [condition for condition in conditions if condition != ["or"]]
        if conditions:
            gates.append(("unless", conditions[0] if len(conditions) == 1 else ["or", *conditions]))
        for other, near in self.required(ident, raw):
            pattern = self.text(self.by_id[other], other, "regex")
            given = {key: value for key, value in near._asdict().items() if value >= 0}
            gates.append(("companion", {"pattern": self.translated(other, "regex")(pattern), **given}))
        return gates

    def required(self, ident: str, raw: Mapping[str, Any]) -> list[tuple[str, _Near]]:
        """The rules that must match near a match of this one. `components` wins over `required`, as at home."""
        out = []
        field = "components" if raw.get("components") else "required"
        for table in self.tables(raw, ident, field):
            other = self.text(table, ident, "id")
            if not other:
                raise self.fail(ident, f"{field}.id", "missing")
            if table.get("optional") is True:
                continue
            if other not in self.by_id or not self.text(self.by_id[other], other, "regex"):
                if not self.uses_default:
                    raise self.fail(ident, f"{field}.id", f"there is no rule {other}")
                self.note(ident, field, f"ignored: {other} is not here")
                continue
            out.append((other, self.near(ident, field, table)))
        return out

    def near(self, ident: str, field: str, table: Mapping[str, Any]) -> _Near:
        lines = int(self.number(table, ident, "withinlines")) if "withinlines" in table else -1
        columns = int(self.number(table, ident, "withincolumns")) if "withincolumns" in table else -1
        near = {"lines_before": lines, "lines_after": lines, "before": columns, "after": columns}
        for piece in filter(None, self.text(table, ident, "within").replace(" ", "").split(",")):
            found = _WITHIN.fullmatch(piece)
            if found is None:
                raise self.fail(ident, f"{field}.within", f"{piece!r} is not like 5L, 100C, -2L or +4C")
            sign, number, unit = found.groups()
            for side, skipped in (("before", "+"), ("after", "-")):
                if sign != skipped:
                    near[f"lines_{side}" if unit == "L" else side] = int(number)
        return _Near(**near)

    def set_of(self, rule: Rule, kept: set[str]) -> SetRule | None:
        """A rule with its required ones as a set, if they are reported, too."""
        ident = next(one for one in self.by_id if rule.id == f"{PROVIDER}.{re.sub(r'[^A-Za-z0-9._-]+', '-', one)}")
        roles = [(other, f"{PROVIDER}.{other}") for other, _ in self.required(ident, self.by_id[ident])]
        roles = [(role, other) for role, other in roles if other in kept]
        if not roles:
            return None
        parts = (("secret", (rule.id,)), *((role, (other,)) for role, other in roles))
        names = tuple(name for name, _ in parts)
        return SetRule(f"{rule.id}-set", PROVIDER, rule.title, parts, names, rule.severity, why=rule.why)
