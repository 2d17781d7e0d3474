"""`leakguard hook install` and `uninstall`: git hooks for people without pre-commit.

Writes into the folder git takes hooks from (core.hooksPath, linked worktrees), never over somebody's hook: what stands
there is renamed, runs after ours with the same arguments and input, and is put back by `uninstall` as it was. With
--global git takes all hooks from a folder of ours, in which each hands on to the repository's own.
A hook that does not find its Python stops the commit and says so: a guard that is gone is not a guard that is quiet.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from leakguard.errors import UsageError

MARK = "# leakguard hook 1:"
"""In the second line of every hook of ours."""
BEFORE = ".before-leakguard"
"""Behind the name of a hook that stood where ours stands."""

_RUNS = {"pre-commit": "", "pre-push": '--push "$@"', "commit-msg": '--message "$1"'}
_WITH_INPUT = frozenset({"pre-push", "pre-receive", "post-receive", "post-rewrite", "reference-transaction"})
_OTHERS = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-merge-commit", "prepare-commit-msg", "post-commit",
    "pre-rebase", "post-checkout", "post-merge", "pre-auto-gc", "post-rewrite", "sendemail-validate",
    "post-index-change", "pre-receive", "update", "post-receive", "post-update", "reference-transaction",
    "proc-receive", "p4-changelist", "p4-prepare-changelist", "p4-post-changelist", "p4-pre-submit",
)  # fmt: skip
"""Every other hook git knows, but for push-to-checkout: that one's mere presence changes what git does."""


class _Place(NamedTuple):
    """Where hooks go. `own`: a folder of ours, in which each hook hands on to the repository's."""

    folder: str
    own: bool
    shared: bool
    """Set for all repositories of the user."""
    relative: bool = False
    """Taken from the top of each work tree."""


@click.group()
def hook() -> None:
    """Git hooks that look at what is committed, pushed and said."""


@hook.command()
@click.option("--global", "everywhere", is_flag=True, help="For all repositories of this user.")
@click.option("--push", is_flag=True, help="Also look at what is pushed.")
@click.option("--commit-msg", is_flag=True, help="Also look at commit messages.")
def install(everywhere: bool, push: bool, commit_msg: bool) -> int:
    """Install the pre-commit hook. What stands there runs after it, and `uninstall` puts it back."""
    names = ["pre-commit", *(["pre-push"] if push else []), *(["commit-msg"] if commit_msg else [])]
    python = _python()
    place = _place(everywhere, making=True)
    made = not os.path.isdir(place.folder)
    _make_folder(place.folder)
    _check(place.folder, names)
    for name in (*names, *(_rest(place.folder, names) if place.own else ())):
        chained = _put(place, name, _script(name, python, name in names, place.own, made))
        if name in names:
            _tell(f"installed {name} in {place.folder}" + (f"; {name}{BEFORE} runs after it" if chained else ""))
    if place.own:
        _config("--global", "core.hooksPath", place.folder)
        _tell(f"git takes hooks from {place.folder} now; each repository's own run after them")
        _tell("a repository that sets core.hooksPath itself needs `leakguard hook install` of its own")
    elif os.path.basename(place.folder) == "_" and os.path.exists(os.path.join(place.folder, "h")):
        _tell("husky writes this folder anew whenever it is installed, and takes these hooks away:")
        _tell("a line `leakguard-hook` in .husky/pre-commit stays, and holds for everybody who has leakguard")
    elif place.relative and not place.shared:
        _tell("core.hooksPath is a folder of each work tree here: other linked work trees need an install of their own")
    elif place.shared and not everywhere:
        _tell("core.hooksPath is set for all repositories of this user, so the hook runs in all of them")
    return 0


