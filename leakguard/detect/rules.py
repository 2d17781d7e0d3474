"""Rule packs: TOML files in, a checked RuleSet out.

Reads data only: a pack can name gates and patterns, never code. Every mistake is a RulePackError that names file,
rule and field; an unknown field is a mistake, and so is an empty rule set. Imported by the engine's cache-miss
path, the command line and the tests; the warm path reads the index this module writes and imports no TOML.

Layout of a pack: docs/rules.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from leakguard.detect.gates import TABLE
from leakguard.detect.packfiles import builtin_folder, pack_files, read_files
from leakguard.errors import RulePackError, UsageError
from leakguard.model import MAX_MATCH, PARTS, STATUSES, Confidence, Rule, RuleSet, SetRule, Severity, Venue

__all__ = [
    "Example", "Pack", "Proof", "builtin_folder", "pack_files", "parse_pack", "read_files", "select", "to_json",
]  # fmt: skip

_PACK = {"provider", "title", "tags", "aliases", "hosts", "references", "generic"}
_RULE = {
    "id", "title", "part", "severity", "confidence", "keywords", "pattern", "trigger", "shape", "names", "gates",
    "paths", "groups", "why", "fix", "status", "since", "replaced_by", "yields", "alone", "examples", "near_misses", "references",
}  # fmt: skip
_SET = {"id", "title", "parts", "required", "severity", "allows", "why"}
_VENUE = {
    "kind", "status", "aliases", "hosts", "testnet_hosts", "headers", "params", "revoke", "first", "rights",
    "references",
}  # fmt: skip
_TOP = {"pack", "rule", "set", "venue"}


class Example(NamedTuple):
    """One example of a rule as written: a template, or a name and a secret to pour into contexts."""

    template: str
    name: str = ""
    secret: str = ""
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


class Proof(NamedTuple):
    """What a rule says of itself: its examples and near misses, and the file they stand in."""

    file: str
    examples: tuple[Example, ...]
    near_misses: tuple[tuple[str, str], ...]


class Pack(NamedTuple):
    """One parsed file."""

    file: str
    venue: Venue
    rules: tuple[Rule, ...]
    sets: tuple[SetRule, ...]
    proofs: Mapping[str, Proof]
    notes: tuple[tuple[str, str, str], ...] = ()
    """(rule, field, what was not honoured) of an imported configuration."""


def parse_pack(file: str, data: bytes, strict: bool = False, checked: bool = False) -> Pack:
    """One file's rules. `strict` also asks for two examples and two near misses per rule; `checked` compiles every
    pattern with both engines here and now, so that a mistake is named with its file (user packs)."""
    import tomllib

    try:
        doc = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulePackError(file, "", "", f"not valid TOML: {error}") from None
    _known(file, "", doc, _TOP)
    pack = doc.get("pack")
    if not isinstance(pack, dict):
        raise RulePackError(file, "", "pack", "missing: every file needs a [pack] table")
    return _Reader(file, pack, doc, strict, checked or strict).pack()


def select(
    packs: Sequence[Pack], digest: str, only: Sequence[str] = (), exclude: Sequence[str] = (), preview: bool = False
) -> RuleSet:
    """The RuleSet of some packs. `only` and `exclude` take rule ids, providers and tags; an unknown one is an error."""
    rules = [rule for pack in packs for rule in pack.rules]
    seen: dict[str, str] = {}
    providers: dict[str, str] = {}
    for pack in packs:
        if "imported" not in pack.venue.tags and providers.setdefault(pack.venue.provider, pack.file) != pack.file:
            other = providers[pack.venue.provider]
            raise RulePackError(pack.file, "pack", "provider", f"{pack.venue.provider} already has a pack: {other}")
        for rule in pack.rules:
            if rule.id in seen:
                raise RulePackError(pack.file, rule.id, "id", f"already defined in {seen[rule.id]}")
            seen[rule.id] = pack.file
    names = {name for rule in rules for name in (rule.id, rule.provider, *rule.tags)}
    for setting, asked in (("only", only), ("exclude", exclude)):  # an option or a line of a configuration
        for name in asked:
            if name not in names:
                near = get_close_matches(name, sorted(names), 1)
                raise UsageError(f"{setting}: {name}: no such rule, provider or tag" + (f"; {near[0]}?" if near else ""))

    def wanted(rule: Rule) -> bool:
        own = {rule.id, rule.provider, *rule.tags}
        if rule.status == "deprecated" or (rule.status == "preview" and not preview and rule.id not in only):
            return False
        return (not only or not own.isdisjoint(only)) and own.isdisjoint(exclude)

    kept = tuple(rule for rule in rules if wanted(rule))
    if not kept:
        raise UsageError("no rule is left: nothing would be looked for")
    ids = {rule.id for rule in kept}
    sets = tuple(
        item for pack in packs for item in pack.sets if any(r in ids for _, filling in item.parts for r in filling)
    )
    return RuleSet(kept, sets, tuple(pack.venue for pack in packs), digest)


def to_json(ruleset: RuleSet) -> list[Any]:
    """Plain lists for the index; `from_json` gives the same RuleSet back."""
    return [
        [list(rule) for rule in ruleset.rules],
        [list(item) for item in ruleset.sets],
        [list(venue) for venue in ruleset.venues],
        ruleset.digest,
    ]


def _known(file: str, where: str, table: Mapping[str, Any], fields: set[str]) -> None:
    for field in table:
        if field not in fields:
            near = get_close_matches(field, sorted(fields), 1)
            raise RulePackError(file, where, field, "unknown field" + (f"; {near[0]}?" if near else ""))


class _Reader:
    """Turns one parsed TOML document into a Pack, complaining with file, rule and field."""

    def __init__(self, file: str, pack: dict[str, Any], doc: dict[str, Any], strict: bool, checked: bool) -> None:
        self.file = file
        self.meta = pack
        self.doc = doc
        self.strict = strict
        self.checked = checked
        _known(file, "pack", pack, _PACK)
        self.provider = self._text("pack", pack, "provider")
        if not self.provider.replace("-", "").isalnum() or self.provider != self.provider.lower():
            raise RulePackError(file, "pack", "provider", "lower-case letters, digits and - only")
        folder = os.path.basename(os.path.dirname(os.path.abspath(file)))
        self.tags = (*self._texts("pack", pack, "tags"), folder)

    def pack(self) -> Pack:
        venue = self._venue()
        proofs: dict[str, Proof] = {}
        rules = []
        for raw in self._tables("rule"):
            rule = self._rule(raw)
            rules.append(rule)
            proofs[rule.id] = self._proof(rule.id, raw)
        return Pack(self.file, venue, tuple(rules), tuple(self._set(raw) for raw in self._tables("set")), proofs)

    def _tables(self, name: str) -> list[dict[str, Any]]:
        tables = self.doc.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
            raise RulePackError(self.file, "", name, f"write [[{name}]]")
        return tables

    def _fail(self, where: str, field: str, reason: str) -> RulePackError:
        return RulePackError(self.file, where, field, reason)

    def _text(self, where: str, table: Mapping[str, Any], field: str, default: str | None = None) -> str:
        value = table.get(field, default)
        if value is None:
            raise self._fail(where, field, "missing")
        if not isinstance(value, str):
            raise self._fail(where, field, "must be a string")
        return value

    def _texts(self, where: str, table: Mapping[str, Any], field: str) -> tuple[str, ...]:
        value = table.get(field, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._fail(where, field, "must be a list of strings")
        return tuple(value)

    def _pairs(self, where: str, table: Mapping[str, Any], field: str) -> tuple[tuple[str, str], ...]:
        value = table.get(field, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self._fail(where, field, "must be a table of strings")
        return tuple(value.items())

    def _level(
        self, where: str, table: Mapping[str, Any], field: str, levels: type[Severity] | type[Confidence]
    ) -> int:
        text = self._text(where, table, field)
        names = {level.name.lower(): int(level) for level in levels if level.name != "CERTAIN"}
        if text not in names:
            raise self._fail(where, field, f"one of {', '.join(names)}")
        return names[text]

    def _venue(self) -> Venue:
        raw = self.doc.get("venue", {})
        if not isinstance(raw, dict):
            raise self._fail("", "venue", "write [venue]")
        _known(self.file, "venue", raw, _VENUE)
        status = self._text("venue", raw, "status", "live")
        if status not in ("live", "defunct"):
            raise self._fail("venue", "status", "live or defunct")
        aliases = self._texts("pack", self.meta, "aliases") + self._texts("venue", raw, "aliases")
        return Venue(
            provider=self.provider,
            title=self._text("pack", self.meta, "title"),
            kind=self._text("venue", raw, "kind", ""),
            status=status,
            aliases=aliases if "aliases" in self.meta or aliases else (self.provider,),
            hosts=self._texts("pack", self.meta, "hosts") + self._texts("venue", raw, "hosts"),
            testnet_hosts=self._texts("venue", raw, "testnet_hosts"),
            headers=self._pairs("venue", raw, "headers"),
            params=self._pairs("venue", raw, "params"),
            revoke=self._text("venue", raw, "revoke", ""),
            first=self._texts("venue", raw, "first"),
            rights=self._text("venue", raw, "rights", ""),
            references=self._texts("pack", self.meta, "references") + self._texts("venue", raw, "references"),
            tags=self.tags,
        )

    def _rule(self, raw: dict[str, Any]) -> Rule:
        ident = self._text("[[rule]]", raw, "id")
        _known(self.file, ident, raw, _RULE)
        if not ident.startswith(self.provider + ".") or not ident.rpartition(".")[2]:
            raise self._fail(ident, "id", f"must be {self.provider}.something")
        part = self._text(ident, raw, "part")
        if part not in PARTS:
            near = get_close_matches(part, PARTS, 1)
            raise self._fail(ident, "part", "not a known part" + (f"; {near[0]}?" if near else ""))
        status = self._text(ident, raw, "status", "stable")
        if status not in STATUSES:
            raise self._fail(ident, "status", f"one of {', '.join(STATUSES)}")
        pattern, shape = self._text(ident, raw, "pattern", ""), self._text(ident, raw, "shape", "")
        if bool(pattern) == bool(shape):
            raise self._fail(ident, "pattern", "give either pattern or shape")
        trigger, width = self._compile(ident, raw, pattern, shape)
        paths = raw.get("paths", {})
        if not isinstance(paths, dict):
            raise self._fail(ident, "paths", "must be a table")
        _known(self.file, f"{ident}: paths", paths, {"include", "exclude"})
        self._globs(ident, paths)
        return Rule(
            id=ident,
            provider=self.provider,
            title=self._text(ident, raw, "title"),
            part=part,
            severity=self._level(ident, raw, "severity", Severity),
            confidence=self._level(ident, raw, "confidence", Confidence),
            keywords=self._keywords(ident, raw, pattern),
            pattern=pattern,
            trigger=trigger,
            shape=shape,
            names=self._texts(ident, raw, "names"),
            width=width,
            gates=self._gates(ident, raw),
            include=self._texts(ident, paths, "include"),
            exclude=self._texts(ident, paths, "exclude"),
            groups=self._texts(ident, raw, "groups"),
            tags=self.tags,
            why=self._text(ident, raw, "why", ""),
            fix=self._text(ident, raw, "fix", ""),
            status=status,
            since=self._text(ident, raw, "since", "0.1"),
            replaced_by=self._text(ident, raw, "replaced_by", ""),
            generic=self.meta.get("generic", False) is True,
            yields=raw.get("yields", False) is True,
            alone=raw.get("alone", False) is True,
        )

    def _compile(self, ident: str, raw: dict[str, Any], pattern: str, shape: str) -> tuple[str, tuple[int, int]]:
        from leakguard.detect import trigger as stage1

        field = "pattern" if pattern else "shape"
        try:
            derived = stage1.derive(pattern or shape)
        except (ValueError, ArithmeticError, RecursionError) as error:  # re.error is a ValueError from 3.13 on
            raise self._fail(ident, field, str(error)) from None
        except Exception as error:
            if type(error).__name__ in ("error", "PatternError"):
                raise self._fail(ident, field, f"not a regular expression: {error}") from None
            raise
        if derived.most > MAX_MATCH:
            raise self._fail(ident, field, f"a match could be {derived.most} bytes; at most {MAX_MATCH}")
        if self.checked:
            self._second_stage(ident, field, pattern or shape)
        if shape:
            return "", (derived.least, derived.most)
        if "(?P<secret>" not in pattern:
            raise self._fail(ident, field, "has no group named secret")
        own = self._text(ident, raw, "trigger", "")
        if self.checked:
            from leakguard.detect.stage1 import refusal

            if problem := refusal((own or derived.pattern).encode()):
                raise self._fail(ident, "trigger" if own else "pattern", f"hyperscan refuses it: {problem}")
        return own or derived.pattern, (derived.least, derived.most)

    def _second_stage(self, ident: str, field: str, pattern: str) -> None:
        import regex

        try:
            regex.compile(pattern.encode())
        except regex.error as error:
            raise self._fail(ident, field, f"not a regular expression: {error}") from None

    def _keywords(self, ident: str, raw: dict[str, Any], pattern: str) -> tuple[str, ...]:
        keywords = self._texts(ident, raw, "keywords")
        for word in keywords:
            if word != word.lower() or len(word) < 3:
                raise self._fail(ident, "keywords", f"{word!r}: lower case, three characters or more")
        return keywords

    def _globs(self, ident: str, paths: dict[str, Any]) -> None:
        """Refuses a glob that means nothing here and not when the rule first fires."""
        from leakguard.globs import compile_globs

        for field in paths:
            try:
                compile_globs(self._texts(ident, paths, field))
            except ValueError as error:
                raise self._fail(ident, f"paths: {field}", str(error)) from None

    def _gates(self, ident: str, raw: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
        gates = raw.get("gates", [])
        if not isinstance(gates, list):
            raise self._fail(ident, "gates", "must be a list of one-entry tables")
        out = []
        for gate in gates:
            if not isinstance(gate, dict) or len(gate) != 1:
                raise self._fail(ident, "gates", "each gate is a table with one entry, { entropy = 3.0 }")
            name, value = next(iter(gate.items()))
            self._gate(ident, name, value)
            out.append((name, value))
        return tuple(out)

    def _gate(self, ident: str, name: str, value: Any) -> None:
        if name not in TABLE:
            near = get_close_matches(name, sorted(TABLE), 1)
            raise self._fail(ident, "gates", f"no gate {name!r}" + (f"; {near[0]}?" if near else ""))
        schema = TABLE[name][2]
        if isinstance(schema, Mapping):
            if not isinstance(value, dict) or not set(value) <= set(schema):
                raise self._fail(ident, "gates", f"{name} takes a table of {', '.join(schema)}")
            wrong = [key for key, item in value.items() if not isinstance(item, schema[key])]
            if wrong:
                raise self._fail(ident, "gates", f"{name}: {wrong[0]} has the wrong type")
        elif not isinstance(value, schema):
            raise self._fail(ident, "gates", f"{name} takes another type of value")

    def _proof(self, ident: str, raw: dict[str, Any]) -> Proof:
        examples = []
        for item in raw.get("examples", []):
            if isinstance(item, str):
                examples.append(Example(item))
            elif isinstance(item, dict) and {"name", "secret"} <= set(item) <= {"name", "secret", "only", "skip"}:
                only, skip = self._texts(ident, item, "only"), self._texts(ident, item, "skip")
                examples.append(Example("", str(item["name"]), str(item["secret"]), only, skip))
            else:
                raise self._fail(ident, "examples", "a string, or { name, secret } with only or skip")
        near = []
        for item in raw.get("near_misses", []):
            if not isinstance(item, dict) or set(item) != {"text", "why"}:
                raise self._fail(ident, "near_misses", "each is { text, why }")
            near.append((str(item["text"]), str(item["why"])))
        if self.strict and (len(examples) < 2 or len(near) < 2):
            raise self._fail(ident, "examples", "at least two examples and two near misses")
        return Proof(self.file, tuple(examples), tuple(near))

    def _set(self, raw: dict[str, Any]) -> SetRule:
        ident = self._text("[[set]]", raw, "id")
        _known(self.file, ident, raw, _SET)
        parts = raw.get("parts")
        if not isinstance(parts, dict) or not parts:
            raise self._fail(ident, "parts", "must be a table: role = [rule ids]")
        filled = tuple((role, self._texts(ident, parts, role)) for role in parts)
        required = self._texts(ident, raw, "required")
        for role in required:
            if role not in parts:
                raise self._fail(ident, "required", f"{role!r} is not one of the parts")
        return SetRule(
            id=ident,
            provider=self.provider,
            title=self._text(ident, raw, "title"),
            parts=filled,
            required=required,
            severity=self._level(ident, raw, "severity", Severity),
            allows=self._texts(ident, raw, "allows"),
            why=self._text(ident, raw, "why", ""),
        )
