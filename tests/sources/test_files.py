"""The walk: every file once, in order, and every thing that is not read told with its reason."""

from __future__ import annotations

import inspect
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.errors import UsageError
from leakguard.model import Incident, Origin
from leakguard.sources import files
from leakguard.sources.files import FileTask, Options, read_windows, walk

NOBODY = 65534


@pytest.fixture(autouse=True)
def never_hangs() -> Iterator[None]:
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    folder = tmp_path / "tree"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def make(*paths: str, content: bytes = b"x") -> None:
    for path in paths:
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


def found(*paths: str, **options: object) -> tuple[list[FileTask], list[Incident]]:
    incidents: list[Incident] = []
    tasks = list(walk(paths or ["."], Options(**options), incidents.append))  # type: ignore[arg-type]
    return tasks, incidents


def names(*paths: str, **options: object) -> list[str]:
    tasks, _ = found(*paths, **options)
    return [task.path for task in tasks]


def told(*paths: str, **options: object) -> list[tuple[str, str, str]]:
    _, incidents = found(*paths, **options)
    return [(incident.state, incident.origin, incident.reason) for incident in incidents]


# ---- order and names ------------------------------------------------------------------------------------------------


def test_order_is_that_of_bytes_within_a_folder(tree: Path) -> None:
    make("b/2", "b/1", "a", "B", "c", "é", "a.d/x", "\udcff", "\U0001f600", "\uffee")
    expected = ["B", "a", "a.d/x", "b/1", "b/2", "c", "é", "\uffee", "\U0001f600", "\udcff"]
    assert names() == expected
    assert [os.fsencode(name) for name in expected] == sorted(os.fsencode(name) for name in expected)


@given(st.lists(st.lists(st.sampled_from(["a", "b", "a.b", "ä", "\udc80"]), min_size=1, max_size=3), max_size=12))
def test_every_file_once_in_the_same_order(tmp_path_factory: pytest.TempPathFactory, paths: list[list[str]]) -> None:
    root = tmp_path_factory.mktemp("walk")
    made = set()
    for parts in paths:
        path = root.joinpath(*parts[:-1], f"f-{parts[-1]}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        made.add(str(path))
    tasks, incidents = found(str(root))
    assert incidents == []
    assert [task.open_path for task in tasks] == sorted(made, key=lambda path: os.fsencode(path).split(b"/"))


def test_a_name_that_is_no_text_is_read(tree: Path) -> None:
    with open(b"bad\xff\n\x1b[31m", "wb") as file:
        file.write(b"content")
    (task,), incidents = found()
    assert os.fsencode(task.path) == b"bad\xff\n\x1b[31m"
    assert [document.data for document in read_windows(task, Origin("file", task.path), print)] == [b"content"]
    assert incidents == []


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        (".", "a/x"),
        ("./", "a/x"),
        ("a", "a/x"),
        ("a/", "a/x"),
        ("./a//", "a/x"),
        ("a/x", "a/x"),
        ("./a/x", "a/x"),
        ("../tree/a", "../tree/a/x"),
        ("../tree/", "../tree/a/x"),
        ("{here}", "{here}/a/x"),
        ("{here}/a/x", "{here}/a/x"),
    ],
)
def test_paths_are_shown_as_they_were_asked_for(tree: Path, argument: str, shown: str) -> None:
    make("a/x", content=b"12345")
    (task,), _ = found(argument.format(here=tree))
    assert task.path == shown.format(here=tree)
    assert os.path.samefile(task.open_path, "a/x")
    assert (task.size, task.kind) == (5, "file")


def test_arguments_keep_their_order_and_may_repeat(tree: Path) -> None:
    make("a/x", "b/y")
    assert names("b", "a/x", "a", "b") == ["b/y", "a/x", "a/x", "b/y"]


# ---- arguments ------------------------------------------------------------------------------------------------------


def test_every_missing_argument_is_named_before_any_file(tree: Path) -> None:
    make("a")
    with pytest.raises(UsageError) as caught:
        walk(["a", "gone", "a/below", "nul\0byte", "", "esc\x1b"], Options(), print)
    message = caught.value.message
    assert message == r"no such file or directory: 'gone', 'a/below', 'nul\x00byte', '', 'esc\x1b'"
    assert caught.value.exit_code == 2


def test_a_dangling_link_as_argument_does_not_exist(tree: Path) -> None:
    os.symlink("nowhere", "link")
    with pytest.raises(UsageError, match="'link'"):
        walk(["link"], Options(), print)


