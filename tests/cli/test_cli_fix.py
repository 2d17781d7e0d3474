"""`leakguard fix` on real files and a real index: consent, masks, modes, undo, and unrelated edits that stay."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from leakguard.cli.main import run
from leakguard.detect.generate import expand

TOKEN = expand("{{gen:github ghp_}}", Random(451))
OTHER = expand("{{gen:github ghp_}}", Random(452))
OLD = expand("{{alnum*12}}", Random(453))

pytestmark = pytest.mark.usefixtures("loaded")
Said = Callable[[], str]


def git(*arguments: str) -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@desk.example", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *who, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """What was printed since the last time; no secret is in it."""

    def read() -> str:
        text = "".join(capfd.readouterr())
        assert not [secret for secret in (TOKEN, OTHER, OLD) if secret in text]
        return text

    yield read
    read()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> Path:
    """A repository with one leak in it, and a state folder of its own."""
    folder = tmp_path / "repo"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LEAKGUARD_STATE_DIR", str(tmp_path / "state"))
    git("init", "-q")
    (folder / "app.py").write_bytes(f"hub_token = '{TOKEN}'\r\nprint(hub_token)\r\n".encode())
    (folder / "app.py").chmod(0o754)
    return folder


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file outside of .git: (content, mode)."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts
    }  # fmt: skip


@pytest.mark.parametrize("kind", [ZIP_DEFLATED, ZIP_STORED])
def test_an_archive_is_never_written_into(here: Path, said: Said, kind: int) -> None:
    with ZipFile(here / "backup.zip", "w", kind) as packed:
        packed.writestr("a.env", f"T={expand('{{gen:github ghp_}}', Random(77))}\n" * 3)
    before = (here / "backup.zip").read_bytes()
    run(["fix", "--yes", "backup.zip"])
    assert "not replaced: backup.zip!/a.env:1" in said()
    assert (here / "backup.zip").read_bytes() == before


def test_of_each_member_it_is_said_that_it_lies_in_an_archive(here: Path, said: Said) -> None:
    """Their offsets are alike, and mean nothing in the archive's own bytes."""
    with ZipFile(here / "backup.zip", "w", ZIP_STORED) as packed:
        for number, name in enumerate(("a.env", "b.env", "deep/c.yml")):
            packed.writestr(name, f"T={expand('{{gen:github ghp_}}', Random(80 + number))}\n")
    assert run(["fix", "--yes", "backup.zip"]) == 1
    told = said()
    names = ("a.env", "b.env", "deep/c.yml")
    for name in names:
        assert f"not replaced: backup.zip!/{name}:1: github.personal-access-token: it is inside of an archive" in told
    assert told.count("instead: make that anew without the value") == 3
    git("add", "backup.zip")
    assert run(["fix", "--yes", "--staged"]) == 1
    told = said()
    assert all(f"not replaced: backup.zip!/{name}:1" in told for name in names)


def test_nothing_changes_without_consent(here: Path, said: Said) -> None:
    before = tree(here)
    assert run(["fix", "--dry-run"]) == 1
    shown = said()
    assert "-hub_token = '<github.personal-access-token:40>'" in shown
    assert '+hub_token = os.environ["HUB_TOKEN"]' in shown
    for answer in ("n\n", "", "what\n"):
        command = [sys.executable, "-m", "leakguard", "fix"]
        done = subprocess.run(command, input=answer, capture_output=True, text=True, check=False)
        assert done.returncode in (1, 130)
        assert TOKEN not in done.stdout + done.stderr
        assert tree(here) == before
    assert not (here.parent / "state").exists()


def test_a_fix_replaces_keeps_and_can_be_undone(here: Path, said: Said) -> None:
    before = tree(here)
    assert run(["fix", "-y"]) == 0
    assert (here / "app.py").read_bytes() == b'import os\r\nhub_token = os.environ["HUB_TOKEN"]\r\nprint(hub_token)\r\n'
    assert stat.S_IMODE((here / "app.py").stat().st_mode) == 0o754
    assert (here / ".env").read_text() == f"HUB_TOKEN={TOKEN}\n"
    assert stat.S_IMODE((here / ".env").stat().st_mode) == 0o600
    assert (here / ".env.example").read_text() == "HUB_TOKEN=\n"
    assert (here / ".gitignore").read_text() == "/.env\n"
    assert ".env\n" not in git("status", "--porcelain", "-uall").replace(".env.example", "")
    done = subprocess.run(
        [sys.executable, "app.py"], env={**os.environ, "HUB_TOKEN": "there"}, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"there"]
    for path in (here.parent / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) in ((0o700, 0o755) if path.is_dir() else (0o600,))
    assert run(["fix", "-y"]) == 0
    assert "nothing to replace" in said()
    assert run(["fix", "--undo"]) == 0
    assert tree(here) == before
    assert not list((here.parent / "state").rglob("*.before"))
    assert run(["fix", "--undo"]) == 0
    assert "nothing of this folder to undo" in said()


