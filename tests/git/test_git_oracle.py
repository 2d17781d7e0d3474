"""GitPython as a second opinion: refs, commits, parents, trees, and who brought what, of repositories that real git made."""

from __future__ import annotations

from pathlib import Path
from random import Random

import git
import pytest
from repos import Repository

from leakguard.model import Incident
from leakguard.sources.git import Shadow, find
from leakguard.sources.gitcall import Git
from leakguard.sources.gitfacts import Content, attribute
from leakguard.sources.gitobjects import Changes, commit, contents, entries, head, listing, unpack
from leakguard.sources.gitrefs import Refs, read_refs


def _none(incident: Incident) -> None:
    raise AssertionError(incident)


class Both:
    """A repository as leakguard and as GitPython see it."""

    def __init__(self, root: Path) -> None:
        self.at = find(str(root), _none)[0]
        self.refs: Refs = read_refs(self.at, _none)
        self.theirs = git.Repo(root)
        with Shadow(self.at, _none) as shadow:
            listed = listing(shadow.git, 20, None, _none)
            self.commits = sorted(unpack(bytes(listed.ids["commit"]), 20))
            self.texts = self._texts(shadow.git, self.commits)
            self.trees = self._texts(shadow.git, sorted(unpack(bytes(listed.ids["tree"]), 20)))
            self.blobs = {oid.hex() for oid in unpack(bytes(listed.ids["blob"]), 20)}
            order = [oid.hex().encode() for oid in self.commits]
            self.changes = list(Changes(shadow.git, order))
            wanted = [("blob", oid.encode()) for oid in self.blobs]
            self.facts, self.gaps, trunk = attribute(shadow.git, 20, lambda: b"".join(self.commits), wanted, self.refs, 1)
            self.lost = [(key[1].decode(), facts) for key, facts in self.facts.items() if facts.commit and not facts.now]
            asked = [Content(frozenset((oid.encode(),)), facts.paths, facts.brought) for oid, facts in self.lost]
            self.removals = trunk.removals(asked)

    @staticmethod
    def _texts(git_: Git, oids: list[bytes]) -> dict[str, bytes]:
        return {oids[c.number].hex(): c.data or b"" for c in contents(git_, b"".join(oids), 20)}

    def brought(self, oid: str) -> set[tuple[str, str]]:
        """(blob, path) of what a commit has and none of its parents has at that path, by GitPython's trees."""
        one = self.theirs.commit(oid)
        before = {(blob.hexsha, str(blob.path)) for parent in one.parents for blob in _blobs(parent)}
        return {(blob.hexsha, str(blob.path)) for blob in _blobs(one)} - before


def _blobs(one: git.Commit) -> list[git.Blob]:
    return [item for item in one.tree.traverse() if isinstance(item, git.Blob)]


def history(root: Path, seed: int) -> Repository:
    """Branches, merges with results of their own, tags of both kinds, renames, files that come back, a linked work tree;
    refs loose, packed, symbolic and both."""
    rng = Random(seed)
    repo = Repository(root, "-b", "main")
    repo.commit("a.txt", "first\n")
    names = ["main"]
    for number in range(24):
        roll = rng.random()
        when = {"GIT_AUTHOR_DATE": f"{1_600_000_000 + rng.randrange(9999)} +0{rng.randrange(10)}30"}
        if roll < 0.2:
            names.append(f"side/{number}")
            repo.git("checkout", "-q", "-b", names[-1])
        elif roll < 0.4:
            repo.git("checkout", "-q", rng.choice(names))
        elif roll < 0.5 and len(names) > 1:
            repo.git("merge", "-q", "--no-ff", "-m", "m", "-X", "ours", rng.choice(names), code=None)
            repo.git("merge", "--abort", code=None)
        if rng.random() < 0.15:
            repo.git("mv", "-f", rng.choice(sorted(p.name for p in root.glob("*.txt"))), f"m{number}.txt")
        folder = rng.choice(("", "d/", "d/e/", "\u00e9 \"q\"/"))
        repo.stage(f"{folder}{rng.randrange(6)}.txt", f"{rng.randrange(12)}\n" * rng.randrange(1, 4))
        repo.git("commit", "-q", "--allow-empty", "-m", f"{number} \u00fc\n\nbody", **when)
        if rng.random() < 0.2:
            repo.git("tag", *rng.choice(((), ("-a", "-m", "t"))), f"v{number}")
        if rng.random() < 0.15:
            repo.git("pack-refs", "--all")
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
    repo.git("worktree", "add", "-q", "--detach", str(root.parent / "linked"))
    if seed % 2:
        repo.git("repack", "-adq")
    return repo


