"""What a range of history, a push, the index or the work tree changes: blobs beside those they replace.

Blobs and ids decide, never a rendered diff: attributes, colours, external diffs, textconv, renames, mode changes and
merges hide nothing. A merge's changes are those that differ from every parent. Revisions that cannot be resolved are
usage errors that name them; commits that a shallow clone does not have are told as incidents. Nothing of the repository
runs, nothing is fetched. Knows index, gitcall, model and errors; imported by hook.py, changes.py, compare.py and cli/.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, NamedTuple

from leakguard.errors import SourceError, UsageError
from leakguard.model import Incident
from leakguard.sources.gitcall import Git
from leakguard.sources.index import SUBMODULE, Blobs, Change, Staged, change, parsed

_TREES = (
    "diff-tree", "--stdin", "--root", "-r", "-c", "-z", "--raw", "--no-renames", "--no-abbrev", "--always",
    "--ignore-submodules=none",
)  # fmt: skip
MOST_IN_MEMORY = 64 * 1024 * 1024
"""Bytes of a work-tree file that are read; git itself is asked for nothing larger than it stores."""


_PART = 64 * 1024
_MOST_RESTARTS = 1000


class Step(NamedTuple):
    """Changes that belong together: those of one commit, of the index, or of the work tree."""

    commit: str
    """Its id; "" for the index and the work tree."""
    changes: Sequence[Change]


class Update(NamedTuple):
    """A ref as a push changes it: ids of 40 or 64 digits, zeros for nothing."""

    old: str
    new: str
    ref: str


def is_zero(ident: str) -> bool:
    """Whether an id is the one by which git says "none"."""
    return not ident.strip("0")


# ---------------------------------------------------------------- revisions
def resolve(git: Git, revision: str, option: str) -> str:
    """The id of a commit. UsageError naming the revision if there is none."""
    done = git.ask(
        "-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options", revision + "^{commit}"
    )
    if done.returncode or not done.stdout.strip():
        git.run("rev-parse", "--git-dir")  # no repository at all is another mistake
        raise UsageError(f"{option}: {revision}: no such commit here{_shallow_hint(git)}")
    if b" is ambiguous" in done.stderr:
        _check_meaning(git, revision, option)
    return done.stdout.decode("ascii", "replace").strip()


_HEX = "0123456789abcdef"
_PLACES = ("refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/{}", "refs/remotes/{}/HEAD")


def _check_meaning(git: Git, revision: str, option: str) -> None:
    """UsageError if refs of one name are different commits. Git takes the first that it comes upon: a tag `origin/main` that
    somebody pushed would stand for the branch, and nothing would be left of a range to look at."""
    ends = (revision.find(sign) for sign in ("~", "^", ":", "@{"))
    name = revision[: min((end for end in ends if end > 0), default=len(revision))]
    rest = revision[len(name) :]
    is_hex = not name.lower().strip(_HEX)
    if name == "HEAD" or name.endswith("_HEAD") or name.startswith("refs/") or (is_hex and len(name) in (40, 64)):
        return  # these mean themselves, whatever a ref is called
    meant: dict[str, str] = {}
    asked = [place.format(name) for place in _PLACES]
    if is_hex:  # the beginning of an id
        asked += git.ask("rev-parse", "--disambiguate=" + name).stdout.decode("ascii", "replace").split()
    for full in asked:
        done = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{full}{rest}^{{commit}}")
        if done.returncode == 0:
            meant.setdefault(done.stdout.decode("ascii", "replace").strip(), full)
    if len(meant) > 1:
        raise UsageError(f"{option}: {revision}: means more than one commit here: give one of {', '.join(meant.values())}")


def _shallow_hint(git: Git) -> str:
    shallow = git.ask("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    return " (the clone is shallow: fetch more of its history)" if shallow else ""


def since(git: Git, revision: str, until: str = "HEAD", option: str = "--since") -> list[str]:
    """Arguments of rev-list for the commits that `until` has and `revision` has not."""
    end = branch(git, until) if until != "HEAD" else [resolve(git, until, option)]
    return [*end, "^" + resolve(git, revision, option)]


def between(git: Git, text: str) -> list[str]:
    """The same for `A..B` and `A...B`, a side that is left out being HEAD."""
    for dots in ("...", ".."):
        first, found, last = text.partition(dots)
        if found:
            break
    else:
        raise UsageError(f"--range: {text}: must be A..B; for the commits since A give --since A")
    one, two = (resolve(git, side or "HEAD", "--range") for side in (first, last))
    if dots == "..":
        return [two, "^" + one]
    done = git.ask("merge-base", "--all", one, two)
    if done.returncode not in (0, 1):
        return [one, two]  # a commit is missing: both sides from their beginnings, and whoever lists them says so
    return [one, two, *("^" + base for base in done.stdout.decode("ascii", "replace").split())]


def branch(git: Git, name: str) -> list[str]:
    """The same for everything a branch reaches: the branch, where a tag has the same name."""
    if name.strip(_HEX) or len(name) not in (40, 64):
        done = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/heads/{name}^{{commit}}")
        if done.returncode == 0:
            return [done.stdout.decode("ascii", "replace").strip()]
    return [resolve(git, name, "--branch")]


def single(git: Git, revision: str) -> list[str]:
    """The same for one commit."""
    return ["--no-walk", resolve(git, revision, "--commit")]


# ---------------------------------------------------------------- pushes
def pushed(git: Git, updates: Iterable[Update], remote: str) -> tuple[list[str], list[str]]:
    """(arguments of rev-list for what a push adds to its remote, ids of other objects it sends).

    What the remote has already is known by the ids it named, and by its tracking branches.
    """
    wanted, known, others = [], [], []
    for update in updates:
        if is_zero(update.new):
            continue  # a ref is deleted: nothing is sent
        commit, more = peeled(git, update.new)
        others += more
        if commit:
            wanted.append(commit)
        if not is_zero(update.old) and git.ask("cat-file", "-e", update.old + "^{commit}").returncode == 0:
            known.append("^" + update.old)
    if wanted and remote and _is_remote(git, remote):
        known += ["--not", f"--remotes={_literal(remote)}"]
    return (wanted + known if wanted else []), others


def unpushed(git: Git, commit: str, remote: str = "") -> list[str]:
    """Arguments of rev-list for what no tracking branch (of `remote`, if given) has."""
    named = f"={_literal(remote)}" if remote and _is_remote(git, remote) else ""
    return [resolve(git, commit, "push"), "--not", f"--remotes{named}"]


def received(git: Git, updates: Iterable[Update]) -> tuple[list[str], list[str]]:
    """The same for what a server is sent: everything that none of its refs has yet."""
    wanted, others = [], []
    for update in updates:
        if is_zero(update.new):
            continue
        commit, more = peeled(git, update.new)
        others += more
        if commit:
            wanted.append(commit)
    return ([*wanted, "--not", "--all"] if wanted else []), others


def peeled(git: Git, ident: str) -> tuple[str, list[str]]:
    """(the commit an object leads to, "" if to none; ids of the tags on the way, and of the blobs it leads to)."""
    others: list[str] = []
    for _ in range(64):
        kind = git.run("cat-file", "-t", ident).decode().strip()
        if kind == "commit":
            return ident, others
        if kind == "blob":
            return "", [*others, ident]
        if kind == "tree":
            rows = git.run("ls-tree", "-r", "-z", "--full-tree", ident).split(b"\0")
            return "", [*others, *(row.split()[2].decode() for row in rows if b" blob " in row)]
        others.append(ident)
        ident = git.run("cat-file", "-p", ident).split(b"\n", 1)[0].split()[1].decode("ascii", "replace")
    raise SourceError(ident, "too many tags on tags")


def _is_remote(git: Git, name: str) -> bool:
    """Whether a remote of that name is configured: a push may name an address instead."""
    done = git.ask("config", "--null", "--name-only", "--get-regexp", "^remote\\.")
    keys = (os.fsdecode(key) for key in done.stdout.split(b"\0"))
    return any(key.startswith("remote.") and key[7:].rpartition(".")[0] == name for key in keys)


def _literal(name: str) -> str:
    """A remote's name as a pattern that matches it alone."""
    return "".join("\\" + char if char in "*?[\\" else char for char in name) + "/*"


