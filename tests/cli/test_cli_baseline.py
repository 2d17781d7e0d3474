"""`leakguard baseline`, suppression options and --trust-base, on real files and real repositories."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from leakguard.cli.main import run
from leakguard.detect.generate import expand

TOKEN = expand("{{gen:github ghp_}}", Random(431))
OTHER = expand("{{gen:github ghp_}}", Random(432))
THIRD = expand("{{gen:github ghp_}}", Random(433))
WORD = expand("{{alnum*14}}", Random(434))
RULE = "github.personal-access-token"
WHO = ("--owner", "ann@desk.example", "--reason", "fixtures of the parser")

pytestmark = pytest.mark.usefixtures("loaded")


Said = Callable[[], tuple[str, str]]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Said]:
    """Reads what was printed since the last time. Whatever that is, no secret is in it, nor in the baseline."""

    def read() -> tuple[str, str]:
        out, err = capfd.readouterr()
        book = tmp_path / "leakguard.baseline"
        for text in (out, err, book.read_text() if book.exists() else ""):
            assert not [secret for secret in (TOKEN, OTHER, THIRD, WORD) if secret in text]
        return out, err

    yield read
    read()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> Path:
    """A folder to work in, with two findings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.env").write_text(f"TOKEN={TOKEN}\n")
    (tmp_path / "src" / "db.yml").write_text(f"url: postgres://app:{WORD}@db.internal:5432/orders\n")
    return tmp_path


def git(*arguments: str, folder: Path | str = ".") -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@desk.example", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def scan(*arguments: str) -> int:
    return run(["scan", "-q", *arguments])


def rows() -> list[str]:
    return [line for line in Path("leakguard.baseline").read_text().split("\n") if line.startswith("lg1")]


def test_who_makes_a_baseline_is_told_how_a_scan_takes_it(here: Path, said: Said) -> None:
    """The next `leakguard scan .` leaves it alone, for whoever can change the tree could accept their own leak."""
    assert run(["baseline", "create", ".", *WHO]) == 0
    assert "--baseline leakguard.baseline" in said()[1]
    assert scan(".") == 1
    assert scan(".", "--baseline", "leakguard.baseline") == 0


def test_a_baseline_accepts_what_is_there_and_nothing_new(here: Path) -> None:
    assert scan("src") == 1
    assert run(["baseline", "create", "src", *WHO]) == 0
    assert scan("src") == 0
    assert len(rows()) == 2
    (here / "src" / "a.env").rename(here / "src" / "moved.env")
    assert scan("src") == 0
    (here / "src" / "moved.env").write_text(f"TOKEN={OTHER}\n")
    assert scan("src") == 1


def test_what_lies_in_archives_is_accepted_too(here: Path) -> None:
    with ZipFile(here / "backup.zip", "w", ZIP_DEFLATED) as packed:
        packed.writestr("srv/a.env", f"T={expand('{{gen:github ghp_}}', Random(91))}\n" * 3)
    assert run(["baseline", "create", ".", *WHO]) == 0
    assert scan("--baseline", "leakguard.baseline", ".") == 0


