"""The pipeline: exact places whatever the windows, lines without secrets, an account of every byte."""

from __future__ import annotations

import io
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import ENCODINGS, bare, leak, noise

from leakguard import findings, pipeline, work
from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.errors import EngineError
from leakguard.findings import SNIPPET, Masks, findings_of, masked_line
from leakguard.model import Confidence, Document, Finding, Incident, Match, Origin, Severity
from leakguard.pipeline import _drain, scan_files, scan_standard_input, scan_unit
from leakguard.sources.files import FileTask, Options, walk
from leakguard.sources.windows import read_stream
from leakguard.work import Done, Policy, Unit, batches, units

ORIGIN = Origin("file", "x")
TOKEN, SECRET = leak("github", 31)
VALUE = TOKEN.split(b'"')[1]


def drained(engine: Engine, data: bytes, window: int, reach: int) -> Done:
    incidents: list[Incident] = []
    windows = read_stream(io.BytesIO(data), ORIGIN, incidents.append, window, reach)
    return _drain(engine, windows, Policy(), incidents, size=len(data), reach=reach)


def task(path: Path) -> FileTask:
    return FileTask(path.name, str(path), path.stat().st_size)


def scanned(engine: Engine, paths: list[Path], **more: Any) -> Any:
    collector = Collector()
    scan_files([task(path) for path in paths], lambda _: engine, Policy(), 1, collector, **more)
    return collector.result()


# ---- places ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.0005, 0.02]), st.integers(500, 9000))
@settings(max_examples=30)
def test_lines_and_columns_are_exact(engine: Engine, seed: int, breaks: float, window: int) -> None:
    """Whatever the windows, and however long the lines: a line is longer than any window."""
    random = Random(seed)
    data = bytearray()
    for number in range(8):
        filler = bytes(random.choice(b"abcdefgh ,.;") for _ in range(random.randrange(3000)))
        data += bytes(b"\n"[0] if random.random() < breaks else byte for byte in filler)
        data += b' token = "' + leak("github", seed + number)[0].split(b'"')[1] + b'" '
    found = drained(engine, bytes(data), window, 6000).findings
    assert len(found) == 8
    for finding in found:
        start, end = finding.start_byte, finding.end_byte
        assert bytes(data[start:end]) == finding.secret
        assert finding.start_line == finding.end_line == data.count(b"\n", 0, start) + 1
        assert finding.start_column == start - data.rfind(b"\n", 0, start)
        assert finding.end_column == end - data.rfind(b"\n", 0, end)


def test_a_secret_of_several_lines_ends_where_it_ends(engine: Engine) -> None:
    text, _ = leak("pem", 3)
    (finding,) = drained(engine, b"first\n  " + text + b"last\n", 100_000, 1000).findings
    lines = text.strip().split(b"\n")
    assert (finding.start_line, finding.start_column) == (2, 3)
    assert (finding.end_line, finding.end_column) == (1 + len(lines), len(lines[-1]) + 1)


def test_the_same_core_again_counts_once(engine: Engine) -> None:
    """A run that its window does not hold makes the window come again, longer: what it gave before is forgotten."""
    text = b"".join(leak("github", number)[0] + b"only words " * 300 + b"\n" for number in range(9))
    data = TOKEN + b"x = " + ENCODINGS["base64"](text) + b"\n" + TOKEN
    done = drained(engine, data, 3000, 2000)
    assert done.bytes == len(data)
    assert done.lines == data.count(b"\n")
    places = [(finding.start_byte, finding.rule) for finding in done.findings]
    assert len(places) == len(set(places)) == 11
    assert done.findings[-1].start_line == 3


# ---- lines without secrets ------------------------------------------------------------------------------------------


def masked(data: bytes, *spans: tuple[int, int], of: int = 0) -> str:
    masks = Masks((start, end, "acme.token", end - start) for start, end in spans)
    match = Match(0, *spans[of], *spans[of], 3, (), b"", spans[of][1] - spans[of][0])
    return masked_line(data, match, masks)


def test_every_secret_on_the_line_is_masked() -> None:
    data = b"first\nkey = AAAAAAAA, secret = BBBBBBBBBB; # end\nlast"
    spans = (12, 20), (31, 41)
    assert masked(data, *spans) == "key = <acme.token:8>, secret = <acme.token:10>; # end"
    assert masked(data, *spans, of=1) == masked(data, *spans)


def test_what_is_glued_to_a_secret_is_masked_with_it() -> None:
    assert masked(b"key=AAAAAAAA/more+of=it next", (4, 12)) == "key=<acme.token:8> next"