# ---------------------------------------------------------------- steps
def steps(git: Git, revisions: Sequence[str], on_incident: Callable[[Incident], None]) -> Iterator[Step]:
    """The commits that arguments of rev-list choose, oldest first, each with what it changes."""
    if not revisions:
        return
    edge = _shallow(git)
    commits = _listed(git, revisions, edge, on_incident)
    for commit in commits:
        if commit in edge:
            name = commit.decode("ascii", "replace")
            reason = "the clone is shallow: what came before this commit is not here; all of it counts as added"
            on_incident(Incident("truncated", f"commit {name[:12]}", reason))
    at = restarts = 0
    while at < len(commits):
        with git.open(*_TREES, given=(commit + b"\n" for commit in commits[at:])) as reader:
            for step in _read_steps(reader.out):
                yield step
                at += 1
            code, said = reader.finish()
        if not code and at >= len(commits):
            return
        restarts += 1
        if restarts > _MOST_RESTARTS or at >= len(commits):
            reason = f"git diff-tree gave up: {said or code}; {len(commits) - at} commits were not looked at"
            on_incident(Incident("failed", "history", reason))
            return
        # it says nothing of the commit that it dies of, and goes on behind it when started anew
        name = commits[at].decode("ascii", "replace")
        on_incident(Incident("failed", f"commit {name[:12]}", said or f"git diff-tree ended with {code}"))
        yield Step(name, _everything(git, name))
        at += 1


