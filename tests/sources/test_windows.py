"""Windows of a file or stream: the cores are the file, memory is bounded, nothing lost is lost silently."""

from __future__ import annotations

import errno
import io
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.model import Document, Incident, Origin
from leakguard.sources import windows
from leakguard.sources.windows import FileTask, Windows, read_stream, read_windows

ORIGIN = Origin("file", "x")
ON_LINUX = sys.platform.startswith("linux")


@pytest.fixture(autouse=True)
def never_hangs() -> Iterator[None]:
    """Most of what can go wrong here waits for ever."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    yield
    signal.alarm(0)


def task(path: Path | str, kind: str = "file") -> FileTask:
    return FileTask(str(path), str(path), os.lstat(path).st_size, kind)


def file_of(folder: Path, content: bytes) -> Path:
    path = folder / "x"
    path.write_bytes(content)
    return path


def cores(documents: list[Document]) -> list[bytes]:
    return [document.data[document.core_start : document.core_end] for document in documents]


def read(path: Path | str, **more: int | None) -> tuple[list[Document], list[Incident]]:
    incidents: list[Incident] = []
    return list(read_windows(task(path), ORIGIN, incidents.append, **more)), incidents  # type: ignore[arg-type]


# ---- what a window is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 99, 100, 119, 120])
def test_a_file_of_window_and_reach_is_one_document(tmp_path: Path, size: int) -> None:
    content = bytes(range(size))
    documents, incidents = read(file_of(tmp_path, content), window=100, reach=20)
    assert [(d.data, d.base, d.core_start, d.core_end, d.final) for d in documents] == [(content, 0, 0, size, True)]
    assert documents[0].origin is ORIGIN
    assert incidents == []


def test_a_byte_more_is_two_documents_with_context(tmp_path: Path) -> None:
    content = bytes(range(121))
    documents, incidents = read(file_of(tmp_path, content), window=100, reach=20)
    assert [(d.base, len(d.data), d.core_start, d.core_end, d.final) for d in documents] == [
        (0, 120, 0, 100, False),
        (80, 41, 20, 41, True),
    ]
    assert b"".join(cores(documents)) == content
    assert incidents == []


def test_a_range_reads_context_outside_itself(tmp_path: Path) -> None:
    content = bytes(range(200))
    documents, _ = read(file_of(tmp_path, content), window=30, reach=10, start=50, end=100)
    assert [(d.base + d.core_start, d.base + d.core_end) for d in documents] == [(50, 80), (80, 100)]
    assert [(d.base, d.data) for d in documents] == [(40, content[40:90]), (70, content[70:110])]
    assert [d.final for d in documents] == [False, False]


def test_a_range_beyond_the_file_is_empty(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"x" * 50)
    assert read(path, start=50) == ([], [])
    assert read(path, start=0, end=0) == ([], [])


def test_arguments_are_checked(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"x")
    for wrong in ({"window": 0}, {"reach": -1}, {"start": -1}):
        with pytest.raises(ValueError, match="window must be positive"):
            read(path, **wrong)
    with pytest.raises(ValueError, match="window must be positive"):
        list(read_stream(io.BytesIO(), ORIGIN, print, window=0))


# ---- cuts -----------------------------------------------------------------------------------------------------------


def test_a_cut_begins_the_next_core(tmp_path: Path) -> None:
    reader = read_windows(task(file_of(tmp_path, bytes(range(200)))), ORIGIN, print, 50, 10)
    first = next(reader)
    assert (first.core_end, len(first.data)) == (50, 60)
    second = reader.send(45)
    assert (second.base + second.core_start, second.base + second.core_end) == (45, 95)
    assert second.base == 35
    third = reader.send(95)  # at or after the end of the core: nothing was cut
    assert third.base + third.core_start == 95


def test_a_run_from_the_start_of_the_core_grows_the_window_then_shrinks_back(tmp_path: Path) -> None:
    reader = read_windows(task(file_of(tmp_path, bytes(1000))), ORIGIN, print, 50, 10)
    spans = [next(reader)]
    for cut in (0, 0, 180, None):
        spans.append(reader.send(cut))
    assert [(d.base + d.core_start, d.base + d.core_end, d.base + len(d.data)) for d in spans] == [
        (0, 50, 60),
        (0, 100, 110),
        (0, 200, 210),
        (180, 230, 240),
        (230, 280, 290),
    ]


def test_what_a_grown_window_read_ahead_becomes_core(tmp_path: Path) -> None:
    reader = read_windows(task(file_of(tmp_path, bytes(1000))), ORIGIN, print, 50, 10)
    next(reader), reader.send(0), reader.send(0)
    document = reader.send(20)
    assert (document.base, document.core_start, document.base + document.core_end) == (10, 10, 200)
    assert document.base + len(document.data) == 210


def test_a_run_too_long_for_any_window_is_told_and_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LARGEST_WINDOW", 150)
    incidents: list[Incident] = []
    reader = read_windows(task(file_of(tmp_path, bytes(1000))), ORIGIN, incidents.append, 50, 10)
    seen = [next(reader), reader.send(0), reader.send(0)]
    assert [len(core) for core in cores(seen)] == [50, 100, 150]
    assert incidents == []
    after = reader.send(0)
    assert (after.base + after.core_start, after.base + after.core_end) == (150, 200)
    assert incidents == [Incident("truncated", "x", "run at byte 0 is longer than 150 bytes")]


def test_a_run_over_the_end_of_a_range_is_read_on(tmp_path: Path) -> None:
    reader = read_windows(task(file_of(tmp_path, bytes(1000))), ORIGIN, print, 50, 10, 0, 50)
    first = next(reader)
    assert len(first.data) == 60
    second = reader.send(40)
    assert (second.base + second.core_start, second.base + second.core_end) == (40, 50)
    assert second.base + len(second.data) == 100
    third = reader.send(40)
    assert third.base + third.core_end == 50
    assert third.base + len(third.data) == 150
    with pytest.raises(StopIteration):
        next(reader)


CONTENTS = st.integers(0, 200).map(lambda size: bytes(range(size)))
"""No byte twice, so that a wrong place shows; and not as short as chance likes its bytes."""


class Consumer:
    """Reads as the pipeline does, holding every Document to its promise."""

    def __init__(self, content: bytes, reach: int, cuts: list[int | None]) -> None:
        self.content = content
        self.reach = reach
        self.exact = not cuts
        self.cuts = iter(cuts)
        self.incidents: list[Incident] = []

    def read(self, reader: Windows, start: int, end: int) -> bytes:
        """The cores as accepted: what follows a cut counts only when it comes again."""
        got = b""
        expected = start
        document = next(reader, None)
        while document is not None:
            begin, stop = document.base + document.core_start, document.base + document.core_end
            assert begin == expected
            assert stop <= end
            assert begin < stop or not self.content
            self.check(document, begin, stop)
            got = got[: begin - start] + self.content[begin:stop]
            relative = next(self.cuts, None)
            cut = None if relative is None else begin + relative
            known = len(self.incidents)
            try:
                document = reader.send(cut)
            except StopIteration:
                return got
            gave_up = len(self.incidents) > known
            expected = stop if cut is None or cut >= stop or gave_up else max(cut, begin)
        return got

    def check(self, document: Document, begin: int, stop: int) -> None:
        data_end = document.base + len(document.data)
        assert document.data == self.content[document.base : data_end]
        assert document.base == max(0, begin - self.reach)
        assert data_end >= min(stop + self.reach, len(self.content))
        assert document.final == (data_end == len(self.content))
        if self.exact:
            assert data_end == min(stop + self.reach, len(self.content)) or document.final


@given(
    content=CONTENTS,
    window=st.integers(1, 60),
    reach=st.integers(0, 40),
    splits=st.lists(st.integers(0, 220), max_size=3),
    cuts=st.lists(st.none() | st.integers(-5, 70), max_size=12),
)
def test_cores_join_to_the_file_whatever_the_windows_splits_and_cuts(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    window: int,
    reach: int,
    splits: list[int],
    cuts: list[int | None],
) -> None:
    path = file_of(tmp_path_factory.getbasetemp(), content)
    consumer = Consumer(content, reach, cuts)
    edges = [0, *sorted(splits)]
    got = b""
    with mock.patch.object(windows, "LARGEST_WINDOW", 90):
        for start, end in zip(edges, [*edges[1:], None], strict=True):
            reader = read_windows(task(path), ORIGIN, consumer.incidents.append, window, reach, start, end)
            got += consumer.read(reader, start, len(content) if end is None else min(end, len(content)))
    assert got == content
    assert {incident.state for incident in consumer.incidents} <= {"truncated"}


class Dribble:
    """A source that gives as much as it likes at a time."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self.content = io.BytesIO(content)
        self.sizes = iter(sizes)

    def readinto(self, buffer: memoryview, /) -> int:
        piece = self.content.read(min(len(buffer), next(self.sizes, len(buffer))))
        buffer[: len(piece)] = piece
        return len(piece)