@pytest.fixture(scope="module", params=range(4))
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    return Both(history(tmp_path_factory.mktemp("oracle") / "repo", request.param).root)


def test_refs_are_those_that_gitpython_sees(both: Both) -> None:
    ours = {ref.name: ref.oid.decode() for ref in both.refs.refs if ref.name.startswith("refs/")}
    assert ours == {
        ref.path: ref.object.hexsha for ref in both.theirs.references if ref.path.startswith("refs/")
    }  # fmt: skip
    assert both.refs.default == "refs/heads/main"
    assert both.refs.default_oid.decode() == both.theirs.heads["main"].commit.hexsha


def test_commits_say_what_gitpython_reads_in_them(both: Both) -> None:
    for oid, text in both.texts.items():
        theirs, ours = both.theirs.commit(oid), commit(text)
        parents = [parent.hexsha.encode() for parent in theirs.parents]
        assert (ours.tree.decode(), list(ours.parents)) == (theirs.tree.hexsha, parents)
        assert (ours.when, ours.committed) == (theirs.authored_date, theirs.committed_date)
        assert ours.author.decode() == f"{theirs.author.name} <{theirs.author.email}>"
        assert ours.text[slice(*ours.subject)].decode() == str(theirs.summary)
        assert head(text)[:3] == (ours.tree, parents, ours.committed)


def test_trees_hold_what_gitpython_finds_in_them(both: Both) -> None:
    for oid, data in both.trees.items():
        theirs = git.Tree(both.theirs, bytes.fromhex(oid), path="")
        assert entries(data, 20) == [item.name.encode() + b"\0" + item.binsha for item in theirs]


def test_commits_brought_what_is_new_in_gitpythons_trees(both: Both) -> None:
    """A merge is told what none of its parents has; one whose content at a path is new and the path's in another is told too."""
    told: dict[str, set[tuple[str, str]]] = {oid: set() for oid in both.texts}
    for current, _, oid, path in both.changes:
        told[current.decode()].add((oid.decode(), path.decode()))
    for oid in both.texts:
        assert told[oid] == both.brought(oid), oid


def test_what_is_said_of_blobs_is_what_gitpythons_history_says(both: Both) -> None:
    assert not both.gaps
    tips = {ref.path: {one.hexsha for one in ref.commit.iter_items(both.theirs, ref.commit)} for ref in both.theirs.references}
    where: dict[str, set[str]] = {}
    for oid in both.texts:
        for blob, _ in both.brought(oid):
            where.setdefault(blob, set()).add(oid)
    now = {blob.hexsha for blob in _blobs(both.theirs.heads["main"].commit)}
    for (_, key), facts in both.facts.items():
        blob = key.decode()
        assert facts.commit.decode() in where[blob]
        behind = set().union(*tips.values())
        older = {one.hexsha for one in both.theirs.commit(facts.commit.decode()).iter_parents()}
        assert not older & where[blob], "a commit before it had it already"
        assert facts.now == (blob in now)
        held = {name for name, commits in tips.items() if commits & where[blob]}
        assert set(facts.refs) - {"HEAD", "worktrees/linked/HEAD"} <= held
        assert bool(facts.refs) == bool(held) or not where[blob] & behind


def test_what_the_default_branch_lost_it_lost_in_gitpythons_trees(both: Both) -> None:
    """The last time that it lost it. A merge may bring something back that no commit after the loss brought: then an earlier one."""
    line = list(reversed(list(both.theirs.iter_commits("main", first_parent=True))))
    trees = [{blob.hexsha for blob in _blobs(one)} for one in line]
    assert both.lost
    for (oid, _), removal in zip(both.lost, both.removals, strict=True):
        held = [oid in tree for tree in trees]
        losses = [at for at in range(1, len(line)) if held[at - 1] and not held[at]]
        if removal is None:
            begins = [at for at in range(len(line)) if held[at] and (at == 0 or not held[at - 1])]
            assert all(len(line[at].parents) > 1 for at in begins)
            continue
        (place,) = (at for at, one in enumerate(line) if one.hexsha == removal[0].decode())
        assert place in losses
        assert removal[1].committed == line[place].committed_date
        assert all(len(line[at].parents) > 1 for at in range(place + 1, len(line)) if held[at] and not held[at - 1])