def _listed(
    git: Git, revisions: Sequence[str], edge: frozenset[bytes], on_incident: Callable[[Incident], None]
) -> list[bytes]:
    """The commits that arguments of rev-list choose, oldest first; as far as anything leads to them where one is missing, of
    which git itself would list none."""
    try:
        return git.run("rev-list", *_command(revisions), given=_given(revisions)).split()
    except SourceError as error:
        if "--no-walk" in revisions:
            raise
        found = _walked(git, revisions, edge, on_incident)
        if not found:
            raise
        reason = f"git cannot list the commits ({error.reason}); {len(found)} that something leads to were looked at"
        on_incident(Incident("failed", "history", reason))
        return found


def _walked(
    git: Git, revisions: Sequence[str], edge: frozenset[bytes], on_incident: Callable[[Incident], None]
) -> list[bytes]:
    """The same without rev-list. What is behind a missing commit is not known, so more may count as new than is."""
    words = [word for word in revisions if not word.startswith("--")]
    named = [word for word in revisions if word.startswith("--")]
    more = git.ask("rev-parse", *named).stdout.decode("ascii", "replace").split() if named else []
    lost: dict[str, str] = {}
    with Blobs(git) as blobs:
        old = _behind(blobs, [word[1:] for word in (*words, *more) if word.startswith("^")], edge, {}, lost)
        new = _behind(blobs, [word for word in (*words, *more) if not word.startswith("^")], edge, old, lost)
    for ident, reason in lost.items():
        name = f"commit {ident[:12]}"
        on_incident(Incident("failed", name, f"{reason}; what came before it is not known, and may count as added"))
    return [ident.encode() for ident in _oldest_first(new)]


def _behind(
    blobs: Blobs, tips: Iterable[str], edge: frozenset[bytes], known: dict[str, list[str]], lost: dict[str, str]
) -> dict[str, list[str]]:
    """Every commit behind these that is not `known`, with its parents; those that cannot be read go to `lost`."""
    out: dict[str, list[str]] = {}
    tags: set[str] = set()
    waiting = list(dict.fromkeys(tips))
    while waiting:
        further: list[str] = []
        for ident, data in blobs.each([ident for ident in waiting if ident not in known and ident not in lost]):
            if isinstance(data, SourceError):
                lost[ident] = data.reason
                continue
            lines = data.partition(b"\n\n")[0].split(b"\n")
            parents = [line[7:].decode("ascii", "replace") for line in lines[1:] if line.startswith(b"parent ")]
            if lines[0].startswith(b"object "):
                tags.add(ident)
                parents = [lines[0][7:].decode("ascii", "replace")]
            elif ident.encode() in edge:
                parents = []
            out[ident] = parents
            further += parents
        waiting = [ident for ident in dict.fromkeys(further) if ident not in out]
    return {ident: parents for ident, parents in out.items() if ident not in tags}