@given(
    content=CONTENTS,
    window=st.integers(1, 60),
    reach=st.integers(0, 40),
    sizes=st.lists(st.integers(1, 30), max_size=20),
    cuts=st.lists(st.none() | st.integers(-5, 70), max_size=12),
)
def test_a_stream_gives_the_same_windows(
    content: bytes, window: int, reach: int, sizes: list[int], cuts: list[int | None]
) -> None:
    consumer = Consumer(content, reach, cuts)
    with mock.patch.object(windows, "LARGEST_WINDOW", 90), mock.patch.object(windows, "_FIRST_STEP", 8):
        reader = read_stream(Dribble(content, sizes), ORIGIN, consumer.incidents.append, window, reach)
        assert consumer.read(reader, 0, len(content)) == content
    assert {incident.state for incident in consumer.incidents} <= {"truncated"}


def test_file_and_stream_cut_the_same_windows(tmp_path: Path) -> None:
    path = file_of(tmp_path, os.urandom(300_000))
    documents, _ = read(path, window=70_000, reach=1000)
    with path.open("rb") as file:
        streamed = list(read_stream(file.fileno(), ORIGIN, print, 70_000, 1000))
    assert [(d.data, d.base, d.core_start, d.core_end, d.final) for d in documents] == [
        (d.data, d.base, d.core_start, d.core_end, d.final) for d in streamed
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_memory_is_two_windows_whatever_the_size(tmp_path: Path, stream: bool) -> None:
    window, reach = 400_000, 20_000
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(window * 12)
    fd = os.open(path, os.O_RDONLY)
    tracemalloc.start()
    try:
        reader = (
            read_stream(fd, ORIGIN, print, window, reach)
            if stream
            else read_windows(task(path), ORIGIN, print, window, reach)
        )
        total = sum(document.core_end - document.core_start for document in reader)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        os.close(fd)
    assert total == window * 12
    assert peak < 2.3 * (window + 2 * reach)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what malloc keeps is its own business elsewhere")
def test_pages_are_asked_for_once_and_not_for_each_window(tmp_path: Path) -> None:
    """Two windows are freed together at the end of each part of a file: with what glibc does then unasked, every page of
    the file is a page fault."""
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(16 * windows.WINDOW)
    code = """if True:
        import resource, sys
        from leakguard.model import Origin
        from leakguard.sources.windows import WINDOW, FileTask, read_windows

        def part(at):
            task = FileTask(sys.argv[1], sys.argv[1], 16 * WINDOW)
            for document in read_windows(task, Origin("file", "x"), print, start=at, end=at + 2 * WINDOW):
                pass

        part(0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for at in range(2 * WINDOW, 16 * WINDOW, 2 * WINDOW):
            part(at)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    faults = int(subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True).stdout)
    assert faults < 14 * windows.WINDOW // resource.getpagesize() // 4


# ---- files that change ----------------------------------------------------------------------------------------------


def changing(path: Path, change: Callable[[], object], **more: int) -> tuple[list[Document], list[Incident]]:
    """Reads with a change between the first and the second window."""
    incidents: list[Incident] = []
    documents = []
    for document in read_windows(task(path), ORIGIN, incidents.append, 100, 10, **more):
        documents.append(document)
        if len(documents) == 1:
            change()
    return documents, incidents


def test_a_file_that_shrinks_is_a_failed_incident_and_what_is_left_is_read(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 500)
    documents, incidents = changing(path, lambda: os.truncate(path, 250))
    assert b"".join(cores(documents)) == b"a" * 250
    assert documents[-1].final
    assert incidents == [Incident("failed", "x", "file shrank while it was read", 250)]


def test_a_file_cut_to_nothing_keeps_what_was_read(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 500)
    documents, incidents = changing(path, lambda: os.truncate(path, 0))
    assert b"".join(cores(documents)) == b"a" * 110  # the first window and its context
    assert incidents == [Incident("failed", "x", "file shrank while it was read", 390)]


def test_a_file_cut_where_a_core_ended_has_no_empty_window(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 300)
    incidents: list[Incident] = []
    reader = read_windows(task(path), ORIGIN, incidents.append, 100, 0)
    assert cores([next(reader)]) == [b"a" * 100]
    os.truncate(path, 100)
    assert list(reader) == []
    assert incidents == [Incident("failed", "x", "file shrank while it was read", 200)]


def test_a_file_shorter_than_a_range_supposed(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 500)
    stale = task(path)
    os.truncate(path, 100)
    incidents: list[Incident] = []
    assert list(read_windows(stale, ORIGIN, incidents.append, 100, 10, 200, 300)) == []
    assert incidents == [Incident("failed", "x", "file shrank while it was read", 300)]


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_a_file_that_grows_is_read_to_its_new_end(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 500)
    documents, incidents = changing(path, lambda: append(path, b"b" * 300))
    assert b"".join(cores(documents)) == b"a" * 500 + b"b" * 300
    assert incidents == []


def test_a_file_that_grows_without_end_is_truncated_at_twice_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "_FIRST_STEP", 100)
    path = file_of(tmp_path, b"a" * 500)
    documents, incidents = changing(path, lambda: append(path, b"b" * 700))
    assert b"".join(cores(documents)) == b"a" * 500 + b"b" * 500
    assert documents[-1].final
    assert incidents == [Incident("truncated", "x", "file grew while it was read", 200)]


def test_a_file_that_grows_faster_than_it_is_read_ends_after_one_more_pass(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 500)
    incidents: list[Incident] = []
    total = 0
    for document in read_windows(task(path), ORIGIN, incidents.append, 100, 10):
        total += document.core_end - document.core_start
        append(path, b"b" * 100)
    assert 500 < total <= 65_536
    assert [(incident.state, incident.reason) for incident in incidents] == [
        ("truncated", "file grew while it was read")
    ]
    assert incidents[0].bytes > 0


def test_a_small_file_that_grew_since_the_walk_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(tmp_path, b"a")
    real = os.read

    def grows_first(fd: int, count: int) -> bytes:
        append(path, b"b" * 40)
        return real(fd, count)

    monkeypatch.setattr(os, "read", grows_first)
    documents, incidents = read(path)
    assert b"".join(cores(documents)) == b"a" + b"b" * 40
    assert incidents == []


def test_a_file_of_window_and_reach_that_grew_keeps_the_promise_of_context(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 120)
    real = windows.open_regular

    def grows_after(name: str) -> tuple[int, int]:
        opened = real(name)
        append(path, b"b" * 40)
        return opened

    with mock.patch.object(windows, "open_regular", grows_after):
        documents, incidents = read(path, window=100, reach=20)
    assert [(d.base, len(d.data), d.core_start, d.core_end) for d in documents] == [(0, 120, 0, 100), (80, 80, 20, 80)]
    assert incidents == []


def test_a_small_file_that_shrank_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(tmp_path, b"a" * 100)
    real = os.read

    def shrinks_first(fd: int, count: int) -> bytes:
        os.truncate(path, 60)
        return real(fd, count)

    monkeypatch.setattr(os, "read", shrinks_first)
    documents, incidents = read(path)
    assert cores(documents) == [b"a" * 60]
    assert incidents == [Incident("failed", "x", "file shrank while it was read", 40)]


def test_a_range_with_an_end_leaves_growth_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_FIRST_STEP", 1)
    path = file_of(tmp_path, b"a" * 500)
    documents, incidents = changing(path, lambda: append(path, b"b" * 5000), start=0, end=500)
    assert b"".join(cores(documents)) == b"a" * 500
    assert documents[-1].final
    assert incidents == []


def test_a_file_that_vanished_is_failed(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 7)
    gone = task(path)
    path.unlink()
    incidents: list[Incident] = []
    assert list(read_windows(gone, ORIGIN, incidents.append)) == []
    assert incidents == [Incident("failed", "x", "No such file or directory", 7)]


def test_a_file_that_vanishes_while_read_is_read_on(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 500)
    documents, incidents = changing(path, path.unlink)
    assert b"".join(cores(documents)) == b"a" * 500
    assert incidents == []


# ---- what is no plain file ------------------------------------------------------------------------------------------


def swap_fifo(path: Path) -> None:
    os.mkfifo(path)


def swap_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # short enough: the test stands in the folder


def swap_link(path: Path) -> None:
    path.with_name("target").write_bytes(b"elsewhere")
    path.symlink_to("target")


@pytest.mark.parametrize(
    ("swap", "reason"),
    [
        (swap_fifo, "is a fifo, not a file"),
        (swap_socket, os.strerror(errno.ENXIO) if ON_LINUX else ""),
        (Path.mkdir, "is a directory, not a file"),
        (swap_link, "is a symbolic link, not a file"),
    ],
)
def test_what_was_swapped_for_the_file_is_neither_waited_for_nor_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: Callable[[Path], None], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = file_of(tmp_path, b"a" * 7)
    seen = task(path)
    path.unlink()
    swap(path)
    incidents: list[Incident] = []
    before = len(os.listdir("/proc/self/fd")) if ON_LINUX else 0
    assert list(read_windows(seen, ORIGIN, incidents.append)) == []
    assert [incident.state for incident in incidents] == ["failed"]
    assert incidents[0].bytes == 7
    assert incidents[0].reason == (reason or incidents[0].reason)
    if ON_LINUX:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_device_is_not_read() -> None:
    incidents: list[Incident] = []
    assert list(read_windows(FileTask("/dev/zero", "/dev/zero", 0), ORIGIN, incidents.append)) == []
    assert incidents == [Incident("failed", "x", "is a character device, not a file")]


def test_the_text_of_a_link_is_its_content(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(os.fsdecode(b"secret/\xff/target"))
    documents = list(read_windows(task(link, "link"), ORIGIN, print))
    assert [(d.data, d.base, d.core_start, d.core_end, d.final) for d in documents] == [
        (b"secret/\xff/target", 0, 0, 15, True)
    ]
    assert list(read_windows(task(link, "link"), ORIGIN, print, start=3)) == []
    assert len(list(read_windows(task(link, "link"), ORIGIN, print, end=3))) == 1


def test_a_link_that_vanished_is_failed(tmp_path: Path) -> None:
    incidents: list[Incident] = []
    assert list(read_windows(FileTask("l", str(tmp_path / "l"), 3, "link"), ORIGIN, incidents.append)) == []
    assert incidents == [Incident("failed", "x", "No such file or directory", 3)]


@pytest.mark.skipif(not ON_LINUX, reason="/proc")
@pytest.mark.parametrize("window", [windows.WINDOW, 1000])
def test_a_file_that_says_it_is_empty_is_read(window: int) -> None:
    documents, incidents = read("/proc/self/maps", window=window, reach=50)
    assert os.stat("/proc/self/maps").st_size == 0
    assert b"".join(cores(documents)).count(b"\n") > 20
    assert len(documents) > 1 or window > 1000
    assert incidents == []


@pytest.mark.skipif(not ON_LINUX, reason="/proc")
def test_a_file_without_size_or_end_is_truncated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "NO_SIZE_LIMIT", 500)
    documents, incidents = read("/proc/self/maps", window=200, reach=50)
    assert sum(map(len, cores(documents))) == 500
    assert incidents == [Incident("truncated", "x", "no end within 500 bytes of a file that has no size")]


@pytest.mark.skipif(not os.path.isfile("/sys/kernel/uevent_seqnum"), reason="/sys")
def test_a_size_that_was_never_meant_is_not_a_shrunk_file() -> None:
    path = "/sys/kernel/uevent_seqnum"
    assert os.stat(path).st_size > 100
    documents, incidents = read(path)
    assert [document.data.strip().isdigit() for document in documents] == [True]
    assert incidents == []


@pytest.mark.skipif(not ON_LINUX, reason="/proc")
def test_a_read_error_is_told_with_its_place() -> None:
    documents, incidents = read("/proc/self/mem")
    assert [document.data for document in documents] == [b""]
    assert incidents == [Incident("failed", "x", "Input/output error at byte 0")]


def test_a_read_error_of_a_small_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_fd: int, _count: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "read", broken)
    documents, incidents = read(file_of(tmp_path, b"a" * 7))
    assert documents == []
    assert incidents == [Incident("failed", "x", "Input/output error at byte 0", 7)]


# ---- streams --------------------------------------------------------------------------------------------------------


class Breaks:
    """A source that fails half way."""

    def __init__(self, good: int) -> None:
        self.good = good

    def readinto(self, buffer: memoryview, /) -> int:
        if not self.good:
            raise OSError(errno.EIO, "Input/output error")
        count = min(self.good, len(buffer))
        buffer[:count] = b"a" * count
        self.good -= count
        return count


def test_a_stream_that_breaks_gives_what_it_had() -> None:
    incidents: list[Incident] = []
    documents = list(read_stream(Breaks(250), ORIGIN, incidents.append, 100, 10))
    assert b"".join(cores(documents)) == b"a" * 250
    assert documents[-1].final
    assert incidents == [Incident("failed", "x", "Input/output error at byte 250")]


def test_a_closed_stream_is_failed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    incidents: list[Incident] = []
    assert list(read_stream(reader, ORIGIN, incidents.append)) == []
    assert incidents == [Incident("failed", "x", "Bad file descriptor")]


def test_an_empty_stream_is_one_empty_document() -> None:
    documents = list(read_stream(io.BytesIO(), ORIGIN, print))
    assert [(document.data, document.final) for document in documents] == [(b"", True)]


@pytest.mark.parametrize(("first", "rest", "count"), [(b"", b"b", 1), (b"a" * 12, b"b", 2), (b"a" * 12, b"", 1)])
def test_a_pipe_that_does_not_block_is_waited_for_without_work(first: bytes, rest: bytes, count: int) -> None:
    """Waiting costs no processor time, in a window and when asking whether there is one byte more."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.write(writer, first)

    def finish() -> None:
        os.write(writer, rest)
        os.close(writer)

    timer = threading.Timer(0.4, finish)
    timer.start()
    begin = time.thread_time()
    try:
        documents = list(read_stream(reader, ORIGIN, print, 10, 2))
    finally:
        timer.join()
        os.close(reader)
    assert time.thread_time() - begin < 0.2
    assert b"".join(cores(documents)) == first + rest
    assert [document.final for document in documents] == [False, True][-count:]


@pytest.mark.parametrize("blocking", [True, False])
def test_a_slow_pipe_is_waited_for(blocking: bool) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, blocking)

    def write() -> None:
        for _ in range(5):
            time.sleep(0.02)
            os.write(writer, b"abc" * 20)
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    incidents: list[Incident] = []
    try:
        documents = list(read_stream(reader, ORIGIN, incidents.append, 64, 8))
    finally:
        thread.join()
        os.close(reader)
    assert b"".join(cores(documents)) == b"abc" * 100
    assert documents[-1].final
    assert incidents == []


def test_a_source_with_nothing_to_wait_on_is_failed() -> None:
    class Never:
        def readinto(self, _buffer: memoryview, /) -> int | None:
            return None

    incidents: list[Incident] = []
    assert [document.data for document in read_stream(Never(), ORIGIN, incidents.append)] == [b""]
    assert incidents == [Incident("failed", "x", f"{os.strerror(errno.EAGAIN)} at byte 0")]


def test_leaving_early_closes_the_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a" * 500)
    opened: list[int] = []
    real = windows.open_regular

    def remembers(name: str) -> tuple[int, int]:
        found = real(name)
        opened.append(found[0])
        return found

    with mock.patch.object(windows, "open_regular", remembers):
        reader = read_windows(task(path), ORIGIN, print, 100, 10)
        next(reader)
        os.fstat(opened[0])
        reader.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])