@hook.command()
@click.option("--global", "everywhere", is_flag=True, help="Those of all repositories of this user.")
def uninstall(everywhere: bool) -> int:
    """Take leakguard's hooks away, and put back what stood there."""
    place = _place(everywhere, making=False)
    names = [name for name in (*_RUNS, *_OTHERS) if _ours(os.path.join(place.folder, name))]
    if not names:
        raise UsageError(f"hook: no hook of leakguard in {place.folder}")
    if place.own:
        _config("--global", "--unset", "core.hooksPath")
    made = False
    for name in names:
        path = os.path.join(place.folder, name)
        made = made or _made_folder(path)
        os.unlink(path)
        if os.path.lexists(path + BEFORE):
            os.rename(path + BEFORE, path)
            _tell(f"{name}: what stood there is back")
        elif name in _RUNS:
            _tell(f"{name}: removed")
    if (made or place.own) and not os.listdir(place.folder):
        os.rmdir(place.folder)
    return 0


# ---------------------------------------------------------------- where
def _git(*arguments: str, folder: str | None = None) -> subprocess.CompletedProcess[str]:
    """One question to the user's own git: where hooks lie is theirs to say, so their configuration counts."""
    from leakguard.sources.gitcall import environment, find_git

    command = [find_git(), "-c", "core.fsmonitor=false", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True,
        encoding="utf-8", errors="surrogateescape", check=False,
    )  # fmt: skip


def _config(*arguments: str) -> None:
    done = _git("config", *arguments)
    if done.returncode:
        raise UsageError(f"git config: {done.stderr.strip() or done.returncode}")


def _place(everywhere: bool, making: bool) -> _Place:
    if everywhere:
        set_to = _git("config", "--global", "--type=path", "--get", "core.hooksPath").stdout.removesuffix("\n")
        if set_to and not _same(set_to, _own_folder()):
            if not os.path.isabs(set_to):
                raise UsageError(
                    f"hook: core.hooksPath is {set_to!r} for this user, a folder of each repository: install there"
                )
            return _usable(_Place(set_to, False, True))
        if not making and not set_to:
            raise UsageError("hook: core.hooksPath is not set for this user: nothing is installed")
        return _Place(_own_folder(), True, True)
    top = _git("rev-parse", "--show-toplevel")
    folder = top.stdout.removesuffix("\n") if top.returncode == 0 else None  # a bare repository has none
    done = _git("rev-parse", "--git-path", "hooks", folder=folder)
    if done.returncode:
        raise UsageError("hook: not in a git repository (for all repositories of this user: --global)")
    path = os.path.abspath(os.path.join(folder or os.getcwd(), done.stdout.removesuffix("\n")))
    done = _git("config", "--show-scope", "--type=path", "--get", "core.hooksPath", folder=folder)
    scope, _, named = done.stdout.removesuffix("\n").partition("\t")
    shared = scope in ("global", "system")
    if shared and _same(path, _own_folder()):
        raise UsageError("hook: installed for all repositories of this user; give --global to change that")
    return _usable(_Place(path, False, shared, bool(named) and not os.path.isabs(named)))


def _usable(place: _Place) -> _Place:
    if os.path.lexists(place.folder) and not os.path.isdir(place.folder):
        raise UsageError(f"hook: git's hooks are switched off: core.hooksPath is {place.folder}, no folder")
    return place


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _own_folder() -> str:
    from platformdirs import user_config_dir

    return os.path.join(user_config_dir("leakguard"), "git-hooks")


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"hook: {folder}: {error.strerror}") from None


