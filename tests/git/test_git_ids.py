"""The table of a store's ids answers as a set would, also where ids overlap one another's bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leakguard.sources.gitobjects import Ids

few = st.sampled_from([b"\0", b"\1", b"\xff"])
ids = st.one_of(st.binary(min_size=20, max_size=20), st.lists(few, min_size=20, max_size=20).map(b"".join))


@given(st.sets(ids, max_size=60), st.lists(ids, max_size=20))
def test_as_a_set_would(known: set[bytes], others: list[bytes]) -> None:
    table = Ids(b"".join(sorted(known)), 20)
    marked: set[bytes] = set()
    assert table.lacking(b"".join(others)) == [oid for oid in others if oid not in known]
    for oid in [*others, *known, *known]:
        assert (oid in table) == (oid in known)
        assert table.unmarked(oid) == ([] if oid in marked else [oid])
        assert table.mark(oid) == (oid in known and oid not in marked)
        marked |= {oid} & known
    assert table.unmarked(b"".join([*others, *known])) == [oid for oid in others if oid not in known]


@given(st.sets(ids, max_size=60), st.lists(ids, max_size=20))
def test_many_are_marked_at_once(known: set[bytes], others: list[bytes]) -> None:
    table = Ids(b"".join(sorted(known)), 20)
    assert table.mark(b"".join([*others, *others])) == len(known & set(others))
    assert set(table.unmarked(b"".join(known))) == known - set(others)
