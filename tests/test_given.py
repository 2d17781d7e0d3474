"""Files that the command is given are read whole, and what is no file is refused and not waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakguard.config import content as settings_content
from leakguard.detect.packfiles import read_files
from leakguard.errors import RulePackError
from leakguard.given import content


def test_a_file_is_read_whole_or_as_far_as_asked(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b"jobs = 1\n" * 9000)
    assert content(str(file)) == file.read_bytes()
    assert content(str(file), 20) == file.read_bytes()[:20]
    assert content(os.devnull) == b""
    with pytest.raises(FileNotFoundError):
        content(str(tmp_path / "none"))
    with pytest.raises(IsADirectoryError):
        content(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.toml", tmp_path / "link.toml"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (str(pipe), str(link)):
        with pytest.raises(OSError, match="a pipe, and not a file"):
            settings_content(path)
        with pytest.raises(RulePackError, match="a pipe, and not a file"):
            read_files([path])


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device here")
def test_a_device_has_no_end_and_is_refused() -> None:
    with pytest.raises(OSError, match="a device, and not a file"):
        content("/dev/zero")


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no such folder here")
def test_what_the_shell_hands_over_is_read() -> None:
    read, write = os.pipe()
    os.write(write, b"jobs = 1\n")
    os.close(write)
    try:
        assert content(f"/dev/fd/{read}") == b"jobs = 1\n"
    finally:
        os.close(read)