def test_the_same_value_beside_it_is_masked_too() -> None:
    """No rule saw the second one: in a comment, say. It is the same secret."""
    assert masked(b"key=AAAAAAAA # was AAAAAAAA", (4, 12)) == "key=<acme.token:8> # was <acme.token:8>"


def test_a_long_line_is_cut_around_the_secret() -> None:
    data = b"x " * 5000 + b"key=" + b"A" * 20 + b" y" * 5000
    text = masked(data, (10_004, 10_024))
    assert "key=<acme.token:20> y" in text
    assert len(text) < 2 * SNIPPET + 30


@given(st.binary(max_size=400), st.data())
@settings(max_examples=200)
def test_no_masked_line_holds_a_secret(data: bytes, draw: st.DataObject) -> None:
    value = b"5ecretValue"
    text = data + value + data[::-1] + value + data[:7]
    spans = [(len(data), len(data) + len(value))]
    if draw.draw(st.booleans()):
        at = 2 * len(data) + len(value)
        spans.append((at, at + len(value)))
    for number in range(len(spans)):
        assert "5ecretValue" not in masked(text, *spans, of=number)


def test_masks_near_a_very_long_one_are_found() -> None:
    masks = Masks([(0, 50_000, "a.long", 50_000), *((at, at + 5, "a.b", 5) for at in range(60_000, 90_000, 10))])
    assert masks.between(49_999, 50_100) == [(0, 50_000, "a.long", 50_000)]
    assert masks.between(60_012, 60_035) == [(at, at + 5, "a.b", 5) for at in (60_010, 60_020, 60_030)]
    assert masks.between(51_000, 52_000) == []


def test_findings_in_the_context_mask_but_are_not_reported(engine: Engine) -> None:
    other, _ = leak("npm", 1)
    data = TOKEN.rstrip() + b" # " + other
    document = Document(data, ORIGIN, core_start=len(TOKEN), final=False)
    found, _ = findings_of(engine, document, engine.scan(data).matches, 1)
    assert [finding.rule for finding in found] == ["npm.access-token"]
    assert VALUE.decode() not in found[0].masked


# ---- parts of a file ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(work, "SPLIT", 150_000)
    return 150_000


def test_parts_cover_a_file_without_gap(tmp_path: Path, small_parts: int) -> None:
    for size in (0, 1, 299_999, 300_000, 300_001, 449_999, 1_000_000):
        path = tmp_path / "x"
        path.write_bytes(b"some words\n" * (size // 11 + 1))
        os.truncate(path, size)
        parts = list(units([task(path)]))
        assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
        assert parts[-1].end is None
        assert (len(parts) > 1) == (size >= 2 * small_parts)
        assert all((part.end or size) - part.start < 2 * small_parts for part in parts)


def test_no_part_begins_in_the_middle_of_a_run(tmp_path: Path, small_parts: int) -> None:
    """Where its groups of four begin, nobody could say."""
    path = tmp_path / "x"
    path.write_bytes(b"words\n" * 10_000 + b"QUJD" * 100_000 + b"\n" + b"words\n" * 50_000)
    assert [(part.start, part.end) for part in units([task(path)])] == [(0, 600_000), (600_000, None)]
    gone = FileTask("gone", str(tmp_path / "gone"), 10**6)
    assert len(list(units([gone]))) == 6


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.001]))
@settings(max_examples=2)
def test_parts_find_what_the_whole_does(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, seed: int, breaks: float
) -> None:
    path = tmp_path_factory.mktemp("parts") / "x"
    names = ("base64", "base64 wrapped", "utf-16le", "gzip in base64", "percent")
    pieces = []
    for number in range(40):
        text, _ = leak(("github", "npm", "binance", "pem")[number % 4], seed + number)
        words = bytes(Random(seed + number).choice(b"abcdefgh ,.;") for _ in range(9000))
        pieces += [words if breaks else words.replace(b"\n", b" "), b"\n" if number % 7 == 3 else b" ; "]
        pieces += [b"\n" + text if number % 3 else ENCODINGS[names[number % 5]](text * 20), b" "]
    path.write_bytes(b"".join(pieces))
    whole = scanned(engine, [path])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "SPLIT", 100_000)
        parts = scanned(engine, [path])
        assert len(list(units([task(path)]))) > 2
    assert len(whole.findings) >= 40
    assert sorted(parts.findings, key=_place) == sorted(whole.findings, key=_place)
    assert sorted(parts.sets) == sorted(whole.sets)
    assert parts.totals[:2] == whole.totals[:2]
    assert parts.incidents == whole.incidents == ()