def _oldest_first(parents: dict[str, list[str]]) -> list[str]:
    """These commits, each behind its parents. Ids are believed, so one may be its own ancestor."""
    out: list[str] = []
    met: set[str] = set()
    for tip, first in parents.items():
        way = [(tip, iter(first))] if tip not in met else []
        met.add(tip)
        while way:
            ident, rest = way[-1]
            ahead = next((one for one in rest if one in parents and one not in met), "")
            if ahead:
                met.add(ahead)
                way.append((ahead, iter(parents[ahead])))
            else:
                out.append(ident)
                way.pop()
    return out


def resurrected(git: Git, revisions: Sequence[str]) -> Step | None:
    """All that the end of a range has and its beginning has not, where a merge of it may have brought back what a commit
    before it took out: then no commit of the range adds it. None where that cannot be."""
    if len(revisions) != 2 or not revisions[1].startswith("^") or revisions[0].startswith("-"):
        return None
    new, old = revisions[0], revisions[1][1:]
    merges = git.run("rev-list", "--merges", "--max-count=1", new, "^" + old)
    if not merges.strip() or git.ask("merge-base", "--is-ancestor", old, new).returncode:
        return None
    raw = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=none", old, new)
    return Step(new, list(parsed(raw)))


def _everything(git: Git, commit: str) -> list[Change]:
    """All that a commit has, as if it were new: for one that cannot be held against its parents. Empty if its own tree
    cannot be read either."""
    done = git.ask("ls-tree", "-r", "-z", "--full-tree", commit)
    out = []
    for row in done.stdout.split(b"\0"):
        meta, _, path = row.partition(b"\t")
        words = meta.decode("ascii", "replace").split(" ")
        if len(words) == 3 and words[1] == "blob":
            out.append(Change(path.decode("utf-8", "surrogateescape"), words[2], ("",), words[0]))
    return out


def _command(revisions: Sequence[str]) -> list[str]:
    """What stands in the command line. Ids do not: a push may have more of them than that takes."""
    if "--no-walk" in revisions:
        return ["--no-walk", "--stdin"]
    return ["--reverse", "--topo-order", "--stdin", *(word for word in revisions if word.startswith("--"))]


def _given(revisions: Sequence[str]) -> bytes:
    return "".join(f"{word}\n" for word in revisions if not word.startswith("--")).encode()


def _shallow(git: Git) -> frozenset[bytes]:
    """The commits whose parents a shallow clone does not have."""
    if git.run("rev-parse", "--is-shallow-repository").strip() != b"true":
        return frozenset()
    path = os.environ.get("GIT_SHALLOW_FILE") or os.fsdecode(
        git.run("rev-parse", "--git-path", "shallow").rstrip(b"\n")
    )
    try:
        with open(os.path.join(git.folder, path), "rb") as handle:
            return frozenset(handle.read().split())
    except OSError as error:
        raise SourceError("shallow", error.strerror or "cannot be read") from None


def _read_steps(out: IO[bytes]) -> Iterator[Step]:
    commit = ""
    changes: list[Change] = []
    meta = ""
    for field in _fields(out):
        if meta:
            changes.append(change(meta, field.decode("utf-8", "surrogateescape")))
            meta = ""
        elif field.startswith(b":"):
            meta = field.decode("ascii", "replace")
        elif field:
            if commit:
                yield Step(commit, changes)
            commit, changes = field.decode("ascii", "replace").strip(), []
    if commit:
        yield Step(commit, changes)


def _fields(out: IO[bytes]) -> Iterator[bytes]:
    """What stands between zeros, as it comes."""
    rest = b""
    while part := out.read(_PART):
        fields = (rest + part).split(b"\0")
        rest = fields.pop()
        yield from fields
    if rest:
        yield rest


def staged(git: Git) -> Step:
    """What is staged."""
    with Staged(git) as asked:
        return Step("", asked.changes())


