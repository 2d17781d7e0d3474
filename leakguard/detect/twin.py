"""One scan that says what would be found under another path, too: nothing, or perhaps something.

A file of a work tree is also a blob of its repository, which has no name but its id: ELSEWHERE. Stage 1 asks nobody for a
path, and of all judgements few do; those are made twice here. What would be found elsewhere is not said, only whether
that is sure to be nothing: the law (tests/detect/test_twin.py) is that a scan there then has no matches.
One Twin is for one thread. Keeps the last text that was scanned. Imported by checkouts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leakguard.detect.columns import CODE, FOLD_LIMIT, PACKS, fold_hits
from leakguard.detect.context import Chosen, Context
from leakguard.detect.engine import Engine, Scan
from leakguard.detect.gates import Candidate
from leakguard.detect.looks import FOLD
from leakguard.detect.stage1 import Ends, Stage1

ELSEWHERE = "blob/" + "0" * 40
"""A path of no kind, which names nobody."""
ASKING = frozenset(("value_like", "unless", "path_like"))
"""Gates that look at the path."""


class _Both(Context):
    """Chooses under both paths where the path was asked for. `hit` is called for whatever may be found elsewhere."""

    def __init__(self, engine: Engine, hit: Callable[[], None]) -> None:
        super().__init__(engine.ruleset, self._judge_both, engine.stage1.names, engine.prepared)
        self._hit = hit
        self._judge = engine._judge
        self._asks = _asking(engine)
        self._asked = False

    def choose(self, data: bytes, assigned: Any, path: str, mentions: Any) -> Chosen | None:
        self._asked = False
        made = super().choose(data, assigned, path, mentions)
        if made is not None or (self._asked and super().choose(data, assigned, ELSEWHERE, mentions) is not None):
            self._hit()
        return made

    def _judge_both(self, index: int, candidate: Candidate) -> int:
        if index in self._asks:
            self._asked = True
        return self._judge(index, candidate)

    def _in_path(self, path: str) -> list[Any]:
        if path == ELSEWHERE:
            return []
        known: list[Any] = super()._in_path(path)
        if known:
            self._asked = True
        return known


class _Heard:
    """Stage 1, which keeps what it said of a text."""

    def __init__(self, stage1: Stage1) -> None:
        self._stage1 = stage1
        self.ends: Ends | None = None
        """Of the first text since this was None."""

    def scan(self, data: bytes, deep: bool = True) -> Ends:
        ends = self._stage1.scan(data, deep)
        if self.ends is None:
            self.ends = ends
        return ends

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage1, name)


class Twin(Engine):
    """The engine, which notes what it may find in a text elsewhere."""

    def __init__(self, engine: Engine) -> None:
        """Shares all that `engine` has made."""
        prepared = engine.prepared
        self.__dict__.update(engine.__dict__)
        self.prepared = prepared
        self.context = _Both(engine, self._hit)
        self._heard: Any = _Heard(engine.stage1)
        self.stage1 = self._heard
        self._asks = _asking(engine)
        self._texts: list[bytes] = []
        self._made_views = (0, 0)
        self._silent = True

    def begin(self) -> None:
        """A file begins."""
        self._texts, self._silent = [], True

    def silent(self) -> tuple[bytes, int, int] | None:
        """The text and the views that would be made of it elsewhere with their bytes, if but one was scanned since `begin`, all of
        it at once, and nothing would be found in it elsewhere."""
        return (self._texts[0], *self._made_views) if self._silent and len(self._texts) == 1 else None

    def scan(self, data: bytes, path: str = "", final: bool = True, **more: Any) -> Scan:
        self._texts.append(data)
        if not final or more.get("size", len(data)) != len(data) or len(self._texts) > 1 or path.endswith(PACKS):
            self._hit()  # a part, or something that is unpacked elsewhere
        self._heard.ends = None
        scan = super().scan(data, path, final, **more)
        if scan.matches or scan.incidents:
            self._hit()
        self._made_views = scan.views, scan.view_bytes
        # in programs nobody looks for folds, and a blob is none
        if self._silent and self.decode_depth > 0 and len(data) <= FOLD_LIMIT and path.endswith(CODE):
            self._folded(data)
        return scan

    def _folded(self, data: bytes) -> None:
        folds = [(FOLD, end) for _, end in fold_hits(data)]
        if folds:
            scan = super().scan(data, ELSEWHERE, given=folds + (self._heard.ends or []))
            if scan.matches or scan.incidents:
                self._hit()
            self._made_views = scan.views, scan.view_bytes

    def _hit(self) -> None:
        self._silent = False

    def _judge(self, index: int, candidate: Candidate) -> int:
        confidence = super()._judge(index, candidate)
        if confidence or (index in self._asks and super()._judge(index, _moved(candidate))):
            self._hit()
        return confidence

    def _path_allowed(self, index: int, path: str) -> bool:
        allowed = super()._path_allowed(index, path)
        if not allowed and super()._path_allowed(index, ELSEWHERE):
            self._hit()
        return allowed


def _asking(engine: Engine) -> frozenset[int]:
    """The rules whose gates look at the path."""
    return frozenset(index for index, rule in enumerate(engine.rules) if any(name in ASKING for name, _ in rule.gates))


def _moved(candidate: Candidate) -> Candidate:
    return Candidate(candidate.data, candidate.start, candidate.end, candidate.name, candidate.groups, ELSEWHERE)
