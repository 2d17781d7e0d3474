"""Formats that foreign parsers read (7z, rar, cab, lha, xar, squashfs), each archive in a process of its own.

Promises: the parser runs in a child with limits on memory and processor time, which may write no file and has no
environment; it hands back names and bytes through a pipe and is killed when nobody reads them any more; a child that
dies is a BrokenError, and what it gave until then is kept. It takes nothing but the archive, as an open file.

Why a process: parsers in C of hostile formats, a steady stream of advisories, and interfaces that push. This file is
both sides: `foreign` in the parent; run as a script, the child, which imports nothing of the project.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import IO, TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from subprocess import Popen

    from leakguard.sources.inside.base import Context, Member, Stream
    from leakguard.sources.inside.nursery import Common, Process

MEMORY = 1024 * 1024 * 1024
"""Address space of a child, in bytes: libraries take about 200 MB of it before they read anything."""
PIECE = 256 * 1024
LONGEST_NAME = 64 * 1024
_NAME, _DATA, _END, _TOLD, _DONE = b"N", b"D", b"E", b"T", b"F"
_PACKAGES = {
    "7z": ("libarchive", "py7zr"),
    "rar": ("libarchive",),
    "cab": ("libarchive",),
    "lha": ("libarchive",),
    "xar": ("libarchive",),
    "squashfs": ("PySquashfsImage",),
    "pdf": ("pypdf",),
    "ole": ("olefile",),
    "ocr": ("PIL",),
    "parquet": ("pyarrow",),
    "arrow": ("pyarrow",),
    "orc": ("pyarrow",),
    "avro": ("fastavro",),
    "evtx": ("evtx",),
    "zip-ppmd": ("pyppmd",),
}
_PARTS = {"parquet": ("pyarrow.parquet",), "orc": ("pyarrow.orc",), "arrow": ("pyarrow.ipc", "pyarrow.feather")}
"""What of a package is imported by itself."""
_MODULES = {"pdf": "documents/pdf", "ole": "documents/ole", "ocr": "documents/pictures", "zip-ppmd": "archives/ppmd"}
_MODULES |= dict.fromkeys(("parquet", "arrow", "orc", "avro", "evtx"), "columns/tablechild")
"""Parsers that are a file in a folder beside this one, with a function `read(handle, out)`."""
_EXTRAS = {"pdf": "documents", "ole": "documents", "ocr": "ocr", "evtx": "logs"}
_EXTRAS |= dict.fromkeys(("parquet", "arrow", "orc", "avro"), "columns")
_KINDS = {b"l": "link", b"v": "view", b"n": "name"}
_LIBARCHIVE = {"7z": "7zip", "rar": "all", "cab": "cab", "lha": "lha", "xar": "xar"}


# ---------------------------------------------------------------- the parent
def foreign(stream: Stream, context: Context) -> Iterator[Member]:
    """The members of an archive of one of the kinds above."""
    from leakguard.sources.inside import magic

    yield from parsed(magic.kind_of(stream.peek(magic.HEAD)), stream, context)


def parsed(kind: str, stream: Stream, context: Context) -> Iterator[Member]:
    """The members of something of a kind, by its parser in a child."""
    from importlib.util import find_spec

    from leakguard.sources.inside.base import BrokenError, Told

    if not any(find_spec(package) for package in _PACKAGES[kind]):
        raise ImportError(kind)
    file, size = stream.file()
    seconds = context.budget.left()
    with _process(kind, int(min(seconds, 1 << 30)) + 1, _descriptor(file)) as process:
        try:
            if process.stdout is None:
                raise Told
            yield from _members(process.stdout, context, size)
            code = process.wait()
            if code != 0:
                raise BrokenError(f"its reader ended with {code} (limit of memory or time, or damage)")
        finally:
            process.kill()


def _process(kind: str, seconds: int, handle: int) -> Popen[bytes] | Process:
    """The child for the file behind a descriptor: forked where there is who forks it, else an interpreter of its own."""
    from subprocess import DEVNULL, PIPE, Popen

    from leakguard.sources.inside import nursery

    if nursery.able():
        found = nursery.started(_nursery(_PACKAGES[kind][0]), _environment(), (kind, seconds, handle))
        if found is not None:
            return found
    start = [*_INTERPRETER, __file__, kind, str(seconds), *_search_path()]
    return Popen(start, stdin=handle, stdout=PIPE, stderr=DEVNULL, env=_environment())


_INTERPRETER = (sys.executable, "-I", "-S")


def _nursery(group: str) -> list[str]:
    """The command that starts who forks children of a group."""
    from leakguard.sources.inside import nursery

    return [*_INTERPRETER, nursery.__file__, __file__, group, *_search_path()]


def begin(common: Common) -> None:
    """Has the process started that is promised for a kind, if its packages are there."""
    from importlib.util import find_spec

    from leakguard.sources.inside.nursery import READY

    if any(find_spec(package) for package in _PACKAGES[common.kind]):
        common.begin(_nursery(READY + common.kind), _environment())


def _members(pipe: IO[bytes], context: Context, size: int) -> Iterator[Member]:
    from leakguard.sources.inside.base import BrokenError, Member, UnreadError

    while True:
        mark, data = _record(pipe)
        if mark == _DONE:
            return
        if mark == _NAME:
            length = struct.unpack("<q", data[:8])[0]
            content = _Content(pipe, context, size)
            kind = _KINDS.get(data[8:9], "member")
            if kind == "name":
                context.named(data[9:].decode("utf-8", "surrogateescape"))
                continue
            yield Member(data[9:].decode("utf-8", "surrogateescape"), content, length, kind)
            content.finish()
        elif mark == _TOLD:
            word, _, text = data.decode("utf-8", "replace").partition(":")
            if word == "unread":
                raise UnreadError(text)
            if word == "broken":
                raise BrokenError(text)
            context.tell("failed", text, word)
        elif mark not in (_DATA, _END):
            raise BrokenError("its reader ended early (limit of memory or time, or damage)")


class _Content:
    """What the child sends of one member, to be pulled."""

    def __init__(self, pipe: IO[bytes], context: Context, size: int) -> None:
        self.pipe = pipe
        self.limits = context.limits
        self.size = size
        self.produced = 0
        self.rest = b""
        self.ended = False

    def __call__(self, count: int) -> bytes:
        from leakguard.sources.inside.base import BrokenError, ratio_guard

        if not self.rest and not self.ended:
            mark, data = _record(self.pipe)
            if mark == _DATA:
                self.rest = data
            elif mark == _END and not data:
                self.ended = True
            else:
                self.ended = True
                raise BrokenError("damaged member" if mark == _END else "its reader ended early")
            self.produced += len(data)
            ratio_guard(self.limits, self.produced, self.size)
        out, self.rest = self.rest[:count], self.rest[count:]
        return out

    def finish(self) -> None:
        while not self.ended:
            mark, _ = _record(self.pipe)
            self.ended = mark != _DATA


def _record(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """(mark, payload); an empty mark where the child ended."""
    head = pipe.read(5)
    if len(head) < 5:
        return b"", b""
    size = int.from_bytes(head[1:], "little")
    data = pipe.read(size) if size <= PIECE + LONGEST_NAME else b""
    return (head[:1], data) if len(data) == size else (b"", b"")


def _descriptor(file: BinaryIO) -> int:
    """A descriptor of the file at its start: what is spooled in memory goes to an unlinked file first."""
    rollover: Callable[[], None] | None = getattr(file, "rollover", None)
    if rollover is not None:
        rollover()
    file.seek(0)
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file.fileno()


def _environment() -> dict[str, str]:
    kept = ("SYSTEMROOT", "LIBARCHIVE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    told = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}  # else gigabytes of addresses are reserved
    return told | {name: os.environ[name] for name in kept if name in os.environ}


def _search_path() -> list[str]:
    """Where installed packages are: -S keeps .pth files from running in the child."""
    return [path for path in sys.path if path.endswith("-packages") and os.path.isdir(path)]


# ---------------------------------------------------------------- the child
def _limit(seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (soft, soft))


class _Out:
    def __init__(self, out: BinaryIO) -> None:
        self.out = out
        self.beside = _module
        """Loads another file beside this one, for parsers of more than one."""

    def send(self, mark: bytes, data: bytes = b"") -> None:
        self.out.write(mark + len(data).to_bytes(4, "little") + data)

    def name(self, name: str, size: int, kind: bytes = b"f") -> None:
        raw = name.encode("utf-8", "surrogateescape")[: LONGEST_NAME - 16]
        self.send(_NAME, struct.pack("<q", size) + kind + raw)

    def data(self, data: bytes) -> None:
        for at in range(0, len(data), PIECE):
            self.send(_DATA, data[at : at + PIECE])

    def end(self) -> None:
        self.send(_END)

    def told(self, word: str, text: str = "") -> None:
        self.send(_TOLD, f"{word}:{text}".encode("utf-8", "replace")[:LONGEST_NAME])


def _by_libarchive(kind: str, handle: int, out: _Out) -> None:
    import libarchive  # type: ignore[import-untyped, unused-ignore]

    done: set[str] = set()
    try:
        with libarchive.fd_reader(handle, _LIBARCHIVE[kind], "none") as archive:
            for entry in archive:
                name = entry.pathname or "unnamed"
                if entry.issym or entry.islnk:
                    link = (entry.linkpath or "").encode("utf-8", "surrogateescape")
                    out.name(name, len(link), b"l")
                    out.data(link)
                    out.send(_END)
                elif entry.isfile or entry.size or not entry.filetype:  # py7zr's and Qt's 7z say of no member what it is
                    _entry_by_libarchive(entry, name, out, kind == "7z" and bool(sys.modules.get("py7zr")))
                    done.add(name)
                else:  # a folder, a device: nothing but a name
                    out.name(name, 0, b"n")
        if kind == "rar" and not _module("archives/rars").ended(handle):
            out.told("broken", "ends early")
    except libarchive.exception.ArchiveError as error:
        text = str(error).lower()
        if "encrypt" in text or "passphrase" in text:
            out.told("broken", "encrypted")
        elif kind == "7z" and sys.modules.get("py7zr"):
            _module("archives/seven").read(handle, out, done)
        else:
            out.told("broken", "damaged, or packed in a way its reader does not know")


def _blocks(entry: Any) -> Iterator[bytes]:
    """The data as it is stored. The package's own way fills holes: gigabytes of them if the archive says so, and for
    xar, where some versions of the library count offsets through all files, as much as stood before."""
    from ctypes import byref, c_longlong, c_size_t, c_void_p, string_at

    from libarchive import ffi

    data, size, offset = c_void_p(), c_size_t(), c_longlong()
    while True:
        result = ffi.read_data_block(entry._archive_p, byref(data), byref(size), byref(offset))
        if result == ffi.ARCHIVE_EOF:
            return
        if result != ffi.ARCHIVE_OK:  # a warning is a wrong checksum
            raise ffi.ArchiveError("checksum", None, result)
        if size.value:
            yield string_at(data, size.value)


def _entry_by_libarchive(entry: Any, name: str, out: _Out, again: bool) -> None:
    """One file. An encrypted or damaged one is told; libarchive may go on behind it. `again`: one of which it can read nothing is
    left to another reader."""
    import libarchive

    begun = False
    try:
        for block in _blocks(entry):
            if not begun:
                out.name(name, entry.size if entry.size is not None else -1)
                begun = True
            out.data(block)
        if not begun:
            out.name(name, 0)
        out.send(_END)
    except libarchive.exception.ArchiveError as error:
        text = str(error).lower()
        hidden = "encrypt" in text or "passphrase" in text
        if again and not begun and not hidden:
            raise
        if not begun:
            out.name(name, 0)
        out.send(_END)
        out.told("encrypted" if hidden else "damaged member, or packed in a way its reader does not know", name)
        if getattr(error, "retcode", -30) == -30:  # ARCHIVE_FATAL
            raise


def _packings() -> None:
    """What the package lacks: LZMA of old, LZO without a package, and lz4, of which it expects frames where squashfs has
    blocks."""
    from PySquashfsImage import compressor  # type: ignore[import-not-found, import-untyped, unused-ignore]
    from PySquashfsImage.const import Compression  # type: ignore[import-not-found, import-untyped, unused-ignore]

    class Lz4:
        name = "lz4"

        def __init__(self) -> None:
            import lz4.block

            self._unpack = lz4.block.decompress

        def uncompress(self, src: bytes, _size: int, most: int) -> bytes:
            return bytes(self._unpack(src, uncompressed_size=most))

    class Lzma:
        name = "lzma"

        def uncompress(self, src: bytes, _size: int, _most: int) -> bytes:
            import lzma

            return lzma.decompress(src, lzma.FORMAT_ALONE)

    class Lzo:
        name = "lzo"

        def __init__(self) -> None:
            self._unpack = _module("archives/lzo").unpacked

        def uncompress(self, src: bytes, _size: int, most: int) -> bytes:
            return bytes(self._unpack(src, most))

    compressor.compressors[Compression.LZ4] = Lz4
    compressor.compressors[Compression.LZO] = Lzo
    compressor.compressors[2] = Lzma


def _by_squashfs(handle: int, out: _Out) -> None:
    from PySquashfsImage import SquashFsImage  # type: ignore[import-not-found, import-untyped, unused-ignore]

    _packings()
    with open(handle, "rb", closefd=False) as file:
        image = SquashFsImage(file)
        for item in image:
            if item.is_file:
                out.name(item.path, item.size)
                for block in item.iter_bytes():
                    out.data(block)
                out.send(_END)
            elif item.is_symlink:
                link = item.readlink()
                out.name(item.path, -1, b"l")
                out.data(link.encode("utf-8", "surrogateescape") if isinstance(link, str) else link)
                out.send(_END)
            else:
                out.name(item.path, 0, b"n")


def answer(kind: str, seconds: int) -> None:
    """Reads standard input and writes what is in it to standard output, after `prepare`."""
    with open(1, "wb", buffering=1 << 20, closefd=False) as pipe:
        out = _Out(pipe)
        _limit(seconds)
        try:
            _read(kind, out)
        except ImportError as error:
            ours = any(error.name in packages for packages in _PACKAGES.values())
            needs = f"install leakguard-scanner[{_EXTRAS.get(kind, 'archives')}]" if ours else f"its reader needs the package {error.name}"
            out.told("unread", needs)
        except BrokenPipeError:
            os._exit(0)  # nobody wants the rest
        except Exception as error:  # noqa: BLE001 - a parser fails as it likes; its message could quote content
            out.send(_END)
            out.told("broken", f"its reader failed: {type(error).__name__}")
        out.send(_DONE)


def prepare(kind: str) -> None:
    """Imports what reads a kind. Before the limits: ctypes asks ldconfig where the library is."""
    from contextlib import suppress
    from importlib import import_module

    for package in (*_PACKAGES[kind], *_PARTS.get(kind, ())):
        with suppress(ImportError, AttributeError, OSError, TypeError):  # `_read` meets it again, and says so
            import_module(package)
    if kind in _MODULES:
        with suppress(ImportError, AttributeError, OSError, TypeError):
            _module(_MODULES[kind])


@cache
def rehearse(kind: str) -> None:
    """Has a parser read a file of our own, so that what it imports and prepares on the way is there in all that are forked from
    here. For kinds whose module has a `sample`."""
    from contextlib import suppress
    from io import BytesIO

    if kind not in _MODULES:
        return
    with suppress(Exception):  # whoever reads the first file meets it again, and says so
        sample: bytes = _module(_MODULES[kind]).sample()
        handle = os.memfd_create("sample")
        try:
            os.write(handle, sample)
            _module(_MODULES[kind]).read(handle, _Out(BytesIO()))
        finally:
            os.close(handle)


def _read(kind: str, out: _Out) -> None:
    if kind in _MODULES:
        _module(_MODULES[kind]).read(0, out)
    elif kind == "squashfs":
        _by_squashfs(0, out)
    elif _has_libarchive():
        _by_libarchive(kind, 0, out)
    elif kind == "7z":
        _module("archives/seven").read(0, out)
    else:
        out.told("unread", "its reader needs the system's libarchive (libarchive13)")


@cache
def _module(name: str) -> Any:
    """A file of ours, run as a module: no package is searched for it."""
    from importlib.util import module_from_spec, spec_from_file_location

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = spec_from_file_location(name.rpartition("/")[2], path)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _has_libarchive() -> bool:
    try:
        import libarchive  # noqa: F401
    except (ImportError, AttributeError, OSError, TypeError):  # the package fails so where it finds no library
        return False
    return True


if __name__ == "__main__":
    sys.path[:] = [*sys.path, *sys.argv[3:]]
    prepare(sys.argv[1])
    answer(sys.argv[1], int(sys.argv[2]))