# ---------------------------------------------------------------- the work tree
class WorkTree:
    """What the work tree has that is not staged, and a reader that knows its files beside the repository's blobs."""

    def __init__(self, git: Git, blobs: Blobs) -> None:
        self.git = self._git = git
        self._blobs = blobs
        self._top = os.fsdecode(git.run("rev-parse", "--show-toplevel").rstrip(b"\n"))
        self._inner = Git(self._top)

    def step(self) -> Step:
        """Files that differ from what is staged; those git was told to overlook are compared by content."""
        quiet = _no_filters(self._inner)
        self._check_attributes()
        # git would start another git in each submodule, which then does as that one's configuration says
        raw = self._inner.run(
            "diff-files", "--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=all", extra=quiet
        )
        changes = {found.path: found for found in parsed(raw)}
        out = [self._of(path, found.before, found.mode) for path, found in changes.items() if found.mode != "000000"]
        for path, blob, mode in self._overlooked():
            if path not in changes and self._is_own(path) and os.path.lexists(os.path.join(self._top, path)):
                out.append(self._of(path, (blob,), mode))
        return Step("", [found for found in out if found.mode != SUBMODULE])

    def _check_attributes(self) -> None:
        """SourceError if a file of attributes is a pipe: git would wait for it."""
        met: set[bytes] = set()
        for name in self._inner.run("ls-files", "-z").split(b"\0"):
            folder = name.rpartition(b"/")[0]
            while folder not in met:
                met.add(folder)
                path = os.path.join(self._top, os.fsdecode(folder), ".gitattributes")
                if os.path.lexists(path) and stat.S_ISFIFO(os.lstat(path).st_mode):
                    raise SourceError(path, "no file: git could wait for it for ever, and was not asked")
                folder = folder.rpartition(b"/")[0]

    def _of(self, path: str, before: tuple[str, ...], mode: str) -> Change:
        return Change(path, "worktree:" + path, before[:1] or ("",), mode)

    def _overlooked(self) -> Iterator[tuple[str, str, str]]:
        """(path, staged blob, mode) of what is marked assume-unchanged or skip-worktree."""
        marked = [
            row[2:]
            for row in self._inner.run("ls-files", "-v", "-z").split(b"\0")
            if row[:1].islower() or row[:1] == b"S"
        ]
        if not marked:
            return
        wanted = set(marked)
        for row in self._inner.run("ls-files", "-s", "-z").split(b"\0"):
            meta, _, name = row.partition(b"\t")
            if name in wanted:
                mode, blob, _stage = meta.decode("ascii", "replace").split(" ")
                yield os.fsdecode(name), blob, mode

    def _is_own(self, path: str) -> bool:
        """Whether no folder on the way to it is a link: for git there is nothing behind one."""
        folder = os.path.dirname(path)
        return os.path.realpath(os.path.join(self._top, folder)) == os.path.normpath(
            os.path.join(os.path.realpath(self._top), folder)
        )

    def read(self, ident: str) -> bytes:
        """A blob of the repository, or a file of the work tree. SourceError if it cannot be read."""
        kind, _, path = ident.partition(":")
        if kind != "worktree":
            return self._blobs.read(ident)
        full = os.path.join(self._top, path)
        if not self._is_own(path):
            raise SourceError(path, "stands behind a link, not followed")
        try:
            if os.path.islink(full):
                return os.fsencode(os.readlink(full))
            from leakguard.sources.windows import open_regular

            handle, size = open_regular(full)
            with os.fdopen(handle, "rb") as stream:
                data = stream.read(MOST_IN_MEMORY + 1)
        except OSError as error:
            raise SourceError(path, error.strerror or "cannot be read") from None
        if len(data) > MOST_IN_MEMORY:
            raise SourceError(path, f"larger than {MOST_IN_MEMORY} bytes; scan the file itself ({size} bytes)")
        return data


def _no_filters(git: Git) -> dict[str, str]:
    """Configuration that switches off the programs git would run to compare a file with its blob."""
    done = git.ask("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|smudge|required)$")
    names = sorted({os.fsdecode(name) for name in done.stdout.split(b"\0") if name})
    out = {"GIT_CONFIG_COUNT": str(len(names))}
    for number, name in enumerate(names):
        out[f"GIT_CONFIG_KEY_{number}"] = name
        out[f"GIT_CONFIG_VALUE_{number}"] = "false" if name.endswith(".required") else ""
    return out