def test_a_loop_of_links_as_argument_is_failed(tree: Path) -> None:
    os.symlink("two", "one")
    os.symlink("one", "two")
    assert told("one") == [("failed", "one", "Too many levels of symbolic links")]


def test_a_link_as_argument_is_followed(tree: Path) -> None:
    make("real/x", content=b"abc")
    os.symlink("real", "folder")
    os.symlink("real/x", "file")
    assert names("folder") == ["folder/x"]
    (task,), incidents = found("file")
    assert (task.path, task.kind, task.size) == ("file", "file", 3)
    assert [document.data for document in read_windows(task, Origin("file", "file"), print)] == [b"abc"]
    assert incidents == []


def test_a_special_file_asked_for_by_name_is_failed(tree: Path) -> None:
    os.mkfifo("pipe")
    assert told("pipe", "/dev/null") == [
        ("failed", "pipe", "is a fifo, not a file or folder"),
        ("failed", "/dev/null", "is a character device, not a file or folder"),
    ]


# ---- what is no file ------------------------------------------------------------------------------------------------


def test_special_files_in_a_folder_are_skipped_and_told(tree: Path) -> None:
    make("d/file")
    os.mkfifo("d/pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("d/socket")
    assert names() == ["d/file"]
    assert told() == [("skipped", "d/pipe", "fifo"), ("skipped", "d/socket", "socket")]


def test_devices_in_a_folder_are_skipped_and_told(tree: Path) -> None:
    try:
        os.mknod("block", stat.S_IFBLK | 0o600, os.makedev(7, 200))
        os.mknod("char", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")
    assert names() == []
    assert told() == [("skipped", "block", "block device"), ("skipped", "char", "character device")]


def test_hard_links_are_yielded_each_time(tree: Path) -> None:
    make("a")
    os.link("a", "b")
    assert names() == ["a", "b"]


def test_git_folders_are_entered_unless_skipped(tree: Path) -> None:
    make(".git/config", "a/node_modules/m/x", "node_modules/y", "z")
    assert names() == [".git/config", "a/node_modules/m/x", "node_modules/y", "z"]
    assert names(skip_dirs=(".git", "node_modules")) == ["z"]
    assert told(skip_dirs=(".git", "node_modules")) == [
        ("skipped", ".git", "directory of a name to skip"),
        ("skipped", "a/node_modules", "directory of a name to skip"),
        ("skipped", "node_modules", "directory of a name to skip"),
    ]
    assert names("node_modules", skip_dirs=("node_modules",)) == ["node_modules/y"]


def test_larger_files_are_skipped_with_their_size(tree: Path) -> None:
    make("small", content=b"x" * 10)
    make("large", content=b"x" * 11)
    tasks, incidents = found(max_size=10)
    assert [task.path for task in tasks] == ["small"]
    assert incidents == [Incident("skipped", "large", "larger than 10 bytes", 11)]
    assert told("large", max_size=10) == [("skipped", "large", "larger than 10 bytes")]


# ---- links ----------------------------------------------------------------------------------------------------------


def test_a_link_is_its_text(tree: Path) -> None:
    make("a/file", content=b"content")
    os.symlink("a", "to-folder")
    os.symlink("/etc/passwd", "out")
    os.symlink("https://user:pass@host/", "nowhere")
    os.symlink("self", "self")
    tasks, incidents = found()
    assert [(task.path, task.kind, task.size) for task in tasks] == [
        ("a/file", "file", 7),
        ("nowhere", "link", 23),
        ("out", "link", 11),
        ("self", "link", 4),
        ("to-folder", "link", 1),
    ]
    assert [(incident.state, incident.origin) for incident in incidents] == [("skipped", "out")]
    texts = [document.data for task in tasks[1:] for document in read_windows(task, Origin("file", task.path), print)]
    assert texts == [b"https://user:pass@host/", b"/etc/passwd", b"self", b"a"]


def test_followed_links_read_their_target_under_their_own_name(tree: Path) -> None:
    make("real/file", content=b"12")
    make("real/sub/file", content=b"123")
    os.symlink("real/file", "a-file")
    os.symlink("real/sub", "a-folder")
    tasks, incidents = found(follow_symlinks=True)
    assert [(task.path, task.kind, task.size) for task in tasks] == [
        ("a-file", "file", 2),
        ("a-folder/file", "file", 3),
        ("real/file", "file", 2),
        ("real/sub/file", "file", 3),
    ]
    assert incidents == []
    assert [d.data for d in read_windows(tasks[0], Origin("file", "a-file"), print)] == [b"12"]


def test_a_folder_walked_already_is_not_followed_to_again(tree: Path) -> None:
    make("a/file")
    os.symlink("../a", "a/loop")
    os.symlink(".", "a/self")
    os.symlink("a", "b")
    os.symlink("a/file", "c")
    os.symlink("a/file", "d")
    tasks, incidents = found(follow_symlinks=True)
    assert [(task.path, task.kind) for task in tasks] == [
        ("a/file", "file"),
        ("a/loop", "link"),
        ("a/self", "link"),
        ("b", "link"),
        ("c", "file"),
        ("d", "link"),
    ]
    assert [(incident.origin, incident.reason) for incident in incidents] == [
        (name, "link to what is scanned already") for name in ("a/loop", "a/self", "b", "d")
    ]


def test_links_between_folders_end(tree: Path) -> None:
    for name in ("p", "q", "r"):
        make(f"{name}/file")
        for other in ("p", "q", "r"):
            os.symlink(f"../{other}", f"{name}/to-{other}")
    tasks, _ = found(follow_symlinks=True)
    read = [task.path for task in tasks if task.kind == "file"]
    assert {"p/file", "q/file", "r/file"} <= set(read)
    assert len(read) < 10


def test_links_out_of_the_root_are_not_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"x")
    (tmp_path / "tree-twin").mkdir()
    (tmp_path / "tree-twin" / "secret").write_bytes(b"x")
    os.symlink("../outside", "folder")
    os.symlink("../outside/secret", "file")
    os.symlink("../tree-twin", "twin")  # its name begins as the root's does
    os.symlink("folder/secret", "through")
    tasks, incidents = found(follow_symlinks=True)
    assert [(task.path, task.kind) for task in tasks] == [
        (name, "link") for name in ("file", "folder", "through", "twin")
    ]
    assert [(incident.state, incident.origin, incident.reason) for incident in incidents] == [
        ("skipped", name, "linked out of the folder that is scanned") for name in ("file", "folder", "through", "twin")
    ]


def test_links_that_hide_something_are_told_when_links_are_not_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"x")
    make("here/file")
    os.symlink("../outside", "folder")
    os.symlink("../outside/secret", "file")
    os.symlink("../outside/nothing", "dangling")
    os.symlink("here/file", "inside")
    os.symlink("self", "self")
    _, incidents = found()
    assert [(incident.state, incident.origin, incident.reason) for incident in incidents] == [
        ("skipped", name, "linked out of the folder that is scanned") for name in ("file", "folder")
    ]
    told: list[Incident] = []
    list(walk([".", str(tmp_path / "outside")], Options(), told.append))
    assert told == []  # another argument holds it


