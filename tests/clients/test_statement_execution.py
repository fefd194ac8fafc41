"""The unmodified Databricks SDK runs SQL in the local workspace."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def workspace(server, tutorial_endpoints):
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


@pytest.fixture(scope="module")
def warehouse_id(workspace):
    (warehouse,) = workspace.warehouses.list()
    assert workspace.warehouses.get(warehouse.id).name == warehouse.name
    return warehouse.id


@pytest.fixture
def execute(workspace, warehouse_id):
    def executed(statement, **given):
        return workspace.statement_execution.execute_statement(statement, warehouse_id, **given)

    return executed


def test_a_question_of_the_tutorials(execute):
    said = execute(
        'SELECT ai_query("databricks-meta-llama-3-1-70b-instruct",'
        ' "Can you explain AI in ten words?")'
    )
    assert said.status.state.value == "SUCCEEDED"
    ((answer,),) = said.result.data_array
    assert "Can you explain AI in ten words?" in answer
    (column,) = said.manifest.schema.columns
    assert column.type_name.value == "STRING"
    assert column.name == (
        "ai_query(databricks-meta-llama-3-1-70b-instruct, Can you explain AI in ten words?)"
    )


def test_a_question_to_an_endpoint_for_completions(execute):
    ask = 'SELECT ai_query("openai-completions-endpoint", "Can you explain AI in ten words?")'
    ((answer,),) = execute(ask).result.data_array
    assert "Can you explain AI in ten words?" in answer


def test_an_embedding_is_an_array(execute):
    said = execute(
        'SELECT ai_query("databricks-gte-large-en", "Can you explain AI in ten words?") v'
    )
    assert said.manifest.schema.columns[0].type_text == "ARRAY<FLOAT>"
    assert len(json.loads(said.result.data_array[0][0])) == 1024


def test_a_question_for_each_row_with_parameters_of_the_statement(execute):
    from databricks.sdk.service.sql import StatementParameterListItem

    said = execute(
        "SELECT word, ai_query('openai-completions-endpoint', concat(:ask, word)) AS answer "
        "FROM VALUES ('red'), ('blue') AS words(word) ORDER BY word LIMIT :most",
        parameters=[
            StatementParameterListItem(name="ask", value="What is "),
            StatementParameterListItem(name="most", value="1", type="INT"),
        ],
    )
    ((word, answer),) = said.result.data_array
    assert word == "blue"
    assert "What is blue" in answer


def test_a_statement_is_started_and_fetched_later(execute, workspace):
    started = execute("SELECT 1 AS one", wait_timeout="0s")
    found = workspace.statement_execution.get_statement(started.statement_id)
    while found.status.state.value in ("PENDING", "RUNNING"):
        found = workspace.statement_execution.get_statement(started.statement_id)
    assert found.result.data_array == [["1"]]
    chunk = workspace.statement_execution.get_statement_result_chunk_n(started.statement_id, 0)
    assert chunk.data_array == [["1"]]


def test_a_statement_that_fails_is_no_http_error(execute):
    said = execute("SELECT ai_query('nowhere', 'hello')")
    assert said.status.state.value == "FAILED"
    assert said.status.error.error_code.value == "BAD_REQUEST"
    assert "nowhere" in said.status.error.message


def test_a_long_statement_is_cancelled(execute, workspace):
    started = execute(
        "SELECT count(*) FROM range(100000000) a CROSS JOIN range(100000) b", wait_timeout="0s"
    )
    workspace.statement_execution.cancel_execution(started.statement_id)
    found = workspace.statement_execution.get_statement(started.statement_id)
    assert found.status.state.value == "CANCELED"