def _place(finding: Finding) -> tuple[object, ...]:
    return finding.start_byte, finding.end_byte, finding.rule, finding.view, finding.fingerprint


# ---- the account ----------------------------------------------------------------------------------------------------


def test_every_byte_is_accounted_for(engine: Engine, tmp_path: Path) -> None:
    """What was scanned, skipped and failed is together what there is."""
    for name, size in (("a", 0), ("b", 1), ("c", 100_000), ("d.skip", 700), ("e", 5_000_000), ("locked", 40)):
        (tmp_path / name).write_bytes(noise(1, min(size, 5000)) * (size // 5000 or 1))
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    (tmp_path / "gone").write_bytes(b"x" * 77)
    incidents: list[Incident] = []
    tasks = list(walk([str(tmp_path)], Options(exclude=("*.skip",)), incidents.append))
    (tmp_path / "gone").unlink()
    collector = Collector()
    scan_files(tasks, lambda _: engine, Policy(), 1, collector)
    result = collector.result(incidents)
    told = {state: sum(i.bytes for i in result.incidents if i.state == state) for state in ("skipped", "failed")}
    assert told == {"skipped": (tmp_path / "d.skip").stat().st_size, "failed": 77}
    assert result.totals.bytes + told["skipped"] == total
    assert result.totals.objects == 5


def test_what_could_not_be_opened_is_no_object(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    result = scanned(engine, [tmp_path / "empty"])
    assert (result.totals.objects, result.incidents) == (1, ())
    collector = Collector()
    scan_files([FileTask("gone", str(tmp_path / "gone"), 5)], lambda _: engine, Policy(), 1, collector)
    assert collector.result().totals.objects == 0
    assert [incident.state for incident in collector.result().incidents] == ["failed"]


@pytest.mark.parametrize(("read", "changed"), [(100, (0, 0)), (93, (7, 0)), (130, (0, 30))])
def test_a_file_that_changed_while_it_was_read_is_told_though_nothing_was_found(read: int, changed: tuple[int, int]) -> None:
    """Its account is not that of the quick way, which is for files that are what the walk saw."""
    collector = Collector()
    collector.accounts = True
    collector.add(Unit(FileTask("app.log", "/app.log", 100)), Done([], [], 3, read, 0, 0, []))
    files = collector.result().receipt["account"]["files"]
    assert (files["vanished"], files["grown"]) == changed
    assert files["bytes"] == 100


class Fails:
    """An engine that fails on windows that hold a word."""

    def __init__(self, engine: Engine, error: type[Exception]) -> None:
        self.engine = engine
        self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def scan(self, data: bytes, *place: Any, **more: Any) -> Any:
        if b"poison" in data:
            raise EngineError("x.y", "Reason") if self.error is EngineError else self.error(data[:40])
        return self.engine.scan(data, *place, **more)


def test_a_window_that_fails_is_told_and_the_next_one_has_its_lines(engine: Engine) -> None:
    data = TOKEN * 100 + b"poison\n" + b"words\n" * 3000 + leak("npm", 1)[0]
    incidents: list[Incident] = []
    windows = read_stream(io.BytesIO(data), ORIGIN, incidents.append, 5000, 1000)
    done = _drain(Fails(engine, EngineError), windows, Policy(), incidents, size=len(data), reach=1000)  # type: ignore[arg-type]
    assert {(i.state, i.reason) for i in done.incidents} == {("failed", "engine: x.y: Reason")}
    assert done.bytes + sum(incident.bytes for incident in done.incidents) == len(data)
    assert done.findings[-1].rule == "npm.access-token"
    assert done.findings[-1].start_line == data.count(b"\n")


@pytest.mark.parametrize("error", [MemoryError, ValueError, OSError, RecursionError])
def test_whatever_goes_wrong_fails_the_file_and_not_the_run(
    engine: Engine, tmp_path: Path, error: type[Exception]
) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good"
    bad.write_bytes(b"poison " + TOKEN)
    good.write_bytes(TOKEN)
    result = scanned(Fails(engine, error), [bad, good])  # type: ignore[arg-type]
    assert [finding.path for finding in result.findings] == ["good"]
    (incident,) = result.incidents
    assert (incident.state, incident.origin, incident.bytes) == ("failed", "bad", bad.stat().st_size)
    assert incident.reason == f"internal error: {error.__name__}"


def test_findings_beyond_a_bound_are_counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MOST_PER_OBJECT", 5)
    done = drained(engine, b"".join(leak("github", number)[0] for number in range(20)), 300, 200)
    assert len(done.findings) == 5
    assert [(i.state, i.reason) for i in done.incidents] == [("truncated", "15 more findings left out of the report")]


def test_what_was_not_asked_for_is_not_reported(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(TOKEN + b'db_password = "Tr0ub4dor-and-3"\n')
    every = scan_unit(engine, Unit(task(path)), Policy()).findings
    sure = scan_unit(engine, Unit(task(path)), Policy(0, int(Confidence.CERTAIN))).findings
    assert len(every) == 2
    assert [finding.rule for finding in sure] == ["github.personal-access-token"]
    worst = max(finding.severity for finding in every)
    assert [f.severity for f in scan_unit(engine, Unit(task(path)), Policy(int(worst))).findings] == [worst]
    assert scan_unit(engine, Unit(task(path)), Policy(int(Severity.CRITICAL) + 1)).findings == []


def test_the_text_of_a_link_is_content(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(b"/somewhere/" + VALUE)
    (found,) = walk([str(tmp_path)], Options(), lambda _: None)
    done = scan_unit(engine, Unit(found), Policy())
    assert [bare(finding.secret or b"") for finding in done.findings] == [SECRET]
    assert done.findings[0].origin.kind == "link"
    (tmp_path / "link").unlink()
    gone = scan_unit(engine, Unit(found), Policy())
    assert [(incident.state, incident.bytes) for incident in gone.incidents] == [("failed", found.size)]


def test_standard_input_is_read_to_its_end(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"words\n" * 1_000_000 + TOKEN)
    with path.open("rb") as stream:
        done = scan_standard_input(engine, stream.fileno(), Policy())
    assert done.bytes == path.stat().st_size
    assert [(finding.path, finding.start_line) for finding in done.findings] == [("<stdin>", 1_000_001)]


# ---- many files -----------------------------------------------------------------------------------------------------


def test_the_engine_is_made_once_for_what_there_is(engine: Engine, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}" for number in range(5)]
    for path in paths:
        path.write_bytes(b"x" * 1000)
    asked: list[int] = []

    def engine_for(expected: int) -> Engine:
        asked.append(expected)
        return engine

    scan_files([task(path) for path in paths], engine_for, Policy(), 4, Collector())
    assert asked == [5 * (1000 + pipeline.PER_FILE)]
    scan_files([], engine_for, Policy(), 4, Collector())
    assert asked[1:] == [0]


@given(st.lists(st.integers(0, 5_000_000), max_size=60))
def test_batches_lose_nothing_and_stay_small(sizes: list[int]) -> None:
    given_ = [Unit(FileTask(str(number), "", size)) for number, size in enumerate(sizes)]
    made = list(batches(given_))
    assert [unit for batch in made for unit in batch] == given_
    assert all(batch for batch in made)
    assert all(sum(unit.task.size for unit in batch[:-1]) < work.BATCH_BYTES for batch in made)


def test_progress_is_told_as_it_goes(engine: Engine, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).write_bytes(b"x" * 10)
    told: list[tuple[int, int]] = []
    collector = Collector(lambda objects, size: told.append((objects, size)))
    scan_files([task(path) for path in sorted(tmp_path.iterdir())], lambda _: engine, Policy(), 1, collector)
    assert told == [(1, 10), (2, 20), (3, 30)]


@given(st.lists(st.tuples(st.sampled_from([b"\n", b"a", b"\r\n", b"ab\n"]), st.integers(1, 60)), max_size=12), st.integers(0, 50), st.integers(0, 50))
def test_line_breaks_are_counted_in_parts(parts: list[tuple[bytes, int]], low: int, less: int) -> None:
    data = b"".join(part * times for part, times in parts)
    high = max(low, len(data) - less)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(findings, "_LOOK", 32)
        assert findings.breaks(data, low, high) == data.count(b"\n", low, high)


def test_an_empty_file_is_an_object_of_no_bytes(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("empty.py", "docker-compose.yml", "empty.zip", "kraken.key", "empty.eml"):
        path = tmp_path / name
        path.write_bytes(b"")
        done = scan_unit(engine, Unit(task(path)), Policy())
        with monkeypatch.context() as patched:
            patched.setattr(pipeline, "read_whole", lambda *_: None)
            assert scan_unit(engine, Unit(task(path)), Policy()) == done
        assert (done.objects, done.bytes, done.findings, done.incidents) == (1, 0, [], [])


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")
def test_what_says_that_it_is_empty_and_is_not_is_read(engine: Engine) -> None:
    path = "/proc/self/status"
    assert os.stat(path).st_size == 0
    assert scan_unit(engine, Unit(FileTask("status", path, 0)), Policy()).bytes > 100