def test_undo_leaves_what_was_edited_since(here: Path, said: Said) -> None:
    run(["fix", "-y"])
    (here / "app.py").write_text("edited\n")
    assert run(["fix", "--undo"]) == 1
    assert (here / "app.py").read_text() == "edited\n"
    assert "has changed since" in said()
    assert not (here / ".env").exists()
    assert run(["fix", "--forget"]) == 0
    assert not list((here.parent / "state").rglob("*.before"))


def test_an_env_file_keeps_its_values_and_shows_none(here: Path, said: Said) -> None:
    (here / ".env").write_text(f"HUB_TOKEN='{OTHER}'\nDB={OLD}")
    (here / ".env").chmod(0o644)
    (here / ".gitignore").write_text("*.pyc\n.env")
    (here / "b.py").write_text(f"other = '{OTHER}'\n")
    assert run(["fix", "-y"]) == 0
    assert (here / ".env").read_text() == f"HUB_TOKEN='{OTHER}'\nDB={OLD}\nHUB_TOKEN_2={TOKEN}\n"
    assert stat.S_IMODE((here / ".env").stat().st_mode) == 0o600
    assert b'other = os.environ["HUB_TOKEN"]' in (here / "b.py").read_bytes()
    assert (here / ".gitignore").read_text() == "*.pyc\n.env"


def test_values_are_never_written_where_git_looks(here: Path, said: Said) -> None:
    (here / ".env").write_text("A=1\n")
    git("add", ".env")
    before = tree(here)
    assert run(["fix", "-y"]) == 2
    assert "tracked by git" in said()
    git("rm", "-q", "--cached", ".env")
    (here / "sub").mkdir()
    (here / "sub" / ".gitignore").write_text("!.env\n")
    assert run(["fix", "-y", "--env-file", "sub/.env"]) == 3
    assert "git would not ignore it" in said()
    assert tree(here)["app.py"] == before["app.py"]
    assert not (here / "sub" / ".env").exists()


def test_what_is_refused_is_listed_and_ends_with_one(here: Path, said: Said) -> None:
    (here / "a.json").write_text(f'{{"token": "{OTHER}"}}\n')
    assert run(["fix", "-y"]) == 1
    text = said()
    assert "not replaced: a.json:1" in text and "instead: JSON has no references" in text
    assert OTHER in (here / "a.json").read_text()
    assert TOKEN not in (here / "app.py").read_text()


def test_what_is_accepted_is_left_alone(here: Path) -> None:
    (here / "app.py").write_text(f"t = '{TOKEN}'  # leakguard: allow[github.*] a fixture\n")
    assert run(["fix", "-y"]) == 0
    assert TOKEN in (here / "app.py").read_text()


