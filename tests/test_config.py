"""Settings: where they are looked for, whom they are taken from, and what is said of a wrong one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakguard import config
from leakguard.config import Loaded, Settings, load
from leakguard.errors import EXIT_USAGE, ConfigError, UsageError


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a folder two levels deep."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    return tmp_path


def at(folder: Path, targets: tuple[str, ...] = (), trust: bool = False, **overrides: Any) -> Loaded:
    return load(None, targets, trust, overrides, str(folder))


# ---- where ----------------------------------------------------------------------------------------------------------


def test_without_a_file_everything_is_default(repo: Path) -> None:
    assert at(repo) == Loaded(Settings(), {}, (), ())


def test_the_nearest_file_up_to_the_repositorys_root(repo: Path) -> None:
    (repo / "leakguard.toml").write_text("max_size = 1\n")
    assert at(repo / "a" / "b").settings.max_size == 1
    (repo / "a" / "leakguard.toml").write_text("max_size = 2\n")
    found = at(repo / "a" / "b")
    assert (found.settings.max_size, found.sources) == (2, (str(repo / "a" / "leakguard.toml"),))
    assert at(repo).settings.max_size == 1


def test_not_beyond_the_repositorys_root(repo: Path) -> None:
    (repo / "leakguard.toml").write_text("max_size = 1\n")
    (repo / "a" / ".git").write_text("gitdir: elsewhere\n")
    assert at(repo / "a" / "b").settings.max_size == 0


def test_outside_of_a_repository_parents_are_anybodys(tmp_path: Path) -> None:
    (tmp_path / "leakguard.toml").write_text("max_size = 1\n")
    (tmp_path / "mine").mkdir()
    assert at(tmp_path / "mine").settings.max_size == 0
    assert at(tmp_path).settings.max_size == 1


def test_a_baseline_of_a_parent_counts_within_a_repository_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = tmp_path / "leakguard.baseline"
    book.write_text("")
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    assert config.beside("leakguard.baseline", (), False) == ("", ())
    (tmp_path / ".git").mkdir()
    assert config.beside("leakguard.baseline", (), False) == (str(book), ())


def test_pyproject_counts_if_it_has_our_section(repo: Path) -> None:
    (repo / "leakguard.toml").write_text("max_size = 1\n")
    nearer = repo / "a" / "pyproject.toml"
    for text in ('[project]\nname = "x"\n', "[tool.black]\n# like leakguard\n", '[tool]\nother = "leakguard"\n'):
        nearer.write_text(text)
        assert at(repo / "a").settings.max_size == 1
    for text in (
        "[tool.leakguard]\nmax_size = 3\n",
        "[ tool . leakguard ]\nmax_size = 3\n",
        "[tool]\nleakguard.max_size = 3\n",
    ):
        nearer.write_text(text)
        assert at(repo / "a").settings.max_size == 3


def test_our_own_file_comes_before_pyproject(repo: Path) -> None:
    (repo / "leakguard.toml").write_text("max_size = 1\n")
    (repo / "pyproject.toml").write_text("[tool.leakguard]\nmax_size = 2\n")
    assert at(repo).settings.max_size == 1


def test_a_file_that_was_named_is_the_one(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "leakguard.toml").write_text("max_size = 1\n")
    (repo / "other.toml").write_text("max_size = 5\n")
    (repo / "third.toml").write_text("max_size = 6\n")
    monkeypatch.setenv("LEAKGUARD_CONFIG", str(repo / "third.toml"))
    assert at(repo).settings.max_size == 6
    assert load(str(repo / "other.toml"), (), False, {}, str(repo)).settings.max_size == 5
    for missing in (str(repo / "gone.toml"), str(repo / "a")):
        with pytest.raises(ConfigError) as caught:
            load(missing, (), False, {}, str(repo))
        assert caught.value.file == missing
    (repo / "a" / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(ConfigError, match="missing"):
        load(str(repo / "a" / "pyproject.toml"), (), False, {}, str(repo))


def test_what_is_no_file_is_passed_over(repo: Path) -> None:
    (repo / "a" / "leakguard.toml").mkdir()
    os.mkfifo(repo / "a" / "pyproject.toml")
    (repo / "leakguard.toml").write_text("max_size = 1\n")
    assert at(repo / "a").settings.max_size == 1


# ---- whom it is taken from ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [".", "..", "../..", "../leakguard.toml", "b/.."])
def test_inside_a_target_it_is_not_used(repo: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = repo / "a"
    if target in (".", "b/.."):
        path = here / "leakguard.toml"
    else:
        path, here = repo / "leakguard.toml", repo / "a" / "b"
        if target == "..":
            path = repo / "a" / "leakguard.toml"
        if target == "../leakguard.toml":
            path, target = repo / "a" / "leakguard.toml", "../leakguard.toml"
    path.write_text('exclude = ["github"]\n')
    monkeypatch.chdir(here)
    found = at(here, (target,))
    assert (found.settings, found.untrusted, found.sources) == (Settings(), (str(path),), ())
    assert at(here, (target,), trust=True).settings.exclude == ("github",)
    assert at(here, ("elsewhere",)).settings.exclude == ("github",)


def test_a_link_does_not_make_it_somebody_elses(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "a" / "leakguard.toml").write_text("max_size = 1\n")
    (repo / "leakguard.toml").symlink_to(repo / "a" / "leakguard.toml")
    monkeypatch.chdir(repo)
    assert at(repo, ("a",)).untrusted == (str(repo / "leakguard.toml"),)
    (repo / "way").symlink_to(repo / "a")
    assert at(repo, ("way",)).untrusted == (str(repo / "leakguard.toml"),)


def test_a_broken_one_in_the_target_stops_nobody(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    for text in ("nonsense", "exlude = []", "[tool.leakguard]\nx = 1"):
        (repo / "leakguard.toml").write_text(text)
        assert at(repo, (".",)).untrusted == (str(repo / "leakguard.toml"),)
        with pytest.raises(ConfigError):
            at(repo, (".",), trust=True)


def test_one_in_the_target_does_not_hide_the_trusted_one(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "leakguard.toml").write_text("max_size = 1\n")
    (repo / "a" / "leakguard.toml").write_text("max_size = 2\n")
    monkeypatch.chdir(repo / "a")
    found = at(repo / "a", (".",))
    assert (found.settings.max_size, len(found.untrusted)) == (1, 1)


def test_a_file_that_was_named_is_trusted_wherever_it_is(repo: Path) -> None:
    (repo / "a" / "mine.toml").write_text("max_size = 1\n")
    assert load(str(repo / "a" / "mine.toml"), (str(repo),), False, {}, str(repo)).settings.max_size == 1


# ---- what it may say ------------------------------------------------------------------------------------------------

WRONG = [
    ("exlude = []", "exlude", "exclude?"),
    ("zzz = 1", "zzz", "known: "),
    ('gitignore = "yes"', "gitignore", "true or false"),
    ("gitignore = 1", "gitignore", "true or false"),
    ("max_size = true", "max_size", "number"),
    ('max_size = "1"', "max_size", "number"),
    ("max_size = 1.5", "max_size", "number"),
    ("max_size = -1", "max_size", "negative"),
    ("decode_depth = 9", "decode_depth", "at most 8"),
    ('only = "github"', "only", "list of strings"),
    ("only = [1]", "only", "list of strings"),
    ('min_severity = "hi"', "min_severity", "info, low, medium, high, critical"),
    ('min_confidence = "sure"', "min_confidence", "low, medium, high, certain"),
    ("format = 1", "format", "string"),
    ('format = "yaml"', "format", "text, json, jsonl"),
    ("archive_depth = 0", "archive_depth", "at least 1"),
    ('exclude_paths = ["a", "!b"]', "exclude_paths", "negation"),
    ('include_paths = [""]', "include_paths", "names no path"),
    ('skip_dirs = ["vendor/"]', "skip_dirs", "name of a folder"),
    ('skip_dirs = [""]', "skip_dirs", "name of a folder"),
]


@pytest.mark.parametrize(("text", "field", "reason"), WRONG)
def test_a_wrong_setting_is_named(repo: Path, text: str, field: str, reason: str) -> None:
    for name, head in (("leakguard.toml", ""), ("pyproject.toml", "[tool.leakguard]\n")):
        path = repo / name
        path.write_text(head + text)
        with pytest.raises(ConfigError) as caught:
            at(repo)
        assert (caught.value.file, caught.value.field, caught.value.exit_code) == (str(path), field, EXIT_USAGE)
        assert reason in caught.value.reason
        path.unlink()


def test_a_section_in_our_own_file_is_told_where_keys_go(repo: Path) -> None:
    for text in ("[tool.leakguard]\nstrict = true\n", "[leakguard]\nstrict = true\n"):
        (repo / "leakguard.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"no sections: .* top"):
            at(repo)


def test_formats_are_those_of_reports() -> None:
    from leakguard.report import FORMATS

    assert set(config._LEVELS["format"]) == set(FORMATS)


def test_a_wrong_glob_of_an_option_names_the_option(repo: Path) -> None:
    for key, option, glob in (("exclude_paths", "--exclude-path", "!x"), ("include_paths", "--include-path", "/")):
        with pytest.raises(UsageError, match=option):
            at(repo, **{key: (glob,)})
    with pytest.raises(UsageError, match=r"--skip-dir 'a/b': "):
        at(repo, skip_dirs=("a/b",))


def test_a_folder_that_is_gone_has_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands in a folder that was removed can still scan another one."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert load(None, (str(tmp_path),), False, {}) == Loaded(Settings(), {}, (), ())
    assert config.beside("leakguard.baseline", (str(tmp_path),), False) == ("", ())


@pytest.mark.parametrize("text", [b"x = ", b"\xff\xfe", b"= 1", b"[tool"])
def test_what_is_no_toml_is_named(repo: Path, text: bytes) -> None:
    (repo / "leakguard.toml").write_bytes(text)
    with pytest.raises(ConfigError, match="not valid TOML"):
        at(repo)


def test_paths_of_packs_are_relative_to_the_file(repo: Path) -> None:
    (repo / "a" / "leakguard.toml").write_text('rules = ["packs", "/abs/x.toml"]\nimport_gitleaks = ["../g.toml"]\n')
    (repo / "a" / ".git").mkdir()
    settings = at(repo / "a").settings
    assert settings.rules == (str(repo / "a" / "packs"), "/abs/x.toml")
    assert settings.import_gitleaks == (str(repo / "a" / ".." / "g.toml"),)


def test_options_add_to_lists_and_replace_the_rest(repo: Path) -> None:
    (repo / "leakguard.toml").write_text('exclude = ["a"]\nonly = ["b"]\nmax_size = 1\ngitignore = true\n')
    found = at(repo, exclude=("c",), only=("d",), max_size=2, gitignore=False, jobs=None, skip_dirs=())
    settings = found.settings
    assert (settings.exclude, settings.only, settings.max_size, settings.gitignore) == (("a", "c"), ("d",), 2, False)
    assert found.origins["exclude"] == f"{repo / 'leakguard.toml'}, --exclude"
    assert found.origins["max_size"] == "--max-size"
    assert "jobs" not in found.origins


def test_every_setting_can_be_written_in_a_file(repo: Path) -> None:
    """Round trip of a value of each type that is not the default."""
    values: dict[str, Any] = {
        "min_severity": "high", "min_confidence": "certain", "suppress_up_to": "low", "baseline": "/x", "format": "json",
        "skip_dirs": ["x"],
    }  # fmt: skip
    for field, default in Settings._field_defaults.items():
        if field not in values:
            values[field] = {tuple: ["/x"], bool: not default, int: 3, str: "x"}[type(default)]
    (repo / "leakguard.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    found = at(repo).settings._asdict()
    assert {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()} == values


def test_the_page_of_settings_has_each_with_its_default() -> None:
    """A setting that docs/configuration.md does not know cannot be found by anybody."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (Path(__file__).parents[1] / "docs" / "configuration.md").read_text("utf-8").splitlines()
        if line.startswith("| `") and line.count("|") == 5
    ]
    told: dict[str, str] = {}
    for keys, defaults, *_ in rows:
        names, values = keys.replace("`", "").split(", "), defaults.replace("`", "").split(", ")
        told |= zip(names, values if len(values) == len(names) else values * len(names), strict=True)
    plain = {key: json.dumps(value) for key, value in Settings._field_defaults.items()} | {"archive_bytes": "64 GiB"}
    assert told == plain


