"""What is shipped: the wheel, its data, its name, and the two commands of the README on a fresh machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from random import Random

import pytest

from leakguard.detect.generate import expand

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_INSTALL = re.compile(r"(?i)\b(?:pip3?|pipx|uv|poetry|conda|pdm)\b[^\n`]{0,40}?\b(?:install|add|run|tool)\b[^\n`]*?[\s\"'=]leakguard(?![\w-])")


def tracked() -> list[str]:
    """The files of the checkout: git's, or everything where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode == 0 and done.stdout:
        return sorted({name for name in done.stdout.decode().split("\0") if name and os.path.isfile(os.path.join(ROOT, name))})
    skip = {".venv", ".git", "__pycache__"}
    return [
        os.path.relpath(os.path.join(folder, name), ROOT)
        for folder, folders, names in os.walk(ROOT)
        for name in names
        if not skip & set(os.path.relpath(folder, ROOT).split(os.sep))
    ]


def test_nobody_is_told_to_install_somebody_elses_program() -> None:
    """`leakguard` on the package index is another program: on a machine full of keys, installing it is an incident."""
    told = []
    for name in tracked():
        if name == "tests/test_package.py":
            continue
        with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as handle:
            told += [f"{name}: {found.group()}" for found in _INSTALL.finditer(handle.read())]
    assert told == []


@pytest.mark.parametrize("text", ["pip install leakguard", "pipx install 'leakguard'", "uv add leakguard", "pip install -U leakguard\n"])
def test_the_search_for_it_can_find_it(text: str) -> None:
    assert _INSTALL.search(text)
    assert not _INSTALL.search(text.replace("leakguard", "leakguard-scanner"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout's files, elsewhere."""
    target = tmp_path_factory.mktemp("copy") / "project"
    for name in tracked():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.join(ROOT, name), path)
    return target


@pytest.fixture(scope="module")
def wheel(copy: Path) -> Path:
    out = copy.parent / "wheel"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(copy)], check=True, timeout=300
    )
    return next(out.glob("leakguard_scanner-*.whl"))


def test_the_wheel_holds_rules_index_types_and_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "leakguard/py.typed", "leakguard/_rules_index.json", "leakguard/rules/exchanges/binance.toml",
        "leakguard/rules/generic/generic.toml", "leakguard/detect/examples.txt", "leakguard/detect/contexts.toml",
        "leakguard/report/finding.schema.json",
    } <= names  # fmt: skip
    packs = [name for name in names if name.startswith("leakguard/rules/") and name.endswith(".toml")]
    assert len(packs) == sum(name.startswith("rules/") and name.endswith(".toml") for name in tracked())


def readme_command(mark: str) -> str:
    """The shell command below `<!-- command: mark -->` in the README."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as handle:
        found = re.search(rf"<!-- command: {mark} -->\n```sh\n(.+?)\n```", handle.read(), re.DOTALL)
    assert found
    return found.group(1)


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON", "LEAKGUARD"))}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**kept, "HOME": str(home), **environment}, capture_output=True,
        text=True, check=False, timeout=900,
    )  # fmt: skip


def test_the_first_command_of_the_readme_installs_and_scans(copy: Path) -> None:
    """A stranger's machine: a fresh environment outside the checkout, the wheel's own rules."""
    target = copy / "planted.env"
    token = expand("{{gen:github ghp_}}", Random(7))
    target.write_text(f"GITHUB_TOKEN={token}\n")
    try:
        done = shell(readme_command("run"), copy)
    finally:
        target.unlink()
    assert done.returncode == 1, done.stderr
    assert "planted.env" in done.stdout
    assert "github." in done.stdout
    assert token not in done.stdout + done.stderr


def test_the_second_command_of_the_readme_installs_and_passes_tests(copy: Path) -> None:
    """The command itself, word for word; narrowed by pytest's own variable to what does not call this test again."""
    done = shell(readme_command("test"), copy, PYTEST_ADDOPTS="tests/test_globs.py tests/test_layers.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout or "100%" in done.stdout


def test_ci_calls_exactly_the_readmes_test_command() -> None:
    with open(os.path.join(ROOT, ".ci", "run"), encoding="utf-8") as handle:
        script = handle.read()
    assert "<!-- command: test -->" in script
    assert 'eval "$test_command"' in script
