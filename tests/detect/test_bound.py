"""Parameters of logged statements: each is the value of its column, and no text of such a kind costs more than its length."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.decode import Runs
from leakguard.detect.decode.bound import STATEMENT_REACH, VALUES_REACH
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Origin

KEY, SECRET = (expand("{{alnum*64}}", Random(f"bound {number}")) for number in range(2))
COLUMNS = "(exchange, api_key, api_secret)"

LOGS = {
    "PostgreSQL": f"""LOG:  execute <unnamed>: INSERT INTO accounts {COLUMNS} VALUES ($1, $2, $3) RETURNING id
DETAIL:  parameters: $1 = 'binance', $2 = '{KEY}', $3 = '{SECRET}'
""",
    "PostgreSQL, an update": f"""LOG:  execute s1: UPDATE accounts SET exchange = $3, api_key = $1, api_secret = $2 WHERE id = $4
DETAIL:  Parameters: $1 = '{KEY}', $2 = '{SECRET}', $3 = 'binance', $4 = NULL
""",
    "Hibernate 5": f"""Hibernate: insert into account (api_key, api_secret, exchange) values (?, ?, ?)
10:00 TRACE BasicBinder : binding parameter [1] as [VARCHAR] - [{KEY}]
10:00 TRACE BasicBinder : binding parameter [2] as [VARCHAR] - [{SECRET}]
10:00 TRACE BasicBinder : binding parameter [3] as [VARCHAR] - [binance]
""",
    "Hibernate 6": f"""DEBUG org.hibernate.SQL : update account set api_key=?,api_secret=?,exchange=? where id=?
TRACE org.hibernate.orm.jdbc.bind : binding parameter (1:VARCHAR) <- [{KEY}]
TRACE org.hibernate.orm.jdbc.bind : binding parameter (2:VARCHAR) <- [{SECRET}]
TRACE org.hibernate.orm.jdbc.bind : binding parameter (3:VARCHAR) <- [binance]
TRACE org.hibernate.orm.jdbc.bind : binding parameter (4:BIGINT) <- [3]
""",
    "MyBatis": f"""DEBUG KeyMapper.insert - ==>  Preparing: INSERT INTO api (id, exchange, api_key, api_secret) VALUES (?, ?, ?, ?)
DEBUG KeyMapper.insert - ==> Parameters: null, binance(String), {KEY}(String), {SECRET}(String)
DEBUG KeyMapper.insert - <==    Updates: 1
""",
    "TypeORM": f'query: INSERT INTO "a"("id", "exchange", "apiKey", "apiSecret") VALUES (DEFAULT, $1, $2, $3) '
               f'-- PARAMETERS: ["binance","{KEY}","{SECRET}"]\n',
    "SQLAlchemy": f"""INFO sqlalchemy.engine.Engine INSERT INTO accounts {COLUMNS} VALUES (?, ?, ?)
INFO sqlalchemy.engine.Engine [generated in 0.00021s] ('binance', '{KEY}', '{SECRET}')
""",
    "Prisma": f"""prisma:query INSERT INTO "public"."A" ("exchange","apiKey","apiSecret") VALUES ($1,$2,$3) RETURNING "id"
prisma:query Params: ["binance","{KEY}","{SECRET}"]
""",
    "Knex": f"""knex:query insert into `keys` (`api_key`, `api_secret`, `exchange`) values (?, ?, ?) undefined
knex:bindings [ '{KEY}', '{SECRET}', 'binance' ]
""",
    "Django": f"(0.003) UPDATE a SET api_key = %s, api_secret = %s, exchange = %s WHERE id = %s; "
              f"args=('{KEY}', '{SECRET}', 'binance', 4); alias=default\n",
}  # fmt: skip


@pytest.mark.parametrize("log", LOGS)
def test_parameters_are_the_values_of_their_columns(engine: Engine, log: str) -> None:
    data = (b"an ordinary line of the log\n" * 9) + LOGS[log].encode() + b"another line\n"
    findings, sets = findings_of(engine, Document(data, Origin("file", "db.log")), engine.scan(data, "db.log").matches, 1)
    found = {(each.rule, data[each.start_byte : each.end_byte].decode()) for each in findings}
    assert {("binance.api-key", KEY), ("binance.api-secret", SECRET)} <= found
    assert [each.provider for each in sets] == ["binance"]


def test_what_is_not_bound_is_not_guessed(engine: Engine) -> None:
    """Parameters without a statement, with fewer places, and a statement that is too far away."""
    lines = LOGS["PostgreSQL"].splitlines(keepends=True)
    far = lines[0] + "x" * STATEMENT_REACH + "\n" + lines[1]
    for text in (lines[1], lines[0].replace("$2", "now()").replace("$3", "now()") + lines[1], far):
        assert [match for match in engine.scan(text.encode(), "db.log").matches if "bound" in match.view] == []


@pytest.mark.parametrize("piece", [
    b"parameters: $1 = '", b"parameters: $1 = 'a', ", b"select ? ", b"insert into t values (?) binding parameter [1] as [V] - [a]\n",
    b"==> Parameters: a(String), ", b"update t set a=? ; args=('a', ", b"Params: [", b"Params: [\"a\", ",
])  # fmt: skip
def test_hostile_lists_are_bounded(piece: bytes) -> None:
    data = piece * (400_000 // len(piece))
    ends = [("bound", at) for at in range(60, len(data), 40)]
    made = sum(len(view.data) for view in Runs(data, ends))
    assert made <= len(ends) * (STATEMENT_REACH + VALUES_REACH)
    assert all(view.end - view.start <= STATEMENT_REACH + 2 * VALUES_REACH for view in Runs(data[:50_000], ends[:500]))
