"""Inference tables: which queries are in them, and how they are read."""

from __future__ import annotations

import json
import uuid

import pytest

ENDPOINTS = "/api/2.0/serving-endpoints"
STATEMENTS = "/api/2.0/sql/statements"
LOCAL_USER = "local-user@example.com"


@pytest.fixture
def table(name):
    return {"enabled": True, "catalog_name": "main", "schema_name": "logs"} | {
        "table_name_prefix": name.replace("-", "_")
    }


@pytest.fixture
def rows(client, name):
    """The rows of the endpoint's table, through the door of the emulator."""

    def read():
        full_name = f"main.logs.{name.replace('-', '_')}_payload"
        return client.call("GET", f"/__emulator__/payloads?table={full_name}").json["rows"]

    return read


@pytest.fixture
def select(client, name):
    pytest.importorskip("duckdb")

    def run(columns, rest=""):
        full_name = f"main.logs.{name.replace('-', '_')}_payload"
        body = {
            "statement": f"SELECT {columns} FROM {full_name} {rest}",
            "warehouse_id": "a1b2c3d4e5f60718",
        }
        said = client.post(STATEMENTS, body).json
        assert said["status"] == {"state": "SUCCEEDED"}, said
        return said["result"]["data_array"]

    return run


def test_a_query_and_its_answer_are_a_row(client, external, name, table, rows):
    client.serve(name, external("gpt"), gateway={"inference_table_config": table})
    body = {"messages": [{"role": "user", "content": "hello"}], "client_request_id": "mine"}
    answer = client.query(name, body)
    (row,) = rows()
    assert json.loads(row["request"]) == body
    assert json.loads(row["response"]) == answer.json
    uuid.UUID(row["databricks_request_id"])
    assert (row["client_request_id"], row["status_code"]) == ("mine", 200)
    assert (row["served_entity_id"], row["requester"]) == ("gpt", LOCAL_USER)
    assert row["logging_error_codes"] == []


def test_sql_reads_the_rows(client, external, name, table, select):
    client.serve(name, external("gpt"), gateway={"inference_table_config": table})
    assert select("count(*)") == [["0"]]
    client.ask(name, "one")
    client.ask(name, "two")
    content = "request:messages[0].content"
    assert select(content, "AS t WHERE t.status_code = 200") == [['"one"'], ['"two"']]
    ((date, is_now, requester),) = select(
        "request_date, request_time <= now(), requester", "ORDER BY request_time LIMIT 1"
    )
    assert len(date) == len("2026-11-21")
    assert (is_now, requester) == ("true", LOCAL_USER)


def test_errors_are_rows_as_well(client, external, name, table, rows):
    limit = {"key": "endpoint", "renewal_period": "minute", "calls": 1}
    gateway = {"inference_table_config": table, "rate_limits": [limit]}
    client.serve(name, external("gpt"), gateway=gateway)
    client.fail(name, "gpt", 503, times=1)
    client.ask(name)
    client.ask(name)
    assert [row["status_code"] for row in rows()] == [503, 429]
    assert [json.loads(row["response"])["error_code"] for row in rows()] == [
        "TEMPORARILY_UNAVAILABLE",
        "REQUEST_LIMIT_EXCEEDED",
    ]


def test_a_streamed_answer_is_a_row_once_it_is_whole(client, external, name, table, rows):
    client.serve(name, external("gpt"), gateway={"inference_table_config": table})
    question = {"role": "user", "content": "hello"}
    client.query(name, {"messages": [question], "stream": True})
    (row,) = rows()
    assert "You asked: hello" in json.loads(row["response"])["choices"][0]["message"]["content"]


def test_what_is_too_large_is_left_out_and_said(client, external, name, table, rows):
    client.serve(name, external("gpt"), gateway={"inference_table_config": table})
    client.ask(name, "x" * 1_100_000)
    (row,) = rows()
    assert row["request"] is None
    assert row["logging_error_codes"] == ["MAX_REQUEST_SIZE_EXCEEDED"]


def test_without_a_table_nothing_is_kept(client, external, name, table, rows):
    off = table | {"enabled": False}
    client.serve(name, external("gpt"), gateway={"inference_table_config": off})
    client.ask(name)
    assert rows() == []


def test_the_legacy_table_of_a_custom_model(client, custom, name, table, select):
    config = {"served_entities": [custom("champion")], "auto_capture_config": table}
    assert client.post(ENDPOINTS, {"name": name, "config": config}).status == 200
    client.query(name, {"inputs": [1, 2]})
    ((request, metadata, code),) = select("request, request_metadata, status_code")
    assert json.loads(request) == {"inputs": [1, 2]}
    assert json.loads(metadata) == {
        "endpoint_name": name,
        "model_name": "ml.risk.fraud",
        "model_version": "1",
    }
    assert code == "200"
    assert select("request_metadata['model_version']") == [["1"]]


def test_a_table_needs_a_name(client):
    assert client.call("GET", "/__emulator__/payloads").status == 400