def test_links_are_not_written_through(here: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(f"t = '{TOKEN}'\n")
    (here / "app.py").unlink()
    (here / "link.py").symlink_to(outside)
    run(["fix", "-y"])
    assert outside.read_text() == f"t = '{TOKEN}'\n"
    assert (here / "link.py").is_symlink()


# ---- staged ---------------------------------------------------------------------------------------------------------


def test_staged_values_leave_the_index_and_other_edits_stay(here: Path, said: Said) -> None:
    (here / "app.py").write_text(f"a = 1\nhub_token = '{TOKEN}'\nb = 2\n")
    (here / "app.py").chmod(0o755)
    (here / "unstaged.py").write_text(f"t = '{OTHER}'\n")
    git("add", "app.py")
    (here / "app.py").write_text(f"a = 1\nhub_token = '{TOKEN}'\nb = 2\nunrelated = 3\n")
    staged = git("ls-files", "-s")
    assert run(["fix", "--staged", "-y"]) == 0
    assert git("show", ":app.py") == 'import os\na = 1\nhub_token = os.environ["HUB_TOKEN"]\nb = 2\n'
    assert git("ls-files", "-s").startswith("100755 ")
    assert (
        here / "app.py"
    ).read_text() == 'import os\na = 1\nhub_token = os.environ["HUB_TOKEN"]\nb = 2\nunrelated = 3\n'
    assert OTHER in (here / "unstaged.py").read_text()
    assert git("diff", "--cached", "--name-only").split() == ["app.py"]
    assert run(["fix", "--undo"]) == 0
    assert git("ls-files", "-s") == staged
    assert (here / "app.py").read_text().endswith("unrelated = 3\n") and TOKEN in (here / "app.py").read_text()


def test_what_is_not_merged_is_left_as_it_is(here: Path, said: Said) -> None:
    git("add", "app.py")
    blob = git("ls-files", "-s", "app.py").split()[1]
    git("update-index", "--force-remove", "app.py")
    done = subprocess.run(
        ["git", "update-index", "--index-info"], input=f"100644 {blob} 2\tapp.py\n100644 {blob} 3\tapp.py\n".encode(), check=False
    )
    assert done.returncode == 0
    staged = git("ls-files", "-s")
    assert run(["fix", "--staged", "-y"]) == 2
    assert "is not merged yet" in said()
    assert git("ls-files", "-s") == staged
    assert TOKEN in (here / "app.py").read_text()


def test_staged_and_then_cleaned_in_the_work_tree(here: Path) -> None:
    git("add", "app.py")
    (here / "app.py").write_text("hub_token = None\n")
    assert run(["fix", "--staged", "-y"]) == 0
    assert TOKEN not in git("show", ":app.py")
    assert (here / "app.py").read_text() == "hub_token = None\n"


def test_names_that_git_would_read_as_patterns(here: Path) -> None:
    git("add", "app.py")
    for name in ("[a]*.py", "-x.py", "sp ace\t'.py", ":(top)a.py"):
        (here / name).write_text(f"hub_token = '{OTHER}'\n")
    git("add", "-A")
    assert run(["fix", "--staged", "-y"]) == 0
    for blob in git("ls-files", "-s").splitlines():
        assert "ghp_" not in git("cat-file", "blob", blob.split()[1])


def test_from_a_folder_below_the_top(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "sub").mkdir()
    (here / "app.py").rename(here / "sub" / "app.py")
    git("add", "-A")
    monkeypatch.chdir(here / "sub")
    assert run(["fix", "--staged", "-y"]) == 0
    assert (here / ".env").exists() and not (here / "sub" / ".env").exists()
    assert TOKEN not in git("show", ":sub/app.py") and TOKEN not in (here / "sub" / "app.py").read_text()


def test_what_is_left_alone_is_masked_in_the_diff_too(here: Path, said: Said) -> None:
    (here / "app.py").write_text(f"hub_token = '{TOKEN}'\nt = '{OTHER}'  # leakguard: allow[github.*] a fixture\n")
    assert run(["fix", "--dry-run"]) == 1
    shown = said()
    assert "1 accepted findings are left alone" in shown and "leakguard: allow[github.*]" in shown


def test_a_fix_that_was_stopped_half_way_can_be_undone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from leakguard.cli import keep

    before = tree(here)
    write = keep.write

    def stop(path: str, data: bytes, private: bool = False) -> None:
        if path.endswith("app.py"):
            raise KeyboardInterrupt
        write(path, data, private)

    with monkeypatch.context() as patch:
        patch.setattr(keep, "write", stop)
        assert run(["fix", "-y"]) == 130
    assert (here / "app.py").read_bytes() == before["app.py"][0]
    assert (here / ".env").exists()
    assert run(["fix", "--undo"]) == 0
    assert tree(here) == before
    assert not list((here.parent / "state").rglob("*.before"))


def test_a_link_in_place_of_env_is_not_followed(here: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("A=1\n")
    (here / ".env").symlink_to(tmp_path / "elsewhere")
    assert run(["fix", "-y"]) == 2
    assert (tmp_path / "elsewhere").read_text() == "A=1\n"
    assert TOKEN in (here / "app.py").read_text()


def test_a_workflow_is_not_given_another_token_than_it_had(here: Path) -> None:
    """`secrets.GITHUB_TOKEN` is one that GitHub itself hands out, and no secret of a user may be called so."""
    folder = Path(".github/workflows")
    folder.mkdir(parents=True)
    token = expand("{{gen:github ghp_}}", Random(451))
    (folder / "ci.yml").write_text(f"env:\n  TOKEN: {token}\n")
    assert run(["fix", "-y", str(folder)]) == 0
    assert "secrets.GH_" in (folder / "ci.yml").read_text()
    (folder / "ci.yml").write_text(f"env:\n  TOKEN: {token}\n")
    Path(".env").write_text(f"GITHUB_TOKEN={token}\n")
    assert run(["fix", "-y", str(folder)]) == 0
    assert "secrets.GH_TOKEN" in (folder / "ci.yml").read_text()
    assert f"GH_TOKEN={token}" in Path(".env").read_text()