def test_the_same_baseline_holds_wherever_the_scan_is_started(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("init", "-q")
    assert run(["baseline", "create", "src", *WHO]) == 0
    monkeypatch.chdir(here / "src")
    assert scan("db.yml", str(here / "src" / "a.env")) == 0


def test_one_inside_the_target_is_not_used_unless_named_or_trusted(here: Path, said: Said) -> None:
    run(["baseline", "create", "src", *WHO])
    said()
    assert run(["scan", "."]) == 1
    assert "lies inside the target and is not used" in said()[1]
    assert scan(".", "--trust-target") == 0
    assert scan(".", "--baseline", "leakguard.baseline") == 0
    assert scan(".", "--baseline", "leakguard.baseline", "--no-baseline") == 1
    assert scan("src", "--baseline", "nowhere") == 2


def test_reports_and_receipts_say_what_was_suppressed(here: Path, said: Said) -> None:
    run(["baseline", "create", "src", *WHO])
    (here / "src" / "b.py").write_text(f"t = '{OTHER}'  # leakguard: allow[{RULE}] only an example\n")
    assert run(["scan", "src", "-f", "jsonl", "-o", "r.jsonl", "--show-suppressed", "--receipt", "receipt.json"]) == 0
    records = [json.loads(line) for line in (here / "r.jsonl").read_text().splitlines()]
    ways = {record["suppression"]["way"]: record["suppression"] for record in records}
    assert ways["baseline"]["owner"] == "ann@desk.example" and ways["baseline"]["status"] == "accepted"
    assert ways["inline"]["reason"] == "only an example"
    receipt = json.loads((here / "receipt.json").read_text())
    assert receipt["suppressed"] == {"count": 3, "ways": {"baseline": 2, "inline": 1}, "refused": 0}
    assert receipt["details"]["baseline"]["entries"] == 2
    assert "3 suppressed (2 baseline, 1 inline)" in said()[1]
    run(["scan", "src", "-f", "sarif", "-o", "r.sarif"])
    results = json.loads((here / "r.sarif").read_text())["runs"][0]["results"]
    kinds = {(item["suppressions"][0]["kind"], item["suppressions"][0]["justification"]) for item in results}
    assert kinds == {("external", "fixtures of the parser"), ("inSource", "only an example")}


def test_policy_of_the_command_line_and_the_configuration(here: Path) -> None:
    (here / "src" / "a.env").write_text(f"TOKEN={TOKEN}  # leakguard: allow[{RULE}] fixture\n")
    (here / "src" / "db.yml").unlink()
    assert scan("src") == 0
    assert scan("src", "--no-inline") == 1
    assert scan("src", "--suppress-up-to", "low") == 1
    (here / "leakguard.toml").write_text("inline = false\n")
    assert scan("src") == 1
    assert scan("src", "--inline") == 0


def test_prune_lists_what_matches_nothing_and_keeps_all_if_it_could_not_look(here: Path, said: Said) -> None:
    run(["baseline", "create", "src", *WHO])
    (here / "src" / "a.env").unlink()
    assert run(["baseline", "prune", "--check"]) == 1
    assert len(rows()) == 2
    (here / "src" / "closed").mkdir()
    broken = here / "src" / "closed" / "fifo"
    if os.geteuid():
        (here / "src" / "closed").chmod(0)
        assert run(["baseline", "prune"]) == 3
        (here / "src" / "closed").chmod(0o700)
    os.mkfifo(broken)
    assert run(["baseline", "prune", "src", str(broken)]) == 3
    assert len(rows()) == 2
    said()
    assert run(["baseline", "prune"]) == 0
    out = said()[0]
    assert out.startswith("unused: lg1-") and RULE in out and "fixtures of the parser" in out
    assert len(rows()) == 1


def test_expired_entries_fire_until_they_are_renewed(here: Path) -> None:
    assert run(["baseline", "create", "src", *WHO, "--expires", "2020-01-31"]) == 2  # nothing would be accepted by it
    assert run(["baseline", "create", "src", *WHO, "--expires", "2999-01-31"]) == 0
    assert scan("src") == 0
    file = Path("leakguard.baseline")
    file.write_text(file.read_text().replace("expires=2999", "expires=2020"))
    assert scan("src") == 1
    assert run(["baseline", "update", "src", *WHO, "--expires", "2999-01-01"]) == 0
    assert scan("src") == 1
    assert run(["baseline", "update", "src", *WHO, "--expires", "2999-01-01", "--renew"]) == 0
    assert scan("src") == 0
    assert run(["baseline", "update", "src", *WHO, "--expires", "tomorrow"]) == 2


def test_a_reason_is_required_and_nothing_is_overwritten(here: Path) -> None:
    assert run(["baseline", "create", "src", "--owner", "ann"]) == 2
    assert not os.path.exists("leakguard.baseline")
    assert run(["baseline", "create", "src", *WHO]) == 0
    before = Path("leakguard.baseline").read_text()
    assert run(["baseline", "create", "src", *WHO]) == 2
    assert Path("leakguard.baseline").read_text() == before
    assert run(["baseline", "update", "nowhere", *WHO]) == 2
    assert Path("leakguard.baseline").read_text() == before


def test_audit_walks_and_writes_only_what_was_decided(here: Path) -> None:
    run(["baseline", "create", "src", *WHO])
    command = [sys.executable, "-m", "leakguard", "baseline", "audit", "src"]
    done = subprocess.run(command, input="r\nlooked at it\nd\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "src/a.env:1" in done.stdout
    assert TOKEN not in done.stdout + done.stderr and WORD not in done.stdout + done.stderr
    assert len(rows()) == 1 and rows()[0].split("\t")[4] == "looked at it"
    done = subprocess.run(command, input="e\n31.1.2030\n2030-01-31\n", capture_output=True, text=True, check=False)
    assert rows()[0].split("\t")[5] == "expires=2030-01-31"
    before = rows()
    subprocess.run(command, input="q\n", capture_output=True, text=True, check=False)
    assert rows() == before


def test_audit_lists_and_explain_explains(here: Path, said: Said) -> None:
    run(["baseline", "create", "src", *WHO])
    (here / "src" / "a.env").unlink()
    said()
    assert run(["baseline", "audit", "--list", "src"]) == 0
    states = sorted(line.partition(":")[0] for line in said()[0].splitlines())
    assert states == ["in force", "unused"]
    assert run(["baseline", "explain", "lg1-"]) == 0
    out = said()[0]
    assert "exactly this value found by this rule" in out and "ann@desk.example: fixtures of the parser" in out
    assert run(["baseline", "explain", "lg1-zz"]) == 2


def test_a_team_key_is_not_written_down_and_must_match(here: Path) -> None:
    (here / "leakguard.toml").write_text('fingerprint_key = "kept in the vault"\n')
    assert run(["baseline", "create", "src", *WHO]) == 0
    assert "vault" not in Path("leakguard.baseline").read_text()
    assert scan("src") == 0
    (here / "leakguard.toml").write_text('fingerprint_key = "something else"\n')
    assert scan("src") == 2


# ---- git ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(here: Path) -> Path:
    git("init", "-q")
    run(["baseline", "create", "src", *WHO])
    git("add", ".")
    git("commit", "-qm", "start")
    return here


def add(name: str, secret: str) -> None:
    Path("src", name).write_text(f"TOKEN={secret}\n")
    run(["baseline", "update", "src", *WHO])
    git("add", ".")
    git("commit", "-qm", name)


@pytest.mark.parametrize("way", ["driver", "union"])
def test_two_branches_merge_without_conflict(repository: Path, way: str) -> None:
    driver = f"{sys.executable} -m leakguard baseline merge %O %A %B"
    git("config", "merge.leakguard.driver", driver)
    Path(".gitattributes").write_text(f"leakguard.baseline merge={'leakguard' if way == 'driver' else 'union'}\n")
    git("add", ".")
    git("commit", "-qm", "attributes")
    git("branch", "other")
    add("one.env", OTHER)
    git("checkout", "-q", "other")
    add("two.env", THIRD)
    if way == "driver":
        Path("src", "a.env").unlink()
        run(["baseline", "prune"])
        git("commit", "-qam", "pruned")
    git("checkout", "-q", "main")
    git("merge", "-q", "other", "-m", "merged")
    assert scan("src") == 0
    assert len(rows()) == (3 if way == "driver" else 4)


def test_baselines_with_different_salts_are_a_conflict_and_say_so(repository: Path) -> None:
    other = repository / "other"
    subprocess.run([sys.executable, "-m", "leakguard", "baseline", "create", "src", "-b", str(other), *WHO], check=True)
    before = (repository / "leakguard.baseline").read_text()
    assert run(["baseline", "merge", os.devnull, "leakguard.baseline", str(other)]) == 1
    assert (repository / "leakguard.baseline").read_text() == before


def test_the_base_revision_decides_and_not_the_branch(repository: Path, said: Said) -> None:
    base = git("rev-parse", "HEAD").strip()
    assert scan("src", "--trust-base", base) == 0
    # a branch that accepts its own secret in every way there is
    Path("src", "new.env").write_text(f"TOKEN={OTHER}\n")
    Path("src", "new.py").write_text(f"t = '{THIRD}'  # leakguard: allow[{RULE}] trust me\n")
    Path("leakguard.toml").write_text('only = ["npm"]\nmin_severity = "critical"\n')
    run(["baseline", "update", "src", "-c", os.devnull, *WHO])
    assert scan("src", "-c", os.devnull) == 0
    said()
    assert run(["scan", "src", "--trust-base", base, "-f", "jsonl"]) == 1
    records = [json.loads(line) for line in said()[0].splitlines()]
    assert {record["path"] for record in records} == {"src/new.env", "src/new.py"}
    notes = {record.get("suppression", {}).get("note") for record in records}
    assert "the line and its comment are not in the base revision" in notes
    assert scan(".", "--trust-base", "main~0") == 1
    assert scan("src", "--trust-base", "nowhere") == 2
    assert scan("src", "--trust-base", "--help") == 2
    # a tag called like the base, as a branch could bring it
    git("update-ref", "refs/remotes/origin/main", base)
    git("tag", "origin/main", "HEAD")
    assert scan("src", "--trust-base", "origin/main") == 1
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    git("tag", "-f", "origin/main", "HEAD")
    assert scan("src", "--trust-base", "origin/main") == 2
    assert scan("src", "--trust-base", "refs/remotes/origin/main") == 1


def test_the_base_revisions_own_configuration_packs_and_comments_count(repository: Path) -> None:
    Path("src", "old.py").write_text(f"a = 1\nt = '{THIRD}'  # leakguard: allow[{RULE}] an example\n")
    Path("packs").mkdir()
    pack = """[pack]
provider = "zetatest"
title = "Zeta"
references = ["https://zeta.example/docs"]
[[rule]]
id = "zetatest.token"
title = "Zeta token"
part = "access-token"
severity = "critical"
confidence = "high"
keywords = ["zetatest_pat_"]
pattern = "\\\\b(?P<secret>zetatest_pat_[A-Za-z0-9]{24})\\\\b"
why = "opens Zeta"
fix = "delete it"
examples = ["zetatest_pat_{{alnum*24}}", "x=zetatest_pat_{{alnum*24}};"]
near_misses = [{ text = "zetatest_pat_short", why = "too short" }, { text = "zetatest_{{alnum*24}}", why = "prefix" }]
"""
    Path("packs", "zeta.toml").write_text(pack)
    Path("leakguard.toml").write_text('rules = ["packs"]\n')
    git("add", ".")
    git("commit", "-qm", "base")
    Path("packs", "zeta.toml").unlink()
    Path("leakguard.toml").write_text("inline = false\n")
    Path("src", "old.py").write_text(f"a = 1\nb = 2\nt = '{THIRD}'  # leakguard: allow[{RULE}] an example\n")
    assert scan("src", "--trust-base", "HEAD") == 0
    Path("src", "zeta.txt").write_text("zetatest_pat_" + expand("{{alnum*24}}", Random(9)) + "\n")
    assert scan("src", "--trust-base", "HEAD") == 1
    Path("src", "zeta.txt").unlink()
    # another value under the comment that was reviewed
    Path("src", "old.py").write_text(f"a = 1\nt = '{OTHER}'  # leakguard: allow[{RULE}] an example\n")
    assert scan("src", "--trust-base", "HEAD") == 1


# ---- imports --------------------------------------------------------------------------------------------------------


def test_imports_map_exactly_or_list(repository: Path, said: Said) -> None:
    old = git("rev-parse", "HEAD").strip()
    Path("src", "a.env").write_text("# cleaned\n")
    Path("src", "c.env").write_text(f"\nTOKEN={OTHER}\n")
    git("add", ".")
    git("commit", "-qm", "two")
    Path("leakguard.baseline").unlink()
    Path(".gitleaksignore").write_text(
        f"{old}:src/a.env:github-pat:1\nsrc/c.env:github-pat:2\nsrc/c.env:github-pat:1\nsrc/gone:x:1\n{'0' * 40}:a:b:1\n"
    )
    said()
    assert run(["baseline", "import", ".gitleaksignore", "--owner", "ann"]) == 1
    out = said()[0].splitlines()
    assert [line.split(":")[2] for line in out] == ["3", "4", "5"]
    assert len(rows()) == 2
    assert sorted("in=history" in row for row in rows()) == [False, True]
    assert scan("src/c.env") == 0
    assert run(["baseline", "prune"]) == 0
    assert len(rows()) == 2
    sha = hashlib.sha1(OTHER.encode(), usedforsecurity=False).hexdigest()
    found = {"type": "GitHub Token", "hashed_secret": sha, "line_number": 1}
    Path(".secrets.baseline").write_text(json.dumps({"results": {"src/c.env": [found]}}))
    Path("leakguard.baseline").unlink()
    assert run(["baseline", "import", ".secrets.baseline", "--owner", "ann"]) == 0
    assert "imported from .secrets.baseline: GitHub Token" in rows()[0]
    outside = {"type": "x", "hashed_secret": sha, "line_number": 1}
    Path("b").write_text(json.dumps({"results": {"../../etc/passwd": [outside]}}))
    assert run(["baseline", "import", "b", "--as", "detect-secrets", "--owner", "ann"]) == 1
    assert "outside of the folder" in said()[0]


def test_what_other_tools_found_in_archives_is_imported(repository: Path, said: Said) -> None:
    """gitleaks writes a member behind its archive, `a.zip!conf/.env`; TruffleHog and detect-secrets name the archive alone."""
    with ZipFile(Path("src", "a.zip"), "w", ZIP_DEFLATED) as packed:
        packed.writestr("conf/.env", f"\nTOKEN={OTHER}\n")
        packed.writestr("other.env", f"\nTOKEN={THIRD}\n")
    git("add", ".")
    git("commit", "-qm", "packed")
    old = git("rev-parse", "HEAD").strip()
    places = ("src/a.zip!conf/.env:x:2", f"{old}:src/a.zip!other.env:x:2", "src/a.zip!conf/.env:x:1", "src/a.zip!gone:x:2", "src/a.zip!:x:2")
    Path(".gitleaksignore").write_text("".join(f"{place}\n" for place in places))
    Path("leakguard.baseline").unlink()
    said()
    assert run(["baseline", "import", ".gitleaksignore", "--owner", "ann"]) == 1
    assert [line.split(":")[2] for line in said()[0].splitlines()] == ["3", "4", "5"]
    assert len(rows()) == 2
    assert not any("in=history" in row for row in rows())
    assert scan("src/a.zip") == 0
    Path("src", "a.zip").unlink()
    git("commit", "-qam", "gone")
    report = [
        {"RuleID": "a", "File": "src/a.zip!conf/.env", "StartLine": 2, "Secret": OTHER, "Commit": old},
        {"RuleID": "b", "File": "src/a.zip!renamed/.env", "StartLine": 9, "Secret": THIRD, "Commit": old},
        {"RuleID": "c", "File": "src/a.zip!conf/.env", "StartLine": 2, "Secret": WORD, "Commit": old},
        {"RuleID": "d", "File": "src/a.zip!conf/.env", "StartLine": 2, "Secret": OTHER, "Commit": ""},
    ]
    Path("report.json").write_text(json.dumps(report))
    Path("leakguard.baseline").unlink()
    said()
    assert run(["baseline", "import", "report.json", "--owner", "ann"]) == 1
    assert [line.split(": ")[1] for line in said()[0].splitlines()] == ["report.json, entry 3", "report.json, entry 4"]
    assert len(rows()) == 2
    assert all("in=history" in row for row in rows())
    Path("report.json").write_text(
        json.dumps({"SourceMetadata": {"Data": {"Git": {"file": "src/a.zip", "commit": old, "line": 1}}}, "DetectorName": "Github", "Raw": OTHER})
    )
    Path("leakguard.baseline").unlink()
    assert run(["baseline", "import", "report.json", "--owner", "ann"]) == 0


def test_history_has_its_own_entries_that_survive_a_rebase(repository: Path, said: Said) -> None:
    add("gone.env", OTHER)
    Path("src", "gone.env").write_text("cleaned\n")
    git("commit", "-qam", f"cleaned, was {THIRD}")
    Path("leakguard.baseline").unlink()
    assert run(["baseline", "create", "src", *WHO]) == 0
    known = ["git", ".", "-q", "--baseline", "leakguard.baseline"]
    assert run(known) == 1
    assert run(["baseline", "update", "src", *WHO, "--history"]) == 0
    assert sorted("in=history" in row for row in rows()) == [False, False, True, True]
    assert run(known) == 0
    assert run(["baseline", "prune"]) == 0 and len(rows()) == 4
    git("commit", "-qam", "baseline")
    first = git("rev-list", "--max-parents=0", "HEAD").strip()
    git("-c", "sequence.editor=true", "rebase", "-q", "--force-rebase", "--committer-date-is-author-date", first)
    assert run(known) == 0
    git("reset", "-q", "--soft", first)
    git("commit", "-qm", "squashed")
    assert run(known) == 0
    git("mv", "src/a.env", "src/renamed.env")
    git("commit", "-qm", "renamed")
    assert run([*known, "--no-cache"]) == 0
    # nothing of it is left: then a look at all of history may prune what is only there
    subprocess.run("rm -rf .git && git init -q", shell=True, check=True)
    assert run(["baseline", "prune", "--history"]) == 0
    assert len(rows()) == 2


def test_git_ranges_can_trust_their_base_alone(repository: Path) -> None:
    git("checkout", "-q", "-b", "topic")
    Path("src", "new.py").write_text(f"t = '{THIRD}'  # leakguard: allow[{RULE}] trust me\n")
    git("add", ".")
    git("commit", "-qm", "topic")
    assert run(["git", ".", "-q", "--range", "main..topic"]) == 0
    assert run(["git", ".", "-q", "--range", "main..topic", "--trust-base", "main"]) == 1
    assert run(["git", ".", "-q", "--range", "main..topic", "--no-inline"]) == 1
    assert run(["git", ".", "-q", "--range", "main..topic", "--trust-base", "topic"]) == 0


def test_a_bare_repository_has_base_revisions_too(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    bare = tmp_path_factory.mktemp("bare") / "r.git"
    git("clone", "-q", "--bare", ".", str(bare))
    assert run(["git", str(bare), "-q", "--trust-base", "main", "--receipt", "receipt.json"]) == 0
    receipt = json.loads(Path("receipt.json").read_text())
    assert receipt["details"]["trust_base"] == git("rev-parse", "main").strip()
    assert receipt["details"]["baseline"]["file"] == "main:leakguard.baseline"
    assert run(["git", str(bare), "-q", "--no-baseline"]) == 1
