"""Statements over HTTP: what they answer, how they fail, what they cannot reach."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.emulator.sql.executions import MOST_AT_ONCE, StatementExecutions

pytest.importorskip("duckdb")
engine_process = pytest.importorskip("provisioner.emulator.sql.engine_process")

CHAT, DBRX = "databricks-meta-llama-3-1-70b-instruct", "databricks-dbrx-instruct"
WAREHOUSE = {"warehouse_id": "a1b2c3d4e5f60718"}
BASE = "/api/2.0/sql/statements"


@pytest.fixture
def run(client):
    """Runs a statement; its rows, or what went wrong with it."""

    def done(statement, **given):
        said = client.post(BASE, {"statement": statement, **WAREHOUSE, **given})
        if said["status"]["state"] != "SUCCEEDED":
            return said["status"].get("error", {}).get("message", said["status"]["state"])
        return said["result"]["data_array"]

    return done


ROWS = [
    pytest.param("SELECT 1 + 1, 'x'", [["2", "x"]], id="literals"),
    pytest.param("SELECT \"a\" || 'b'", [["ab"]], id="a text in double quotes"),
    pytest.param("VALUES (1, 'x'), (2, NULL)", [["1", "x"], ["2", None]], id="a bare inline table"),
    pytest.param("SELECT col2 FROM VALUES (1, 'x')", [["x"]], id="columns without names"),
    pytest.param("SELECT id FROM range(2)", [["0"], ["1"]], id="the column of range"),
    pytest.param(
        "SELECT n FROM (SELECT explode(array(3, 4)) AS n) WHERE n > 3", [["4"]], id="a subquery"
    ),
    pytest.param(
        "WITH q AS (SELECT named_struct('a', 1, 'b', array('x')) AS s) SELECT s, s.a FROM q",
        [['{"a":1,"b":["x"]}', "1"]],
        id="what is nested is JSON",
    ),
    pytest.param(
        "SELECT CAST(1 AS DECIMAL(5, 2)), true, CAST(NULL AS INT), DATE '2026-11-01'",
        [["1.00", "true", None, "2026-11-01"]],
        id="each type as text",
    ),
    pytest.param(
        "SELECT TIMESTAMP '2026-11-01 10:00:00', now() <= current_timestamp()",
        [["2026-11-01T10:00:00.000Z", "true"]],
        id="moments are in UTC",
    ),
    pytest.param("SELECT current_user()", [["local-user@example.com"]], id="who asks"),
    pytest.param(
        "SELECT request:messages[0].content FROM VALUES"
        ' (\'{"messages": [{"content": "hi"}]}\') AS t(request)',
        [['"hi"']],
        id="a path into JSON",
    ),
]


@pytest.mark.parametrize(("statement", "rows"), ROWS)
def test_a_query_has_the_rows_that_databricks_gives(run, statement, rows):
    assert run(statement) == rows


WRONG = [
    pytest.param("SELEC 1", "[PARSE_SYNTAX_ERROR]", id="a typo"),
    pytest.param("SELECT 1; SELECT 2", "exactly one statement", id="two statements"),
    pytest.param("CREATE TABLE t (a INT)", "CREATE statements", id="no query"),
    pytest.param("SHOW TABLES", "SHOW statements", id="a command"),
    pytest.param("SELECT * FROM a.b.c", "`a`.`b`.`c` cannot be found", id="no such table"),
    pytest.param("SELECT * FROM t", "`main`.`default`.`t`", id="a table without a schema"),
    pytest.param("SELECT :x", "unbound parameter: x", id="a parameter without a value"),
    pytest.param("SELECT cast('x' AS INT)", "Could not convert", id="a value that cannot be"),
    pytest.param("SELECT nope(1)", "nope", id="a function nobody knows"),
    pytest.param("SELECT ai_query('nowhere', 'x')", "nowhere", id="no such endpoint"),
    pytest.param(
        "SELECT ai_query(x, 'hi') FROM VALUES ('a') AS t(x)",
        "foldable",
        id="an endpoint from a column",
    ),
    pytest.param(f"SELECT ai_query('{CHAT}')", "[WRONG_NUM_ARGS", id="no request"),
    pytest.param(f"SELECT ai_query('{CHAT}', 1)", "no STRING", id="a number for a chat"),
    pytest.param(f"SELECT ai_query('{CHAT}', 'x', nope => 1)", "with nope", id="unknown argument"),
    pytest.param(
        f"SELECT ai_query('{CHAT}', 'x', returnType => 'INT')",
        "[AI_FUNCTION_HTTP_PARSE_CAST_ERROR]",
        id="an answer that is not of the type",
    ),
    pytest.param(
        f"SELECT ai_query('{CHAT}', 'x', returnType => 'INTT')",
        "no data type",
        id="a type that is none",
    ),
    pytest.param(
        f"SELECT ai_query('{CHAT}', 'x', modelParameters => named_struct('temperature', 7))",
        "[AI_FUNCTION_HTTP_REQUEST_ERROR]",
        id="a parameter that the endpoint refuses",
    ),
]


@pytest.mark.parametrize(("statement", "said"), WRONG)
def test_a_statement_fails_with_the_reason(run, statement, said):
    assert said in run(statement)


OUTSIDE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM csv.`/etc/passwd`",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM connection",
    "SELECT getenv('HOME')",
    "COPY (SELECT 1) TO '/tmp/written-by-a-statement'",
    "ATTACH 'written-by-a-statement.db'",
    "INSTALL httpfs",
    "SET threads = 8",
]


@pytest.mark.parametrize("statement", OUTSIDE)
def test_a_statement_reaches_nothing_outside(run, statement):
    assert isinstance(run(statement), str)


def test_a_question_for_each_row(run):
    rows = run(
        f"SELECT w, ai_query('{DBRX}', 'about ' || w) FROM VALUES ('a'), ('b'), (NULL) AS t(w)"
    )
    assert [row[0] for row in rows] == ["a", "b", None]
    assert "about a" in rows[0][1]
    assert "about b" in rows[1][1]
    assert rows[2][1] is None


def test_an_answer_can_be_a_question(run):
    ((said,),) = run(f"SELECT ai_query('{CHAT}', ai_query('{DBRX}', 'hello'))")
    assert said.count("Made-up answer") == 2


def test_parameters_of_the_model_and_arguments_without_names(run):
    parameters = "named_struct('max_tokens', 3, 'stop', array('zzz'))"
    assert run(f"SELECT ai_query('{CHAT}', 'x', modelParameters => {parameters})") == [["Made-up"]]
    assert run(f"SELECT ai_query('{CHAT}', 'x', 'STRING', true, {parameters})") == [["Made-up"]]


def test_structured_answers(run):
    of = "STRUCT<paper: STRUCT<title: STRING, year: INT, score: DOUBLE, tags: ARRAY<STRING>>>"
    ((paper,),) = run(f"SELECT ai_query('{CHAT}', 'x', responseFormat => '{of}')")
    found = json.loads(paper)
    assert set(found) == {"title", "year", "score", "tags"}
    assert isinstance(found["year"], int)
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    ((text,),) = run(f"SELECT ai_query('{CHAT}', 'x', responseFormat => '{json.dumps(form)}')")
    assert json.loads(text) == {"a": 1}


def test_errors_in_the_answer_do_not_stop_the_others(client, run, config):
    client.create("limited", config=config(), ai_gateway=limited_to(1))
    rows = run(
        "SELECT r.result IS NULL, r.errorMessage FROM (SELECT ai_query('limited', w, failOnError"
        " => false) AS r FROM VALUES ('a'), ('b') AS t(w))"
    )
    assert rows[0] == ["false", None]
    assert rows[1][0] == "true"
    assert "REQUEST_LIMIT_EXCEEDED" in rows[1][1]


def limited_to(calls):
    return {"rate_limits": [{"key": "endpoint", "renewal_period": "minute", "calls": calls}]}


def test_the_right_to_ask_is_that_of_the_caller(client, config):
    client.create("closed", config=config())
    _, guest = client.principal("guest@example.com")
    said = guest.post(BASE, {"statement": "SELECT ai_query('closed', 'x')", **WAREHOUSE})
    assert "does not have CAN_QUERY" in said["status"]["error"]["message"]
    # Nor does anybody else see the statement.
    assert client.call("GET", f"{BASE}/{said['statement_id']}").status == 404
    assert guest.get(f"{BASE}/{said['statement_id']}")["status"] == said["status"]


def test_a_result_is_cut_at_the_row_limit(client):
    body = {"statement": "SELECT id FROM range(5000)", "row_limit": 1500, **WAREHOUSE}
    said = client.post(BASE, body)
    assert said["manifest"]["truncated"] is True
    assert said["manifest"]["total_row_count"] == len(said["result"]["data_array"]) == 1500


def test_a_result_that_is_too_large_for_an_answer(run):
    twice = "SELECT repeat('x', 15000000), repeat('y', 15000000)"
    assert "Inline byte limit exceeded" in run(twice)


REFUSED = [
    pytest.param({"wait_timeout": "3s"}, 400, "between 5s and 50s", id="too short a wait"),
    pytest.param({"wait_timeout": "soon"}, 400, "wait_timeout", id="a wait that is none"),
    pytest.param({"statement": " "}, 400, "empty", id="no statement"),
    pytest.param({"statement": "SELECT '\ud800'"}, 400, "Unicode", id="half a character"),
    pytest.param({"warehouse_id": "nope"}, 404, "nope", id="no such warehouse"),
    pytest.param({"disposition": "EXTERNAL_LINKS"}, 501, "EXTERNAL_LINKS", id="links"),
    pytest.param({"format": "ARROW_STREAM"}, 400, "ARROW_STREAM", id="arrow inline"),
    pytest.param({"row_limit": 0}, 400, "row_limit", id="no rows"),
    pytest.param({"on_wait_timeout": "GO"}, 400, "CONTINUE, CANCEL", id="an unknown way"),
]


@pytest.mark.parametrize(("changed", "status", "said"), REFUSED)
def test_what_no_statement_can_ask_is_an_http_error(client, changed, status, said):
    reply = client.call("POST", BASE, {"statement": "SELECT 1", **WAREHOUSE, **changed})
    assert reply.status == status
    assert said in reply.json["message"]


def test_a_statement_that_takes_too_long_is_cancelled_when_it_says_so(client):
    endless = "SELECT count(*) FROM range(100000000) a CROSS JOIN range(100000) b"
    started = client.post(BASE, {"statement": endless, "wait_timeout": "0s", **WAREHOUSE})
    assert started["status"]["state"] in ("PENDING", "RUNNING")
    path = f"{BASE}/{started['statement_id']}"
    assert client.call("GET", f"{path}/result/chunks/0").status == 404
    client.post(f"{path}/cancel")
    assert client.get(path)["status"] == {"state": "CANCELED"}
    client.post("/__emulator__/reset")
    assert client.call("GET", path).status == 404


BUSY = [
    # One call inside of which no interrupt is looked at.
    "SELECT list_sum(list_transform(range(19000000), x -> x * x + sin(x)))",
    "SELECT count(*) FROM range(10000000) a CROSS JOIN range(100000) b",
]


@pytest.mark.parametrize("statement", BUSY)
def test_a_cancelled_statement_ends_with_its_process(client, statement):
    started = client.post(BASE, {"statement": statement, "wait_timeout": "0s", **WAREHOUSE})
    path = f"{BASE}/{started['statement_id']}"
    client.post(f"{path}/cancel")
    assert client.get(path)["status"] == {"state": "CANCELED"}
    assert client.post(BASE, {"statement": "SELECT 1", **WAREHOUSE})["status"] == {
        "state": "SUCCEEDED"
    }


def test_the_memory_of_a_statement_is_bounded(run):
    assert "emory" in run("SELECT list(repeat('x', 19000000)) FROM range(200)")
    engine_process.POOL.close()
    most_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert most_kib * 1024 < engine_process.MEMORY_LIMIT_BYTES
    assert run("SELECT 1") == [["1"]]


WITH_LITTLE_MEMORY = """
from provisioner.emulator.sql import engine_process
from provisioner.emulator.sql.engine import Query
from provisioner.emulator.sql.executions import Cancellation
engine_process.RESIDENT_LIMIT_BYTES = 150 * 1024**2
for count in (10, 3000000):
    query = Query(f"SELECT list_sum(range({count}))", {}, {}, 1)
    try:
        print(engine_process.run(query, Cancellation()).rows)
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_the_memory_in_use_is_bounded_on_systems_without_a_limit_of_addresses():
    # From a process of its own: on Linux a new process begins with the peak of its parent.
    words = [sys.executable, "-c", WITH_LITTLE_MEMORY]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[['45']]",
        "StatementError The statement was canceled: it used more than 150 MiB of memory or took "
        "more than 300 seconds, the limits of the local workspace.",
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux shows it")
def test_the_process_of_a_statement_is_bounded_by_the_system():
    with engine_process.POOL.taken() as process:
        process.send(("SELECT 1", {}, [], 1))
        process.receive()
        limits = Path(f"/proc/{process._process.pid}/limits").read_text()
    found = re.search(r"Max address space +(\d+)", limits)
    assert found is not None
    assert int(found[1]) == engine_process.MEMORY_LIMIT_BYTES