# ---------------------------------------------------------------- what
def _python() -> list[str]:
    """The command that runs the hook: this Python, in a way that imports nothing from the folder it runs in."""
    python = sys.executable
    for flag in ("-I", "-P"):
        command = [python, flag, "-c"]
        done = subprocess.run(
            [*command, "import leakguard.hook"], cwd=os.path.abspath(os.sep), capture_output=True, check=False
        )
        if done.returncode == 0:
            return command
    raise UsageError(f"hook: {python} cannot import leakguard by itself")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _script(name: str, python: Sequence[str], runs: bool, own: bool, made: bool) -> str:
    """A hook as a POSIX shell script. Nothing in it is ever read from the repository."""
    note = "; it made this folder" if made else ""
    lines = [
        "#!/bin/sh",
        f"{MARK} made by `leakguard hook install`, taken away by `leakguard hook uninstall`{note}.",
    ]
    if own:
        lines.append(f'before="$(git rev-parse --git-common-dir)/hooks/{name}"')
    else:
        lines.append(f'before="${{0%/*}}/{name}{BEFORE}"')
    given = runs and name in _WITH_INPUT
    if runs:
        lines += [
            f"python={_quoted(python[0])}",
            'if [ ! -x "$python" ]; then',
            '  echo "leakguard: this hook cannot run: $python is gone." >&2',
            '  echo "leakguard: install leakguard again and run: leakguard hook install; or delete $0" >&2',
            "  exit 3",
            "fi",
        ]
        call = f"\"$python\" {python[1]} -c 'from leakguard.hook import main; main()' {_RUNS[name]}".rstrip()
        if given:
            lines += ["given=$(cat; echo .)", 'given="${given%.}"', f"printf '%s' \"$given\" | {call} || exit $?"]
        else:
            lines.append(f"{call} || exit $?")
    lines.append('if [ -f "$before" ] && [ -x "$before" ]; then')
    lines += _handing_on(given, own)
    lines += ["fi", "exit 1" if name == "proc-receive" else "exit 0", ""]
    return "\n".join(lines)


def _handing_on(given: bool, own: bool) -> list[str]:
    """The lines that run the hook that stood there. A shell's is read by its shell under the name it had: husky and others ask `$0`
    which hook they are."""
    feed, start = ("printf '%s' \"$given\" | ", "") if given else ("", "exec ")
    end = ["    exit $?"] if given else []
    lines = [] if own else [
        '  read -r first < "$before"',
        '  case "$first" in',
        "  '#!'*/sh | '#!'*/bash | '#!'*/dash | '#!'*/env\\ sh | '#!'*/env\\ bash | '#!'*/sh\\ -* | '#!'*/bash\\ -*)",
        f"    {feed}{start}${{first#??}} -c '. \"$0{BEFORE}\"' \"$0\" \"$@\"",
        *end,
        "  esac",
    ]  # fmt: skip
    return [*lines, f'  {feed}{start}"$before" "$@"', *(["  exit $?"] if given else [])]


def _ours(path: str) -> bool:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, "rb") as handle:
            return handle.read(4096).partition(b"\n")[2].startswith(MARK.encode())
    except OSError:
        return False


def _made_folder(path: str) -> bool:
    with open(path, "rb") as handle:
        return b"it made this folder" in handle.read(4096).partition(b"\n")[2].partition(b"\n")[0]


def _rest(folder: str, names: Sequence[str]) -> list[str]:
    """The hooks that only hand on. One that ran leakguard before goes on doing so."""
    return [name for name in (*_RUNS, *_OTHERS) if name not in names and not _ours(os.path.join(folder, name))]


def _check(folder: str, names: Sequence[str]) -> None:
    """Before anything is touched: is there room for what stands in the way?"""
    for name in names:
        path = os.path.join(folder, name)
        if os.path.lexists(path) and not _ours(path) and os.path.lexists(path + BEFORE):
            raise UsageError(f"hook: {path + BEFORE} is in the way of keeping {name}: look at both and remove one")
        if os.path.isdir(path):
            raise UsageError(f"hook: {path} is a folder")


def _put(place: _Place, name: str, script: str) -> bool:
    """Writes one hook whole or not at all; says whether another one runs after it."""
    path = os.path.join(place.folder, name)
    if _ours(path) and _made_folder(path):
        script = script.replace("hook uninstall`.", "hook uninstall`; it made this folder.", 1)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as out:
            out.write(script)
        os.chmod(temporary, 0o755)  # noqa: S103 - git runs it for whoever commits here
        if os.path.lexists(path) and not _ours(path):
            os.rename(path, path + BEFORE)
        os.replace(temporary, path)
    except OSError as error:
        raise UsageError(f"hook: {path}: {error.strerror}") from None
    if os.path.exists(path + BEFORE) and not os.access(path + BEFORE, os.X_OK):
        _tell(f"{name}{BEFORE} is kept, but git did not run it before either: it is not executable")
        return False
    return os.path.lexists(path + BEFORE)


def _tell(text: str) -> None:
    from leakguard.report.common import printable

    click.echo(f"leakguard: {printable(text)}")
