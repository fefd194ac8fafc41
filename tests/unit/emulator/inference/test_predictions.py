"""Custom models: a prediction for each row, in each of the four forms of input."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _endpoints(client, custom):
    client.serve("fraud", custom("champion"), custom("challenger"), champion=100, challenger=0)
    client.serve("llama", custom("llama", "system.ai.meta_llama_v3_1_8b_instruct"))


INPUTS = [
    pytest.param(
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4], [5, 6]]}},
        3,
        id="a split frame",
    ),
    pytest.param({"dataframe_split": {"data": [[1], [2]]}}, 2, id="a split frame without names"),
    pytest.param({"dataframe_records": [{"a": 1}, {"a": 2}]}, 2, id="records"),
    pytest.param({"instances": [[1.5], [2.5]]}, 2, id="instances"),
    pytest.param({"inputs": [[1, 2], [3, 4]]}, 2, id="a tensor"),
    pytest.param({"inputs": {"a": [1, 2, 3], "b": [4, 5, 6]}}, 3, id="columns"),
    pytest.param({"inputs": {"a": "x"}}, 1, id="single values"),
    pytest.param({"dataframe_records": [], "params": {"k": 1}}, 0, id="no records"),
]


@pytest.mark.parametrize(("body", "count"), INPUTS)
def test_each_row_gets_a_prediction(client, body, count):
    answer = client.query("fraud", body)
    assert set(answer.json) == {"predictions"}
    assert len(answer.json["predictions"]) == count
    assert answer.headers["served-model-name"] == "champion"


def test_the_same_row_gets_the_same_prediction_from_the_same_entity(client):
    body = {"dataframe_records": [{"a": 1}, {"a": 2}, {"a": 1}]}
    first, second, third = client.query("fraud", body).json["predictions"]
    assert first == third != second
    direct = "/serving-endpoints/fraud/served-models/challenger/invocations"
    assert client.post(direct, body).json["predictions"][0] != first


WRONG = [
    pytest.param({}, "BAD_REQUEST", id="no input"),
    pytest.param({"prompt": "x"}, "BAD_REQUEST", id="a prompt"),
    pytest.param({"inputs": [1], "instances": [1]}, "BAD_REQUEST", id="two inputs"),
    pytest.param({"dataframe_split": [[1]]}, "INVALID_PARAMETER_VALUE", id="a split list"),
    pytest.param(
        {"dataframe_split": {"columns": "a", "data": [[1]]}},
        "INVALID_PARAMETER_VALUE",
        id="a column that is no list",
    ),
    pytest.param(
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}},
        "INVALID_PARAMETER_VALUE",
        id="a row that is too short",
    ),
    pytest.param({"dataframe_records": [1]}, "INVALID_PARAMETER_VALUE", id="a bare record"),
    pytest.param({"instances": {}}, "INVALID_PARAMETER_VALUE", id="instances as an object"),
    pytest.param({"inputs": []}, "INVALID_PARAMETER_VALUE", id="no inputs"),
    pytest.param(
        {"inputs": {"a": [1], "b": [1, 2]}}, "INVALID_PARAMETER_VALUE", id="uneven columns"
    ),
]


@pytest.mark.parametrize(("body", "code"), WRONG)
def test_what_is_no_input_is_refused(client, body, code):
    answer = client.query("fraud", body)
    assert (answer.status, answer.json["error_code"]) == (400, code)


def test_an_agent_is_a_custom_model_that_takes_messages(client):
    body = {"messages": [{"role": "user", "content": "hello"}]}
    answer = client.post("/serving-endpoints/chat/completions", {**body, "model": "fraud"}).json
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert client.query("fraud", body).json["choices"] == answer["choices"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
        ("completions", {"prompt": "hello"}),
    ],
)
def test_a_language_model_of_the_catalog_chats_and_completes(client, path, body):
    named = client.post(f"/serving-endpoints/{path}", {**body, "model": "llama"})
    assert named.status == 200
    assert client.query("llama", body).json["choices"] == named.json["choices"]


def test_an_embeddings_model_of_the_catalog_makes_vectors(client, custom, name):
    client.serve(name, custom("gte", "system.ai.gte_large_en_v1_5"))
    answer = client.query(name, {"input": "hello"})
    assert len(answer.json["data"][0]["embedding"]) == 1024


def test_feature_serving_answers_with_an_object_for_each_row(client):
    spec = {"entity_name": "ml.features.customer", "scale_to_zero_enabled": True}
    client.serve("features", {"name": "spec", **spec})
    rows = [{"customer": 1}, {"customer": 2}]
    answer = client.query("features", {"dataframe_records": rows})
    assert set(answer.json) == {"outputs"}
    assert [each["customer"] for each in answer.json["outputs"]] == [1, 2]
    made_up = [each["made_up_feature"] for each in answer.json["outputs"]]
    assert made_up[0] != made_up[1]
    split = {"dataframe_split": {"columns": ["customer"], "data": [[1]]}}
    assert client.query("features", split).json["outputs"]


def test_an_agent_is_asked_with_input_items(client, name, custom):
    client.serve(name, custom())
    item = {"role": "user", "content": "hello"}
    said = client.query(name, {"input": [item]}).json
    assert said["object"] == "response"
    assert "You asked: hello" in said["output"][0]["content"][0]["text"]