def test_a_statement_that_runs_too_long_is_ended(run, monkeypatch):
    monkeypatch.setattr(engine_process, "LONGEST_S", 0.2)
    assert "seconds" in run(BUSY[1])


def test_the_process_of_a_statement_has_no_variable_of_this_one(monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    engine_process.POOL.close()
    with engine_process.POOL.taken() as process:
        process.send(("SELECT 1", {}, [], 1))
        process.receive()
        variables = Path(f"/proc/{process._process.pid}/environ")
        if variables.exists():
            assert b"sk-shop" not in variables.read_bytes()


def test_more_statements_than_run_at_once_wait_and_can_be_cancelled():
    executions = StatementExecutions()

    def work(stop):
        stop.requested.wait(10)
        stop.check()

    started = [executions.start("somebody", work) for _ in range(MOST_AT_ONCE + 1)]
    assert started[-1].state == "PENDING"
    started[-1].cancel()
    assert started[-1].state == "CANCELED"
    executions.clear()
    assert {each.state for each in started} == {"CANCELED"}


def test_a_statement_of_very_many_terms_is_refused_before_it_is_read(run):
    assert "10000 words" in run("SELECT " + "+".join(["1"] * 20_000))


def test_without_the_extra_the_answer_says_what_to_install(client, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    for name in ("work", "engine", "engine_process"):
        monkeypatch.delitem(sys.modules, f"provisioner.emulator.sql.{name}", raising=False)
        package = sys.modules["provisioner.emulator.sql"]
        monkeypatch.delattr(package, name, raising=False)
    reply = client.call("POST", BASE, {"statement": "SELECT 1", **WAREHOUSE})
    assert reply.status == 501
    assert 'pip install "./wheels/FILE.whl[sql]"' in reply.json["message"]


CALLERS = """
    SELECT e.endpoint_name, u.requester, COUNT(u.request_time), SUM(u.output_token_count) > 0
    FROM system.serving.served_entities AS e
    LEFT JOIN system.serving.endpoint_usage AS u ON u.served_entity_id = e.served_entity_id
    WHERE e.endpoint_name = :name AND e.entity_type = 'EXTERNAL_MODEL'
    GROUP BY ALL
"""


@pytest.mark.parametrize("tracks", [True, False])
def test_the_system_tables_tell_who_calls_an_endpoint_that_tracks_its_usage(client, run, tracks):
    openai = {"name": "gpt", "provider": "openai", "task": "llm/v1/chat"}
    model = {**openai, "openai_config": {"openai_api_key_plaintext": "sk"}}
    body = {"name": "chat", "config": {"served_entities": [{"name": "a", "external_model": model}]}}
    body["ai_gateway"] = {"usage_tracking_config": {"enabled": tracks}}
    client.post("/api/2.0/serving-endpoints", body)
    question = {"messages": [{"role": "user", "content": "hi"}]}
    for _ in range(2):
        client.post("/serving-endpoints/chat/invocations", question)
    name = [{"name": "name", "value": "chat"}]
    rows = {True: ["local-user@example.com", "2", "true"], False: [None, "0", None]}
    assert run(CALLERS, parameters=name) == [["chat", *rows[tracks]]]


def test_the_usage_table_is_there_and_empty_before_the_first_query(run):
    assert run("SELECT COUNT(*) FROM system.serving.endpoint_usage") == [["0"]]