def test_links_that_cannot_be_followed(tree: Path) -> None:
    make("file")
    os.mkfifo("pipe")
    os.symlink("nowhere", "1-dangling")
    os.symlink("file/below", "2-through-a-file")
    os.symlink("3-self", "3-self")
    os.symlink("pipe", "4-pipe")
    tasks, incidents = found(follow_symlinks=True)
    assert [task.path for task in tasks if task.kind == "link"] == [
        "1-dangling", "2-through-a-file", "3-self", "4-pipe",
    ]  # fmt: skip
    assert [(incident.state, incident.origin, incident.reason) for incident in incidents] == [
        ("failed", "3-self", "link: Too many levels of symbolic links"),
        ("skipped", "4-pipe", "link to a fifo"),
        ("skipped", "pipe", "fifo"),
    ]


# ---- what fails -----------------------------------------------------------------------------------------------------


def as_nobody(folder: Path, what: Callable[[], object]) -> object:
    """Runs `what` in `folder` as a user whom permissions bind, and returns its JSON."""
    if os.geteuid() != 0:
        return json.loads(json.dumps(what()))
    folder.chmod(0o755)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.chdir(folder)  # before the user changes: the folders above are root's own
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, json.dumps(what()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        return json.loads(pipe.read())


def read_all(**options: object) -> list[list[str]]:
    """[what, path or origin, reason] of a walk that reads."""
    out: list[list[str]] = []
    incidents: list[Incident] = []
    for task in walk(["."], Options(**options), incidents.append):  # type: ignore[arg-type]
        documents = list(read_windows(task, Origin("file", task.path), incidents.append))
        out += [["read", task.path, ""] for _ in documents]
    return out + [[incident.state, incident.origin, incident.reason] for incident in incidents]


def test_what_may_not_be_read_is_failed_and_the_walk_goes_on(tree: Path) -> None:
    make("a", "closed/x", "unlisted/x", "unsearchable/x", "z")
    os.chmod("a", 0)
    os.chmod("closed", 0)
    os.chmod("unlisted", 0o311)
    os.chmod("unsearchable", 0o644)
    try:
        seen = as_nobody(tree, read_all)
    finally:
        for name in ("closed", "unlisted", "unsearchable"):
            os.chmod(name, 0o755)
    assert seen == [
        ["read", "z", ""],
        ["failed", "a", "Permission denied"],
        ["failed", "closed", "Permission denied"],
        ["failed", "unlisted", "Permission denied"],
        ["failed", "unsearchable/x", "Permission denied"],
    ]


def test_a_link_into_a_closed_folder_is_failed(tree: Path) -> None:
    make("closed/x")
    os.symlink("closed/x", "link")
    os.chmod("closed", 0)
    try:
        seen = as_nobody(tree, lambda: read_all(follow_symlinks=True))
    finally:
        os.chmod("closed", 0o755)
    assert seen == [
        ["read", "link", ""],
        ["failed", "closed", "Permission denied"],
        ["failed", "link", "link: Permission denied"],
    ]


def test_an_argument_in_a_closed_folder_is_failed_not_missing(tree: Path) -> None:
    make("closed/x", "y")
    os.chmod("closed", 0)
    try:
        seen = as_nobody(tree, lambda: [names("closed/x", "y"), told("closed/x", "y")])
    finally:
        os.chmod("closed", 0o755)
    assert seen == [["y"], [["failed", "closed/x", "Permission denied"]]]


def test_a_folder_that_vanishes_is_failed(tree: Path) -> None:
    make("a/1", "b/2", "c/3")
    incidents: list[Incident] = []
    seen = []
    for task in walk(["."], Options(), incidents.append):
        seen.append(task.path)
        if task.path == "a/1":
            os.rename("b", "../b")
    assert seen == ["a/1", "c/3"]
    assert [(incident.state, incident.origin, incident.reason) for incident in incidents] == [
        ("failed", "b", "No such file or directory")
    ]


def test_a_file_that_vanishes_is_failed(tree: Path) -> None:
    make("a", "b", "c")
    incidents: list[Incident] = []
    seen = []
    for task in walk(["."], Options(), incidents.append):
        seen.append(task.path)
        if task.path == "a":
            os.unlink("b")
    assert seen == ["a", "c"]
    assert incidents == [Incident("failed", "b", "No such file or directory")]


def test_a_listing_that_breaks_half_way_keeps_what_it_had(tree: Path) -> None:
    make("d/a", "d/b", "e")
    real = os.scandir

    class Breaks:
        def __init__(self, path: str) -> None:
            self.inner = real(path)
            self.left = 1 if path.endswith("d") else 99

        def __enter__(self) -> Breaks:
            return self

        def __exit__(self, *_: object) -> None:
            self.inner.close()

        def __iter__(self) -> Breaks:
            return self

        def __next__(self) -> os.DirEntry[str]:
            self.left -= 1
            if self.left < 0:
                raise OSError(5, "Input/output error")
            return next(self.inner)

    with mock.patch.object(os, "scandir", Breaks):
        tasks, incidents = found()
    assert len([task for task in tasks if task.path.startswith("d/")]) == 1
    assert tasks[-1].path == "e"
    assert incidents == [Incident("failed", "d", "Input/output error")]


def test_a_path_too_long_to_open_is_failed(tree: Path) -> None:
    for _ in range(30):
        os.mkdir("n" * 200)
        os.chdir("n" * 200)
    make("deepest")
    os.chdir(tree)
    tasks, incidents = found()
    assert tasks == []
    assert [(incident.state, incident.reason) for incident in incidents] == [("failed", "File name too long")]


# ---- loops and file systems -----------------------------------------------------------------------------------------


class Mounted:
    """A directory entry that says it is another directory, as a bind mount does."""

    def __init__(self, entry: os.DirEntry[str], info: os.stat_result) -> None:
        self.name = entry.name
        self.path = entry.path
        self.info = info

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        assert not follow_symlinks
        return self.info


def test_a_folder_mounted_into_itself_ends(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a/b/file", "a/b/mount/file", "c/file")
    outer = os.lstat("a")
    real = files._Walk._entry

    def mounted(self: files._Walk, frame: files._Frame, entry: os.DirEntry[str]) -> object:
        return real(self, frame, Mounted(entry, outer) if entry.name == "mount" else entry)  # type: ignore[arg-type]

    monkeypatch.setattr(files._Walk, "_entry", mounted)
    assert names() == ["a/b/file", "c/file"]
    assert told() == [("skipped", "a/b/mount", "loop: the directory holds itself")]


def test_a_folder_seen_twice_without_a_loop_is_walked_twice(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a/file", "mount/file")
    other = os.lstat("a")
    real = files._Walk._entry

    def mounted(self: files._Walk, frame: files._Frame, entry: os.DirEntry[str]) -> object:
        return real(self, frame, Mounted(entry, other) if entry.name == "mount" else entry)  # type: ignore[arg-type]

    monkeypatch.setattr(files._Walk, "_entry", mounted)
    assert names() == ["a/file", "mount/file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a second file system")
def test_other_file_systems_are_not_entered_if_told_so(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("mount/file", "x")
    foreign = os.lstat("/proc")
    real = files._Walk._entry

    def mounted(self: files._Walk, frame: files._Frame, entry: os.DirEntry[str]) -> object:
        return real(self, frame, Mounted(entry, foreign) if entry.name == "mount" else entry)  # type: ignore[arg-type]

    monkeypatch.setattr(files._Walk, "_entry", mounted)
    assert names() == ["mount/file", "x"]
    assert names(one_file_system=True) == ["x"]
    assert told(one_file_system=True) == [("skipped", "mount", "on another file system")]


# ---- globs ----------------------------------------------------------------------------------------------------------


def test_include_and_exclude_are_counted_for_each_argument(tree: Path) -> None:
    make("a/1.py", "a/2.txt", "a/3.txt", "a/test_4.py", "b/5.txt", content=b"123")
    tasks, incidents = found("a", "b", include=("*.py",), exclude=("test_*",))
    assert [task.path for task in tasks] == ["a/1.py"]
    assert incidents == [
        Incident("skipped", "a", "not included by any glob: 2 files", 6),
        Incident("skipped", "a", "excluded by a glob: 1 file", 3),
        Incident("skipped", "b", "not included by any glob: 1 file", 3),
    ]


def test_excluded_folders_are_not_entered_and_told_once(tree: Path) -> None:
    make("src/a", "src/gen/deep/b", "vendor/c", "x/vendor/d", "y/build/e")
    assert names(exclude=("src/gen", "vendor", "**/build/**")) == ["src/a"]
    with mock.patch.object(os, "scandir", wraps=os.scandir) as listed:
        assert told(exclude=("src/gen", "vendor", "**/build/**")) == [
            ("skipped", "src/gen", "directory excluded by a glob"),
            ("skipped", "vendor", "directory excluded by a glob"),
            ("skipped", "x/vendor", "directory excluded by a glob"),
            ("skipped", "y/build", "directory excluded by a glob"),
        ]
    assert [call.args[0] for call in listed.call_args_list] == [".", "./src", "./x", "./y"]


def test_globs_hold_below_an_absolute_argument(tree: Path) -> None:
    make("src/a.py", "src/b.txt", "lib/a.py")
    assert names(str(tree), include=("src/*.py",)) == [f"{tree}/src/a.py"]
    assert names(str(tree), exclude=("src/**",)) == [f"{tree}/lib/a.py"]
    assert names(str(tree), exclude=("src/*.py",)) == [f"{tree}/lib/a.py", f"{tree}/src/b.txt"]


def test_globs_hold_for_links_and_files_given_by_name(tree: Path) -> None:
    make("a.py", "b.lock")
    os.symlink("nowhere", "c.lock")
    assert names(exclude=("*.lock",)) == ["a.py"]
    assert names("a.py", "b.lock", exclude=("*.lock",)) == ["a.py"]
    assert told("a.py", "b.lock", exclude=("*.lock",)) == [("skipped", "b.lock", "excluded by a glob: 1 file")]


# ---- weight ---------------------------------------------------------------------------------------------------------


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, leakguard.model, leakguard.errors; before = set(sys.modules);"
        "import leakguard.sources.files; print(*sorted(set(sys.modules) - before))"
    )
    root = str(Path(files.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["errno", "leakguard.sources", "leakguard.sources.files", "leakguard.sources.windows"]


def test_deep_folders_need_no_deep_stack(tree: Path) -> None:
    path = "/".join(["d"] * 400)
    os.makedirs(path)
    make(f"{path}/x")
    here = len(inspect.stack(0))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(here + 60)
    try:
        seen = names()
    finally:
        sys.setrecursionlimit(limit)
    assert seen == [f"{path}/x"]


def test_two_walks_agree(tree: Path) -> None:
    chance = random.Random(7)
    make(*{"/".join(chance.choices("abcdefgh", k=3)) for _ in range(200)})
    first, second = found(), found()
    assert first == second
    assert len(first[0]) > 100