def test_the_digest_names_settings_and_not_the_key() -> None:
    names = {config.digest(Settings(**more)) for more in ({}, {"max_size": 1}, {"fingerprint_key": "a"})}
    assert len(names) == 3
    assert config.digest(Settings(fingerprint_key="a")) == config.digest(Settings(fingerprint_key="b"))


# ---- the command ----------------------------------------------------------------------------------------------------


def show(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "config", "show", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_config_show_says_what_is_in_force_and_from_where(repo: Path) -> None:
    (repo / "leakguard.toml").write_text('exclude = ["a\\u001b[31m"]\nfingerprint_key = "very private"\n')
    text = show(repo)
    assert f'exclude = ["a\\u001b[31m"]  # {repo / "leakguard.toml"}' in text
    assert "max_size = 0  # default" in text
    assert 'fingerprint_key = "(set)"' in text
    assert "private" not in text
    document = json.loads(show(repo, "--json"))
    assert set(document["settings"]) == set(Settings._fields)
    assert document["settings"]["exclude"] == {"value": ["a\x1b[31m"], "from": str(repo / "leakguard.toml")}
    assert document["settings"]["jobs"] == {"value": 0, "from": "default"}
    assert document["settings"]["fingerprint_key"]["value"] == "(set)"
    assert document["sources"] == [str(repo / "leakguard.toml")]


def test_config_show_of_a_target_is_that_of_its_scan(repo: Path) -> None:
    (repo / "leakguard.toml").write_text("max_size = 7\n")
    assert "max_size = 0  # default" in show(repo, ".")
    assert f"# not used, inside the target: {repo / 'leakguard.toml'}" in show(repo, ".")
    assert "max_size = 7" in show(repo, ".", "--trust-target")
    assert json.loads(show(repo, ".", "--json"))["untrusted"] == [str(repo / "leakguard.toml")]


def test_names_of_folders_are_escaped(repo: Path) -> None:
    odd = repo / "a\x1b[31m"
    odd.mkdir()
    (odd / "leakguard.toml").write_text("max_size = 7\n")
    assert "\x1b" not in show(odd) + show(odd, ".") + show(odd, "--json")


def test_cache_clear_removes_all_that_is_compiled_and_nothing_else(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The redactor's databases stayed, the larger half."""
    from leakguard.cli.config import COMPILED

    folder = repo / "cache"
    (folder / "git").mkdir(parents=True)
    for name in COMPILED:
        (folder / f"{name}0.bin").write_bytes(b"x")
    (folder / "notes.txt").write_bytes(b"x")
    monkeypatch.setenv("LEAKGUARD_CACHE_DIR", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "cache", "clear"], cwd=repo, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, sorted(path.name for path in folder.iterdir())) == (0, "3 removed\n", ["git", "notes.txt"])


def test_every_kind_of_compiled_rules_is_cleared() -> None:
    """Who adds a kind names it here, too."""
    import re

    from leakguard.cli.config import COMPILED

    found = set()
    for module in (Path(config.__file__).parent).rglob("*.py"):
        found |= set(re.findall(r'f"([a-z]+-)\{[^"]*\}\.bin"', module.read_text("utf-8")))
    assert found == set(COMPILED)
